//! A sketch while it is being filled: whole numbers at fixed places, so that adding is two array accesses and the sums are
//! the same whatever the order of the rows.

use std::collections::BTreeMap;

use crate::stats::{
    Sketch,
    sketch::{Bin, ZERO_BIN},
};

/// `weight_milli` of a row that stands for itself alone.
const UNIT: i64 = 1_000;

/// Room is made for this many bins at a time.
const STEP: i32 = 16;

/// Rows and weighted sum of one bin, side by side: a row costs one look at memory, and memory is what a fold waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, packed(4))]
struct Slot {
    rows: u32,
    total: i64,
}

impl Slot {
    fn add_rows(&mut self, rows: u32) {
        self.rows = self.rows.saturating_add(rows);
    }

    /// Whether it still fits.
    fn add_total(&mut self, total: i64) -> bool {
        let sum = { self.total }.checked_add(total);
        self.total = sum.unwrap_or(self.total);
        sum.is_some()
    }
}

/// Rows, weights and weighted sums by bin, over the range of bins that occur.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Histogram {
    zero_rows: u32,
    zero_weight: i64,
    /// Bin of the first element of both lists, a multiple of [`STEP`].
    first: i32,
    slots: Vec<Slot>,
    /// Sums of `weight_milli`. Empty as long as every row weighs [`UNIT`], which is nearly always and saves a third.
    weights: Vec<i64>,
    /// What went beyond an `i64`, by bin: a heavily weighted row of extreme cost can.
    beyond: BTreeMap<i32, i128>,
}

impl Histogram {
    /// Adds one row, whose bin is known.
    pub(super) fn add(&mut self, bin: i16, value: i64, weight: i64) {
        if bin == ZERO_BIN {
            self.zero_rows = self.zero_rows.saturating_add(1);
            self.zero_weight += weight;
            return;
        }
        let bin = i32::from(bin);
        self.make_room(bin, bin);
        if weight != UNIT {
            self.tell_weights();
        }
        let place = (bin - self.first) as usize;
        self.slots[place].add_rows(1);
        if let Some(sum) = self.weights.get_mut(place) {
            *sum += weight;
        }
        if !value.checked_mul(weight).is_some_and(|total| self.slots[place].add_total(total)) {
            *self.beyond.entry(bin).or_default() += i128::from(value) * i128::from(weight);
        }
    }

    /// Adds all rows of another.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.zero_rows = self.zero_rows.saturating_add(other.zero_rows);
        self.zero_weight += other.zero_weight;
        for (bin, total) in &other.beyond {
            *self.beyond.entry(*bin).or_default() += total;
        }
        if other.slots.is_empty() {
            return;
        }
        self.make_room(other.first, other.first + length(&other.slots) - 1);
        if !other.weights.is_empty() {
            self.tell_weights();
        }
        let offset = (other.first - self.first) as usize;
        for (place, slot) in other.slots.iter().enumerate().filter(|(_, slot)| slot.rows > 0) {
            let here = place + offset;
            self.slots[here].add_rows(slot.rows);
            if let Some(sum) = self.weights.get_mut(here) {
                *sum += other.weight(place);
            }
            if !self.slots[here].add_total(slot.total) {
                *self.beyond.entry(other.bin(place)).or_default() += i128::from(slot.total);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.zero_rows == 0 && self.slots.is_empty()
    }

    /// The bins that hold anything, ascending: bin, rows, sum of `weight_milli`, weighted sum.
    pub(super) fn bins(&self) -> impl Iterator<Item = (i16, u32, i64, i128)> {
        let zeros = (self.zero_rows > 0).then_some((ZERO_BIN, self.zero_rows, self.zero_weight, 0));
        let others = self.slots.iter().enumerate().filter(|(_, slot)| slot.rows > 0).map(|(place, slot)| {
            let bin = self.bin(place);
            let beyond = self.beyond.get(&bin).copied().unwrap_or(0);
            (bin as i16, slot.rows, self.weight(place), i128::from(slot.total) + beyond)
        });
        zeros.into_iter().chain(others)
    }

    /// The finished sketch; `weight_scale` and `scale` bring weights and values back to their units.
    pub(super) fn sketch(&self, weight_scale: f64, scale: f64) -> Sketch {
        let bin = |(index, rows, weight, total)| Bin {
            index,
            rows,
            weight: weight as f64 / weight_scale,
            sum: total as f64 / (weight_scale * scale),
        };
        Sketch::from_ascending(self.bins().map(bin).collect())
    }

    fn bin(&self, place: usize) -> i32 {
        self.first + i32::try_from(place).expect("bins fit 16 bits")
    }

    fn weight(&self, place: usize) -> i64 {
        self.weights.get(place).copied().unwrap_or(i64::from(self.slots[place].rows) * UNIT)
    }

    /// From here on weights are kept, because one differs.
    fn tell_weights(&mut self) {
        if self.weights.is_empty() {
            self.weights = self.slots.iter().map(|slot| i64::from(slot.rows) * UNIT).collect();
        }
    }

    /// Makes the lists hold bins `low..=high`.
    fn make_room(&mut self, low: i32, high: i32) {
        let end = self.first + length(&self.slots);
        if low >= self.first && high < end {
            return;
        }
        let floor = |bin: i32| bin.div_euclid(STEP) * STEP;
        let (first, end) = if self.slots.is_empty() {
            (floor(low), floor(high) + STEP)
        } else {
            (self.first.min(floor(low)), end.max(floor(high) + STEP))
        };
        let (before, length) = ((self.first - first) as usize, (end - first) as usize);
        let before = if self.slots.is_empty() { 0 } else { before };
        move_into(&mut self.slots, before, length);
        if !self.weights.is_empty() {
            move_into(&mut self.weights, before, length);
        }
        self.first = first;
    }
}

fn length(slots: &[Slot]) -> i32 {
    i32::try_from(slots.len()).expect("bins fit 16 bits")
}

/// Exactly as large as asked for: thousands of these lists are alive at once, and room to spare would be most of them.
fn move_into<T: Copy + Default>(list: &mut Vec<T>, before: usize, length: usize) {
    let mut larger = vec![T::default(); length];
    larger[before..before + list.len()].copy_from_slice(list);
    *list = larger;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::sketch::bin_of;

    #[test]
    fn sums_beyond_64_bits_are_exact() {
        let mut histogram = Histogram::default();
        for _ in 0..3 {
            histogram.add(690, 1_000_000_000_000_000, 1_000_000_000);
        }
        let mut twice = histogram.clone();
        twice.absorb(&histogram);
        let (_, rows, weight, total) = twice.bins().next().unwrap();
        assert_eq!((rows, weight, total), (6, 6_000_000_000, 6 * 10_i128.pow(24)));
    }

    proptest! {
        #[test]
        fn order_and_grouping_do_not_matter(
            values in prop::collection::vec((0..2_000_000_000_000i64, prop_oneof![Just(1_000i64), 1..9_000_000i64]), 0..60),
            cut in 0..60usize,
        ) {
            let filled = |values: &[(i64, i64)]| {
                let mut histogram = Histogram::default();
                for (value, weight) in values {
                    histogram.add(bin_of(*value as f64), *value, *weight);
                }
                histogram
            };
            let (left, right) = values.split_at(cut.min(values.len()));
            let (mut forwards, mut backwards) = (filled(left), filled(right));
            let all: Vec<_> = filled(&values).bins().collect();
            let right = backwards.clone();
            backwards.absorb(&forwards);
            forwards.absorb(&right);
            prop_assert_eq!(forwards.bins().collect::<Vec<_>>(), all.clone());
            prop_assert_eq!(backwards.bins().collect::<Vec<_>>(), all.clone());
            let weight: i64 = all.iter().map(|bin| bin.2).sum();
            prop_assert_eq!(weight, values.iter().map(|value| value.1).sum::<i64>());
        }
    }
}
