//! Two plans of the same observation, held side by side.

use std::collections::BTreeMap;

use crate::domain::{
    Plan, Segment,
    plan::{Action, Decision, Measure},
    policy::Mode,
    policy_comparison::{Difference, PolicyComparison, SCHEMA_VERSION, Side, Verdict},
};

/// What `b` does other than `a`. Both are plans over the same data.
#[must_use]
pub fn compare(a: &Plan, b: &Plan) -> PolicyComparison {
    let others: BTreeMap<(&str, Segment), &Decision> =
        b.decisions.iter().map(|decision| ((decision.service.as_str(), decision.segment), decision)).collect();
    let (modes_a, modes_b) = (modes(a), modes(b));
    let mode = |modes: &BTreeMap<&str, Mode>, service: &str| modes.get(service).copied().unwrap_or(Mode::Off);
    let pairs = a.decisions.iter().filter_map(|one| {
        let other = others.get(&(one.service.as_str(), one.segment))?;
        Some((one, mode(&modes_a, &one.service), *other, mode(&modes_b, &one.service)))
    });
    let mut segments = 0;
    let mut differences = Vec::new();
    for (one, mode_a, other, mode_b) in pairs {
        segments += 1;
        if done(one, mode_a) == done(other, mode_b) {
            continue;
        }
        let both = |measure| outcome(one, mode_a, measure).zip(outcome(other, mode_b, measure));
        let cost = both(Measure::CostPerRequestUsd).filter(|(a, _)| *a > 0.0).map(|(a, b)| b / a - 1.0);
        differences.push(Difference {
            service: one.service.clone(),
            segment: one.segment,
            a: verdict(one, mode_a),
            b: verdict(other, mode_b),
            cost_per_request: cost,
            quality: both(Measure::Quality).map(|(a, b)| b - a),
        });
    }
    differences.sort_by(|a, b| (&a.service, a.segment).cmp(&(&b.service, b.segment)));
    PolicyComparison {
        schema_version: SCHEMA_VERSION.into(),
        windows: a.windows.clone(),
        source: a.source.clone(),
        a: side(a, &modes_a),
        b: side(b, &modes_b),
        segments,
        same: segments - differences.len() as u64,
        differences,
    }
}

fn modes(plan: &Plan) -> BTreeMap<&str, Mode> {
    plan.services.iter().map(|summary| (summary.service.as_str(), summary.mode)).collect()
}

fn side(plan: &Plan, modes: &BTreeMap<&str, Mode>) -> Side {
    let moving = |decision: &&Decision| {
        decision.action.moves() && modes.get(decision.service.as_str()).is_some_and(|mode| *mode == Mode::Enforce)
    };
    Side {
        plan_id: plan.id.clone(),
        policy: plan.policy.clone(),
        totals: plan.totals.clone(),
        changes: plan.decisions.iter().filter(moving).count() as u64,
        findings: plan.findings.len() as u64,
    }
}

/// What would be done, so far as it makes a difference: who keeps for lack of something better and who is forbidden to move do the same.
fn done(decision: &Decision, mode: Mode) -> impl PartialEq {
    let moves = decision.action.moves();
    let waits = decision.action == Action::Deferred;
    let to = (moves || waits).then(|| (decision.action, decision.proposed.clone(), decision.settings.clone()));
    // Only what moves is done in one mode and shown in another.
    (to, moves.then_some(mode))
}

/// A measure of the segment once the decision is carried out: of a trial, where it is kept in the end.
fn outcome(decision: &Decision, mode: Mode, measure: Measure) -> Option<f64> {
    if decision.action.moves() && mode == Mode::Enforce {
        return decision.effects.iter().find(|effect| effect.measure == measure).map(|effect| effect.after.value);
    }
    let now = decision.candidates.first()?;
    let estimate = match measure {
        Measure::CostPerRequestUsd => now.cost_per_request_usd,
        Measure::LatencyP95Ms => now.latency_p95_ms,
        Measure::Quality => now.quality,
        Measure::ErrorRate => now.error_rate,
    };
    estimate.map(|estimate| estimate.value)
}

fn verdict(decision: &Decision, mode: Mode) -> Verdict {
    Verdict {
        decision_id: decision.id.clone(),
        mode,
        action: decision.action,
        rung: decision.rung,
        proposed: decision.proposed.clone(),
        settings: decision.settings.clone(),
        rollout_percent: decision.rollout_percent.clone(),
        reason: decision.reason.clone(),
        spend_change_usd_per_day: decision.spend_change_usd_per_day,
    }
}
