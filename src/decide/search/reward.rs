//! What an arm earns: the weighted improvement on the present figures that the policy's objectives ask for; and what is remembered of it
//! when its requests are too old for the evidence.

use crate::{
    decide::{candidates::Weighed, case::Case},
    domain::{
        Arm, Memory, Policy, Rules, Window,
        memory::PastReward,
        plan::{Action, Decision},
    },
    stats::{
        ArmEvidence, Observation, Rollup,
        bandit::Evidence,
        compare::{self, Measures},
        interval::Uncertain,
        regression,
    },
};

/// Days in which what was learnt of an arm loses half its weight: models, prompts and traffic change under their names.
const HALF_LIFE_DAYS: f64 = 14.0;

/// Everything known of what an arm earns here, with what is remembered from before the evidence began. None where a figure is unknown
/// that the objectives weigh.
pub(super) fn evidence(case: &Case<'_>, arm: &Weighed, incumbent: &Weighed) -> Option<Evidence> {
    let now = case.arms.get(&arm.candidate.arm).filter(|_| arm.candidate.requests > 0);
    let reference = exact(&incumbent.overall);
    let recent = now.and_then(|evidence| earned(&evidence.lookback, &reference, case.rules));
    let begin = case.now.as_second() - (case.evidence_days * 86_400.0) as i64;
    let remembered = case.memory.rewards.get(case.service).into_iter().flatten();
    let older = remembered
        .filter(|reward| reward.segment == case.segment && reward.arm == arm.candidate.arm)
        .filter(|reward| reward.to.as_second() <= begin)
        .filter_map(|reward| {
            let days = case.now.duration_since(reward.to).as_secs_f64() / 86_400.0;
            let evidence = Evidence::new(reward.requests, reward.mean, reward.variance).ok()?;
            Some(evidence.discounted(0.5_f64.powf(days / HALF_LIFE_DAYS)))
        });
    let all = recent.into_iter().chain(older).reduce(|sum, one| sum.merge(&one))?;
    (all.requests() > 0.0).then_some(all)
}

/// The figures as if they were known for sure: every arm is held against the same point, so that they can be held against each other.
pub(super) fn exact(measures: &Measures) -> Measures {
    let sure = |estimate: Uncertain| Uncertain { standard_error: 0.0, ..estimate };
    Measures {
        cost: measures.cost.map(sure),
        log_latency_p95: measures.log_latency_p95.map(sure),
        quality: measures.quality.map(sure),
        errors: measures.errors,
    }
}

fn earned(rollup: &Rollup, reference: &Measures, rules: &Rules) -> Option<Evidence> {
    let own = Measures::of(rollup, rollup);
    let weights = &rules.objectives;
    let gain = compare::improvement(&own, reference, [weights.cost, weights.latency, weights.quality])?;
    // Scores are rarer than requests, and what is learnt is as much as there are scores.
    let scored = if weights.quality > 0.0 { rollup.effective_quality() } else { f64::INFINITY };
    let requests = rollup.effective_cost().min(scored);
    Evidence::new(requests, gain.value, gain.standard_error.powi(2) * requests).ok()
}

/// Adds what this window saw of the arms of experiments, once: a window that overlaps what is remembered already waits.
pub(in crate::decide) fn remember(
    memory: &mut Memory,
    observation: &Observation,
    policy: &Policy,
    decisions: &[Decision],
) {
    let window = &observation.windows.window;
    for decision in decisions.iter().filter(|decision| decision.action == Action::Experiment) {
        let service = observation.services.get(&decision.service);
        let Some(arms) = service.and_then(|evidence| evidence.segments.get(&decision.segment)) else { continue };
        let Some((_, present)) = regression::current_arm(arms) else { continue };
        let reference = exact(&Measures::of(&present.lookback, &present.lookback));
        let rules = policy.rules(&decision.service);
        let remembered = memory.rewards.entry(decision.service.clone()).or_default();
        for (arm, ArmEvidence { window: rollup, .. }) in arms {
            if let Some(seen) = earned(rollup, &reference, rules) {
                add(remembered, decision, arm, window, &seen);
            }
        }
    }
}

/// One entry an arm and window.
fn add(remembered: &mut Vec<PastReward>, decision: &Decision, arm: &Arm, window: &Window, seen: &Evidence) {
    let of_arm = |reward: &&PastReward| reward.segment == decision.segment && reward.arm == *arm;
    if remembered.iter().filter(of_arm).any(|last| last.to > window.start()) {
        return;
    }
    remembered.push(PastReward {
        segment: decision.segment,
        arm: arm.clone(),
        from: window.start(),
        to: window.end(),
        requests: seen.requests(),
        mean: seen.mean(),
        variance: seen.squares() / (seen.requests() - 1.0).max(1.0),
    });
}
