//! Student's t around an estimate.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::stats::interval::{LEVEL, Uncertain, normal_quantile, t_quantile};

/// More degrees of freedom than this are as good as a normal distribution.
const NORMAL_FROM: f64 = 1e6;

/// An estimate whose error divided by `scale` follows Student's t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Student {
    pub value: f64,
    /// Not the standard deviation, which is `scale` · √(freedom / (freedom − 2)). Zero: certain.
    pub scale: f64,
    /// Degrees of freedom, above zero; infinite for a normal error.
    pub freedom: f64,
}

impl Student {
    /// `None` where a number is not finite, `scale` is below zero or `freedom` is not above it.
    #[must_use]
    pub fn new(value: f64, scale: f64, freedom: f64) -> Option<Self> {
        (value.is_finite() && scale.is_finite() && scale >= 0.0 && freedom > 0.0).then_some(Self {
            value,
            scale,
            freedom,
        })
    }

    /// With a normal error.
    #[must_use]
    pub fn normal(estimate: &Uncertain) -> Option<Self> {
        Self::new(estimate.value, estimate.standard_error, f64::INFINITY)
    }

    /// The value that a share `p` of the distribution lies below, `0 < p < 1`.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        let standard = if self.freedom > NORMAL_FROM { normal_quantile(p) } else { t_quantile(p, self.freedom) };
        self.value + self.scale * standard
    }

    /// Both ends of the two-sided interval at [`LEVEL`].
    #[must_use]
    pub fn interval(&self) -> [f64; 2] {
        let half = self.quantile(0.5 + LEVEL / 2.0) - self.value;
        [self.value - half, self.value + half]
    }

    /// Probability that the true value is at most `limit`.
    #[must_use]
    pub fn probability_at_most(&self, limit: f64) -> f64 {
        if self.scale <= 0.0 || self.freedom > NORMAL_FROM {
            let normal = Uncertain { value: self.value, standard_error: self.scale };
            return normal.probability_at_most(limit);
        }
        let student = StudentsT::new(0.0, 1.0, self.freedom).expect("positive degrees of freedom");
        student.cdf((limit - self.value) / self.scale)
    }

    /// As everything else takes it: normal, with the standard error widened so that the interval at [`LEVEL`] is the same.
    #[must_use]
    pub fn uncertain(&self) -> Uncertain {
        let half = self.quantile(0.5 + LEVEL / 2.0) - self.value;
        Uncertain { value: self.value, standard_error: half / normal_quantile(0.5 + LEVEL / 2.0) }
    }

    /// With an independent error added: Welch–Satterthwaite degrees of freedom (Satterthwaite, Biometrics Bulletin 2(6), 1946,
    /// doi:10.2307/3002019).
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let (a, b) = (self.scale.powi(2), other.scale.powi(2));
        let doubt = a * a / self.freedom + b * b / other.freedom;
        Self {
            value: self.value + other.value,
            scale: (a + b).sqrt(),
            freedom: if doubt > 0.0 { (a + b).powi(2) / doubt } else { f64::INFINITY },
        }
    }

    /// Difference to an independent estimate.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&Self { value: -other.value, ..*other })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy 1.17.1: t(4, 2, 3).interval(0.9), t(4, 2, 3).cdf(5).
        let student = Student::new(2.0, 3.0, 4.0).unwrap();
        let [low, high] = student.interval();
        assert!((low + 4.395_540_359_979_948).abs() < 1e-8 && (high - 8.395_540_359_979_948).abs() < 1e-8, "{low}");
        assert!((student.probability_at_most(5.0) - 0.813_049_516_849_970_5).abs() < 1e-9);
        let same = student.uncertain().estimate();
        assert!((same.low - low).abs() < 1e-9 && (same.high - high).abs() < 1e-9);
    }

    #[test]
    fn sums_follow_satterthwaite() {
        let a = Student::new(1.0, 3.0, 4.0).unwrap();
        let sum = a.plus(&Student::new(2.0, 4.0, 9.0).unwrap());
        assert!((sum.scale - 5.0).abs() < 1e-12 && (sum.value - 3.0).abs() < 1e-12);
        assert!((sum.freedom - 625.0 / (81.0 / 4.0 + 256.0 / 9.0)).abs() < 1e-9);
        let certain = Student::new(0.0, 0.0, f64::INFINITY).unwrap();
        assert!(certain.plus(&certain).freedom.is_infinite());
        assert!((a.minus(&certain).freedom - a.freedom).abs() < 1e-12);
        assert!((a.minus(&certain).value - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nonsense_is_none() {
        for (value, scale, freedom) in
            [(f64::NAN, 1.0, 1.0), (0.0, f64::INFINITY, 1.0), (0.0, -1.0, 1.0), (0.0, 1.0, 0.0), (0.0, 1.0, f64::NAN)]
        {
            assert_eq!(Student::new(value, scale, freedom), None);
        }
    }
}
