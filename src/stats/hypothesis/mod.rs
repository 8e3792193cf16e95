//! Tests of one hypothesis each, on raw samples, on summaries and on sketches.
//!
//! Every test is total: it returns a value or says why there is none ([`Undefined`]). The z, t and chi-square tests also give
//! the natural logarithm of their p-values, which may fall below the smallest float.
//!
//! How often each rejects without any change is measured in `benches/scoreboard/calibration`.

use thiserror::Error;

pub mod binned;
pub mod difference;
pub mod effect_size;
pub mod fisher;
pub mod goodness_of_fit;
pub mod kolmogorov;
pub mod ks;
pub mod ks_exact;
pub mod mann_whitney;
pub mod proportions;
pub mod rank_permutation;
pub mod welch;

pub use binned::Binned;
pub use difference::{Bounds, Difference, Reference};

/// What would speak against "no difference".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alternative {
    /// The sides differ.
    TwoSided,
    /// The first side tends to be larger, its mean is larger.
    Greater,
    /// The first side tends to be smaller.
    Less,
}

/// Why a statistic has no value. None of these is evidence for or against anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Undefined {
    #[error("not enough data: needs {needs}, has {has}")]
    TooFew { needs: u32, has: u32 },
    #[error("a value is not a finite number")]
    NotFinite,
    #[error("no variance on either side")]
    NoVariance,
    #[error("the numbers do not describe a possible sample")]
    Impossible,
}

/// Refuses what is not finite, and fewer than `needs` values. Dropping them instead is the caller's decision to take.
pub(crate) fn check(values: &[f64], needs: u32) -> Result<(), Undefined> {
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::NotFinite);
    }
    let has = u32::try_from(values.len()).unwrap_or(u32::MAX);
    if has < needs { Err(Undefined::TooFew { needs, has }) } else { Ok(()) }
}

/// The values in ascending order. Minus zero counts as zero.
pub(crate) fn ascending(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Groups of equal values over both samples, ascending: how many of each sample are in it. Both samples sorted.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
pub(super) fn tie_groups(x: &[f64], y: &[f64]) -> Vec<[usize; 2]> {
    let mut groups = Vec::with_capacity(x.len() + y.len());
    let (mut i, mut j) = (0, 0);
    while i < x.len() || j < y.len() {
        let value = match (x.get(i), y.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) => *a,
            (None, b) => *b.expect("one of the two has a value left"),
        };
        let run = |values: &[f64]| values.iter().take_while(|v| **v <= value).count();
        let group = [run(&x[i..]), run(&y[j..])];
        i += group[0];
        j += group[1];
        groups.push(group);
    }
    groups
}
