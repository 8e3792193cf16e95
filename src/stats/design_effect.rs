//! How far requests are from independent.
//!
//! Slow minutes, sessions and tenants make neighbours alike, so the mean of n requests is less certain than n
//! independent draws. The design effect is the factor by which its variance grows (Kish, "Survey Sampling", 1965).

use super::rollup::Bucket;

/// Fewer buckets than this say nothing about the variation between them.
pub const MIN_BUCKETS: usize = 8;

/// Variance of the mean as measured between time buckets, over the variance independent requests would give; at least 1.
///
/// `buckets` are the value's totals per bucket of equal length, `variance` the variance of single requests. The
/// between-bucket variance is the linearized one of a ratio of totals, B/(B−1) · Σ (sᵢ − m·wᵢ)² / W² (Cochran,
/// "Sampling Techniques", 3rd ed., 1977, §6.3). Buckets without requests do not count. `None` with fewer than
/// [`MIN_BUCKETS`] of them: unknown, not 1.
#[must_use]
pub fn design_effect(buckets: &[Bucket], variance: f64, requests: f64) -> Option<f64> {
    let used: Vec<&Bucket> = buckets.iter().filter(|bucket| bucket.weight > 0.0).collect();
    if used.len() < MIN_BUCKETS || requests <= 0.0 {
        return None;
    }
    let weight: f64 = used.iter().map(|bucket| bucket.weight).sum();
    let mean = used.iter().map(|bucket| bucket.sum).sum::<f64>() / weight;
    let squares: f64 = used.iter().map(|bucket| (bucket.sum - mean * bucket.weight).powi(2)).sum();
    let count = used.len() as f64;
    let between = count / (count - 1.0) * squares / (weight * weight);
    let independent = variance / requests;
    if independent <= 0.0 {
        return Some(1.0); // a constant has no variance to inflate
    }
    Some((between / independent).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(means: &[f64], weight: f64) -> Vec<Bucket> {
        means.iter().map(|mean| Bucket { weight, sum: mean * weight }).collect()
    }

    #[test]
    fn whole_buckets_that_move_together_count_once() {
        // Ten buckets of 100 requests, all alike inside: 1000 requests are worth ten.
        let means = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
        let effect = design_effect(&buckets(&means, 100.0), 0.25, 1000.0).unwrap();
        assert!((effect - 100.0 * 10.0 / 9.0).abs() < 1e-9, "{effect}");
    }

    #[test]
    fn equal_buckets_and_constants_are_independent() {
        assert_eq!(design_effect(&buckets(&[0.5; 10], 100.0), 0.25, 1000.0), Some(1.0));
        assert_eq!(design_effect(&buckets(&[0.5; 10], 100.0), 0.0, 1000.0), Some(1.0));
    }

    #[test]
    fn too_few_buckets_are_unknown() {
        assert_eq!(design_effect(&buckets(&[0.5; 7], 100.0), 0.25, 700.0), None);
        let mut padded = buckets(&[0.5; 7], 100.0);
        padded.extend([Bucket { weight: 0.0, sum: 0.0 }; 9]);
        assert_eq!(design_effect(&padded, 0.25, 700.0), None);
    }
}
