//! One plan over all services: one change a service and tick, no more changes at once than the policy lets, and no more money than the
//! budget of all services has. What has to wait says so, and comes up again in the next tick.

use std::collections::BTreeMap;

use crate::domain::{
    Policy, format,
    plan::{Action, Decision, Rung},
    policy::Mode,
};

/// Lets the most important changes through. `spend_usd_per_day` is the spend of all services now, where it is known.
pub(super) fn ration(decisions: &mut [Decision], policy: &Policy, spend_usd_per_day: Option<f64>) {
    let moving = |decision: &Decision| {
        matches!(decision.action, Action::Change | Action::Revert | Action::Experiment)
            && policy.rules(&decision.service).mode == Mode::Enforce
    };
    let mut order: Vec<usize> = (0..decisions.len()).filter(|index| moving(&decisions[*index])).collect();
    order.sort_by(|a, b| rank(&decisions[*a], &decisions[*b]));
    let most = policy.max_changes_per_tick.map_or(usize::MAX, |most| most as usize);
    let mut room = Room::of(policy, spend_usd_per_day);
    let mut going: BTreeMap<String, Decision> = BTreeMap::new();
    let mut count = 0;
    for index in order {
        let decision = &decisions[index];
        let safety = decision.rung == Rung::SafetyRule;
        let why = match going.get(&decision.service) {
            // A configuration that is taken back is taken back everywhere, and a provider in trouble is left by all.
            Some(first) if safety && same_way_out(first, decision) => None,
            Some(first) => Some(format!("{} requests of this service go first", first.segment.name())),
            None if !safety && count >= most => {
                Some(format!("{} at once are allowed", format::counted(most as u64, "change")))
            }
            None if !safety => room.refuses(decision),
            None => None,
        };
        if let Some(why) = why {
            let decision = &mut decisions[index];
            decision.action = Action::Deferred;
            decision.reason = format!("waits: {why}; {}", decision.reason);
            decision.spend_change_usd_per_day = None;
            decision.rollout_percent = Vec::new();
            continue;
        }
        room.take(decision);
        count += usize::from(!going.contains_key(&decision.service));
        going.entry(decision.service.clone()).or_insert_with(|| decision.clone());
    }
}

/// Back from and to the same versions, or from one arm to the same other.
fn same_way_out(first: &Decision, other: &Decision) -> bool {
    let versions = |decision: &Decision| {
        let version = |arm: &Option<crate::domain::Arm>| arm.as_ref().and_then(|arm| arm.config_version.clone());
        (version(&decision.current), version(&decision.proposed))
    };
    match (first.action, other.action) {
        (Action::Revert, Action::Revert) => versions(first) == versions(other),
        (one, another) => {
            one == another
                && first.rung == other.rung
                && (&first.current, &first.proposed) == (&other.current, &other.proposed)
        }
    }
}

/// Safety before business before gain; of equals what saves most, then what is surest, then by name.
fn rank(a: &Decision, b: &Decision) -> std::cmp::Ordering {
    let saving = |decision: &Decision| decision.spend_change_usd_per_day.unwrap_or(f64::INFINITY);
    let sure = |decision: &Decision| -decision.confidence.unwrap_or(0.0);
    a.rung
        .cmp(&b.rung)
        .then(saving(a).total_cmp(&saving(b)))
        .then(sure(a).total_cmp(&sure(b)))
        .then_with(|| (&a.service, a.segment).cmp(&(&b.service, b.segment)))
}

/// What the budget of all services leaves for changes that cost more. They are let through in their order up to the first that does not
/// fit, never a later one in its place: so a larger budget lets through the same and more, and never makes a plan worse.
struct Room {
    /// US dollars a day; none means there is no budget, or nothing is known against it.
    left: Option<f64>,
    closed: bool,
}

impl Room {
    /// What this plan saves is not spent again in it: a canary saves a twentieth of it at first.
    fn of(policy: &Policy, spend: Option<f64>) -> Self {
        let left = policy.total_daily_budget_usd.map(|budget| spend.map_or(0.0, |spend| (budget - spend).max(0.0)));
        Self { left, closed: false }
    }

    fn refuses(&mut self, decision: &Decision) -> Option<String> {
        let left = self.left?;
        let more = decision.spend_change_usd_per_day.is_none_or(|change| change > 0.0);
        if !more {
            return None;
        }
        let wanted = decision.spend_change_usd_per_day.unwrap_or(f64::INFINITY);
        self.closed |= wanted > left;
        self.closed.then(|| format!("the budget of all services has {} a day left", format::usd(left)))
    }

    fn take(&mut self, decision: &Decision) {
        if let (Some(left), Some(more)) = (&mut self.left, decision.spend_change_usd_per_day) {
            *left -= more.max(0.0);
        }
    }
}
