//! Corrections for testing many hypotheses at once, as adjusted p-values: reject those that are at most α.

use super::tails::normal;

/// What is kept below α, and under which dependence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Correction {
    /// Chance of any false rejection; any dependence.
    Bonferroni,
    /// The same, never less powerful (Holm, Scandinavian Journal of Statistics 6, 1979).
    Holm,
    /// Chance of any false rejection; independent or positively dependent tests (Hochberg, Biometrika 75, 1988,
    /// doi:10.1093/biomet/75.4.800).
    Hochberg,
    /// The same, never less powerful (Hommel, Biometrika 75, 1988, doi:10.1093/biomet/75.2.383).
    Hommel,
    /// Share of false ones among the rejected; independent or positively dependent tests (Benjamini and Hochberg, Journal of
    /// the Royal Statistical Society B 57, 1995, doi:10.1111/j.2517-6161.1995.tb02031.x).
    BenjaminiHochberg,
    /// That share; any dependence (Benjamini and Yekutieli, Annals of Statistics 29, 2001, doi:10.1214/aos/1013699998).
    BenjaminiYekutieli,
}

/// Adjusted p-values in the order of the input. `None` when one is not within `0..=1`.
#[must_use]
pub fn adjust(p_values: &[f64], correction: Correction) -> Option<Vec<f64>> {
    if p_values.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return None;
    }
    let n = p_values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let sorted: Vec<f64> = order.iter().map(|i| p_values[*i]).collect();
    let all = n as f64;
    let adjusted = match correction {
        Correction::Bonferroni => sorted.iter().map(|p| p * all).collect(),
        Correction::Holm => running_max(sorted.iter().enumerate().map(|(i, p)| p * (n - i) as f64)),
        Correction::Hochberg => running_min(&sorted, |i| (n - i) as f64),
        Correction::BenjaminiHochberg => running_min(&sorted, |i| all / (i + 1) as f64),
        Correction::BenjaminiYekutieli => {
            let harmonic: f64 = (1..=n).map(|i| 1.0 / i as f64).sum();
            running_min(&sorted, |i| harmonic * all / (i + 1) as f64)
        }
        Correction::Hommel => hommel(&sorted),
    };
    let mut result = vec![0.0; n];
    for (i, p) in order.into_iter().zip(adjusted) {
        result[i] = p.min(1.0);
    }
    Some(result)
}

fn running_max(values: impl Iterator<Item = f64>) -> Vec<f64> {
    values
        .scan(0.0_f64, |most, value| {
            *most = most.max(value);
            Some(*most)
        })
        .collect()
}

fn running_min(sorted: &[f64], factor: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut least = f64::INFINITY;
    let mut result = sorted.to_vec();
    for (i, p) in result.iter_mut().enumerate().rev() {
        least = least.min(*p * factor(i));
        *p = least;
    }
    result
}

/// Wright's algorithm for Hommel's procedure (Biometrics 48, 1992, doi:10.2307/2532694), O(n²).
fn hommel(sorted: &[f64]) -> Vec<f64> {
    let n = sorted.len();
    let least = |from: usize, m: usize, first: usize| {
        let terms = sorted[from..].iter().zip(first..).map(|(p, rank)| m as f64 * p / rank as f64);
        terms.fold(f64::INFINITY, f64::min)
    };
    let mut adjusted = vec![least(0, n, 1); n];
    for m in (2..n).rev() {
        let split = n - m + 1;
        let tail = least(split, m, 2);
        let head: Vec<f64> = sorted[..split].iter().map(|p| (m as f64 * p).min(tail)).collect();
        for (i, value) in adjusted.iter_mut().enumerate() {
            *value = value.max(head[i.min(split - 1)]);
        }
    }
    adjusted.iter().zip(sorted).map(|(a, p)| a.max(*p)).collect()
}

/// The interval around `estimate` whose two-sided p-value against zero is `p`: what an adjusted p-value says about the
/// estimate. `None` unless `0 < p < 1` and `0 < alpha < 1`.
#[must_use]
pub fn interval_of_p(estimate: f64, p: f64, alpha: f64) -> Option<[f64; 2]> {
    let half = normal::upper_quantile(alpha / 2.0)? * estimate.abs() / normal::upper_quantile(p / 2.0)?;
    half.is_finite().then_some([estimate - half, estimate + half])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Correction; 6] = [
        Correction::Bonferroni,
        Correction::Holm,
        Correction::Hochberg,
        Correction::Hommel,
        Correction::BenjaminiHochberg,
        Correction::BenjaminiYekutieli,
    ];

    #[test]
    fn edges() {
        for correction in ALL {
            assert_eq!(adjust(&[], correction), Some(vec![]));
            assert_eq!(adjust(&[0.04], correction), Some(vec![0.04]));
            assert_eq!(adjust(&[0.04, f64::NAN], correction), None);
            assert_eq!(adjust(&[0.04, 1.1], correction), None);
        }
        assert_eq!((interval_of_p(1.0, 0.0, 0.05), interval_of_p(1.0, 1.0, 0.05)), (None, None));
    }

    proptest! {
        #[test]
        fn each_is_as_strict_as_its_theory_says(p in prop::collection::vec(0.0..=1.0f64, 1..30)) {
            let [bonferroni, holm, hochberg, hommel, bh, by] = ALL.map(|correction| adjust(&p, correction).unwrap());
            for i in 0..p.len() {
                prop_assert!(bonferroni[i] >= holm[i] && holm[i] >= hochberg[i] - 1e-15);
                prop_assert!(hochberg[i] >= hommel[i] - 1e-15 && hommel[i] >= bh[i] - 1e-15 && by[i] >= bh[i] - 1e-15);
                prop_assert!(bh[i] >= p[i] && bonferroni[i] <= 1.0);
            }
        }
    }
}
