//! A cell that comes in parts: from slices of a table, and from spellings of one name.

use std::collections::BTreeMap;

use super::{
    fold::{Cell, CellKey, Counts, Minute},
    histogram::Histogram,
};

/// The parts, added up.
#[derive(Default)]
pub(super) struct Summed {
    pub counts: Counts,
    pub histograms: [Histogram; 6],
    /// By minute since 1970: weighted sums and weights of latency, cost and quality.
    pub minutes: BTreeMap<i64, ([i128; 3], [i64; 3])>,
}

impl Summed {
    /// Adds all rows of another.
    #[cfg(feature = "spark")]
    pub(super) fn absorb(&mut self, other: Self) {
        self.counts.absorb(&other.counts);
        for (histogram, other) in self.histograms.iter_mut().zip(&other.histograms) {
            histogram.absorb(other);
        }
        for (at, (totals, weights)) in other.minutes {
            let (all_totals, all_weights) = self.minutes.entry(at).or_default();
            for metric in 0..3 {
                all_totals[metric] += totals[metric];
                all_weights[metric] += weights[metric];
            }
        }
    }

    pub(super) fn cell(self, key: CellKey) -> Cell {
        let minutes = self.minutes.into_iter().map(|(at, (totals, weights))| Minute { at, totals, weights });
        Cell::ready(key, self.counts, self.histograms, minutes.collect())
    }
}
