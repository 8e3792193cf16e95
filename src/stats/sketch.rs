//! A mergeable summary of a positive quantity: log-spaced bins, each with its rows, weight and exact sum.
//!
//! The bins are those of DDSketch (Masson, Rim, Lee: "DDSketch: A fast and fully-mergeable quantile sketch with
//! relative-error guarantees", PVLDB 12(12), 2019, doi:10.14778/3352063.3352135): value x falls into bin
//! ⌈ln x / ln γ⌉ with γ = (1 + α) / (1 − α), so the middle of a bin is within α of everything in it. Bins add up, so a
//! sketch of a day is the sum of the sketches of its hours; the bin of a value is a `GROUP BY` key in any SQL engine.
//! Keeping each bin's exact sum costs 8 bytes and makes means exact, whatever α is.

use std::sync::Arc;

/// Relative error of every quantile read from a sketch.
pub const ALPHA: f64 = 0.01;

/// Ratio of the bounds of a bin.
pub const GAMMA: f64 = (1.0 + ALPHA) / (1.0 - ALPHA);

/// The bin of values that are exactly zero, below every other.
pub const ZERO_BIN: i16 = i16::MIN;

/// One bin of a [`Sketch`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    pub index: i16,
    /// Rows that fell into it. Half the usual width: millions of bins are alive at once.
    pub rows: u32,
    /// Requests those rows stand for (sum of 1 / sampling rate).
    pub weight: f64,
    /// Weighted sum of their values, in the unit of the quantity.
    pub sum: f64,
}

/// Bins in ascending order of value. A clone shares them: much of the evidence is the same in the window and in the lookback.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sketch {
    bins: Arc<[Bin]>,
    /// Sums over the bins. They are asked for again and again, and there are millions of bins.
    rows: u64,
    weight: f64,
    sum: f64,
}

impl Sketch {
    /// From bins in any order; bins of the same index are added up.
    #[must_use]
    pub fn from_bins(mut bins: Vec<Bin>) -> Self {
        bins.sort_by_key(|bin| bin.index);
        bins.dedup_by(|later, earlier| {
            let same = later.index == earlier.index;
            if same {
                // Saturating: four billion rows of evidence are as good as more, and never wrap round to few.
                earlier.rows = earlier.rows.saturating_add(later.rows);
                earlier.weight += later.weight;
                earlier.sum += later.sum;
            }
            same
        });
        Self::of(bins)
    }

    fn of(bins: Vec<Bin>) -> Self {
        let rows = bins.iter().map(|bin| u64::from(bin.rows)).sum();
        // Folded from plus zero: an empty sum of floats is minus zero, which prints as such.
        let (weight, sum) = bins.iter().fold((0.0, 0.0), |(weight, sum), bin| (weight + bin.weight, sum + bin.sum));
        Self { bins: bins.into(), rows, weight, sum }
    }

    /// From bins that ascend already, each index once.
    #[must_use]
    pub fn from_ascending(bins: Vec<Bin>) -> Self {
        debug_assert!(bins.is_sorted_by(|a, b| a.index < b.index), "bins ascend");
        Self::of(bins)
    }

    /// From single values of weight one. Values that are not finite or below zero are left out, as the SQL does.
    #[must_use]
    pub fn from_values(values: impl IntoIterator<Item = f64>) -> Self {
        let bins = values
            .into_iter()
            .filter(|value| *value >= 0.0 && value.is_finite())
            .map(|value| Bin { index: bin_of(value), rows: 1, weight: 1.0, sum: value })
            .collect();
        Self::from_bins(bins)
    }

    #[must_use]
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// The sketch of both samples together.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        Self::from_bins(self.bins.iter().chain(&*other.bins).copied().collect())
    }

    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Weighted sum of all values, exact.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Weighted mean, exact. `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let weight = self.weight();
        (weight > 0.0).then(|| self.sum() / weight)
    }

    /// Weighted population variance. The spread inside a bin is left out: it is below (α · mean)² of the bin.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares: f64 = self.bins.iter().map(|bin| bin.weight * (bin.sum / bin.weight - mean).powi(2)).sum();
        Some(squares / self.weight())
    }

    /// The value below which a share `q` of the weight lies, `0 ≤ q ≤ 1`, within α of the exact one. `None` without
    /// values.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let target = q.clamp(0.0, 1.0) * self.weight();
        let mut seen = 0.0;
        for bin in &*self.bins {
            seen += bin.weight;
            if seen >= target {
                return Some(middle_of(bin.index));
            }
        }
        self.bins.last().map(|bin| middle_of(bin.index))
    }

    /// Share of the weight in bins whose middle lies at `limit` or above, `0..=1`; zero without values.
    #[must_use]
    pub fn share_above(&self, limit: f64) -> f64 {
        let above = self.bins.iter().filter(|bin| middle_of(bin.index) >= limit).fold(0.0, |sum, bin| sum + bin.weight);
        if above > 0.0 { above / self.weight() } else { 0.0 }
    }

    /// The mean if no value could be larger than `limit`. `None` without values.
    #[must_use]
    pub fn mean_capped(&self, limit: f64) -> Option<f64> {
        let weight = self.weight();
        let capped = self.bins.iter().fold(0.0, |sum, bin| sum + bin.sum.min(limit * bin.weight));
        (weight > 0.0).then(|| capped / weight)
    }
}

/// The bin of `value ≥ 0`.
#[must_use]
pub fn bin_of(value: f64) -> i16 {
    if value > 0.0 { (value.ln() / GAMMA.ln()).ceil() as i16 } else { ZERO_BIN }
}

/// The value that stands for a bin: its middle in relative terms, 2γⁱ / (γ + 1).
#[must_use]
pub fn middle_of(index: i16) -> f64 {
    if index == ZERO_BIN { 0.0 } else { 2.0 * GAMMA.powi(i32::from(index)) / (GAMMA + 1.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact_quantile(values: &[f64], q: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = (q * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted[rank - 1]
    }

    #[test]
    fn edges() {
        let empty = Sketch::default();
        assert_eq!((empty.mean(), empty.variance(), empty.quantile(0.5)), (None, None, None));
        let zeros = Sketch::from_values([0.0, 0.0, f64::NAN, -1.0, f64::INFINITY]);
        assert_eq!((zeros.rows(), zeros.mean(), zeros.quantile(0.95)), (2, Some(0.0), Some(0.0)));
        let one = Sketch::from_values([7.0]);
        assert!((one.quantile(0.0).unwrap() / 7.0 - 1.0).abs() <= ALPHA);
        assert_eq!(one.mean(), Some(7.0));
    }

    #[test]
    fn binary_scores_keep_their_exact_mean_and_variance() {
        let sketch = Sketch::from_values((0..100).map(|i| f64::from(i32::from(i % 4 != 0))));
        assert!((sketch.mean().unwrap() - 0.75).abs() < 1e-12);
        assert!((sketch.variance().unwrap() - 0.1875).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn quantiles_are_within_alpha_of_exact(
            values in prop::collection::vec(prop_oneof![1 => Just(0.0), 9 => 1e-9..1e9f64], 1..300),
            q in 0.0..=1.0f64,
        ) {
            let sketch = Sketch::from_values(values.iter().copied());
            let exact = exact_quantile(&values, q);
            let got = sketch.quantile(q).unwrap();
            prop_assert!((got - exact).abs() <= ALPHA * exact * (1.0 + 1e-9), "{got} for {exact}");
        }

        #[test]
        fn merging_is_recomputing(a in prop::collection::vec(0.0..1e6f64, 0..50), b in prop::collection::vec(0.0..1e6f64, 0..50)) {
            let (left, right) = (Sketch::from_values(a.iter().copied()), Sketch::from_values(b.iter().copied()));
            let whole = Sketch::from_values(a.iter().chain(&b).copied());
            let merged = left.merged(&right);
            prop_assert_eq!(merged.rows(), whole.rows());
            prop_assert!((merged.sum() - whole.sum()).abs() <= 1e-9 * whole.sum().max(1.0));
            for q in [0.0, 0.5, 0.95, 1.0] {
                prop_assert_eq!(merged.quantile(q), whole.quantile(q));
                prop_assert_eq!(right.merged(&left).quantile(q), whole.quantile(q));
            }
        }
    }
}
