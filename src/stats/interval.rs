//! Estimates with their uncertainty. Every interval is two-sided at [`LEVEL`]; `requests` is always the effective number:
//! after sampling weights and the design effect.

use statrs::distribution::{Beta, ContinuousCDF, Normal, StudentsT};

use super::Sketch;
use crate::domain::plan::Estimate;

/// Coverage of every interval a plan shows.
pub const LEVEL: f64 = 0.90;

/// An estimate on a scale where its error is close to normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncertain {
    pub value: f64,
    pub standard_error: f64,
}

impl Uncertain {
    /// The two-sided interval at [`LEVEL`].
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let half = normal_quantile(0.5 + LEVEL / 2.0) * self.standard_error;
        Estimate { value: self.value, low: self.value - half, high: self.value + half }
    }

    /// Probability that the true value is at most `limit`.
    #[must_use]
    pub fn probability_at_most(&self, limit: f64) -> f64 {
        if self.standard_error > 0.0 {
            standard_normal().cdf((limit - self.value) / self.standard_error)
        } else if self.value <= limit {
            1.0
        } else {
            0.0
        }
    }

    /// `factor · self`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self { value: factor * self.value, standard_error: factor.abs() * self.standard_error }
    }

    /// Difference to an independent estimate.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self { value: self.value - other.value, standard_error: self.standard_error.hypot(other.standard_error) }
    }
}

/// The mean of a sketch with its standard error s / √n, s² with the n − 1 divisor. The 90 % interval uses the normal
/// quantile widened to Student's t by [`Uncertain::standard_error`] when n is small. `None` below two requests.
#[must_use]
pub fn mean(sketch: &Sketch, requests: f64) -> Option<Uncertain> {
    let (value, variance) = (sketch.mean()?, sketch.variance()?);
    if requests < 2.0 {
        return None;
    }
    let widening = t_quantile(0.5 + LEVEL / 2.0, requests - 1.0) / normal_quantile(0.5 + LEVEL / 2.0);
    Some(Uncertain { value, standard_error: widening * (variance / (requests - 1.0)).sqrt() })
}

/// The natural logarithm of a quantile, with its standard error from the order statistics around it: the ranks
/// n·q ± z·√(n·q·(1−q)) enclose the true quantile with probability [`LEVEL`], whatever the distribution (David and
/// Nagaraja, "Order Statistics", 3rd ed., 2003, §7.1, doi:10.1002/0471722162). `None` when those ranks leave the sample,
/// that is when n is too small for this quantile, or when it is zero.
#[must_use]
pub fn log_quantile(sketch: &Sketch, q: f64, requests: f64) -> Option<Uncertain> {
    let z = normal_quantile(0.5 + LEVEL / 2.0);
    let spread = z * (q * (1.0 - q) / requests).sqrt();
    if requests <= 0.0 || q - spread <= 0.0 || q + spread >= 1.0 {
        return None;
    }
    let (low, value, high) = (sketch.quantile(q - spread)?, sketch.quantile(q)?, sketch.quantile(q + spread)?);
    if low <= 0.0 {
        return None;
    }
    // Bins are α wide: below that, two quantiles cannot be told apart, so the error is at least half a bin.
    let half = ((high / low).ln() / 2.0).max(super::sketch::ALPHA);
    Some(Uncertain { value: value.ln(), standard_error: half / z })
}

/// Back from the log scale.
#[must_use]
pub fn exp_estimate(log: &Uncertain) -> Estimate {
    let log = log.estimate();
    Estimate { value: log.value.exp(), low: log.low.exp(), high: log.high.exp() }
}

/// What `failures` in `requests` say about a failure rate: the Jeffreys posterior Beta(½ + x, ½ + n − x), whose intervals
/// hold their coverage at small rates (Brown, Cai, `DasGupta`, "Interval estimation for a binomial proportion",
/// Statistical Science 16(2), 2001, doi:10.1214/ss/1009213286).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    failures: f64,
    requests: f64,
}

impl Rate {
    /// `None` without requests.
    #[must_use]
    pub fn new(failures: f64, requests: f64) -> Option<Self> {
        (requests > 0.0 && failures >= 0.0 && failures <= requests).then_some(Self { failures, requests })
    }

    fn posterior(&self) -> Beta {
        Beta::new(0.5 + self.failures, 0.5 + self.requests - self.failures).expect("both shapes are at least one half")
    }

    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let tail = (1.0 - LEVEL) / 2.0;
        let posterior = self.posterior();
        Estimate {
            value: self.failures / self.requests,
            low: if self.failures == 0.0 { 0.0 } else { posterior.inverse_cdf(tail) },
            high: if self.failures >= self.requests { 1.0 } else { posterior.inverse_cdf(1.0 - tail) },
        }
    }

    /// Probability that the true rate is at most `limit`.
    #[must_use]
    pub fn probability_at_most(&self, limit: f64) -> f64 {
        self.posterior().cdf(limit.clamp(0.0, 1.0))
    }
}

fn standard_normal() -> Normal {
    Normal::new(0.0, 1.0).expect("a standard normal")
}

/// Quantile of the standard normal distribution.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    standard_normal().inverse_cdf(p)
}

/// Quantile of Student's t with `freedom > 0` degrees of freedom.
#[must_use]
pub fn t_quantile(p: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).expect("positive degrees of freedom").inverse_cdf(p)
}
