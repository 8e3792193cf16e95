//! Searchers: who looks for what is worth a trial. Each abstains below its minimum of evidence; one that breaks down is passed over,
//! so a fault in learning never stops what safety and policy decide.

mod bandit;
mod bayes;
mod reward;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{candidates::Weighed, case::Case, strategies::Idea};
use crate::stats::ArmEvidence;

pub(super) use reward::remember;

/// What a searcher is asked.
pub(super) struct Question<'a> {
    pub case: &'a Case<'a>,
    pub incumbent: &'a Weighed,
    pub others: &'a [Weighed],
    /// Positions among the others of what may be tried.
    pub promising: &'a [usize],
}

/// Points of traffic by which a share may waver by chance.
const WAVERS: f64 = 0.01;

impl Question<'_> {
    /// Every arm has had the share over all of the evidence that it has in the window.
    fn arms_are_steady(&self) -> bool {
        let now = |arm: &ArmEvidence| arm.window.requests.weight;
        let always = |arm: &ArmEvidence| arm.lookback.requests.weight;
        let arms = || self.case.arms.values();
        let (all_now, all): (f64, f64) = (arms().map(now).sum(), arms().map(always).sum());
        arms().all(|arm| (now(arm) / all_now - always(arm) / all).abs() <= WAVERS)
    }
}

/// What to try.
pub(super) enum What {
    /// Among the others.
    Known(usize),
    /// Something nobody thought of before.
    New(Box<Idea>),
}

/// What to try, and how much of the traffic to give it.
pub(super) struct Proposal {
    pub what: What,
    pub share_percent: f64,
    pub why: String,
}

/// Why a searcher proposes nothing.
pub(super) enum Silent {
    /// Too little to go by, or nothing worth it.
    Abstained(String),
    /// It broke down.
    Failed(String),
}

/// One way of looking for what is worth a trial.
pub(super) trait Searcher: Sync {
    fn name(&self) -> &'static str;
    fn propose(&self, question: &Question<'_>) -> Result<Proposal, Silent>;
}

/// In the order they are asked.
pub(super) const SEARCHERS: [&dyn Searcher; 2] = [&bandit::Bandit, &bayes::Bayes];

/// Asks one; a fault of its own is an answer too.
pub(super) fn ask(searcher: &dyn Searcher, question: &Question<'_>) -> Result<Proposal, Silent> {
    let Ok(answer) = catch_unwind(AssertUnwindSafe(|| searcher.propose(question))) else {
        return Err(Silent::Failed("it broke down".to_owned()));
    };
    let proposal = answer?;
    match proposal.what {
        What::Known(index) if !question.promising.contains(&index) => {
            Err(Silent::Failed("it proposed what may not be tried".to_owned()))
        }
        _ if !(proposal.share_percent > 0.0 && proposal.share_percent <= 100.0) => {
            Err(Silent::Failed(format!("it proposed a share of {} %", proposal.share_percent)))
        }
        _ => Ok(proposal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl Searcher for Broken {
        fn name(&self) -> &'static str {
            "broken"
        }

        fn propose(&self, question: &Question<'_>) -> Result<Proposal, Silent> {
            // An index that is not there.
            let other = &question.others[question.others.len()];
            Err(Silent::Abstained(other.candidate.why.clone()))
        }
    }

    #[test]
    fn a_searcher_that_breaks_down_is_an_answer() {
        crate::decide::tests::with_question(|question| {
            assert!(matches!(ask(&Broken, question), Err(Silent::Failed(why)) if why == "it broke down"));
        });
    }
}
