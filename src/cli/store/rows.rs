//! What each row of the store has to be.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::{
    act::{Evidence, Intent, TALLY, TOLD, rollout::ServiceState, sink::Breaker},
    domain::{
        Plan,
        rollout::{Rollout, Version},
        run::RunReport,
        tally::Tally,
        told::Told,
    },
    state::{Document, Table},
};

/// What is known of rollouts when other rows are looked at: their services, and whether they are under way.
pub(super) type Rollouts = BTreeMap<String, (String, bool)>;

/// Why a document is not what its table is for, if it is not.
pub(super) fn problem(table: Table, row: &Document, rollouts: &Rollouts) -> Option<String> {
    let found = match table {
        Table::Rollouts => of(row, |rollout: Rollout| {
            same("id", &rollout.id, &row.id).or(same("service", &rollout.service, &row.service)).or(same(
                "state",
                if rollout.stage.is_open() { "open" } else { "closed" },
                &row.state,
            ))
        }),
        Table::Evidence => of(row, |_: Evidence| match rollouts.get(&row.id) {
            None => Some("its rollout is not there".to_owned()),
            Some((_, true)) if row.state != "open" => Some("it is closed, and its rollout is under way".to_owned()),
            Some(_) => None,
        }),
        Table::Intents => of(row, |intent: Intent| {
            let settled = intent.outcome.is_settled();
            let lost = !settled && !rollouts.contains_key(&intent.rollout);
            same("id", &intent.key, &row.id)
                .or(same("service", &intent.service, &row.service))
                .or(same("state", if settled { "settled" } else { "open" }, &row.state))
                .or(lost.then(|| format!("it is open, and its rollout {} is not there", intent.rollout)))
        }),
        Table::Configurations => {
            of(row, |version: Version| same("id", &format!("{}@{}", row.service, version.id), &row.id))
        }
        Table::Services => of(row, |_: ServiceState| None),
        Table::Breakers => of(row, |_: Breaker| None),
        Table::Ticks => of(row, |report: RunReport| same("id", &report.id, &row.id)),
        Table::Notes => match row.id.as_str() {
            TALLY => of(row, |_: Tally| None),
            TOLD => of(row, |_: Told| None),
            _ => Some("nothing of this name is kept there".to_owned()),
        },
    };
    found.or((row.generation < 1).then(|| format!("it was changed {} times", row.generation)))
}

/// Why a plan is none, if it is none.
pub(super) fn plan_problem(id: &str, body: &str, decisions: i64) -> Option<String> {
    let plan: Plan = match serde_json::from_str(body) {
        Ok(plan) => plan,
        Err(cause) => return Some(unreadable(&cause)),
    };
    let listed = i64::try_from(plan.decisions.len()).unwrap_or(i64::MAX);
    same("id", &plan.id, id)
        .or((listed != decisions)
            .then(|| format!("it decided {listed} times, and {decisions} of these can be asked for")))
}

fn of<T: DeserializeOwned>(row: &Document, more: impl FnOnce(T) -> Option<String>) -> Option<String> {
    match serde_json::from_str(&row.body) {
        Ok(read) => more(read),
        Err(cause) => Some(unreadable(&cause)),
    }
}

/// Whether text can be read as what it is kept for.
pub(super) fn body_problem<T: DeserializeOwned>(body: &str) -> Option<String> {
    serde_json::from_str::<T>(body).err().map(|cause| unreadable(&cause))
}

fn unreadable(cause: &serde_json::Error) -> String {
    format!("it cannot be read ({cause})")
}

fn same(what: &str, inside: &str, outside: &str) -> Option<String> {
    (inside != outside).then(|| format!("its {what} is `{outside}` in the table and `{inside}` inside"))
}
