//! What completed changes spared, hour by hour.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    domain::{
        plan::Measure,
        rollout::{Purpose, Rollout, Stage, spared},
        status::RolloutStatus,
    },
    stats::History,
};

/// US dollars of the hours that were over before `until` and not counted before, and the end of the last of them. None where no completed
/// change has a measured effect, or no such hour is known. An hour whose cost is unknown counts for nothing, and rows that come later
/// than this are not counted any more.
pub(super) fn saved(
    history: &History,
    rollouts: &[RolloutStatus],
    counted_until: Option<Timestamp>,
    until: Timestamp,
) -> Option<(f64, Timestamp)> {
    let length = history.slot_seconds;
    let mut sum: Option<(f64, i64)> = None;
    for (service, (since, rollout)) in newest(rollouts) {
        let (Purpose::Change, Some(effect)) = (rollout.purpose, rollout.effects.get(&Measure::CostPerRequestUsd))
        else {
            continue;
        };
        let from = counted_until.map_or(since, |counted| counted.max(since)).as_second();
        let hours = history.services.get(service).into_iter().flat_map(|history| &history.spend);
        for hour in hours.filter(|hour| hour.at >= from && hour.at + length <= until.as_second()) {
            let Some(usd) = spared(hour.value, *effect) else { continue };
            let (all, last) = sum.unwrap_or((0.0, i64::MIN));
            sum = Some((all + usd, last.max(hour.at + length)));
        }
    }
    let (usd, last) = sum?;
    Some((usd, Timestamp::from_second(last).ok()?))
}

/// What serves all of the traffic of each service since it came there: not only changes, so that one that was undone counts no longer.
fn newest(rollouts: &[RolloutStatus]) -> BTreeMap<&str, (Timestamp, &Rollout)> {
    let mut newest = BTreeMap::<&str, (Timestamp, &Rollout)>::new();
    for RolloutStatus { rollout, .. } in rollouts {
        let Stage::Full { since } = rollout.stage else { continue };
        let known = newest.entry(&rollout.service).or_insert((since, rollout));
        if since > known.0 {
            *known = (since, rollout);
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::stats::history::Slot;

    fn rollout(service: &str, purpose: &str, since: &str, effect: Option<f64>) -> RolloutStatus {
        let version = json!({"id": "v", "configuration": {}, "in_sink": null});
        let effects = effect.map_or_else(|| json!({}), |effect| json!({"cost_per_request_usd": effect}));
        serde_json::from_value(json!({"judgement": null, "open_writes": 0, "counted_until": null, "rollout": {
            "id": "r", "service": service, "reason": "", "purpose": purpose, "strategy": "canary", "subjects": [],
            "from": version, "to": version, "steps": [], "started_at": since, "deadline": since,
            "stage": {"state": "full", "since": since}, "deployed": null, "labels": [], "effects": effects,
            "restarts": 0, "restarted_because": Value::Null
        }}))
        .unwrap()
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}:00Z").parse().unwrap()
    }

    fn history(spend: &[Option<f64>]) -> History {
        let mut history = History::new(3600);
        for (hour, spend_usd) in (0..).zip(spend) {
            let slot = Slot { spend_usd: *spend_usd, ..Slot::silence(at("00:00").as_second() + 3600 * hour) };
            history.push("chat", &slot);
        }
        history
    }

    #[test]
    fn whole_hours_count_once() {
        let history = history(&[Some(1.0), Some(3.0), None, Some(3.0), Some(100.0)]);
        let halved = [rollout("chat", "change", "2026-01-01T00:30:00Z", Some(-0.5))];
        // Half of what it was: what was spent was spared too. The hour it began in is not its own, and the last is not over.
        assert_eq!(saved(&history, &halved, None, at("04:59")), Some((6.0, at("04:00"))));
        assert_eq!(saved(&history, &halved, Some(at("02:00")), at("04:59")), Some((3.0, at("04:00"))));
        assert_eq!(saved(&history, &halved, Some(at("04:00")), at("04:59")), None, "nothing is counted twice");
        let dearer = [rollout("chat", "change", "2026-01-01T03:00:00Z", Some(0.5))];
        assert_eq!(saved(&history, &dearer, None, at("04:00")), Some((-1.0, at("04:00"))));
    }

    #[test]
    fn what_was_not_measured_or_was_undone_counts_for_nothing() {
        let history = history(&[Some(1.0), Some(3.0)]);
        let of = |rollouts: &[RolloutStatus]| saved(&history, rollouts, None, at("09:00"));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[rollout("chat", "change", "2026-01-01T00:00:00Z", None)]), None);
        assert_eq!(of(&[rollout("other", "change", "2026-01-01T00:00:00Z", Some(-0.5))]), None);
        assert_eq!(of(&[rollout("chat", "change", "2026-01-01T00:00:00Z", Some(-1.0))]), None, "nothing costs nothing");
        let change = rollout("chat", "change", "2026-01-01T00:00:00Z", Some(-0.5));
        assert_eq!(of(std::slice::from_ref(&change)), Some((4.0, at("02:00"))));
        assert_eq!(of(&[change, rollout("chat", "restore", "2026-01-01T00:10:00Z", None)]), None);
    }
}
