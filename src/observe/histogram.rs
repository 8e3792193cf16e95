//! A sketch while it is being filled: whole numbers at fixed places, so that adding is two array accesses and the sums are
//! the same whatever the order of the rows.

use std::collections::BTreeMap;

use crate::stats::{
    Sketch,
    sketch::{Bin, ZERO_BIN},
};

/// `weight_milli` of a row that stands for itself alone.
pub(super) const UNIT: i64 = 1_000;

/// Room is made for this many bins at a time.
const STEP: i32 = 16;

/// As many rows are kept one by one before they get places: in cells of few rows the places would be nearly all empty.
const FEW: usize = 48;

/// Rows and weighted sum of one bin, side by side: a row costs one look at memory, and memory is what a fold waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, packed(4))]
struct Slot {
    rows: u32,
    total: i64,
}

impl Slot {
    #[inline]
    fn add_rows(&mut self, rows: u32) {
        self.rows = self.rows.saturating_add(rows);
    }

    /// Whether it still fits.
    #[inline]
    fn add_total(&mut self, total: i64) -> bool {
        let sum = { self.total }.checked_add(total);
        self.total = sum.unwrap_or(self.total);
        sum.is_some()
    }
}

/// A row of weight [`UNIT`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, packed(2))]
struct Single {
    bin: i16,
    value: i64,
}

/// Rows, weights and weighted sums by bin, over the range of bins that occur.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Histogram {
    /// Rows that have no place yet; empty as soon as there are places.
    few: Vec<Single>,
    slots: Vec<Slot>,
    /// Bin of the first slot, a multiple of [`STEP`].
    first: i32,
    zero_rows: u32,
    rare: Option<Box<Rare>>,
}

/// What nearly no histogram needs.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rare {
    /// Sums of `weight_milli` by slot, because one row weighs something else than [`UNIT`].
    weights: Vec<i64>,
    zero_weight: i64,
    /// What went beyond an `i64`, by bin: a heavily weighted row of extreme cost can.
    beyond: BTreeMap<i32, i128>,
}

impl Histogram {
    /// Adds one row, whose bin is known.
    #[inline]
    pub(super) fn add(&mut self, bin: i16, value: i64, weight: i64) {
        let place = (i32::from(bin) - self.first) as usize;
        if weight == UNIT
            && self.rare.is_none()
            && let Some(slot) = self.slots.get_mut(place)
            && let Some(total) = value.checked_mul(UNIT).and_then(|total| { slot.total }.checked_add(total))
        {
            slot.add_rows(1);
            slot.total = total;
        } else {
            self.add_elsewhere(bin, value, weight);
        }
    }

    #[inline(never)]
    fn add_elsewhere(&mut self, bin: i16, value: i64, weight: i64) {
        if weight != UNIT {
            self.tell_weights();
        }
        if bin == ZERO_BIN {
            self.zero_rows = self.zero_rows.saturating_add(1);
            if let Some(rare) = &mut self.rare {
                rare.zero_weight += weight;
            }
            return;
        }
        if self.slots.is_empty() && self.rare.is_none() {
            self.few.push(Single { bin, value });
            if self.few.len() >= FEW {
                self.give_places();
            }
            return;
        }
        let bin = i32::from(bin);
        self.make_room(bin, bin);
        let place = (bin - self.first) as usize;
        self.slots[place].add_rows(1);
        if let Some(sum) = self.rare.as_mut().and_then(|rare| rare.weights.get_mut(place)) {
            *sum += weight;
        }
        if !value.checked_mul(weight).is_some_and(|total| self.slots[place].add_total(total)) {
            self.add_beyond(bin, i128::from(value) * i128::from(weight));
        }
    }

    /// Adds all rows of another.
    pub(super) fn absorb(&mut self, other: &Self) {
        if other.rare.is_some() {
            self.tell_weights();
        }
        self.zero_rows = self.zero_rows.saturating_add(other.zero_rows);
        if let Some(rare) = &mut self.rare {
            rare.zero_weight += other.zero_weight();
        }
        for single in &other.few {
            self.add(single.bin, single.value, UNIT);
        }
        if other.slots.is_empty() {
            return;
        }
        self.give_places();
        self.make_room(other.first, other.first + length(&other.slots) - 1);
        let offset = (other.first - self.first) as usize;
        for (place, slot) in other.slots.iter().enumerate().filter(|(_, slot)| slot.rows > 0) {
            let here = place + offset;
            self.slots[here].add_rows(slot.rows);
            if let Some(sum) = self.rare.as_mut().and_then(|rare| rare.weights.get_mut(here)) {
                *sum += other.weight(place);
            }
            if !self.slots[here].add_total(slot.total) {
                self.add_beyond(other.bin(place), i128::from(slot.total));
            }
        }
        for (bin, total) in other.rare.iter().flat_map(|rare| &rare.beyond) {
            self.add_beyond(*bin, *total);
        }
    }

    /// Adds a bin as [`Self::bins`] gave it.
    pub(super) fn add_bin(&mut self, bin: i16, rows: u32, weight: i64, total: i128) {
        if weight != i64::from(rows) * UNIT {
            self.tell_weights();
        }
        if bin == ZERO_BIN {
            self.zero_rows = self.zero_rows.saturating_add(rows);
            if let Some(rare) = &mut self.rare {
                rare.zero_weight += weight;
            }
            return;
        }
        self.give_places();
        let bin = i32::from(bin);
        self.make_room(bin, bin);
        let place = (bin - self.first) as usize;
        self.slots[place].add_rows(rows);
        if let Some(sum) = self.rare.as_mut().and_then(|rare| rare.weights.get_mut(place)) {
            *sum += weight;
        }
        if !i64::try_from(total).is_ok_and(|total| self.slots[place].add_total(total)) {
            self.add_beyond(bin, total);
        }
    }

    /// Rows that have a place in a bin.
    #[inline]
    pub(super) fn rows_in(&self, bin: i16) -> u32 {
        self.slots.get((i32::from(bin) - self.first) as usize).map_or(0, |slot| slot.rows)
    }

    /// Looks at every place, in a loop so short that the processor asks for many at once; whoever then adds rows finds them at hand.
    pub(super) fn fetch(&self) {
        /// As many places lie within what is fetched at a time.
        const AT_ONCE: usize = 5;
        std::hint::black_box(self.slots.iter().step_by(AT_ONCE).fold(0_u32, |sum, slot| sum ^ slot.rows));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.zero_rows == 0 && self.slots.is_empty() && self.few.is_empty()
    }

    /// The bins that hold anything, ascending: bin, rows, sum of `weight_milli`, weighted sum.
    pub(super) fn bins(&self) -> Vec<(i16, u32, i64, i128)> {
        let mut bins = Vec::with_capacity(1 + self.few.len() + self.slots.iter().filter(|slot| slot.rows > 0).count());
        if self.zero_rows > 0 {
            bins.push((ZERO_BIN, self.zero_rows, self.zero_weight(), 0));
        }
        let mut few = self.few.clone();
        few.sort_unstable_by_key(|single| single.bin);
        for same in few.chunk_by(|a, b| { a.bin } == { b.bin }) {
            let rows = same.len() as u32;
            let total: i128 = same.iter().map(|single| i128::from(single.value)).sum();
            bins.push((same[0].bin, rows, i64::from(rows) * UNIT, total * i128::from(UNIT)));
        }
        let beyond = self.rare.as_ref().map(|rare| &rare.beyond).filter(|beyond| !beyond.is_empty());
        for (place, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.rows > 0) {
            let bin = self.bin(place);
            let beyond = beyond.and_then(|beyond| beyond.get(&bin)).copied().unwrap_or(0);
            bins.push((bin as i16, slot.rows, self.weight(place), i128::from(slot.total) + beyond));
        }
        bins
    }

    /// The finished sketch; `weight_scale` and `scale` bring weights and values back to their units.
    pub(super) fn sketch(&self, weight_scale: f64, scale: f64) -> Sketch {
        let bin = |(index, rows, weight, total)| Bin {
            index,
            rows,
            weight: weight as f64 / weight_scale,
            sum: total as f64 / (weight_scale * scale),
        };
        Sketch::from_ascending(self.bins().into_iter().map(bin).collect())
    }

    fn bin(&self, place: usize) -> i32 {
        self.first + i32::try_from(place).expect("bins fit 16 bits")
    }

    fn weight(&self, place: usize) -> i64 {
        let told = self.rare.as_ref().and_then(|rare| rare.weights.get(place));
        told.copied().unwrap_or(i64::from(self.slots[place].rows) * UNIT)
    }

    fn zero_weight(&self) -> i64 {
        self.rare.as_ref().map_or(i64::from(self.zero_rows) * UNIT, |rare| rare.zero_weight)
    }

    fn add_beyond(&mut self, bin: i32, total: i128) {
        self.tell_weights();
        if let Some(rare) = &mut self.rare {
            *rare.beyond.entry(bin).or_default() += total;
        }
    }

    /// From here on weights are kept, because one differs.
    fn tell_weights(&mut self) {
        if self.rare.is_none() {
            self.give_places();
            self.rare = Some(Box::new(Rare {
                weights: self.slots.iter().map(|slot| i64::from(slot.rows) * UNIT).collect(),
                zero_weight: i64::from(self.zero_rows) * UNIT,
                beyond: BTreeMap::new(),
            }));
        }
    }

    /// From here on every row has a place.
    fn give_places(&mut self) {
        let few = std::mem::take(&mut self.few);
        let bins = || few.iter().map(|single| i32::from(single.bin));
        let (Some(low), Some(high)) = (bins().min(), bins().max()) else { return };
        self.make_room(low, high);
        for single in few {
            self.add(single.bin, single.value, UNIT);
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
        if let Some(rare) = &mut self.rare {
            move_into(&mut rare.weights, before, length);
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
        let (_, rows, weight, total) = twice.bins()[0];
        assert_eq!((rows, weight, total), (6, 6_000_000_000, 6 * 10_i128.pow(24)));
    }

    proptest! {
        #[test]
        fn order_and_grouping_do_not_matter(
            values in prop::collection::vec((0..2_000_000_000_000i64, prop_oneof![Just(1_000i64), 1..9_000_000i64]), 0..160),
            cut in 0..160usize,
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
            let all = filled(&values).bins();
            let right = backwards.clone();
            backwards.absorb(&forwards);
            forwards.absorb(&right);
            prop_assert_eq!(forwards.bins(), all.clone());
            prop_assert_eq!(backwards.bins(), all.clone());
            let weight: i64 = all.iter().map(|bin| bin.2).sum();
            prop_assert_eq!(weight, values.iter().map(|value| value.1).sum::<i64>());
        }
    }
}
