//! Shares of traffic for arms that are still being compared.

use super::{
    Abstention, MOST_ARMS, Posterior, WHOLE, best,
    shares::{Move, distance, moved},
    targets::{by_mean, ranked, targets},
};

/// One arm as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmState<'a> {
    /// Its own name: ties are broken by it, so that the order of arms never matters.
    pub name: &'a str,
    /// Present share, tenths of a percent. All together make [`WHOLE`].
    pub share: u16,
    /// Effective number of requests behind the posterior.
    pub requests: f64,
    /// Of the mean reward; more is better.
    pub posterior: Posterior,
    /// In use before the comparison. Wins ties.
    pub incumbent: bool,
}

/// What to do about arms below the evidence minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmeasured {
    /// Raise them to the floor: this is how an arm gets its first evidence.
    Explore,
    /// Leave them where they are: a rollout decides about their first traffic.
    Hold,
}

/// How far and how fast traffic may move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Least share of an arm not ruled out, tenths of a percent. All floors together at most half of the traffic.
    pub floor: u16,
    /// Traffic that may change hands in a day (half the L1 distance), percentage points.
    pub max_points_per_day: f64,
    /// Days since shares last changed. Time saved up counts for one day at most.
    pub days_since_last_change: f64,
    /// Points that already changed hands in the 24 hours before now; they are taken off the day's allowance.
    pub points_moved_last_day: f64,
    /// Smallest change worth making, tenths of a percent; less waits.
    pub smallest_move: u16,
    /// Part of each arm's traffic that goes to its challengers, `0..=0.5`, as in top-two Thompson sampling (Russo, "Simple
    /// Bayesian algorithms for best-arm identification", Operations Research 68, 2020, doi:10.1287/opre.2019.1911). 0 shares
    /// by the probability of being best, which is Thompson sampling; 0.5 finds the best arm sooner and pays more for it.
    pub challenger: f64,
    /// Effective requests below which an arm is not judged. Where old evidence is discounted, the floor has to bring in new
    /// evidence faster than it ages (requests at the floor within 1.4 half-lives above this), or an arm once ruled out stays
    /// unmeasured for good.
    pub minimum_requests: f64,
    /// An arm is ruled out when its probability of being best is below this.
    pub ruled_out_below: f64,
    pub unmeasured: Unmeasured,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            floor: 10,
            max_points_per_day: 5.0,
            days_since_last_change: 0.0,
            points_moved_last_day: 0.0,
            smallest_move: 1,
            challenger: 0.0,
            minimum_requests: 30.0,
            ruled_out_below: 0.01,
            unmeasured: Unmeasured::Explore,
        }
    }
}

/// How an arm is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Most probably the best; gets what exploration does not need.
    Leader,
    /// Not ruled out: the floor, and more by its probability of being best.
    Exploring,
    /// Hardly the best: nothing.
    RuledOut,
    /// Too little evidence to judge: the floor, and never more than it has.
    Unmeasured,
}

/// Why the shares are what they are.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// No answer: shares unchanged.
    Abstained(Abstention),
    /// Present shares are the right ones, or the difference is below the smallest move.
    Settled { wanted_points: f64 },
    /// Points that change hands, and points wanted: more where a limit holds them back.
    Moved { points: f64, wanted_points: f64 },
    /// A move is wanted, and the day's allowance is used up or not yet enough for the smallest move.
    Waiting { wanted_points: f64, allowed_points: f64 },
}

/// Shares in the order of the arms.
#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    /// Tenths of a percent. They make [`WHOLE`], unless the present ones did not.
    pub shares: Vec<u16>,
    pub why: Why,
    /// Of each arm; empty after an abstention.
    pub roles: Vec<Role>,
    /// Probability of being best among the measured arms; `None` where not measured. Empty after an abstention.
    pub probability_best: Vec<Option<f64>>,
    /// Reward per request that comparing the measured arms further could still win.
    pub value_remaining: Option<f64>,
}

/// Shares for the time until the next tick: every measured arm by its probability of being best, floors for arms not ruled
/// out, nothing for those that are, and no faster than the limits allow. When they hold the move back, floors are filled
/// first, traffic leaves the worst arm first and goes to the leader first.
#[must_use]
pub fn allocate(arms: &[ArmState<'_>], limits: &Limits) -> Allocation {
    let mut order: Vec<usize> = (0..arms.len()).collect();
    order.sort_by(|a, b| arms[*a].name.cmp(arms[*b].name));
    let sorted: Vec<&ArmState<'_>> = order.iter().map(|place| &arms[*place]).collect();
    match checked(&sorted, limits).and_then(|()| decided(&sorted, limits)) {
        Ok(by_name) => {
            let mut back = vec![0; order.len()];
            order.iter().enumerate().for_each(|(place, arm)| back[*arm] = place);
            Allocation {
                shares: back.iter().map(|place| by_name.shares[*place]).collect(),
                roles: back.iter().map(|place| by_name.roles[*place]).collect(),
                probability_best: back.iter().map(|place| by_name.probability_best[*place]).collect(),
                ..by_name
            }
        }
        Err(reason) => Allocation {
            shares: arms.iter().map(|arm| arm.share).collect(),
            why: Why::Abstained(reason),
            roles: Vec::new(),
            probability_best: Vec::new(),
            value_remaining: None,
        },
    }
}

fn checked(arms: &[&ArmState<'_>], limits: &Limits) -> Result<(), Abstention> {
    if arms.len() < 2 {
        return Err(Abstention::TooFewArms);
    }
    if arms.len() > MOST_ARMS {
        return Err(Abstention::TooManyArms { arms: arms.len() });
    }
    if let Some(pair) = arms.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(Abstention::SameName { name: pair[0].name.to_owned() });
    }
    let tenths: u32 = arms.iter().map(|arm| u32::from(arm.share)).sum();
    if tenths != u32::from(WHOLE) {
        return Err(Abstention::SharesDoNotAddUp { tenths });
    }
    let at_least_zero = |value: f64| value >= 0.0 && value.is_finite();
    let ranges = [
        ("floor", usize::from(limits.floor) * arms.len() <= usize::from(WHOLE / 2)),
        ("max_points_per_day", at_least_zero(limits.max_points_per_day)),
        // A clock put back shows here.
        ("days_since_last_change", limits.days_since_last_change >= 0.0),
        ("points_moved_last_day", at_least_zero(limits.points_moved_last_day)),
        ("challenger", (0.0..=0.5).contains(&limits.challenger)),
        ("minimum_requests", at_least_zero(limits.minimum_requests)),
        ("ruled_out_below", (0.0..0.5).contains(&limits.ruled_out_below)),
    ];
    ranges.iter().find(|(_, good)| !good).map_or(Ok(()), |(limit, _)| Err(Abstention::BadLimit { limit }))
}

/// The same, for arms that are checked and in order of their names.
fn decided(arms: &[&ArmState<'_>], limits: &Limits) -> Result<Allocation, Abstention> {
    let measured: Vec<usize> = (0..arms.len()).filter(|arm| arms[*arm].requests >= limits.minimum_requests).collect();
    let needed = if limits.unmeasured == Unmeasured::Explore { 1 } else { 2 };
    if measured.len() < needed {
        let others = arms.iter().map(|arm| arm.requests).filter(|requests| *requests < limits.minimum_requests);
        let have = others.fold(0.0, f64::max);
        let (measured, arms, need) = (measured.len(), arms.len(), limits.minimum_requests);
        return Err(Abstention::TooFewRequests { measured, arms, have, need });
    }
    let posteriors: Vec<Posterior> = measured.iter().map(|arm| arms[*arm].posterior).collect();
    let standing = best(&posteriors).ok_or(Abstention::Incomparable)?;
    let mut probability_best = vec![None; arms.len()];
    measured.iter().zip(&standing.probability).for_each(|(arm, p)| probability_best[*arm] = Some(*p));

    let ranking = ranked(arms, &probability_best);
    let leader = ranking[0];
    let role = |arm: usize| match probability_best[arm] {
        None => Role::Unmeasured,
        Some(_) if arm == leader => Role::Leader,
        Some(p) if p < limits.ruled_out_below => Role::RuledOut,
        Some(_) => Role::Exploring,
    };
    let roles: Vec<Role> = (0..arms.len()).map(role).collect();
    let wanted = targets(arms, limits, &measured, &standing, &roles)?;

    let worst_first = by_mean(arms);
    let moves: Vec<Move> = (0..arms.len())
        .map(|arm| Move {
            present: arms[arm].share,
            wanted: wanted[arm],
            floor: limits.floor,
            taken: worst_first[arm],
            given: ranking.iter().position(|place| *place == arm).unwrap_or(arms.len()),
        })
        .collect();
    // Days without a change save up no more than one day's points.
    let day = limits.days_since_last_change * limits.max_points_per_day;
    let allowed_points = day.min(limits.max_points_per_day - limits.points_moved_last_day).clamp(0.0, 100.0);
    // A hair more, so that 0.3 points are three tenths.
    let allowance = (allowed_points * 10.0 + 1e-9).floor() as u16;
    let (wants, smallest) = (distance(&moves), limits.smallest_move.max(1));
    let wanted_points = f64::from(wants) / 10.0;
    let (allowance, why) = if wants < smallest {
        (0, Why::Settled { wanted_points })
    } else if allowance < smallest {
        (0, Why::Waiting { wanted_points, allowed_points })
    } else {
        (allowance, Why::Moved { points: f64::from(wants.min(allowance)) / 10.0, wanted_points })
    };
    let value_remaining = Some(standing.value_remaining());
    Ok(Allocation { shares: moved(&moves, allowance), why, roles, probability_best, value_remaining })
}

#[cfg(test)]
mod tests;
