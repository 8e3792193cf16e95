//! Contextual bandit over the arms of a segment: Thompson sampling by the probability of being best, worked out instead of drawn, with
//! a floor for what is not ruled out and a limit on how much traffic may move in a day. The context is the service and its segment;
//! what an arm earned here before the evidence begins is remembered.

use super::{Proposal, Question, Searcher, Silent, What, reward};
use crate::{
    decide::candidates::Weighed,
    domain::format,
    stats::bandit::{Allocation, ArmState, Limits, Prior, Unmeasured, WHOLE, Why, allocate},
};

pub(super) struct Bandit;

/// A reward is a share of the present figures: most lie within this of none.
const USUAL_REWARD: f64 = 0.3;

impl Searcher for Bandit {
    fn name(&self) -> &'static str {
        "bandit"
    }

    fn propose(&self, question: &Question<'_>) -> Result<Proposal, Silent> {
        let abstain = |why: String| Err(Silent::Abstained(why));
        if question.promising.is_empty() {
            return abstain("nothing is promising enough to try".to_owned());
        }
        let Some(prior) = Prior::around(0.0, USUAL_REWARD) else {
            return Err(Silent::Failed("no prior".to_owned()));
        };
        let arms: Vec<&Weighed> = std::iter::once(question.incumbent)
            .chain(question.promising.iter().map(|index| &question.others[*index]))
            .collect();
        let names: Vec<String> =
            arms.iter().map(|arm| format!("{} {:?}", arm.candidate.arm, arm.candidate.settings)).collect();
        let mut states = Vec::with_capacity(arms.len());
        let mut left = WHOLE;
        for (place, arm) in arms.iter().enumerate().rev() {
            let evidence = reward::evidence(question.case, arm, question.incumbent);
            if place == 0 && evidence.is_none() {
                let why = "what the present configuration earns is unknown, so nothing can be held against it";
                return Err(Silent::Abstained(why.to_owned()));
            }
            let usable = evidence.unwrap_or_default();
            let posterior = prior.posterior(&usable).map_err(|why| Silent::Failed(why.to_string()))?;
            // Shares are those of the comparison: what serves beside it counts with the present arm.
            let share = if place == 0 { left } else { ((arm.candidate.share * 1_000.0).round() as u16).min(left) };
            left -= share;
            states.push(ArmState {
                name: &names[place],
                share,
                requests: usable.requests(),
                posterior,
                incumbent: place == 0,
            });
        }
        states.reverse();
        let limits = limits(question, &states)?;
        let allocation = allocate(&states, &limits);
        answer(question, &states, &allocation)
    }
}

fn limits(question: &Question<'_>, states: &[ArmState<'_>]) -> Result<Limits, Silent> {
    let case = question.case;
    let experiments = &case.rules.experiments;
    let here =
        case.memory.changes.iter().filter(|change| change.service == case.service && change.segment == case.segment);
    let days = |at: jiff::Timestamp| case.now.duration_since(at).as_secs_f64() / 86_400.0;
    let last = here.clone().map(|change| change.at).max();
    let begun = states.iter().skip(1).any(|state| state.share > 0);
    let days_since_last_change = match last {
        // A clock that was put back is no time gone by.
        Some(at) => days(at).max(0.0),
        None if !begun || question.arms_are_steady() => case.evidence_days,
        None => {
            return Err(Silent::Abstained(
                "when traffic last moved here is unknown: it may have been today".to_owned(),
            ));
        }
    };
    let points_moved_last_day = here.filter(|change| days(change.at) < 1.0).map(|change| change.share_percent).sum();
    Ok(Limits {
        floor: (experiments.floor_percent * 10.0).round() as u16,
        max_points_per_day: experiments.points_per_day,
        days_since_last_change,
        points_moved_last_day,
        // Less than half a point is not worth a change of configuration.
        smallest_move: 5,
        unmeasured: Unmeasured::Explore,
        ..Limits::default()
    })
}

/// The arm that gains most, if any does.
fn answer(question: &Question<'_>, states: &[ArmState<'_>], allocation: &Allocation) -> Result<Proposal, Silent> {
    let wait = match &allocation.why {
        Why::Abstained(why) => Some(why.to_string()),
        Why::Settled { .. } => Some("the shares are as they should be".to_owned()),
        Why::Waiting { wanted_points, allowed_points } => {
            Some(format!("{wanted_points:.1} points of traffic would move, and {allowed_points:.1} may today"))
        }
        Why::Moved { .. } => None,
    };
    if let Some(why) = wait {
        return Err(Silent::Abstained(why));
    }
    let most = question.case.rules.experiments.max_share_percent;
    let gain = |place: &usize| i32::from(allocation.shares[*place]) - i32::from(states[*place].share);
    let winner = (1..states.len()).rev().max_by_key(gain).filter(|place| gain(place) > 0);
    let Some(place) = winner else {
        return Err(Silent::Abstained("traffic would only go back to the present configuration".to_owned()));
    };
    let share = f64::from(allocation.shares[place]) / 10.0;
    if f64::from(states[place].share) / 10.0 >= most {
        return Err(Silent::Abstained(format!("it has all the traffic an experiment may get, {most} %")));
    }
    let index = question.promising[place - 1];
    let candidate = &question.others[index].candidate;
    let why = match (allocation.probability_best[place], &candidate.trial) {
        (Some(probability), _) => format!("the best with probability {}", format::percent(probability)),
        (None, Some(trial)) => trial.clone(),
        (None, None) => "promising, and too little is known of it".to_owned(),
    };
    Ok(Proposal { what: What::Known(index), share_percent: share.min(most), why })
}
