//! What a plan says of each service and of all together.

use crate::{
    domain::{
        Policy,
        plan::{Action, Decision, Estimate, Measure, ServiceSummary, Totals},
        policy::Mode,
    },
    stats::{
        Observation, Rollup, ServiceEvidence,
        compare::UNPRICED_TOLERANCE,
        interval::{LEVEL, Uncertain, normal_quantile},
        prediction::Scale,
        spend::outlook,
        totals::{Term, total},
    },
};

/// Less data than a quarter of an hour carries no rate for a whole day.
const SHORTEST_RATE_DAYS: f64 = 0.25 / 24.0 * 0.95;

/// Days of traffic behind the lookback: data that starts later than the lookback covers less of it.
pub(super) fn evidence_days(observation: &Observation) -> f64 {
    let lookback = &observation.windows.lookback;
    let start = observation.source.oldest_event.map_or(lookback.start(), |oldest| oldest.max(lookback.start()));
    // A single instant of data still needs a length; a second is the shortest that is not absurd.
    lookback.end().duration_since(start).as_secs_f64().max(1.0) / 86_400.0
}

pub(super) fn summary(
    service: &str,
    mode: Mode,
    evidence: &ServiceEvidence,
    observation: &Observation,
    budget: Option<f64>,
) -> ServiceSummary {
    let window = &evidence.window;
    let served = window.requests.served;
    ServiceSummary {
        service: service.to_owned(),
        mode,
        requests: window.requests.weight,
        latency_p50_ms: window.latency.quantile(0.50),
        latency_p95_ms: window.latency.quantile(0.95),
        latency_p99_ms: window.latency.quantile(0.99),
        error_rate: window.error_rate(),
        caller_error_rate: window.requests.failures_are_seen().then(|| window.requests.caller_errors / served),
        cost_per_request_usd: priced(window).then(|| window.cost.mean()).flatten(),
        quality: window.quality.mean(),
        quality_coverage: window.quality_coverage(),
        spend: outlook(evidence, observation, budget),
    }
}

fn priced(rollup: &Rollup) -> bool {
    rollup.requests.unpriced <= UNPRICED_TOLERANCE * rollup.requests.succeeded
}

pub(super) fn totals(observation: &Observation, policy: &Policy, decisions: &[Decision], days: f64) -> Totals {
    let mut requests = 0.0;
    let (mut unpriced, mut succeeded) = (0.0, 0.0);
    let (mut spend, mut score, mut scored) = (0.0, 0.0, 0.0);
    for evidence in observation.services.values() {
        requests += evidence.lookback.requests.weight;
        unpriced += evidence.lookback.requests.unpriced;
        succeeded += evidence.lookback.requests.succeeded;
        spend += evidence.lookback.cost.sum();
        score += evidence.lookback.quality.sum();
        scored += evidence.lookback.quality.weight();
    }
    let known = unpriced <= UNPRICED_TOLERANCE * succeeded;
    let moving = |decision: &&Decision| {
        matches!(decision.action, Action::Change | Action::Revert | Action::Experiment)
            && policy.rules(&decision.service).mode == Mode::Enforce
    };
    let change: Option<f64> = decisions.iter().filter(moving).map(|decision| decision.spend_change_usd_per_day).sum();
    let quality = (scored > 0.0).then(|| score / scored);
    let quality_change: f64 =
        decisions.iter().filter(moving).map(|decision| quality_change(observation, decision, requests)).sum();
    let change_interval = interval_of_change(decisions.iter().filter(moving));
    // Figures computed elsewhere are no requests: what these cost, nobody knows.
    let spend_now = (known && requests > 0.0 && days >= SHORTEST_RATE_DAYS).then_some(spend / days);
    Totals {
        requests,
        spend_usd_per_day: spend_now,
        planned_spend_usd_per_day: spend_now.zip(change).map(|(spend, change)| spend + change),
        planned_spend_interval_usd_per_day: spend_now
            .zip(change.and(change_interval))
            .map(|(spend, [low, high])| [spend + low, spend + high]),
        unpriced_share: if succeeded > 0.0 { unpriced / succeeded } else { 0.0 },
        quality,
        planned_quality: quality.map(|quality| quality + quality_change),
        quality_coverage: if requests > 0.0 { scored / requests } else { 0.0 },
    }
}

/// What a decision does to the mean quality of all traffic.
fn quality_change(observation: &Observation, decision: &Decision, requests: f64) -> f64 {
    let segment =
        observation.services.get(&decision.service).and_then(|service| service.segments.get(&decision.segment));
    let (Some(arms), Some(current)) = (segment, decision.candidates.first()) else { return 0.0 };
    let affected: f64 =
        arms.values().map(|arm| arm.lookback.requests.weight).sum::<f64>() * current.share * exposed(decision);
    let effect = decision.effects.iter().find(|effect| effect.measure == Measure::Quality);
    effect.map_or(0.0, |effect| (effect.after.value - effect.now.value) * affected / requests)
}

/// 90 % interval of the change of spend: what requests cost before and after, each with its own error. None without a change.
fn interval_of_change<'a>(moving: impl Iterator<Item = &'a Decision>) -> Option<[f64; 2]> {
    let terms = moving.filter_map(|decision| {
        let cost = decision.effects.iter().find(|effect| effect.measure == Measure::CostPerRequestUsd)?;
        let difference = cost.after.value - cost.now.value;
        let requests = decision.spend_change_usd_per_day? / difference;
        let term = |amount: f64, estimate: &Estimate| {
            let standard_error = (estimate.high - estimate.value) / normal_quantile(0.5 + LEVEL / 2.0);
            let figure = Uncertain { value: estimate.value, standard_error };
            Term { amount, scale: Scale::Linear, figure, shared: None }
        };
        requests.is_finite().then(|| [term(requests, &cost.after), term(-requests, &cost.now)])
    });
    let terms: Vec<Term> = terms.flatten().collect();
    let total = (!terms.is_empty()).then(|| total(&terms).ok()).flatten()?;
    Some([total.estimate.low, total.estimate.high])
}

/// Share of the segment that a decision moves in the end, `0..=1`.
fn exposed(decision: &Decision) -> f64 {
    decision.rollout_percent.last().map_or(0.0, |percent| f64::from(*percent) / 100.0)
}
