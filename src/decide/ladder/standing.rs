//! Where every candidate stands in the end, and why.

use super::Table;
use crate::{
    decide::{
        candidates::Weighed,
        choose::{judge_dominance, pareto_front},
    },
    domain::{
        format,
        plan::{Action, Standing},
        policy::Mode,
    },
};

impl Table<'_> {
    /// Gives every candidate its standing and the reason for it.
    pub(super) fn label(&mut self, chosen: Option<(usize, Action)>) {
        let limits = self.case.rules.decision;
        judge_dominance(&self.incumbent, &mut self.others);
        let front = pareto_front(&self.incumbent, &self.others);
        let experiments = self.case.rules.experiments.mode != Mode::Off;
        let promising: Vec<bool> = (0..self.others.len()).map(|index| experiments && self.promising(index)).collect();
        for (index, weighed) in self.others.iter_mut().enumerate() {
            let failure = weighed.first_failure().map(|check| check.detail.clone());
            let candidate = &mut weighed.candidate;
            let gain = candidate.improvement.unwrap_or(f64::NEG_INFINITY);
            let confidence = candidate.confidence.unwrap_or(0.0);
            (candidate.standing, candidate.why) =
                if let Some((_, action)) = chosen.filter(|(chosen, _)| *chosen == index) {
                    match action {
                        Action::Experiment => (
                            Standing::Chosen,
                            candidate.trial.clone().unwrap_or_else(|| "promising, and a trial will tell".to_owned()),
                        ),
                        Action::Revert => {
                            (Standing::Chosen, "ran before, and nothing speaks against going back".to_owned())
                        }
                        _ if failure.is_some() => {
                            (Standing::Chosen, "named by the policy, and nothing speaks against it".to_owned())
                        }
                        _ => (Standing::Chosen, "holds every constraint and improves most".to_owned()),
                    }
                } else if let Some((_, why)) =
                    self.blocked.as_ref().filter(|(blocked, _)| chosen.is_none() && *blocked == index)
                {
                    (Standing::Refused, why.clone())
                } else if let Some(failure) = failure {
                    if promising[index] { (Standing::Promising, failure) } else { (Standing::Refused, failure) }
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
                    (if promising[index] { Standing::Promising } else { Standing::Refused }, why)
                } else {
                    (Standing::Outranked, "another improves more".to_owned())
                };
        }
    }

    /// What would improve most, if it were allowed.
    pub(super) fn tempting(&self) -> Option<&Weighed> {
        let limits = &self.case.rules.decision;
        let promising =
            |weighed: &&Weighed| weighed.candidate.improvement.is_some_and(|gain| gain >= limits.min_improvement);
        let improvement = |weighed: &&Weighed| weighed.candidate.improvement.unwrap_or(f64::NEG_INFINITY);
        self.others.iter().filter(promising).rev().max_by(|a, b| improvement(a).total_cmp(&improvement(b)))
    }

    pub(super) fn nothing_better(&self) -> String {
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
}
