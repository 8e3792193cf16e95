//! Counters: of all runs that a state store has seen.

use super::text::{Family, Kind};
use crate::domain::{
    run::AlertKind,
    tally::{CLASSES, Change, Ending, Tally},
};

pub(super) fn totals(tally: &Tally) -> Vec<Family<'_>> {
    let count = |number: Option<&u64>| number.copied().unwrap_or(0) as f64;
    let usd = |dollars: f64| (vec![("currency", "usd")], dollars);
    vec![
        Family::new(
            Kind::Counter,
            "optimizer_attempts_total",
            "Runs that held the lease, by how they ended. Kept in the state store.",
        )
        .all(Ending::ALL.map(|ending| (vec![("result", ending.name())], count(tally.endings.get(&ending))))),
        durations(tally),
        Family::new(
            Kind::Counter,
            "optimizer_config_changes_total",
            "Changes of what production runs, by type. Kept in the state store.",
        )
        .all(Change::ALL.map(|change| (vec![("type", change.name())], count(tally.changes.get(&change))))),
        Family::new(
            Kind::Counter,
            "optimizer_deployments_started_total",
            "Rollouts that got their first traffic. Kept in the state store.",
        )
        .one(Some(count(tally.changes.get(&Change::Began)))),
        Family::new(
            Kind::Counter,
            "optimizer_deployments_succeeded_total",
            "Rollouts that were completed and proven. Kept in the state store.",
        )
        .one(Some(tally.completed as f64)),
        Family::new(
            Kind::Counter,
            "optimizer_rollbacks_total",
            "Rollouts that were taken back. Kept in the state store.",
        )
        .one(Some(count(tally.changes.get(&Change::RolledBack)))),
        Family::new(Kind::Counter, "optimizer_alerts_total", "What wanted a person, by kind. Kept in the state store.")
            .all(AlertKind::ALL.map(|kind| (vec![("kind", kind.name())], count(tally.alerts.get(kind.name()))))),
        Family::new(
            Kind::Counter,
            "optimizer_cost_saved_total",
            "Money that completed changes spared, as far as it was measured. Kept in the state store.",
        )
        .all(tally.saved.map(|saved| usd(saved.saved_usd))),
        Family::new(
            Kind::Counter,
            "optimizer_cost_added_total",
            "Money that completed changes cost more, as far as it was measured. Kept in the state store.",
        )
        .all(tally.saved.map(|saved| usd(saved.added_usd))),
    ]
}

/// Ends of the classes, as labels.
const ENDS: [&str; CLASSES.len()] = ["0.1", "0.5", "1", "2", "5", "10", "30", "60", "120"];

fn durations(tally: &Tally) -> Family<'_> {
    let mut family = Family::new(
        Kind::Histogram,
        "optimizer_duration_seconds",
        "How long runs took, those that were killed left out. Kept in the state store.",
    );
    let mut so_far = 0;
    for (end, count) in ENDS.iter().zip(tally.durations) {
        so_far += count;
        family = family.part("_bucket", vec![("le", *end)], so_far as f64);
    }
    let all = tally.durations.iter().sum::<u64>() as f64;
    family.part("_bucket", vec![("le", "+Inf")], all).part("_sum", Vec::new(), tally.seconds).part(
        "_count",
        Vec::new(),
        all,
    )
}
