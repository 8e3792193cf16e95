//! Dollars a day over a portfolio: sums of uncertain amounts, some of which err together.
//!
//! A closed form suffices: mean, variance and skewness of the total are exact for any mix of normal and log-normal terms, and
//! the interval is that of the shifted log-normal distribution with these three moments. A single term is met exactly; that the
//! rest hold is tested against seeded simulation.

use std::collections::BTreeMap;

use super::{
    interval::{LEVEL, Uncertain, normal_quantile},
    prediction::{Scale, normal_nodes},
};
use crate::domain::plan::Estimate;

/// Skewness below which a distribution counts as normal.
const SYMMETRIC: f64 = 1e-6;

/// `amount` times a figure that is uncertain: requests a day times the cost of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Below zero: what no longer has to be paid.
    pub amount: f64,
    /// How the figure errs: [`Scale::Linear`] for normal, [`Scale::Log`] for log-normal.
    pub scale: Scale,
    /// On that scale, for the error that is this term's own.
    pub figure: Uncertain,
    /// An error it has in common with others.
    pub shared: Option<Shared>,
}

/// The part of an error that comes from the same source in several terms: one transferred ratio, one declared profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shared {
    /// Which source.
    pub source: usize,
    /// Its standard error on the scale of the term; below zero where the term moves against the others. On the log scale up
    /// to about 1.2 in size, a factor of 7 either way in the interval; beyond, the skewness is too low.
    pub standard_error: f64,
}

/// A sum of terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    /// Mean and the 90 % interval.
    pub estimate: Estimate,
    pub standard_deviation: f64,
    pub skewness: f64,
}

/// Why there is no total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTotal {
    #[error("term {place} is not finite, or its error is below zero")]
    NotFinite { place: usize },
    #[error("term {place} is a share, and shares do not add up")]
    Share { place: usize },
    #[error("the total is beyond the range of numbers")]
    Overflow,
}

/// First three cumulants.
#[derive(Debug, Clone, Copy, Default)]
struct Cumulants {
    mean: f64,
    variance: f64,
    third: f64,
}

impl Cumulants {
    fn add(&mut self, other: &Self) {
        self.mean += other.mean;
        self.variance += other.variance;
        self.third += other.third;
    }

    /// Of one term whose shared error stands at `z` standard deviations.
    fn of(term: &Term, z: f64) -> Self {
        let shift = term.shared.map_or(0.0, |shared| shared.standard_error * z);
        let variance = term.figure.standard_error.powi(2);
        let at = term.figure.value + shift;
        if term.scale == Scale::Log {
            let mean = term.amount * (at + variance / 2.0).exp();
            let spread = variance.exp_m1();
            // Σ of a log-normal: κ₂ = m²·s, κ₃ = m³·s²·(s + 3) with s = exp(σ²) − 1.
            return Self {
                mean,
                variance: mean.powi(2) * spread,
                third: mean.powi(3) * spread.powi(2) * (spread + 3.0),
            };
        }
        Self { mean: term.amount * at, variance: term.amount.powi(2) * variance, third: 0.0 }
    }
}

/// The sum of all terms; zero and certain without any.
pub fn total(terms: &[Term]) -> Result<Total, NoTotal> {
    let mut alone = Cumulants::default();
    let mut together: BTreeMap<usize, Vec<&Term>> = BTreeMap::new();
    for (place, term) in terms.iter().enumerate() {
        check(term, place)?;
        match term.shared.filter(|shared| shared.standard_error != 0.0) {
            Some(shared) => together.entry(shared.source).or_default().push(term),
            None => alone.add(&Cumulants::of(term, 0.0)),
        }
    }
    for terms in together.values() {
        alone.add(&mixed(terms));
    }
    let Cumulants { mean, variance, third } = alone;
    if !(mean.is_finite() && variance.is_finite() && third.is_finite()) {
        return Err(NoTotal::Overflow);
    }
    let deviation = variance.max(0.0).sqrt();
    let skewness = if deviation > 0.0 { third / deviation.powi(3) } else { 0.0 };
    let [low, high] = standard_interval(skewness);
    let estimate = Estimate { value: mean, low: mean + deviation * low, high: mean + deviation * high };
    Ok(Total { estimate, standard_deviation: deviation, skewness })
}

impl Total {
    /// Mean and standard deviation, for what takes errors as normal.
    #[must_use]
    pub fn uncertain(&self) -> Uncertain {
        Uncertain { value: self.estimate.value, standard_error: self.standard_deviation }
    }
}

fn check(term: &Term, place: usize) -> Result<(), NoTotal> {
    if term.scale == Scale::Logit {
        return Err(NoTotal::Share { place });
    }
    let error = term.figure.standard_error;
    let shared = term.shared.is_none_or(|shared| shared.standard_error.is_finite());
    let finite = term.amount.is_finite() && term.figure.value.is_finite() && error.is_finite() && error >= 0.0;
    if finite && shared { Ok(()) } else { Err(NoTotal::NotFinite { place }) }
}

/// Cumulants of terms with one source of error in common: given it they are independent, so theirs add up; over it, the law of
/// total cumulance (Brillinger, Annals of the Institute of Statistical Mathematics 21, 1969, doi:10.1007/BF02532246):
/// κ₂ = E v + Var m, κ₃ = E t + 3 Cov(m, v) + κ₃(m).
fn mixed(terms: &[&Term]) -> Cumulants {
    let given: Vec<(Cumulants, f64)> = normal_nodes()
        .map(|(z, weight)| {
            let mut sum = Cumulants::default();
            for term in terms {
                sum.add(&Cumulants::of(term, z));
            }
            (sum, weight)
        })
        .collect();
    let expect = |f: &dyn Fn(&Cumulants) -> f64| -> f64 { given.iter().map(|(sum, weight)| weight * f(sum)).sum() };
    let mean = expect(&|sum| sum.mean);
    let variance = expect(&|sum| sum.variance);
    Cumulants {
        mean,
        variance: variance + expect(&|sum| (sum.mean - mean).powi(2)),
        third: expect(&|sum| sum.third)
            + 3.0 * expect(&|sum| (sum.mean - mean) * (sum.variance - variance))
            + expect(&|sum| (sum.mean - mean).powi(3)),
    }
}

/// Both ends of the interval at [`LEVEL`], in standard deviations from the mean, of a shifted log-normal distribution with this
/// skewness (Johnson, Kotz, Balakrishnan, "Continuous Univariate Distributions" 1, 2nd ed., 1994, §14.3).
fn standard_interval(skewness: f64) -> [f64; 2] {
    let z = normal_quantile(0.5 + LEVEL / 2.0);
    let size = skewness.abs();
    if size < SYMMETRIC {
        return [-z, z];
    }
    // (ω + 2)·√(ω − 1) = skewness, with ω = exp(σ²): a cubic in ω − 1 with one positive root, in Cardano's form.
    let half = 1.0 + size * size / 2.0;
    let root = (half + size * (1.0 + size * size / 4.0).sqrt()).cbrt();
    let omega_less_one = root + 1.0 / root - 2.0;
    let (sigma, scale) = (omega_less_one.ln_1p().sqrt(), 1.0 / (omega_less_one.sqrt()));
    let at = |quantile: f64| ((sigma * quantile - sigma * sigma / 2.0).exp() - 1.0) * scale;
    let (below, above) = (at(-z), at(z));
    if skewness > 0.0 { [below, above] } else { [-above, -below] }
}

#[cfg(test)]
mod tests;
