//! The plan of one tick, put together from its decisions.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use sha2::{Digest, Sha256};

use super::ladder::{Case, decide};
use crate::{
    domain::{
        Finding, Plan, Policy, Segment,
        plan::{Action, Decision, PolicyRef, SCHEMA_VERSION, ServiceSummary, Totals},
        policy::Mode,
    },
    stats::{Observation, Rollup, ServiceEvidence, compare::UNPRICED_TOLERANCE, spend::outlook},
};

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub observation: &'a Observation,
    pub findings: &'a [Finding],
    pub policy: &'a Policy,
}

/// Decides every segment of every service.
#[must_use]
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let Inputs { observation, findings, policy } = inputs;
    let evidence_days = evidence_days(observation);
    let mut by_service: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in *findings {
        if let Some(service) = &finding.service {
            by_service.entry(service).or_default().push(finding);
        }
    }
    let observed: Vec<(&String, &ServiceEvidence)> = observation.services.iter().collect();
    let decided = observed.par_iter().map(|(service, evidence)| {
        let rules = policy.rules(service);
        let findings = by_service.get(service.as_str()).map_or(&[][..], Vec::as_slice);
        let decide = |(segment, arms): (&Segment, _)| {
            decide(&Case { service, segment: *segment, evidence, arms, rules, findings, evidence_days })
        };
        let decisions: Vec<Decision> = evidence.segments.iter().map(decide).collect();
        (decisions, summary(service, rules.mode, evidence, observation, rules.daily_budget_usd))
    });
    let (decisions, services): (Vec<_>, Vec<_>) = decided.unzip();
    let decisions: Vec<Decision> = decisions.into_iter().flatten().collect();
    let mut plan = Plan {
        schema_version: SCHEMA_VERSION,
        id: String::new(),
        policy: policy_ref(policy),
        windows: observation.windows.clone(),
        source: observation.source.clone(),
        totals: totals(observation, policy, &decisions, evidence_days),
        services,
        findings: findings.to_vec(),
        decisions,
    };
    sha256(&plan)[..16].clone_into(&mut plan.id);
    plan
}

/// The rules in force, as outputs name them.
#[must_use]
pub fn policy_ref(policy: &Policy) -> PolicyRef {
    PolicyRef { name: policy.name.clone(), sha256: sha256(policy) }
}

/// Less data than a quarter of an hour carries no rate for a whole day.
const SHORTEST_RATE_DAYS: f64 = 0.25 / 24.0 * 0.95;

/// Days of traffic behind the lookback: data that starts later than the lookback covers less of it.
fn evidence_days(observation: &Observation) -> f64 {
    let lookback = &observation.windows.lookback;
    let start = observation.source.oldest_event.map_or(lookback.start(), |oldest| oldest.max(lookback.start()));
    // A single instant of data still needs a length; a second is the shortest that is not absurd.
    lookback.end().duration_since(start).as_secs_f64().max(1.0) / 86_400.0
}

fn summary(
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

fn totals(observation: &Observation, policy: &Policy, decisions: &[Decision], days: f64) -> Totals {
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
        matches!(decision.action, Action::Change | Action::Revert)
            && policy.rules(&decision.service).mode == Mode::Enforce
    };
    let change: Option<f64> = decisions.iter().filter(moving).map(|decision| decision.spend_change_usd_per_day).sum();
    let quality = (scored > 0.0).then(|| score / scored);
    let quality_change: f64 =
        decisions.iter().filter(moving).map(|decision| quality_change(observation, decision, requests)).sum();
    // Figures computed elsewhere are no requests: what these cost, nobody knows.
    let spend_now = (known && requests > 0.0 && days >= SHORTEST_RATE_DAYS).then_some(spend / days);
    Totals {
        requests,
        spend_usd_per_day: spend_now,
        planned_spend_usd_per_day: spend_now.zip(change).map(|(spend, change)| spend + change),
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
    let affected: f64 = arms.values().map(|arm| arm.lookback.requests.weight).sum::<f64>() * current.share;
    let effect = decision.effects.iter().find(|effect| effect.measure == crate::domain::plan::Measure::Quality);
    effect.map_or(0.0, |effect| (effect.after.value - effect.now.value) * affected / requests)
}

/// SHA-256 of a value's JSON form, in hexadecimal.
fn sha256(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_vec(value).expect("plain data always serializes");
    Sha256::digest(json).iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
