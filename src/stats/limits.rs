//! Limits a new value is held against, from a history of such values: seven models.
//!
//! Boundaries are what a user sets per side, their meaning depends on the model: the limit itself, a share of the mean, a
//! cumulative probability in `0.5..1`, or a multiple of a range. A side without boundary has no limit.

use super::{
    descriptive::{LogNormal, Quartiles},
    tails::{normal, student},
};

/// What is set for either side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Boundaries {
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

/// Where new values should lie. The baseline is `None` when no side has a limit, or the model has none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    pub baseline: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

/// The side on which a value is out of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Lower,
    Upper,
}

/// How a lower limit is found where the distribution is not symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LowerTail {
    /// The quantile of that tail: the limit that holds its stated probability.
    Quantile,
    /// The upper quantile mirrored at the baseline, as Bencher does. It can be below anything the distribution allows.
    Mirrored,
}

impl Limits {
    /// Strictly outside. NaN is on no side.
    #[must_use]
    pub fn side(&self, value: f64) -> Option<Side> {
        if self.lower.is_some_and(|lower| value < lower) {
            Some(Side::Lower)
        } else if self.upper.is_some_and(|upper| value > upper) {
            Some(Side::Upper)
        } else {
            None
        }
    }

    fn around(baseline: f64, boundaries: Boundaries, half: impl Fn(f64) -> Option<f64>) -> Self {
        let half = |boundary: Option<f64>| boundary.and_then(&half).filter(|half| half.is_finite());
        let lower = half(boundaries.lower).map(|half| baseline - half).filter(|limit| limit.is_finite());
        let upper = half(boundaries.upper).map(|half| baseline + half).filter(|limit| limit.is_finite());
        Self { baseline: (lower.is_some() || upper.is_some()).then_some(baseline), lower, upper }
    }

    /// The boundaries themselves.
    #[must_use]
    pub fn fixed(boundaries: Boundaries) -> Self {
        Self { baseline: None, lower: boundaries.lower, upper: boundaries.upper }
    }

    /// Boundaries are shares of the mean: 0.1 is 10 %.
    #[must_use]
    pub fn percentage(mean: f64, boundaries: Boundaries) -> Self {
        Self::around(mean, boundaries, |share| Some(mean * share))
    }

    /// Normal quantiles at a known mean and standard deviation.
    #[must_use]
    pub fn z(mean: f64, standard_deviation: f64, boundaries: Boundaries) -> Self {
        Self::around(mean, boundaries, |p| Some(normal::quantile(p)? * standard_deviation))
    }

    /// The t prediction interval of one new value after `n` with this mean and standard deviation: the error of the mean is in
    /// it. No limits with fewer than two values.
    #[must_use]
    pub fn t_prediction(mean: f64, standard_deviation: f64, n: f64, boundaries: Boundaries) -> Self {
        let scale = standard_deviation * (1.0 + 1.0 / n).sqrt();
        Self::around(mean, boundaries, |p| Some(student::upper_quantile(1.0 - p, n - 1.0)? * scale))
    }

    /// Quantiles of a fitted log-normal; the baseline is its median.
    #[must_use]
    pub fn log_normal(fit: LogNormal, boundaries: Boundaries, tail: LowerTail) -> Self {
        let baseline = fit.location.exp();
        let at =
            |p: f64| Some((fit.location + normal::quantile(p)? * fit.scale).exp()).filter(|limit| limit.is_finite());
        let upper = boundaries.upper.and_then(at);
        let lower = boundaries.lower.and_then(|p| match tail {
            LowerTail::Quantile => at(1.0 - p),
            LowerTail::Mirrored => at(p).map(|upper| mirrored(baseline, upper)),
        });
        Self { baseline: (lower.is_some() || upper.is_some()).then_some(baseline), lower, upper }
    }

    /// Multiples of the interquartile range around the median.
    #[must_use]
    pub fn iqr(quartiles: Quartiles, boundaries: Boundaries) -> Self {
        Self::around(quartiles.q2, boundaries, |multiple| Some(quartiles.range() * multiple))
    }

    /// Multiples of the interquartile range of relative changes from one value to the next, around the median.
    #[must_use]
    pub fn delta_iqr(quartiles: Quartiles, changes: Quartiles, boundaries: Boundaries) -> Self {
        Self::around(quartiles.q2, boundaries, |multiple| Some(quartiles.q2 * (changes.range() * multiple)))
    }
}

/// `limit` on the other side of `center`.
#[must_use]
pub fn mirrored(center: f64, limit: f64) -> f64 {
    center - (limit - center)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Boundaries = Boundaries { lower: Some(0.95), upper: Some(0.95) };

    #[test]
    fn a_true_lower_quantile_of_a_log_normal_is_positive_where_the_mirrored_one_is_not() {
        let wide = LogNormal { location: 0.0, scale: 2.0 };
        let (own, mirrored) =
            (Limits::log_normal(wide, BOTH, LowerTail::Quantile), Limits::log_normal(wide, BOTH, LowerTail::Mirrored));
        assert!(own.lower.unwrap() > 0.0 && mirrored.lower.unwrap() < 0.0 && own.upper == mirrored.upper);
    }

    #[test]
    fn edges() {
        assert_eq!(Limits::t_prediction(0.0, 1.0, 1.0, BOTH), Limits::default());
        assert_eq!(Limits::z(0.0, 1.0, Boundaries { lower: None, upper: Some(1.0) }), Limits::default());
        assert_eq!(Limits::z(0.0, f64::NAN, BOTH), Limits::default());
        let fixed = Limits::fixed(Boundaries { lower: Some(1.0), upper: Some(2.0) });
        assert_eq!(
            [1.0, 2.0, 0.9, 2.1, f64::NAN].map(|v| fixed.side(v)),
            [None, None, Some(Side::Lower), Some(Side::Upper), None]
        );
    }
}
