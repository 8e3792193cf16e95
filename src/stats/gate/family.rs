//! One error rate over all comparisons of a run.

use crate::stats::multiplicity::{Correction, adjust};

/// What a correction makes of one p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corrected {
    /// Rejected where this is at most α.
    pub p_value: f64,
    /// The level this comparison was held against. An interval with this much beyond its end excludes zero exactly where the
    /// comparison is rejected.
    pub tail: f64,
}

/// Holm's procedure with weights (Scandinavian Journal of Statistics 6, 1979, §5): the chance of any false rejection is at most `alpha`
/// under any dependence; a comparison with twice the weight is tested at twice the level. `None` when a p-value is not within
/// `0..=1`, a weight not positive or the lengths differ.
#[must_use]
pub fn holm(p_values: &[f64], weights: &[f64], alpha: f64) -> Option<Vec<Corrected>> {
    let valid = p_values.iter().all(|p| (0.0..=1.0).contains(p))
        && weights.iter().all(|weight| *weight > 0.0 && weight.is_finite());
    if !valid || p_values.len() != weights.len() {
        return None;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| (p_values[*a] / weights[*a]).total_cmp(&(p_values[*b] / weights[*b])).then(a.cmp(b)));
    // Summed from the far end: what is left must not be the rounding of what was taken away.
    let mut left = vec![0.0; order.len()];
    let mut sum = 0.0;
    for (place, i) in order.iter().enumerate().rev() {
        sum += weights[*i];
        left[place] = sum;
    }
    let mut corrected = vec![Corrected { p_value: 1.0, tail: 0.0 }; order.len()];
    let (mut most, mut stopped) = (0.0_f64, None);
    for (place, i) in order.iter().enumerate() {
        most = most.max(p_values[*i] / weights[*i] * left[place]).min(1.0);
        if most > alpha && stopped.is_none() {
            stopped = Some(left[place]);
        }
        corrected[*i] = Corrected { p_value: most, tail: alpha * weights[*i] / stopped.unwrap_or(left[place]) };
    }
    Some(corrected)
}

/// Benjamini and Hochberg's procedure at the rate `q`; intervals at the level of the selected (Benjamini and Yekutieli, JASA 100,
/// 2005, doi:10.1198/016214504000001907).
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64], q: f64) -> Option<Vec<Corrected>> {
    let adjusted = adjust(p_values, Correction::BenjaminiHochberg)?;
    let selected = adjusted.iter().filter(|p| **p <= q).count().max(1);
    let tail = q * selected as f64 / p_values.len().max(1) as f64;
    Some(adjusted.into_iter().map(|p_value| Corrected { p_value, tail }).collect())
}
