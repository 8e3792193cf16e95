//! The scale on which a figure is compared and pooled.

use super::{Student, normal_nodes};
use crate::{
    domain::plan::Estimate,
    stats::interval::{Rate, Uncertain},
};

/// Most that a logit is taken to be, in size: shares closer to 0 or 1 than 1e-9 are as good as there.
const MOST_LOGIT: f64 = 20.0;

/// Where the error of a figure is even and the effect of a model much the same from service to service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// As it is.
    Linear,
    /// Natural logarithm: cost, latency, tokens.
    Log,
    /// ln(p / (1 − p)): quality and error rate.
    Logit,
}

impl Scale {
    /// A natural value on the scale; `None` where it has no place there.
    #[must_use]
    pub fn of(self, value: f64) -> Option<f64> {
        let there = match self {
            Self::Linear => value,
            Self::Log => value.ln(),
            Self::Logit => (value / (1.0 - value)).ln().clamp(-MOST_LOGIT, MOST_LOGIT),
        };
        (there.is_finite() && (self != Self::Logit || (0.0..=1.0).contains(&value))).then_some(there)
    }

    /// Back to the natural unit.
    #[must_use]
    pub fn back(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.exp(),
            Self::Logit => 1.0 / (1.0 + (-value).exp()),
        }
    }

    /// The 90 % interval in the natural unit: ends and middle carried over, so it is not symmetrical.
    #[must_use]
    pub fn estimate(self, on_scale: &Student) -> Estimate {
        let [low, high] = on_scale.interval();
        Estimate { value: self.back(on_scale.value), low: self.back(low), high: self.back(high) }
    }

    /// Mean and standard deviation in the natural unit, the error taken as normal with the same 90 % interval: what sums,
    /// differences and [`crate::stats::compare`] need. The mean is above the middle of [`Scale::estimate`] on the log scale.
    ///
    /// `None` where the moments leave the range of numbers.
    #[must_use]
    pub fn natural(self, on_scale: &Student) -> Option<Uncertain> {
        let normal = on_scale.uncertain();
        let moments = match self {
            Self::Linear => normal,
            Self::Log => {
                let variance = normal.standard_error.powi(2);
                let mean = (normal.value + variance / 2.0).exp();
                Uncertain { value: mean, standard_error: mean * variance.exp_m1().sqrt() }
            }
            Self::Logit => {
                let at = |z: f64| self.back(normal.value + normal.standard_error * z);
                let middle = self.back(normal.value);
                let (first, second) = normal_nodes().fold((0.0, 0.0), |(first, second), (z, weight)| {
                    let distance = at(z) - middle;
                    (first + weight * distance, second + weight * distance * distance)
                });
                Uncertain { value: middle + first, standard_error: (second - first * first).max(0.0).sqrt() }
            }
        };
        (moments.value.is_finite() && moments.standard_error.is_finite()).then_some(moments)
    }
}

/// The failures in requests that would tell as much as an estimate on the logit scale does: a beta distribution of the same
/// mean and variance, as [`Rate`] keeps it. `None` where the estimate tells nothing.
#[must_use]
pub fn as_rate(logit: &Student) -> Option<Rate> {
    let Uncertain { value, standard_error } = Scale::Logit.natural(logit)?;
    let weight = value * (1.0 - value) / standard_error.powi(2) - 1.0;
    if !(weight.is_finite() && weight > 0.0) {
        return None;
    }
    // `Rate` adds half a failure and half a success of its own. Where there is less to give away, its mean is above ours.
    Rate::new((value * weight - 0.5).clamp(0.0, (weight - 1.0).max(0.0)), (weight - 1.0).max(f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (scale, value) in [(Scale::Linear, -3.0), (Scale::Log, 0.02), (Scale::Logit, 0.97)] {
            assert!((scale.back(scale.of(value).unwrap()) - value).abs() < 1e-12);
        }
        assert_eq!((Scale::Log.of(0.0), Scale::Log.of(-1.0), Scale::Logit.of(1.2)), (None, None, None));
        assert_eq!(Scale::Logit.of(f64::NAN), None);
        assert_eq!(Scale::Logit.of(1.0), Some(MOST_LOGIT));
    }

    #[test]
    fn moments_agree_with_numerical_integration() {
        // scipy 1.17.1, integrate.quad over norm(1.5, 0.8): mean and standard deviation of expit; lognorm(0.8, scale=e^1.5).
        let student = Student::new(1.5, 0.8, f64::INFINITY).unwrap();
        let logit = Scale::Logit.natural(&student).unwrap();
        assert!((logit.value - 0.790_858_820_669_502_9).abs() < 1e-9, "{}", logit.value);
        assert!((logit.standard_error - 0.124_521_512_659_854_96).abs() < 1e-9, "{}", logit.standard_error);
        let log = Scale::Log.natural(&student).unwrap();
        assert!(
            (log.value - 6.171_858_449_883_553).abs() < 1e-9
                && (log.standard_error - 5.843_680_627_988_354).abs() < 1e-9
        );
        assert_eq!(Scale::Log.natural(&Student::new(0.0, 1e3, 5.0).unwrap()), None);
    }

    #[test]
    fn a_rate_keeps_mean_and_spread() {
        let rate = as_rate(&Student::new(-3.0, 0.3, f64::INFINITY).unwrap()).unwrap().estimate();
        let want = Scale::Logit.estimate(&Student::new(-3.0, 0.3, f64::INFINITY).unwrap());
        assert!((rate.low - want.low).abs() < 0.003 && (rate.high - want.high).abs() < 0.003, "{rate:?} {want:?}");
        let vague = as_rate(&Student::new(-6.0, 3.0, f64::INFINITY).unwrap()).unwrap().estimate();
        assert!(vague.high > 0.2, "what is hardly known stays wide: {vague:?}");
    }
}
