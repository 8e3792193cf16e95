//! The population stability index: Σ (a − e) ln(a / e) over the shares of bins. A symmetric Kullback–Leibler divergence.
//!
//! Its usual bands (below 0.1 stable, above 0.25 large) are a convention, not a test: without any change its mean is about
//! (B − 1)(1/n + 1/m), which alone passes 0.1 for 10 bins and 180 values a side (Yurdakul, "Statistical
//! properties of population stability index", Western Michigan University, 2018, scholarworks.wmich.edu/dissertations/3208).
//! So every index here comes with that mean and with a p-value.

use super::{descriptive, hypothesis::Binned, tails::chi_squared};

/// What an empty bin counts as; the logarithm of nothing is infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EmptyBins {
    /// There is no index then.
    Refuse,
    /// No share is below this one; the shares are not renormalized.
    Floor(f64),
    /// So many counts are added to every bin of both sides.
    Add(f64),
}

/// The index of two sides in bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stability {
    pub index: f64,
    pub bins: usize,
    /// What the index would be on average without any change.
    pub without_change: f64,
    /// Chance of an index at least as large without any change: index / (1/n + 1/m) is then chi-square with B − 1 degrees of
    /// freedom for many values. 1 with a single bin.
    pub p_value: f64,
}

/// The index of counts per bin. `None` when the numbers of bins differ, a side has no counts, a count is negative or not
/// finite, or a bin is empty and that is refused.
#[must_use]
pub fn index(expected: &[f64], actual: &[f64], empty: EmptyBins) -> Option<f64> {
    let valid = |counts: &[f64]| counts.iter().all(|count| *count >= 0.0 && count.is_finite());
    if expected.len() != actual.len() || !valid(expected) || !valid(actual) {
        return None;
    }
    let added = if let EmptyBins::Add(count) = empty { count } else { 0.0 };
    let total = |counts: &[f64]| counts.iter().sum::<f64>() + added * counts.len() as f64;
    let (expected_total, actual_total) = (total(expected), total(actual));
    if expected_total <= 0.0 || actual_total <= 0.0 {
        return None;
    }
    let mut index = 0.0;
    for (e, a) in expected.iter().zip(actual) {
        let (mut e, mut a) = ((e + added) / expected_total, (a + added) / actual_total);
        if let EmptyBins::Floor(least) = empty {
            (e, a) = (e.max(least), a.max(least));
        }
        if e == 0.0 && a == 0.0 && empty != EmptyBins::Refuse {
            continue;
        }
        if e <= 0.0 || a <= 0.0 {
            return None;
        }
        index += (a - e) * (a / e).ln();
    }
    index.is_finite().then_some(index)
}

/// Inner bounds of at most `bins` bins of equal share of `reference`: its R-7 quantiles, each once. The outer bins are open.
/// `None` without values or with one that is not finite.
#[must_use]
pub fn quantile_bounds(reference: &[f64], bins: usize) -> Option<Vec<f64>> {
    let mut sorted = reference.to_vec();
    if sorted.is_empty() || sorted.iter().any(|value| !value.is_finite()) {
        return None;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let mut bounds = Vec::new();
    for i in 1..bins {
        bounds.push(descriptive::sorted_quantile(&sorted, i as f64 / bins as f64)?);
    }
    bounds.dedup_by(|a, b| (*a - *b).abs() == 0.0);
    Some(bounds)
}

/// Counts per bin; a value on a bound belongs to the bin below it.
#[must_use]
pub fn counts(values: &[f64], bounds: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; bounds.len() + 1];
    for value in values {
        counts[bounds.partition_point(|bound| bound < value)] += 1.0;
    }
    counts
}

/// The index of the second side against the first, in at most `bins` bins of about equal share of the first. Sketch bins are
/// merged upwards until a bin holds its share, so where one of them is coarser than a quantile the index has fewer bins.
/// Counts are effective ones. `None` as for [`index()`].
#[must_use]
pub fn between(sides: &Binned, bins: usize, empty: EmptyBins) -> Option<Stability> {
    let mut groups: Vec<[f64; 2]> = vec![[0.0; 2]];
    let (mut below, mut next) = (0.0, 1.0);
    for [e, a] in sides.shares() {
        // A bound is passed only when something of the first side lies above it.
        if below >= next / bins as f64 - 1e-12 && *e > 0.0 && below < 1.0 - 1e-12 {
            groups.push([0.0; 2]);
            next = (below * bins as f64 + 1e-9).floor() + 1.0;
        }
        let group = groups.last_mut()?;
        group[0] += e * sides.n;
        group[1] += a * sides.m;
        below += e;
    }
    let side = |i: usize| groups.iter().map(|group| group[i]).collect::<Vec<f64>>();
    let index = index(&side(0), &side(1), empty)?;
    let (scale, freedom) = (1.0 / sides.n + 1.0 / sides.m, groups.len() as f64 - 1.0);
    let p_value = chi_squared::upper_tail(index / scale, freedom).unwrap_or(1.0);
    Some(Stability { index, bins: groups.len(), without_change: freedom * scale, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Sketch;

    #[test]
    fn by_hand() {
        // 50/50 to 60/40: 0.1 ln 1.2 − 0.1 ln 0.8.
        let want = 0.1 * (1.2_f64 / 0.8).ln();
        assert!((index(&[50.0, 50.0], &[60.0, 40.0], EmptyBins::Refuse).unwrap() - want).abs() < 1e-15);
    }

    #[test]
    fn edges() {
        assert_eq!(index(&[1.0], &[1.0, 2.0], EmptyBins::Add(0.5)), None);
        assert_eq!(index(&[0.0], &[1.0], EmptyBins::Refuse), None);
        assert_eq!(index(&[f64::NAN], &[1.0], EmptyBins::Add(0.5)), None);
        assert_eq!(index(&[1.0, 0.0], &[1.0, 1.0], EmptyBins::Refuse), None);
        assert!(index(&[1.0, 0.0], &[0.0, 1.0], EmptyBins::Floor(1e-4)).unwrap() > 18.0);
        let constant = Sketch::from_values([3.0; 50]);
        let same =
            between(&Binned::of_sketches(&constant, &constant, [50.0; 2]).unwrap(), 10, EmptyBins::Add(0.5)).unwrap();
        assert!(same.bins == 1 && same.index.abs() < 1e-15 && (same.p_value - 1.0).abs() < 1e-15, "{same:?}");
    }

    #[test]
    fn coarse_sketches_merge_and_new_values_are_seen() {
        let before = Sketch::from_values((0..1000).map(|i| f64::from(i % 3)));
        let after = Sketch::from_values((0..1000).map(|i| f64::from(i % 4)));
        let sides = Binned::of_sketches(&before, &after, [1000.0; 2]).unwrap();
        let found = between(&sides, 10, EmptyBins::Add(0.5)).unwrap();
        assert!(found.bins == 3 && found.index > 0.05 && found.p_value < 1e-6, "{found:?}");
        let fine = Sketch::from_values((0..5000).map(|i| 100.0 + f64::from(i)));
        let sides = Binned::of_sketches(&fine, &fine, [5000.0; 2]).unwrap();
        let same = between(&sides, 10, EmptyBins::Add(0.5)).unwrap();
        assert!(same.bins == 10 && same.index.abs() < 1e-12, "{same:?}");
    }
}
