//! Whether somebody may do what they ask for, and not too often.

use jiff::Timestamp;

use super::identify;
use crate::{
    cli::{Failure, holder::person},
    domain::{
        format::{counted, visible},
        rights::{self, MOST_A_MINUTE, MOST_A_MINUTE_OF_ALL, Permission, Refused},
    },
    state::{StateError, Store},
};

/// Deeds that are looked at for how much was done in the last minute; a command that does more of them counts once.
const DEEDS: i64 = 1_000;

/// What people do; the deeds of runs have other names or other actors.
const RUN: &str = "run ";

/// Whoever does it, as the audit log names them; or why not. While nobody has a role, everybody may do everything.
pub(in crate::cli) fn allow(store: &mut Store, permission: Permission, what: &str) -> Result<String, Failure> {
    let rows = store.roles()?;
    let by = if rows.is_empty() {
        person()
    } else {
        // A role that this version does not know allows nothing.
        let roles = rows.into_iter().filter_map(|row| Some((row.identity, row.role.parse().ok()?))).collect();
        let (known, trouble) = identify(store)?;
        let identity = rights::allowed(&roles, &known, permission).map_err(|refused| not(what, &refused, trouble))?;
        visible(&identity.to_string())
    };
    if permission.is_limited() {
        keep_within(store, &by, what)?;
    }
    Ok(by)
}

/// Whoever runs, as the audit log names the run.
pub(in crate::cli) fn run_actor(store: &mut Store, id: &str) -> Result<String, Failure> {
    let by = allow(store, Permission::TriggerOptimization, "run")?;
    Ok(if store.roles()?.is_empty() { format!("{RUN}{id}") } else { format!("{RUN}{id}, {by}") })
}

fn not(what: &str, refused: &Refused, trouble: Option<String>) -> Failure {
    let Refused { identity, has, needs, admins } = refused;
    let token = trouble.map_or_else(String::new, |why| format!("; a token does not count: {why}"));
    Failure::usage(
        visible(&format!("`{identity}` is {}, and `{what}` needs {}{token}", has.name(), needs.name())),
        format!(
            "ask for it: {} can `optimizer rights grant {identity} {} --reason …`; `optimizer rights show` says who you are",
            admins.join(", "),
            needs.name()
        ),
    )
}

/// By the clock of this machine, from the audit log: it holds for all processes together.
fn keep_within(store: &mut Store, by: &str, what: &str) -> Result<(), Failure> {
    let now = Timestamp::now();
    let deeds = store.deeds(None, None, DEEDS)?;
    // All deeds of one command have its time.
    let mut commands: Vec<(&str, &str)> = deeds
        .iter()
        .filter(|row| !row.deed.actor.starts_with(RUN))
        .map(|row| (row.deed.actor.as_str(), row.deed.at.as_str()))
        .collect();
    commands.sort_unstable();
    commands.dedup();
    let age = |at: &str| at.parse::<Timestamp>().ok().map(|at| now.as_millisecond() - at.as_millisecond());
    let own: Vec<i64> = commands.iter().filter(|(actor, _)| *actor == by).filter_map(|(_, at)| age(at)).collect();
    let all: Vec<i64> = commands.iter().filter_map(|(_, at)| age(at)).collect();
    let Some(wait) = rights::wait(&own, &all) else { return Ok(()) };
    Err(Failure::usage(
        format!(
            "too many changes in a minute for `{what}`: {MOST_A_MINUTE} of one, {MOST_A_MINUTE_OF_ALL} of all are let through"
        ),
        format!(
            "possible again in {}; `optimizer stop` and `rollback` always are",
            counted(wait.unsigned_abs().div_ceil(1_000), "second")
        ),
    ))
}

/// Whether a word was said by somebody else.
pub(in crate::cli) fn of_others(store: &mut Store, said_by: &str) -> Result<bool, StateError> {
    let (known, _) = identify(store)?;
    Ok(known.iter().all(|identity| visible(&identity.to_string()) != said_by))
}
