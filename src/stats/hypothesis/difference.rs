//! An estimate with its standard error and the law it is compared with: the p-value and the interval of every z and t test.

use super::Alternative;
use crate::stats::tails::{normal, student};

/// The law of (estimate − truth) / standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reference {
    Normal,
    /// Student's t with this many degrees of freedom, positive.
    StudentT(f64),
}

impl Reference {
    /// ln P(statistic > `t`).
    #[must_use]
    pub fn ln_upper_tail(self, t: f64) -> f64 {
        match self {
            Self::Normal => normal::ln_upper_tail(t),
            Self::StudentT(freedom) => student::ln_upper_tail(t, freedom).unwrap_or(f64::NAN),
        }
    }

    /// t with P(statistic > t) = `p`. `None` unless `0 < p < 1`.
    #[must_use]
    pub fn upper_quantile(self, p: f64) -> Option<f64> {
        match self {
            Self::Normal => normal::upper_quantile(p),
            Self::StudentT(freedom) => student::upper_quantile(p, freedom),
        }
    }
}

/// A confidence interval; `None` is an open side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// An estimated difference, first side minus second, in the unit of the quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    pub value: f64,
    /// Positive and finite.
    pub standard_error: f64,
    pub reference: Reference,
}

impl Difference {
    /// (value − `null`) / standard error.
    #[must_use]
    pub fn statistic(&self, null: f64) -> f64 {
        (self.value - null) / self.standard_error
    }

    /// Probability of a statistic at least as far out when the true difference is `null`.
    #[must_use]
    pub fn p_value(&self, alternative: Alternative, null: f64) -> f64 {
        self.ln_p_value(alternative, null).exp()
    }

    /// Its natural logarithm: finite where the p-value itself is below the smallest float.
    #[must_use]
    pub fn ln_p_value(&self, alternative: Alternative, null: f64) -> f64 {
        let t = self.statistic(null);
        match alternative {
            Alternative::Greater => self.reference.ln_upper_tail(t),
            Alternative::Less => self.reference.ln_upper_tail(-t),
            Alternative::TwoSided => (self.reference.ln_upper_tail(t.abs()) + std::f64::consts::LN_2).min(0.0),
        }
    }

    /// The interval that covers the truth with probability `level`, open on the side the alternative does not doubt.
    /// `None` unless `0 < level < 1`.
    #[must_use]
    pub fn interval(&self, level: f64, alternative: Alternative) -> Option<Bounds> {
        let tail = if alternative == Alternative::TwoSided { (1.0 - level) / 2.0 } else { 1.0 - level };
        let half = self.reference.upper_quantile(tail)? * self.standard_error;
        Some(Bounds {
            low: (alternative != Alternative::Less).then_some(self.value - half),
            high: (alternative != Alternative::Greater).then_some(self.value + half),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_exactly_what_the_test_does_not_reject() {
        for reference in [Reference::Normal, Reference::StudentT(3.7)] {
            let difference = Difference { value: 2.0, standard_error: 0.7, reference };
            for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let bounds = difference.interval(0.95, alternative).unwrap();
                for end in [bounds.low, bounds.high].into_iter().flatten() {
                    assert!(
                        (difference.p_value(alternative, end) - 0.05).abs() < 1e-12,
                        "{reference:?} {alternative:?}"
                    );
                }
            }
            assert_eq!(difference.interval(1.0, Alternative::TwoSided), None);
        }
    }

    #[test]
    fn far_out_the_logarithm_goes_on() {
        let difference = Difference { value: 100.0, standard_error: 1.0, reference: Reference::Normal };
        assert!(difference.p_value(Alternative::TwoSided, 0.0) < 1e-300);
        assert!((difference.ln_p_value(Alternative::TwoSided, 0.0) + 5004.8).abs() < 1.0);
    }
}
