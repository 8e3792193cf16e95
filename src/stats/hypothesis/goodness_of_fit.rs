//! Pearson's chi-square test of counts against intended shares: is the split between arms the one that was configured?
//! (Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019, doi:10.1145/3292500.3330722.)

use super::Undefined;
use crate::stats::tails::chi_squared;

/// The chi-square test.
#[derive(Debug, Clone, PartialEq)]
pub struct GoodnessOfFit {
    pub statistic: f64,
    /// Arms that can receive anything, less one.
    pub freedom: usize,
    pub p_value: f64,
    pub ln_p_value: f64,
    /// In the order of the arms.
    pub expected: Vec<f64>,
    /// Of arms that can receive anything. Below 5 the p-value is a rough one.
    pub smallest_expected: f64,
}

/// How a split compares to its design.
#[derive(Debug, Clone, PartialEq)]
pub enum SampleRatio {
    Tested(GoodnessOfFit),
    /// This arm has units though its share is zero: no chance can explain it.
    Impossible {
        arm: usize,
    },
}

impl SampleRatio {
    /// Whether the split is not the configured one, at level `alpha`.
    #[must_use]
    pub fn mismatch(&self, alpha: f64) -> bool {
        match self {
            Self::Tested(test) => test.p_value < alpha,
            Self::Impossible { .. } => true,
        }
    }
}

/// `observed` units per arm against `weights`, which need not sum to one. An arm of weight zero without units adds no
/// degree of freedom. Undefined with fewer than two arms of positive weight, without units, or with weights that are not shares.
pub fn sample_ratio(observed: &[f64], weights: &[f64]) -> Result<SampleRatio, Undefined> {
    if observed.iter().chain(weights).any(|value| !value.is_finite()) {
        return Err(Undefined::NotFinite);
    }
    if observed.len() != weights.len() || observed.iter().chain(weights).any(|value| *value < 0.0) {
        return Err(Undefined::Impossible);
    }
    if let Some(arm) = observed.iter().zip(weights).position(|(units, weight)| *units > 0.0 && *weight == 0.0) {
        return Ok(SampleRatio::Impossible { arm });
    }
    let arms = weights.iter().filter(|weight| **weight > 0.0).count();
    let (units, weight) = (observed.iter().sum::<f64>(), weights.iter().sum::<f64>());
    if arms < 2 || units <= 0.0 {
        return Err(Undefined::TooFew { needs: 2, has: arms.min(units as usize) as u32 });
    }
    let expected: Vec<f64> = weights.iter().map(|w| units * (w / weight)).collect();
    let live = || observed.iter().zip(&expected).filter(|(_, expected)| **expected > 0.0);
    let statistic = live().map(|(o, e)| (o - e).powi(2) / e).fold(0.0, |sum, term| sum + term);
    let freedom = arms - 1;
    let ln_p_value = chi_squared::ln_upper_tail(statistic, freedom as f64).ok_or(Undefined::NotFinite)?;
    Ok(SampleRatio::Tested(GoodnessOfFit {
        statistic,
        freedom,
        p_value: ln_p_value.exp(),
        ln_p_value,
        smallest_expected: live().map(|(_, e)| *e).fold(f64::INFINITY, f64::min),
        expected,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weightless_arms() {
        let SampleRatio::Tested(test) = sample_ratio(&[500.0, 560.0, 0.0], &[1.0, 1.0, 0.0]).unwrap() else {
            panic!("tested")
        };
        assert!(test.freedom == 1 && (test.statistic - 3600.0 / 1060.0).abs() < 1e-12);
        let impossible = sample_ratio(&[500.0, 500.0, 3.0], &[1.0, 1.0, 0.0]).unwrap();
        assert!(impossible == SampleRatio::Impossible { arm: 2 } && impossible.mismatch(1e-9));
    }

    #[test]
    fn edges() {
        assert_eq!(sample_ratio(&[5.0], &[1.0]), Err(Undefined::TooFew { needs: 2, has: 1 }));
        assert_eq!(sample_ratio(&[0.0, 0.0], &[1.0, 1.0]), Err(Undefined::TooFew { needs: 2, has: 0 }));
        assert_eq!(sample_ratio(&[1.0, 1.0], &[1.0, -1.0]), Err(Undefined::Impossible));
        assert_eq!(sample_ratio(&[1.0, 1.0], &[1.0, f64::NAN]), Err(Undefined::NotFinite));
    }
}
