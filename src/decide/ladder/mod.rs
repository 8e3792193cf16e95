//! One decision for one segment, by the ladder: safety rules, business rules, optimizer, do nothing. A rung decides only
//! when those above it had nothing to say, and each who was asked is on record with what it said.

mod business;
mod optimizer;
mod safety;
mod standing;

use super::{
    answer,
    candidates::{Weighed, weigh},
    case::Case,
    strategies::ideas,
};
use crate::{
    domain::{
        Arm, format,
        plan::{
            Action, CanaryOutlook, Candidate, Decision, Effect, Estimate, Measure, RuleOutcome, Rung, Step, StepOutcome,
        },
        policy::Mode,
    },
    stats::regression,
};

/// What somebody on the ladder has to say.
enum Answer {
    Move(Move),
    /// Leave it as it is, and ask nobody further.
    Stay(String),
    Nothing(String),
    Abstained(String),
}

/// A proposal that is allowed.
struct Move {
    /// Among the others.
    index: usize,
    action: Action,
    reason: String,
    /// Where it is another than the candidate's own.
    confidence: Option<f64>,
    rollout: Rollout,
}

/// How a move reaches production.
enum Rollout {
    /// Back to what worked is no experiment.
    AtOnce,
    /// In the steps of the policy, from the first that comes to a verdict.
    Steps(Option<CanaryOutlook>),
    /// A share of the traffic and no more, in percent.
    Share(f64, Option<CanaryOutlook>),
}

/// Asks one on the ladder.
type Ask = fn(&mut Table<'_>) -> Answer;

/// Who is asked, from the top.
const LADDER: [(Rung, &str, Ask); 9] = [
    (Rung::SafetyRule, "revert", |table| table.revert()),
    (Rung::SafetyRule, "rollback rules", |table| table.roll_back()),
    (Rung::SafetyRule, "escape", |table| table.escape()),
    (Rung::SafetyRule, "backup model", |table| table.back_up()),
    (Rung::BusinessRule, "policy rules", |table| table.rules()),
    (Rung::BusinessRule, "budget", |table| table.save()),
    (Rung::Optimizer, "choice", |table| table.choose()),
    (Rung::Optimizer, "trial by rule", |table| table.try_by_rule()),
    (Rung::Optimizer, "experiments", |table| table.experiment()),
];

/// Decides one segment.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    if case.rules.mode == Mode::Off {
        return quiet(case, Action::Off, "the policy switches this service off".to_owned());
    }
    let Some((current, _)) = regression::current_arm(case.arms) else {
        return quiet(case, Action::Keep, "no request in the window".to_owned());
    };
    let (ideas, asked) = ideas(case, current);
    let (incumbent, others) = weigh(case, current, ideas);
    let mut table = Table { case, incumbent, others, asked, rules: case.spoken.outcomes.clone(), blocked: None };
    for (rung, by, ask) in LADDER {
        let answer = ask(&mut table);
        let (outcome, why) = match &answer {
            Answer::Move(found) => (StepOutcome::Decided, found.reason.clone()),
            Answer::Stay(why) => (StepOutcome::Decided, why.clone()),
            Answer::Nothing(why) => (StepOutcome::Nothing, why.clone()),
            Answer::Abstained(why) => (StepOutcome::Abstained, why.clone()),
        };
        table.asked.push(Step { rung, by: by.to_owned(), outcome, why });
        match answer {
            Answer::Move(found) => return table.move_to(rung, found),
            Answer::Stay(why) => return table.stay(rung, Some(why)),
            Answer::Nothing(_) | Answer::Abstained(_) => {}
        }
    }
    table.stay(Rung::DoNothing, None)
}

fn quiet(case: &Case<'_>, action: Action, reason: String) -> Decision {
    Decision {
        id: String::new(),
        service: case.service.to_owned(),
        segment: case.segment,
        action,
        rung: Rung::DoNothing,
        strategy: None,
        current: None,
        proposed: None,
        settings: Vec::new(),
        reason,
        effects: Vec::new(),
        confidence: None,
        spend_change_usd_per_day: None,
        rollout_percent: Vec::new(),
        canary: None,
        ladder: Vec::new(),
        rules: Vec::new(),
        would_change: Vec::new(),
        similar: Vec::new(),
        candidates: Vec::new(),
    }
}

struct Table<'a> {
    case: &'a Case<'a>,
    incumbent: Weighed,
    others: Vec<Weighed>,
    /// Everybody who was asked so far.
    asked: Vec<Step>,
    /// What becomes of the policy's rules in this segment.
    rules: Vec<RuleOutcome>,
    /// What would be rolled out, and why it cannot be.
    blocked: Option<(usize, String)>,
}

impl Table<'_> {
    /// Nothing: because nothing is better, or because what looks better may not be used.
    fn stay(mut self, rung: Rung, reason: Option<String>) -> Decision {
        self.label(None);
        let tempting = self.tempting();
        let (action, said) = match tempting {
            Some(weighed) => (Action::Refused, format!("{}: {}", self.name(weighed), weighed.candidate.why)),
            None => (Action::Keep, self.nothing_better()),
        };
        let would_change = answer::of_staying(self.case, &self.incumbent, &self.others, tempting);
        let action = if reason.is_some() { Action::Refused } else { action };
        let mut decision = quiet(self.case, action, reason.unwrap_or(said));
        decision.rung = rung;
        decision.current = Some(self.incumbent.candidate.arm.clone());
        decision.would_change = would_change;
        self.finish(decision)
    }

    fn move_to(mut self, rung: Rung, found: Move) -> Decision {
        self.label(Some((found.index, found.action)));
        let (now, after) = (&self.incumbent, &self.others[found.index]);
        let mut decision = quiet(self.case, found.action, found.reason);
        decision.rung = rung;
        decision.strategy = Some(after.candidate.strategy);
        decision.current = Some(now.candidate.arm.clone());
        decision.proposed = Some(after.candidate.arm.clone());
        decision.settings.clone_from(&after.candidate.settings);
        decision.effects = effects(&now.candidate, &after.candidate);
        decision.confidence = found.confidence.or(after.candidate.confidence);
        let (share, steps, canary) = match found.rollout {
            Rollout::AtOnce => (1.0, vec![100], None),
            Rollout::Steps(canary) => {
                let first = canary.as_ref().map_or(0, |canary| canary.share_percent);
                let steps = self.case.rules.rollout.steps_percent.iter().copied().filter(|step| *step >= first);
                (1.0, steps.collect(), canary)
            }
            Rollout::Share(share, canary) => (share / 100.0, vec![share.round() as u8], canary),
        };
        decision.rollout_percent = steps;
        decision.canary = canary;
        decision.spend_change_usd_per_day = after.measures.cost.zip(now.measures.cost).map(|(after, now)| {
            // The traffic that moves is what the present arm serves in the window, at the rate of all evidence.
            (after.value - now.value) * self.case.requests_per_day() * self.incumbent.candidate.share * share
        });
        decision.would_change = answer::of_moving(self.case, &self.incumbent, after);
        decision.similar = answer::similar(self.case, &now.candidate.arm, &after.candidate.arm);
        self.finish(decision)
    }

    fn finish(self, mut decision: Decision) -> Decision {
        decision.candidates =
            std::iter::once(self.incumbent).chain(self.others).map(|weighed| weighed.candidate).collect();
        decision.ladder = self.asked;
        decision.rules = self.rules;
        decision
    }

    /// What tells a candidate from the present arm: its model, or its config where the model is the same.
    fn name(&self, weighed: &Weighed) -> String {
        let arm = &weighed.candidate.arm;
        let now = &self.incumbent.candidate.arm;
        match weighed.candidate.settings.first() {
            Some(setting) if arm == now => format!("{} {}", setting.key, format::short(&setting.to)),
            _ if arm.same_model(now) => format!("config {}", version(arm)),
            _ => arm.model_id(),
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
