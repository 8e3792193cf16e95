//! The third rung: what is better for sure enough is rolled out; what is promising is tried on a part of the traffic.

use super::{Answer, Move, Rollout, Table};
use crate::{
    decide::{
        canary,
        candidates::weigh_one,
        choose::{best, pareto_front},
        search::{self, Proposal, Question, Silent, What},
    },
    domain::{
        format,
        plan::{Action, CanaryOutlook, RuleState, Rung, Step, StepOutcome},
        policy::{Mode, Then},
    },
};

impl Table<'_> {
    /// The best candidate of the Pareto front, if it is worth it and sure enough.
    pub(super) fn choose(&mut self) -> Answer {
        let limits = &self.case.rules.decision;
        let front = pareto_front(&self.incumbent, &self.others);
        // Past the budget, a little more quality is not worth more money.
        let affordable = |index: &usize| {
            let cost = self.others[*index].measures.cost.zip(self.incumbent.measures.cost);
            !self.over_budget() || cost.is_some_and(|(after, now)| after.value <= now.value)
        };
        let worth = |index: &usize| {
            let candidate = &self.others[*index].candidate;
            candidate.improvement.is_some_and(|improvement| improvement >= limits.min_improvement)
                && candidate.confidence.is_some_and(|confidence| confidence >= limits.min_confidence)
        };
        let worthy: Vec<usize> = front.iter().copied().filter(worth).collect();
        let affordable: Vec<usize> = worthy.iter().copied().filter(affordable).collect();
        let Some(index) = best(&self.others, &affordable) else {
            return Answer::Nothing(match (front.len(), worthy.len()) {
                (0, _) => "nothing that is allowed is better in anything".to_owned(),
                (_, 0) => "nothing is better by enough, and sure enough".to_owned(),
                _ => "what is better costs more, and the budget is passed".to_owned(),
            });
        };
        match self.canary(index) {
            Ok(canary) => Answer::Move(Move {
                index,
                action: Action::Change,
                reason: self.gains(index),
                confidence: None,
                rollout: Rollout::Steps(canary),
            }),
            Err(why) => {
                self.blocked = Some((index, why.clone()));
                Answer::Abstained(format!("{}, but {why}", self.gains(index)))
            }
        }
    }

    /// Whether a rollout of this segment would come to a verdict, from which step on.
    pub(super) fn canary(&self, index: usize) -> Result<Option<CanaryOutlook>, String> {
        canary::outlook(self.case, &self.incumbent, &self.others[index]).map_err(|short| {
            let deadline = format::hours(short.deadline_hours);
            format!("too little traffic for a canary: {}, and {deadline} are allowed", short.detail)
        })
    }

    /// A trial on the share the policy allows, if it would come to a verdict.
    pub(super) fn trial(&self, index: usize, reason: String) -> Result<Move, String> {
        let experiments = &self.case.rules.experiments;
        let other = &self.others[index];
        if experiments.mode != Mode::Enforce {
            return Err("the policy has experiments switched off".to_owned());
        }
        if !other.may_be_tried(experiments.min_probability) {
            let failure = other.first_failure().map(|check| check.detail.clone());
            return Err(failure.unwrap_or_default());
        }
        let share = experiments.points_per_day.min(experiments.max_share_percent).max(experiments.floor_percent);
        self.trial_at(index, reason, share)
    }

    fn trial_at(&self, index: usize, reason: String, share: f64) -> Result<Move, String> {
        let experiments = &self.case.rules.experiments;
        // Growing to the largest share it may get takes days in which it learns as well; the verdict is due by the last of them.
        let hours = 24.0 * experiments.max_days;
        let verdict = canary::at(
            self.case,
            &self.incumbent,
            &self.others[index],
            experiments.max_share_percent.max(share),
            hours,
        );
        let verdict = verdict.ok_or("there is nothing to judge a trial by")?;
        if verdict.hours > hours {
            return Err(format!(
                "too little traffic for a trial: {}, and {} are allowed",
                verdict.detail,
                format::hours(hours)
            ));
        }
        let rollout = Rollout::Share(share, Some(verdict));
        Ok(Move { index, action: Action::Experiment, reason, confidence: None, rollout })
    }

    /// Rules of the policy that ask for a trial.
    pub(super) fn try_by_rule(&mut self) -> Answer {
        let mut refused = Vec::new();
        for rule in &self.case.spoken.fired {
            let Then::Experiment(name) = &rule.then else { continue };
            let index = self.others.iter().position(|other| other.candidate.arm.model_id() == *name);
            let reason = format!("rule `{}`: {}", rule.id, rule.condition);
            let found =
                index.ok_or_else(|| format!("{name} is in force already")).and_then(|index| self.trial(index, reason));
            match found {
                Ok(found) => {
                    self.by_rule(found.index);
                    return Answer::Move(found);
                }
                Err(why) => {
                    self.mark(&rule.id, RuleState::Refused, &why);
                    refused.push(format!("rule `{}`: {why}", rule.id));
                }
            }
        }
        if refused.is_empty() {
            Answer::Nothing("no rule asks for a trial".to_owned())
        } else {
            Answer::Abstained(refused.join("; "))
        }
    }

    /// What is promising gets a part of the traffic: which, and how much, the searchers say. One that has nothing to go by, or breaks
    /// down, is passed over, and the plan says so.
    pub(super) fn experiment(&mut self) -> Answer {
        let experiments = &self.case.rules.experiments;
        if experiments.mode == Mode::Off {
            return Answer::Nothing("the policy has experiments switched off".to_owned());
        }
        let promising: Vec<usize> = (0..self.others.len()).filter(|index| self.promising(*index)).collect();
        for searcher in search::SEARCHERS {
            let question =
                Question { case: self.case, incumbent: &self.incumbent, others: &self.others, promising: &promising };
            let answer = search::ask(searcher, &question);
            let (outcome, why) = match answer.and_then(|proposal| self.taken_up(proposal)) {
                Ok(found) if experiments.mode == Mode::Observe => (
                    StepOutcome::Nothing,
                    format!("would try, and the policy only observes experiments: {}", found.reason),
                ),
                Ok(found) => {
                    let step = searcher_said(searcher.name(), StepOutcome::Decided, found.reason.clone());
                    self.asked.push(step);
                    return Answer::Move(found);
                }
                Err(Silent::Abstained(why)) => (StepOutcome::Abstained, why),
                Err(Silent::Failed(why)) => (StepOutcome::Failed, why),
            };
            let step = searcher_said(searcher.name(), outcome, why);
            self.asked.push(step);
        }
        Answer::Nothing("no searcher found a trial that is worth it".to_owned())
    }

    /// A proposal of a searcher, weighed like everything else where it is new.
    fn taken_up(&mut self, proposal: Proposal) -> Result<Move, Silent> {
        let index = match proposal.what {
            What::Known(index) => index,
            What::New(idea) => {
                let weighed = weigh_one(self.case, &self.incumbent, *idea);
                self.others.push(weighed);
                let index = self.others.len() - 1;
                if !self.promising(index) {
                    let failure = self.others[index].first_failure().map(|check| check.detail.clone());
                    return Err(Silent::Abstained(failure.unwrap_or_default()));
                }
                index
            }
        };
        self.trial_at(index, proposal.why, proposal.share_percent).map_err(Silent::Abstained)
    }

    /// Nothing speaks against it, and something for it: a gain that is likely, or somebody's reason to try.
    pub(super) fn promising(&self, index: usize) -> bool {
        let other = &self.others[index];
        let rules = self.case.rules;
        let gain = other.candidate.improvement.is_some_and(|gain| gain >= rules.decision.min_improvement);
        // What may be chosen outright and was not is no riddle.
        let sure = other.candidate.confidence.is_some_and(|sure| sure >= rules.decision.min_confidence);
        !(other.allowed() && sure)
            && other.may_be_tried(rules.experiments.min_probability)
            && (gain || other.candidate.trial.is_some())
    }
}

fn searcher_said(name: &str, outcome: StepOutcome, why: String) -> Step {
    Step { rung: Rung::Optimizer, by: name.to_owned(), outcome, why }
}
