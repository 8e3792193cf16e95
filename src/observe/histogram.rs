//! A sketch while it is being filled: whole numbers at fixed places, so that adding is two array accesses and the sums are
//! the same whatever the order of the rows.

use std::collections::BTreeMap;

use crate::stats::{
    Sketch,
    sketch::{Bin, ZERO_BIN, bin_of},
};

/// `weight_milli` of a row that stands for itself alone.
const UNIT: i64 = 1_000;

/// Room is made for this many bins at a time.
const STEP: i32 = 16;

/// Rows, weights and weighted sums by bin, over the range of bins that occur.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Histogram {
    zero_rows: u32,
    zero_weight: i64,
    /// Bin of the first element of the three lists, a multiple of [`STEP`].
    first: i32,
    rows: Vec<u32>,
    totals: Vec<i64>,
    /// Sums of `weight_milli`. Empty as long as every row weighs [`UNIT`], which is nearly always and saves a third.
    weights: Vec<i64>,
    /// What went beyond an `i64`, by bin: a heavily weighted row of extreme cost can.
    beyond: BTreeMap<i32, i128>,
}

impl Histogram {
    /// Adds one row; `scale` brings its whole number to the unit that bins are told in.
    pub(super) fn add(&mut self, value: i64, scale: f64, weight: i64) {
        if value <= 0 {
            self.zero_rows += 1;
            self.zero_weight += weight;
            return;
        }
        let bin = i32::from(bin_of(value as f64 / scale));
        self.make_room(bin, bin);
        let place = (bin - self.first) as usize;
        self.rows[place] = self.rows[place].checked_add(1).expect("fewer than four billion rows share a bin");
        if weight != UNIT {
            self.tell_weights();
        }
        if let Some(sum) = self.weights.get_mut(place) {
            *sum += weight;
        }
        match value.checked_mul(weight).and_then(|total| self.totals[place].checked_add(total)) {
            Some(total) => self.totals[place] = total,
            None => *self.beyond.entry(bin).or_default() += i128::from(value) * i128::from(weight),
        }
    }

    /// Adds all rows of another.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.zero_rows += other.zero_rows;
        self.zero_weight += other.zero_weight;
        for (bin, total) in &other.beyond {
            *self.beyond.entry(*bin).or_default() += total;
        }
        if other.rows.is_empty() {
            return;
        }
        self.make_room(other.first, other.first + other.rows.len() as i32 - 1);
        if !other.weights.is_empty() {
            self.tell_weights();
        }
        let offset = (other.first - self.first) as usize;
        for (place, rows) in other.rows.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            let here = place + offset;
            self.rows[here] = self.rows[here].checked_add(*rows).expect("fewer than four billion rows share a bin");
            if let Some(sum) = self.weights.get_mut(here) {
                *sum += other.weight(place);
            }
            match self.totals[here].checked_add(other.totals[place]) {
                Some(total) => self.totals[here] = total,
                None => *self.beyond.entry(self.first + here as i32).or_default() += i128::from(other.totals[place]),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.zero_rows == 0 && self.rows.is_empty()
    }

    /// The bins that hold anything, ascending: bin, rows, sum of `weight_milli`, weighted sum.
    pub(super) fn bins(&self) -> impl Iterator<Item = (i16, u64, i64, i128)> {
        let zeros = (self.zero_rows > 0).then(|| (ZERO_BIN, u64::from(self.zero_rows), self.zero_weight, 0));
        let others = self.rows.iter().enumerate().filter(|(_, rows)| **rows > 0).map(|(place, rows)| {
            let bin = self.first + place as i32;
            let beyond = self.beyond.get(&bin).copied().unwrap_or(0);
            (bin as i16, u64::from(*rows), self.weight(place), i128::from(self.totals[place]) + beyond)
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

    fn weight(&self, place: usize) -> i64 {
        self.weights.get(place).copied().unwrap_or(i64::from(self.rows[place]) * UNIT)
    }

    /// From here on weights are kept, because one differs.
    fn tell_weights(&mut self) {
        if self.weights.is_empty() {
            self.weights = self.rows.iter().map(|rows| i64::from(*rows) * UNIT).collect();
        }
    }

    /// Makes the lists hold bins `low..=high`.
    fn make_room(&mut self, low: i32, high: i32) {
        let end = self.first + self.rows.len() as i32;
        if low >= self.first && high < end {
            return;
        }
        let floor = |bin: i32| bin.div_euclid(STEP) * STEP;
        let (first, end) = if self.rows.is_empty() {
            (floor(low), floor(high) + STEP)
        } else {
            (self.first.min(floor(low)), end.max(floor(high) + STEP))
        };
        let (before, length) = ((self.first - first) as usize, (end - first) as usize);
        let before = if self.rows.is_empty() { 0 } else { before };
        move_into(&mut self.rows, before, length);
        move_into(&mut self.totals, before, length);
        if !self.weights.is_empty() {
            move_into(&mut self.weights, before, length);
        }
        self.first = first;
    }
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

    #[test]
    fn sums_beyond_64_bits_are_exact() {
        let mut histogram = Histogram::default();
        for _ in 0..3 {
            histogram.add(1_000_000_000_000_000, 1e9, 1_000_000_000);
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
                values.iter().for_each(|(value, weight)| histogram.add(*value, 1e3, *weight));
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
