//! The second rung: what the operator laid down, and money.

use super::{Answer, Move, Rollout, Table};
use crate::{
    decide::{candidates::Weighed, choose::best, rules::Fired},
    domain::{
        FindingKind, format,
        plan::{Action, RuleState, Strategy},
        policy::Then,
    },
};

impl Table<'_> {
    /// The rules of the policy whose conditions hold, the highest priority first. The first that gets what it asks for is the one that
    /// counts; a rule that forbids has the say over every rule below it.
    pub(super) fn rules(&mut self) -> Answer {
        let fired = &self.case.spoken.fired;
        let mut refused = Vec::new();
        for (place, rule) in fired.iter().enumerate() {
            let found = match &rule.then {
                Then::Deny(message) => {
                    self.overrule(&fired[place + 1..], rule);
                    return Answer::Stay(format!("rule `{}`: {message}", rule.id));
                }
                Then::SwitchModel(name) => self.switch(rule, |other| other.candidate.arm.model_id() == *name, name),
                Then::Adjust(_) => {
                    self.switch(rule, |other| other.candidate.trial.as_deref() == Some(&rule.mark()), "that adjustment")
                }
                // Safety was asked before; trials come last; alerts and warnings go with the findings.
                Then::Rollback | Then::Experiment(_) | Then::Alert { .. } | Then::Warn(_) => continue,
            };
            match found {
                Ok(found) => {
                    self.by_rule(found.index);
                    self.overrule(&fired[place + 1..], rule);
                    return Answer::Move(found);
                }
                Err(why) => {
                    self.mark(&rule.id, RuleState::Refused, &why);
                    refused.push(format!("rule `{}`: {why}", rule.id));
                }
            }
        }
        if refused.is_empty() {
            Answer::Nothing("no rule asks for a change".to_owned())
        } else {
            Answer::Abstained(refused.join("; "))
        }
    }

    /// What a rule asks for, where it is allowed. An adjustment that nobody tried yet starts as a trial.
    fn switch(&self, rule: &Fired, wanted: impl Fn(&Weighed) -> bool, name: &str) -> Result<Move, String> {
        let index = self.others.iter().position(wanted);
        let Some(index) = index else { return Err(format!("{name} is in force already, or cannot be had")) };
        let reason = format!("rule `{}`: {}", rule.id, rule.condition);
        if self.others[index].allowed() {
            let canary = self.canary(index)?;
            let rollout = Rollout::Steps(canary);
            return Ok(Move { index, action: Action::Change, reason, confidence: None, rollout });
        }
        if matches!(rule.then, Then::Adjust(_)) {
            return self.trial(index, reason);
        }
        let failure = self.others[index].first_failure().map(|check| check.detail.clone());
        Err(failure.unwrap_or_default())
    }

    /// Rules of lower priority that would change something too.
    fn overrule(&mut self, below: &[Fired], by: &Fired) {
        for rule in below.iter().filter(|rule| rule.changes_something()) {
            self.mark(&rule.id, RuleState::Overruled, &format!("rule `{}` goes first", by.id));
        }
    }

    /// The budget will be passed, and an allowed candidate is cheaper for sure.
    pub(super) fn save(&mut self) -> Answer {
        if !self.over_budget() {
            return Answer::Nothing("the budget holds, or there is none".to_owned());
        }
        let Some(now) = self.incumbent.measures.cost else {
            return Answer::Abstained("the budget will be passed, and what a request costs is unknown".to_owned());
        };
        let cheaper = |weighed: &Weighed| {
            weighed.measures.cost.is_some_and(|cost| {
                cost.minus(&now).probability_at_most(0.0) >= self.case.rules.decision.min_confidence
            })
        };
        let fit: Vec<usize> = (0..self.others.len())
            .filter(|index| self.others[*index].allowed() && cheaper(&self.others[*index]))
            .collect();
        let found = best(&self.others, &fit).and_then(|index| Some((index, self.others[index].measures.cost?)));
        let Some((index, after)) = found else {
            return Answer::Nothing(
                "the budget will be passed, and nothing that is allowed is cheaper for sure".to_owned(),
            );
        };
        let reason = format!(
            "the {} budget will be passed; {} → {} a request",
            if self.passes(FindingKind::DailyBudget) { "daily" } else { "monthly" },
            format::usd(now.value),
            format::usd(after.value)
        );
        match self.canary(index) {
            Ok(canary) => {
                let rollout = Rollout::Steps(canary);
                Answer::Move(Move { index, action: Action::Change, reason, confidence: None, rollout })
            }
            Err(why) => Answer::Abstained(why),
        }
    }

    pub(super) fn over_budget(&self) -> bool {
        self.passes(FindingKind::DailyBudget) || self.passes(FindingKind::MonthlyBudget)
    }

    fn passes(&self, budget: FindingKind) -> bool {
        self.case.findings.iter().any(|finding| finding.kind == budget)
    }

    /// A candidate that a rule wants is a proposal of the rule, however it came up.
    pub(super) fn by_rule(&mut self, index: usize) {
        self.others[index].candidate.strategy = Strategy::Rule;
    }
}
