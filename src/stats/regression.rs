//! Did a change of configuration make things worse? The arm in force against the one that ran before it.

use std::collections::BTreeMap;

use super::{
    ArmEvidence, ServiceEvidence,
    compare::{self, Measures},
    interval::Rate,
};
use crate::domain::{
    Arm,
    plan::Measure,
    policy::{Evidence, RollbackLimits},
};

/// A harm is reported when the data leave at most this probability that it is within its margin.
pub const DOUBT: f64 = 0.01;

/// One measure that got worse by more than its margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Harm {
    pub measure: Measure,
    /// In the unit of the measure.
    pub before: f64,
    pub now: f64,
    /// Probability that the harm is within the margin after all.
    pub doubt: f64,
}

/// The arm in force, the one before it, and what got worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    pub current: Arm,
    pub previous: Arm,
    pub harms: Vec<Harm>,
    /// What going back would make worse, beyond the same margins; not empty means that neither is sound.
    pub harms_of_return: Vec<Harm>,
}

/// Compares the arm that serves most of a segment now with the newest earlier config version of the same model. `None` when
/// there is no such pair, too little evidence on either side, or no harm beyond the margins.
///
/// The two ran one after the other, so whatever else changed in between is in the difference too: good enough to go back to
/// what worked, never to promote anything.
#[must_use]
pub fn find(
    service: &ServiceEvidence,
    arms: &BTreeMap<Arm, ArmEvidence>,
    evidence: Evidence,
    limits: &RollbackLimits,
) -> Option<Regression> {
    let (current, now) = current_arm(arms)?;
    let previous = previous_arm(service, arms)?;
    let then = arms.get(previous)?;
    let enough = |arm: &ArmEvidence| arm.lookback.requests.rows >= evidence.min_requests;
    if !enough(now) || !enough(then) {
        return None;
    }
    let (now, then) = (Measures::of(&now.lookback, &now.lookback), Measures::of(&then.lookback, &then.lookback));
    let harms_of_return = harms(&then, &now, limits);
    let harms = harms(&now, &then, limits);
    (!harms.is_empty()).then(|| Regression {
        current: current.clone(),
        previous: previous.clone(),
        harms,
        harms_of_return,
    })
}

/// The newest earlier config version of the model in force.
#[must_use]
pub fn previous_arm<'a>(service: &ServiceEvidence, arms: &'a BTreeMap<Arm, ArmEvidence>) -> Option<&'a Arm> {
    let (current, _) = current_arm(arms)?;
    let since = |arm: &Arm| arm.config_version.as_ref().and_then(|version| service.version_since.get(version)).copied();
    let current_since = since(current)?;
    let earlier =
        arms.keys().filter(|arm| arm.same_model(current) && since(arm).is_some_and(|since| since < current_since));
    earlier.max_by_key(|arm| since(arm))
}

/// The arm that serves most requests of the window; ties go to the first by name.
#[must_use]
pub fn current_arm(arms: &BTreeMap<Arm, ArmEvidence>) -> Option<(&Arm, &ArmEvidence)> {
    let weight = |evidence: &ArmEvidence| evidence.window.requests.weight;
    arms.iter().rev().max_by(|a, b| weight(a.1).total_cmp(&weight(b.1))).filter(|(_, evidence)| weight(evidence) > 0.0)
}

fn harms(now: &Measures, then: &Measures, limits: &RollbackLimits) -> Vec<Harm> {
    let mut harms = Vec::new();
    let mut judge = |measure, before, now, within: f64| {
        if within <= DOUBT {
            harms.push(Harm { measure, before, now, doubt: within });
        }
    };
    if let Some((now, then)) = now.quality.zip(then.quality) {
        let within = compare::keeps_quality(&now, &then, limits.quality_drop_percent / 100.0);
        judge(Measure::Quality, then.value, now.value, within);
    }
    if let Some((now, then)) = now.log_latency_p95.zip(then.log_latency_p95) {
        let within = compare::keeps_latency(&now, &then, limits.latency_increase_percent / 100.0);
        judge(Measure::LatencyP95Ms, then.value.exp(), now.value.exp(), within);
    }
    if let Some((now, then)) = now.cost.zip(then.cost) {
        judge(Measure::CostPerRequestUsd, then.value, now.value, compare::keeps_cost(&now, &then, limits.cost_ratio));
    }
    if let Some((now, then)) = now.errors.zip(then.errors) {
        let margin = limits.error_rate_increase_points / 100.0;
        let (now_rate, then_rate): (Rate, Rate) = (now, then);
        // The old rate's upper bound plus the margin: the simplest limit that never blames chance on the old side.
        let within = now_rate.probability_at_most(then_rate.estimate().high + margin);
        judge(Measure::ErrorRate, then.estimate().value, now.estimate().value, within);
    }
    harms
}
