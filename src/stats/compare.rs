//! What an arm does, as estimates, and how likely it is that one arm keeps within a margin of another.
//!
//! Each probability is a fixed-sample one: the chance, given the data of this tick alone, from normal approximations of
//! independent estimates whose variance already carries the design effect. It is right for choosing what to try; a rollout
//! that is looked at again and again needs the anytime-valid tests instead.

use super::{
    Rollup,
    interval::{self, Rate, Uncertain},
};

/// The percentile of latency that decisions look at.
pub const LATENCY_QUANTILE: f64 = 0.95;

/// Share of successes whose cost may be unknown before the mean cost counts as unknown.
pub const UNPRICED_TOLERANCE: f64 = 0.01;

/// Estimates of one arm. `None` is unknown, never zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Mean US dollars a request.
    pub cost: Option<Uncertain>,
    /// Natural logarithm of the 95th percentile of latency in milliseconds.
    pub log_latency_p95: Option<Uncertain>,
    /// Mean score, `0..=1`.
    pub quality: Option<Uncertain>,
    /// Provider failures.
    pub errors: Option<Rate>,
}

impl Measures {
    /// Latency and errors change by the minute, so they come from `recent`; cost and quality need many requests to be seen
    /// at all, so they come from `evidence`.
    #[must_use]
    pub fn of(recent: &Rollup, evidence: &Rollup) -> Self {
        Self {
            cost: cost(evidence),
            log_latency_p95: interval::log_quantile(&recent.latency, LATENCY_QUANTILE, recent.effective_latency()),
            quality: interval::mean(&evidence.quality, evidence.effective_quality()),
            errors: errors(recent),
        }
    }
}

/// Mean cost; unknown when more than [`UNPRICED_TOLERANCE`] of the successes have no known cost.
#[must_use]
pub fn cost(rollup: &Rollup) -> Option<Uncertain> {
    let known = rollup.requests.unpriced <= UNPRICED_TOLERANCE * rollup.requests.succeeded;
    if known { interval::mean(&rollup.cost, rollup.effective_cost()) } else { None }
}

/// Provider failures over requests that reached a provider.
#[must_use]
pub fn errors(rollup: &Rollup) -> Option<Rate> {
    if !rollup.requests.failures_are_seen() {
        return None;
    }
    let efficiency = rollup.requests.weight_efficiency() * rollup.requests.rows as f64
        / rollup.requests.weight.max(f64::MIN_POSITIVE);
    Rate::new(rollup.requests.provider_errors * efficiency, rollup.requests.served * efficiency)
}

/// Probability that `candidate ≥ (1 − loss) · current`.
#[must_use]
pub fn keeps_quality(candidate: &Uncertain, current: &Uncertain, loss: f64) -> f64 {
    current.scaled(1.0 - loss).minus(candidate).probability_at_most(0.0)
}

/// Probability that latency of `candidate ≤ (1 + growth) · current`, both given as logarithms.
#[must_use]
pub fn keeps_latency(candidate: &Uncertain, current: &Uncertain, growth: f64) -> f64 {
    candidate.minus(current).probability_at_most(growth.ln_1p())
}

/// Probability that `candidate ≤ ratio · current`.
#[must_use]
pub fn keeps_cost(candidate: &Uncertain, current: &Uncertain, ratio: f64) -> f64 {
    candidate.minus(&current.scaled(ratio)).probability_at_most(0.0)
}

/// Weighted relative improvement of `candidate` over `current`, positive is better:
/// Wc·(1 − cost ratio) + Wl·(1 − latency ratio) + Wq·(quality ratio − 1), with its standard error by the delta method.
/// A measure of weight zero may be unknown; any other unknown makes the whole unknown.
#[must_use]
pub fn improvement(candidate: &Measures, current: &Measures, weights: [f64; 3]) -> Option<Uncertain> {
    let [cost_weight, latency_weight, quality_weight] = weights;
    let mut value = 0.0;
    let mut variance = 0.0;
    let mut add = |weight: f64, sign: f64, term: Option<Uncertain>| -> Option<()> {
        if weight == 0.0 {
            return Some(());
        }
        let ratio = term?;
        value += weight * sign * (ratio.value - 1.0);
        variance += (weight * ratio.standard_error).powi(2);
        Some(())
    };
    add(cost_weight, -1.0, ratio(candidate.cost, current.cost))?;
    let latency = candidate.log_latency_p95.zip(current.log_latency_p95).map(|(candidate, current)| {
        let difference = candidate.minus(&current);
        let ratio = difference.value.exp();
        Uncertain { value: ratio, standard_error: ratio * difference.standard_error }
    });
    add(latency_weight, -1.0, latency)?;
    add(quality_weight, 1.0, ratio(candidate.quality, current.quality))?;
    Some(Uncertain { value, standard_error: variance.sqrt() })
}

fn ratio(candidate: Option<Uncertain>, current: Option<Uncertain>) -> Option<Uncertain> {
    let (candidate, current) = (candidate?, current?);
    if current.value <= 0.0 {
        return None;
    }
    let value = candidate.value / current.value;
    let standard_error =
        libm::hypot(candidate.standard_error / current.value, value * current.standard_error / current.value);
    Some(Uncertain { value, standard_error })
}
