//! What the requests of a cell add up to: whole numbers, so that merging gives the same in any order and grouping, and so that
//! what was stored is what was counted.

use serde::{Deserialize, Serialize};

use super::{
    fold::{Cell, Counts, METRIC_SCALE, MINUTE_METRICS, WEIGHT_SCALE},
    histogram::Histogram,
};
use crate::stats::{Bucket, Requests, Rollup, Sketch};

/// Counts and histograms: latency, ttft, tokens in, tokens out, cost, quality.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Totals {
    pub counts: Counts,
    pub histograms: [Histogram; 6],
}

impl Totals {
    pub(super) fn absorb(&mut self, counts: &Counts, histograms: &[Histogram; 6]) {
        self.counts.absorb(counts);
        for (sum, histogram) in self.histograms.iter_mut().zip(histograms) {
            sum.absorb(histogram);
        }
    }

    pub(super) fn requests(&self) -> Requests {
        let Counts {
            rows,
            weight,
            weight_squared,
            served,
            succeeded,
            provider_errors,
            caller_errors,
            unpriced,
            unseen,
            timeouts,
            retried,
        } = self.counts;
        let requests = |weights: i128| weights as f64 / WEIGHT_SCALE;
        Requests {
            rows,
            weight: requests(weight),
            weight_squared: weight_squared as f64 / (WEIGHT_SCALE * WEIGHT_SCALE),
            served: requests(served),
            succeeded: requests(succeeded),
            provider_errors: requests(provider_errors),
            caller_errors: requests(caller_errors),
            unpriced: requests(unpriced),
            unseen: requests(unseen),
            timeouts: requests(timeouts),
            retried: requests(retried),
        }
    }

    pub(super) fn sketch(&self, metric: usize) -> Sketch {
        self.histograms[metric].sketch(WEIGHT_SCALE, METRIC_SCALE[metric])
    }

    /// Weight and sum of latency, cost and quality.
    pub(super) fn buckets(&self) -> [Bucket; 3] {
        MINUTE_METRICS.map(|metric| {
            let sketch = self.sketch(metric);
            Bucket { weight: sketch.weight(), sum: sketch.sum() }
        })
    }

    /// As statistics, without time buckets.
    pub(super) fn rollup(&self) -> Rollup {
        Rollup {
            requests: self.requests(),
            latency: self.sketch(0),
            ttft: self.sketch(1),
            input_tokens: self.sketch(2),
            output_tokens: self.sketch(3),
            cost: self.sketch(4),
            quality: self.sketch(5),
            ..Rollup::default()
        }
    }

    /// Sums of weights, in the order in which they are kept.
    pub(super) fn sums(&self) -> [i128; 10] {
        let Counts {
            rows: _,
            weight,
            weight_squared,
            served,
            succeeded,
            provider_errors,
            caller_errors,
            unpriced,
            unseen,
            timeouts,
            retried,
        } = self.counts;
        [weight, weight_squared, served, succeeded, provider_errors, caller_errors, unpriced, unseen, timeouts, retried]
    }

    /// Counts from [`Self::sums`]; what was kept before the last two were counted has none of them. None where others are missing.
    pub(super) fn counts(rows: u64, kept: &[i128]) -> Option<Counts> {
        let mut sums = [0; 10];
        if kept.len() < 8 {
            return None;
        }
        for (sum, kept) in sums.iter_mut().zip(kept) {
            *sum = *kept;
        }
        let [
            weight,
            weight_squared,
            served,
            succeeded,
            provider_errors,
            caller_errors,
            unpriced,
            unseen,
            timeouts,
            retried,
        ] = sums;
        Some(Counts {
            rows,
            weight,
            weight_squared,
            served,
            succeeded,
            provider_errors,
            caller_errors,
            unpriced,
            unseen,
            timeouts,
            retried,
        })
    }

    /// The form that is kept.
    pub(super) fn stored(&self) -> StoredTotals {
        let bins = |histogram: &Histogram| {
            let bins = histogram.bins().into_iter();
            bins.map(|(bin, rows, weight, total)| (bin, rows, weight, total.to_string())).collect()
        };
        StoredTotals {
            rows: self.counts.rows,
            sums: self.sums().map(|sum| sum.to_string()).to_vec(),
            bins: std::array::from_fn(|metric| bins(&self.histograms[metric])),
        }
    }
}

impl From<Cell> for Totals {
    fn from(cell: Cell) -> Self {
        Self { counts: cell.counts, histograms: cell.histograms }
    }
}

/// One bin: number, rows, sum of weights in thousandths, weighted sum of values (µs, tokens, billionths of a US dollar,
/// millionths of a score, each times the weight in thousandths) in decimal digits, because it may pass 64 bits.
type StoredBin = (i16, u32, i64, String);

/// [`Totals`] as they are written down. Sums are of weights in thousandths: all, squared, served, succeeded, failed at the
/// provider, failed by the caller, without a known cost, without seen failures, timed out, and attempts after others. What was
/// stored before the last two were counted has none of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredTotals {
    rows: u64,
    sums: Vec<String>,
    bins: [Vec<StoredBin>; 6],
}

impl StoredTotals {
    /// What was stored; none where a number is none.
    pub(super) fn restored(&self) -> Option<Totals> {
        let sums: Option<Vec<i128>> = self.sums.iter().map(|text| text.parse().ok()).collect();
        let counts = Totals::counts(self.rows, &sums?)?;
        let mut totals = Totals { counts, ..Totals::default() };
        for (histogram, bins) in totals.histograms.iter_mut().zip(&self.bins) {
            for (bin, rows, weight, total) in bins {
                histogram.add_bin(*bin, *rows, *weight, total.parse().ok()?);
            }
        }
        Some(totals)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::sketch::bin_of;

    /// Rows of a few cells' worth, some weighted, some extreme.
    fn totals(rows: &[(i64, i64)]) -> Totals {
        let mut totals = Totals::default();
        for (value, weight) in rows {
            let wide = i128::from(*weight);
            let counts = Counts {
                rows: 1,
                weight: wide,
                weight_squared: wide * wide,
                served: wide,
                succeeded: wide,
                ..Counts::default()
            };
            let mut histograms: [Histogram; 6] = Default::default();
            for (metric, histogram) in histograms.iter_mut().enumerate() {
                let value = value >> metric;
                histogram.add(bin_of(value as f64), value, *weight);
            }
            totals.absorb(&counts, &histograms);
        }
        totals
    }

    fn merged(a: &Totals, b: &Totals) -> Totals {
        let mut sum = a.clone();
        sum.absorb(&b.counts, &b.histograms);
        sum
    }

    fn rows() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec(
            (0..2_000_000_000_000_i64, prop_oneof![3 => Just(1_000_i64), 1 => 1..1_000_000_000_i64]),
            0..80,
        )
    }

    proptest! {
        #[test]
        fn merging_is_associative_and_commutative_and_as_good_as_counting_anew(a in rows(), b in rows(), c in rows()) {
            let (x, y, z) = (totals(&a), totals(&b), totals(&c));
            let left = merged(&merged(&x, &y), &z).stored();
            prop_assert_eq!(&left, &merged(&x, &merged(&y, &z)).stored());
            prop_assert_eq!(&left, &merged(&z, &merged(&y, &x)).stored());
            prop_assert_eq!(&left, &totals(&[a, b, c].concat()).stored());
        }

        #[test]
        fn what_was_stored_is_what_was_counted(a in rows(), b in rows()) {
            let (x, y) = (totals(&a), totals(&b));
            let text = serde_json::to_string(&x.stored()).unwrap();
            let read: StoredTotals = serde_json::from_str(&text).unwrap();
            let restored = read.restored().unwrap();
            prop_assert_eq!(restored.stored(), x.stored());
            // And goes on as if it had never been away.
            prop_assert_eq!(merged(&restored, &y).stored(), merged(&x, &y).stored());
            prop_assert_eq!(merged(&y, &restored).stored(), merged(&x, &y).stored());
        }
    }

    #[test]
    fn numbers_that_are_none_are_not_restored() {
        let mut stored = totals(&[(5, 1_000)]).stored();
        stored.sums[3] = "many".to_owned();
        assert!(stored.restored().is_none());
    }
}
