//! One decision for one segment, by the ladder: safety rules, business rules, optimizer, do nothing. A rung decides only
//! when those above it had nothing to say.

use std::collections::BTreeMap;

use super::{
    candidates::{Weighed, weigh},
    choose::{best, pareto_front},
};
use crate::{
    domain::{
        Arm, Finding, FindingKind, Rules, Segment, Severity, format,
        plan::{Action, Candidate, Decision, Effect, Estimate, Measure, Rung, Standing},
        policy::Mode,
    },
    stats::{ArmEvidence, ServiceEvidence, regression},
};

/// What a decision is made from.
pub(super) struct Case<'a> {
    pub service: &'a str,
    pub segment: Segment,
    pub evidence: &'a ServiceEvidence,
    pub arms: &'a BTreeMap<Arm, ArmEvidence>,
    pub rules: &'a Rules,
    /// Findings about this service.
    pub findings: &'a [&'a Finding],
    /// Days of traffic behind the lookback.
    pub evidence_days: f64,
}

/// Decides one segment.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    if case.rules.mode == Mode::Off {
        return quiet(case, Action::Off, "the policy switches this service off".to_owned());
    }
    let Some((current, _)) = regression::current_arm(case.arms) else {
        return quiet(case, Action::Keep, "no request in the window".to_owned());
    };
    let (incumbent, others) = weigh(case.arms, current, case.rules);
    let mut table = Table { case, incumbent, others };
    table
        .revert()
        .or_else(|| table.escape())
        .or_else(|| table.save())
        .or_else(|| table.optimize())
        .unwrap_or_else(|| table.stay())
}

fn quiet(case: &Case<'_>, action: Action, reason: String) -> Decision {
    Decision {
        service: case.service.to_owned(),
        segment: case.segment,
        action,
        rung: Rung::DoNothing,
        current: None,
        proposed: None,
        reason,
        effects: Vec::new(),
        confidence: None,
        spend_change_usd_per_day: None,
        rollout_percent: Vec::new(),
        candidates: Vec::new(),
    }
}

struct Table<'a> {
    case: &'a Case<'a>,
    incumbent: Weighed,
    others: Vec<Weighed>,
}

impl Table<'_> {
    /// Safety: the configuration in force is worse than the one before it, so go back; unless the policy leaves that to people,
    /// or going back would do harm of its own. The finding stands either way.
    fn revert(&mut self) -> Option<Decision> {
        let case = self.case;
        if !case.rules.rollback.automatic {
            return None;
        }
        let found = regression::find(case.evidence, case.arms, case.rules.evidence, &case.rules.rollback)?;
        if !found.harms_of_return.is_empty() {
            return None;
        }
        let index = self.others.iter().position(|other| other.candidate.arm == found.previous)?;
        let harms: Vec<String> = found
            .harms
            .iter()
            .map(|harm| match harm.measure {
                Measure::Quality => format!("quality {:.3} → {:.3}", harm.before, harm.now),
                Measure::LatencyP95Ms => format!("latency p95 {} → {}", format::ms(harm.before), format::ms(harm.now)),
                Measure::CostPerRequestUsd => format!("cost {} → {}", format::usd(harm.before), format::usd(harm.now)),
                Measure::ErrorRate => {
                    format!("errors {} → {}", format::percent(harm.before), format::percent(harm.now))
                }
            })
            .collect();
        let doubt = found.harms.iter().map(|harm| harm.doubt).fold(0.0, f64::max);
        let reason = format!("{} since {}", harms.join(", "), version(&found.current));
        let mut decision = self.move_to(index, Action::Revert, Rung::SafetyRule, reason);
        decision.confidence = Some(1.0 - doubt);
        Some(decision)
    }

    /// Safety: a serious breach of latency or errors now, and an allowed candidate that ends it.
    fn escape(&mut self) -> Option<Decision> {
        let thresholds = &self.case.rules.thresholds;
        let breach = self.case.findings.iter().find(|finding| {
            finding.severity >= Severity::High
                && matches!(finding.kind, FindingKind::LatencyHigh | FindingKind::ErrorRateHigh)
        })?;
        let ends_it = |candidate: &Candidate| match breach.kind {
            FindingKind::ErrorRateHigh => candidate.error_rate.is_some_and(|rate| rate.high <= thresholds.error_rate),
            _ => candidate.latency_p95_ms.is_some_and(|latency| latency.high <= thresholds.latency_p95_ms),
        };
        // The breach may be another segment's: this one moves only when it suffers itself.
        let suffers = match breach.kind {
            FindingKind::ErrorRateHigh => {
                self.incumbent.candidate.error_rate.is_some_and(|rate| rate.low > thresholds.error_rate)
            }
            _ => self.incumbent.candidate.latency_p95_ms.is_some_and(|latency| latency.low > thresholds.latency_p95_ms),
        };
        // A day of good evidence says nothing when the trouble of this hour is everybody's: it must be well now, too.
        let well_now = |weighed: &Weighed| match breach.kind {
            FindingKind::ErrorRateHigh => weighed.errors_now.is_some_and(|rate| rate <= thresholds.error_rate),
            _ => weighed.latency_p95_now.is_some_and(|latency| latency <= thresholds.latency_p95_ms),
        };
        let fit: Vec<usize> = (0..self.others.len())
            .filter(|index| {
                let other = &self.others[*index];
                other.allowed() && ends_it(&other.candidate) && well_now(other)
            })
            .collect();
        let index = best(&self.others, &fit).filter(|_| suffers)?;
        let (now, after) = (&self.incumbent.candidate, &self.others[index].candidate);
        let reason = match (breach.kind, now.latency_p95_ms, after.latency_p95_ms) {
            (FindingKind::LatencyHigh, Some(now), Some(after)) => {
                format!(
                    "latency p95 {} → {}, limit {}",
                    format::ms(now.value),
                    format::ms(after.value),
                    format::ms(thresholds.latency_p95_ms)
                )
            }
            _ => breach.summary.clone(),
        };
        Some(self.move_to(index, Action::Change, Rung::SafetyRule, reason))
    }

    /// Business: the budget will be passed, and an allowed candidate is cheaper for sure.
    fn save(&mut self) -> Option<Decision> {
        let over = self.case.findings.iter().any(|finding| finding.kind == FindingKind::DailyBudget);
        let now = self.incumbent.measures.cost?;
        let cheaper = |weighed: &Weighed| {
            weighed.measures.cost.is_some_and(|cost| {
                cost.minus(&now).probability_at_most(0.0) >= self.case.rules.decision.min_confidence
            })
        };
        let fit: Vec<usize> = (0..self.others.len())
            .filter(|index| self.others[*index].allowed() && cheaper(&self.others[*index]))
            .collect();
        let index = best(&self.others, &fit).filter(|_| over)?;
        let after = self.others[index].measures.cost?;
        let reason = format!(
            "the daily budget will be passed; {} → {} a request",
            format::usd(now.value),
            format::usd(after.value)
        );
        Some(self.move_to(index, Action::Change, Rung::BusinessRule, reason))
    }

    /// Optimizer: the best candidate of the Pareto front, if it is worth it and sure enough.
    fn optimize(&mut self) -> Option<Decision> {
        let limits = &self.case.rules.decision;
        let front = pareto_front(&self.incumbent, &self.others);
        let worth = |index: &usize| {
            let candidate = &self.others[*index].candidate;
            candidate.improvement.is_some_and(|improvement| improvement >= limits.min_improvement)
                && candidate.confidence.is_some_and(|confidence| confidence >= limits.min_confidence)
        };
        let worthy: Vec<usize> = front.iter().copied().filter(worth).collect();
        let index = best(&self.others, &worthy)?;
        let reason = self.gains(index);
        Some(self.move_to(index, Action::Change, Rung::Optimizer, reason))
    }

    /// Nothing: because nothing is better, or because what looks better may not be used.
    fn stay(&mut self) -> Decision {
        self.label(None);
        let limits = &self.case.rules.decision;
        let promising =
            |weighed: &&Weighed| weighed.candidate.improvement.is_some_and(|gain| gain >= limits.min_improvement);
        let improvement = |weighed: &&Weighed| weighed.candidate.improvement.unwrap_or(f64::NEG_INFINITY);
        let tempting =
            self.others.iter().filter(promising).rev().max_by(|a, b| improvement(a).total_cmp(&improvement(b)));
        let (action, reason) = match tempting {
            Some(weighed) => (Action::Refused, format!("{}: {}", self.name(weighed), weighed.candidate.why)),
            None => (Action::Keep, self.nothing_better()),
        };
        let mut decision = quiet(self.case, action, reason);
        decision.current = Some(self.incumbent.candidate.arm.clone());
        decision.candidates = self.candidates();
        decision
    }

    fn nothing_better(&self) -> String {
        let unjudged: Vec<&Weighed> =
            self.others.iter().filter(|other| other.candidate.improvement.is_none()).collect();
        // The one that lacks least is the one worth waiting for.
        let nearest = unjudged.iter().rev().max_by_key(|other| other.candidate.requests);
        match (self.others.len(), unjudged.len(), nearest) {
            (0, ..) => "no other model or configuration has served it".to_owned(),
            (_, 0, _) | (.., None) => "nothing known is better by enough".to_owned(),
            (all, unknown, Some(nearest)) => {
                let known = if unknown < all { "of the rest nothing is better by enough; " } else { "" };
                let name = self.name(nearest);
                let many = if unknown == 1 {
                    String::new()
                } else {
                    format!("{unknown} others cannot be judged; nearest is ")
                };
                format!("{known}{many}{name}: {}", nearest.candidate.why)
            }
        }
    }

    /// What tells a candidate from the present arm: its model, or its config where the model is the same.
    fn name(&self, weighed: &Weighed) -> String {
        let arm = &weighed.candidate.arm;
        if arm.same_model(&self.incumbent.candidate.arm) { format!("config {}", version(arm)) } else { arm.model_id() }
    }

    fn move_to(&mut self, index: usize, action: Action, rung: Rung, reason: String) -> Decision {
        self.label(Some(index));
        let (now, after) = (&self.incumbent, &self.others[index]);
        let mut decision = quiet(self.case, action, reason);
        decision.rung = rung;
        decision.current = Some(now.candidate.arm.clone());
        decision.proposed = Some(after.candidate.arm.clone());
        decision.effects = effects(&now.candidate, &after.candidate);
        decision.confidence = after.candidate.confidence;
        decision.spend_change_usd_per_day = after.measures.cost.zip(now.measures.cost).map(|(after, now)| {
            // The traffic that moves is what the present arm serves in the window, at the rate of all evidence.
            let requests: f64 = self.case.arms.values().map(|arm| arm.lookback.requests.weight).sum();
            (after.value - now.value) * requests * self.incumbent.candidate.share / self.case.evidence_days
        });
        // Going back to what worked is not an experiment.
        decision.rollout_percent =
            if action == Action::Revert { vec![100] } else { self.case.rules.rollout.steps_percent.clone() };
        decision.candidates = self.candidates();
        decision
    }

    fn candidates(&self) -> Vec<Candidate> {
        std::iter::once(&self.incumbent).chain(&self.others).map(|weighed| weighed.candidate.clone()).collect()
    }

    /// Gives every candidate its standing and the reason for it.
    fn label(&mut self, chosen: Option<usize>) {
        let limits = self.case.rules.decision;
        let front = pareto_front(&self.incumbent, &self.others);
        for (index, weighed) in self.others.iter_mut().enumerate() {
            let failure = weighed.first_failure().map(|check| check.detail.clone());
            let candidate = &mut weighed.candidate;
            let gain = candidate.improvement.unwrap_or(f64::NEG_INFINITY);
            let confidence = candidate.confidence.unwrap_or(0.0);
            (candidate.standing, candidate.why) = if chosen == Some(index) {
                (Standing::Chosen, "holds every constraint and improves most".to_owned())
            } else if let Some(failure) = failure {
                (Standing::Refused, failure)
            } else if !front.contains(&index) {
                (Standing::Dominated, "another is at least as good in cost, latency and quality".to_owned())
            } else if gain < limits.min_improvement {
                let why = format!(
                    "improves by {}, {} needed",
                    format::percent(gain.max(-9.99)),
                    format::percent(limits.min_improvement)
                );
                (Standing::NotWorthIt, why)
            } else if confidence < limits.min_confidence {
                let why = format!(
                    "only {} sure, {} needed: an A/B test would tell",
                    format::percent(confidence),
                    format::percent(limits.min_confidence)
                );
                (Standing::Refused, why)
            } else {
                (Standing::Outranked, "another improves more".to_owned())
            };
        }
    }

    fn gains(&self, index: usize) -> String {
        let effects = effects(&self.incumbent.candidate, &self.others[index].candidate);
        let parts: Vec<String> = effects
            .iter()
            .filter(|effect| effect.measure != Measure::ErrorRate)
            .filter_map(|effect| Some(format!("{} {}", effect.measure.name(), format::change(effect.relative?))))
            .collect();
        parts.join(", ")
    }
}

fn effects(now: &Candidate, after: &Candidate) -> Vec<Effect> {
    let effect = |measure, now: Option<Estimate>, after: Option<Estimate>| {
        let (now, after) = (now?, after?);
        let relative = (now.value > 0.0).then(|| after.value / now.value - 1.0);
        Some(Effect { measure, now, after, relative })
    };
    [
        effect(Measure::CostPerRequestUsd, now.cost_per_request_usd, after.cost_per_request_usd),
        effect(Measure::LatencyP95Ms, now.latency_p95_ms, after.latency_p95_ms),
        effect(Measure::Quality, now.quality, after.quality),
        effect(Measure::ErrorRate, now.error_rate, after.error_rate),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn version(arm: &Arm) -> &str {
    arm.config_version.as_deref().unwrap_or("the change")
}
