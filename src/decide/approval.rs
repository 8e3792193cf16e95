//! What a governance service has to say about a plan: each change it is asked about, and what becomes of the plan by its answers.
//! Asking itself is not done here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    hash::sha256,
    plan::{Inputs, Planned},
    totals::{evidence_days, totals},
};
use crate::domain::{
    Memory, Policy,
    approval::{Asked, GovernanceRef, Question, Verdict},
    plan::{Action, Decision, Plan, RuleState, Rung, Standing, Step, StepOutcome},
    policy::{Mode, Then},
};

/// How the step of a ladder is called.
const BY: &str = "governance service";

/// One question for each decision that would change something.
#[must_use]
pub fn questions(plan: &Plan, policy: &Policy) -> Vec<Question> {
    plan.decisions.iter().filter(|decision| is_asked(decision, policy)).map(question).collect()
}

fn is_asked(decision: &Decision, policy: &Policy) -> bool {
    decision.action.moves() && policy.rules(&decision.service).mode == Mode::Enforce
}

fn question(decision: &Decision) -> Question {
    let mut configuration = BTreeMap::new();
    if let Some(arm) = &decision.proposed {
        configuration.insert("model".to_owned(), arm.model.clone());
        configuration.extend(arm.provider.clone().map(|provider| ("provider".to_owned(), provider)));
        configuration.extend(arm.config_version.clone().map(|version| ("config_version".to_owned(), version)));
    }
    configuration.extend(decision.settings.iter().map(|setting| (setting.key.clone(), setting.to.clone())));
    Question {
        id: decision.id.clone(),
        service: decision.service.clone(),
        segment: decision.segment.name(),
        configuration,
        rationale: decision.reason.clone(),
    }
}

/// The plan as the answers leave it. What was denied is refused, and so is what nobody answered, unless somebody took that on; but going
/// back is stopped by a denial alone: a service that is out of reach must not keep production broken. The plan has another id then, as
/// other answers would have made another plan.
#[must_use]
pub fn approve(planned: Planned, inputs: &Inputs<'_>, asked: &Asked) -> Planned {
    let Planned { mut plan, mut memory } = planned;
    let mut reference = GovernanceRef {
        service: asked.service.clone(),
        fail_open: asked.fail_open,
        asked: 0,
        approved: 0,
        denied: 0,
        unanswered: 0,
        verdicts_sha256: sha256(&asked.verdicts),
    };
    let nobody = Verdict::Unanswered { why: "it was not asked".to_owned() };
    for decision in plan.decisions.iter_mut().filter(|decision| is_asked(decision, inputs.policy)) {
        reference.asked += 1;
        let verdict = asked.verdicts.get(&decision.id).unwrap_or(&nobody);
        let (outcome, why, refuses) = match verdict {
            Verdict::Approved { note } => {
                reference.approved += 1;
                let note = note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
                (StepOutcome::Nothing, format!("approves it{note}"), false)
            }
            Verdict::Denied { violations, rationale } => {
                reference.denied += 1;
                (StepOutcome::Decided, denied(violations, rationale.as_deref()), true)
            }
            Verdict::Unanswered { why } => {
                reference.unanswered += 1;
                let (rest, refuses) = match (decision.action, asked.fail_open) {
                    (Action::Revert, _) => ("; going back is not stopped by that", false),
                    (_, true) => ("; let through all the same, by `--governance-fail-open`", false),
                    (_, false) => (", so it counts as denied", true),
                };
                (StepOutcome::Failed, format!("no answer: {why}{rest}"), refuses)
            }
        };
        decision.ladder.push(Step { rung: decision.rung, by: BY.to_owned(), outcome, why: why.clone() });
        if refuses {
            refuse(decision, &why);
        }
    }
    if reference.asked == 0 {
        return Planned { plan, memory };
    }
    not_acted(&mut memory, &mut plan, inputs);
    plan.totals = totals(inputs.observation, inputs.policy, &plan.decisions, evidence_days(inputs.observation));
    let id = sha256(&(&plan.id, &reference));
    id[..16].clone_into(&mut plan.id);
    for decision in &mut plan.decisions {
        sha256(&(&plan.id, &decision.service, decision.segment))[..12].clone_into(&mut decision.id);
    }
    plan.inputs.governance = Some(reference);
    Planned { plan, memory }
}

fn denied(violations: &[String], rationale: Option<&str>) -> String {
    let mut said: Vec<&str> = violations.iter().map(String::as_str).collect();
    said.extend(rationale.filter(|_| violations.is_empty()));
    if said.is_empty() {
        "denies it, and does not say why".to_owned()
    } else {
        format!("denies it: {}", said.join("; "))
    }
}

fn refuse(decision: &mut Decision, why: &str) {
    let reason = format!("{BY} {why}");
    let proposed = decision.proposed.take();
    let name = proposed.as_ref().map(|arm| format!("{arm}: ")).unwrap_or_default();
    for candidate in decision.candidates.iter_mut().filter(|candidate| candidate.standing == Standing::Chosen) {
        candidate.standing = Standing::Refused;
        candidate.why.clone_from(&reason);
    }
    decision.action = Action::Refused;
    decision.rung = Rung::DoNothing;
    decision.would_change.insert(0, format!("{name}the {BY} approves it"));
    decision.reason = format!("{name}{reason}");
    decision.strategy = None;
    decision.settings.clear();
    decision.effects.clear();
    decision.confidence = None;
    decision.spend_change_usd_per_day = None;
    decision.rollout_percent.clear();
    decision.canary = None;
}

/// A rule whose change was refused in every segment has not acted: it neither rests nor is used up by it. What a rule told was told.
fn not_acted(memory: &mut Memory, plan: &mut Plan, inputs: &Inputs<'_>) {
    let now = plan.windows.window.end();
    let asks = |service: &str, id: &str| {
        let mut rules = inputs.policy.rules(service).rules.iter();
        rules.any(|rule| rule.id == id && !matches!(rule.then, Then::Alert { .. } | Then::Warn(_) | Then::Deny(_)))
    };
    let (mut refused, mut acted) = (BTreeSet::new(), BTreeSet::new());
    for decision in plan.decisions.iter_mut().filter(|decision| decision.action != Action::Deferred) {
        let by_service = decision.action == Action::Refused && decision.ladder.last().is_some_and(|step| step.by == BY);
        for rule in decision.rules.iter_mut().filter(|rule| rule.state == RuleState::Fired) {
            let name = (decision.service.clone(), rule.id.clone());
            if by_service && asks(&decision.service, &rule.id) {
                rule.state = RuleState::Refused;
                rule.detail = format!("the {BY} is against it");
                refused.insert(name);
            } else {
                acted.insert(name);
            }
        }
    }
    for (service, id) in refused.difference(&acted) {
        if let Some(rule) = memory.rules.get_mut(service).and_then(|rules| rules.get_mut(id)) {
            rule.fired.retain(|at| *at != now);
        }
    }
}
