//! The state store: reached, understood, writable; and what it says of the runs before.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Ward,
    area::{Findings, Over, failed},
};
use crate::{
    act,
    cli::{Failure, files, rights},
    domain::{
        Policy,
        doctor::{self, Check, Subject},
        fault::Exit,
        format::{counted, instant},
        rights::Permission,
        status::StatusReport,
    },
    state::{Open, StateError, Store, Table, Wanted},
};

pub(super) const SUBJECTS: &[(Subject, Exit)] = &[
    (Subject::State, Exit::State),
    (Subject::StateTables, Exit::State),
    (Subject::StateWritable, Exit::State),
    (Subject::DatabaseClock, Exit::State),
    (Subject::Rights, Exit::Usage),
    (Subject::Stop, Exit::State),
    (Subject::Lease, Exit::State),
    (Subject::LastRun, Exit::State),
    (Subject::OpenWrites, Exit::State),
];

/// How long a run that writes at the moment is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn check(ward: &Ward, findings: &mut Findings) -> Result<(), Over> {
    let mut store = match ward.arguments.state.open(Open::AsItIs) {
        Ok(store) => store,
        // Whether one can be made, the check of its folder says.
        Err(StateError::Missing { store }) => {
            let found = format!("there is no `{store}`; the first run makes it");
            findings.tell(Check::warning(
                Subject::State,
                found,
                "nothing, before the first run; later, look for the file",
            ));
            return Err(findings.skip("there is no store yet"));
        }
        Err(error) => return Err(findings.fail(&error.into())),
    };
    let shown = ward.arguments.state.shown().unwrap_or_default();
    findings.tell(Check::ok(Subject::State, format!("`{shown}` answers")));
    let mut tell = |check: Result<Check, StateError>| match check {
        Ok(check) => {
            findings.tell(check);
            Ok(())
        }
        Err(error) => Err(findings.fail(&Failure::from(error))),
    };
    tell(tables(&mut store))?;
    tell(writable(&mut store))?;
    tell(clock(&mut store))?;
    match rights_of(&mut store) {
        Ok(check) => findings.tell(check),
        Err(error) => return Err(findings.fail(&error.into())),
    }
    let policy = files::policy(ward.arguments.policy.as_deref()).or_else(|_| files::built_in());
    let status = policy.map_err(Failure::from).and_then(|policy| Ok(status(&mut store, &policy, ward.now)?));
    let status = match status {
        Ok(status) => status,
        Err(failure) => return Err(findings.fail(&failure)),
    };
    findings.tell(stops(&status));
    findings.tell(lease(&status));
    let run = status.runs.first().map(|run| (run.at, run.ended));
    findings.tell(doctor::last_run(run, status.acting.is_some(), ward.now, ward.arguments.every));
    match open_writes(&mut store, &status) {
        Ok(check) => findings.tell(check),
        Err(error) => return Err(findings.fail(&error.into())),
    }
    Ok(())
}

fn status(store: &mut Store, policy: &Policy, now: Timestamp) -> Result<StatusReport, StateError> {
    act::status(store, None, policy, now)
}

fn tables(store: &mut Store) -> Result<Check, StateError> {
    let pending = store.pending()?;
    Ok(if pending.is_empty() {
        Check::ok(Subject::StateTables, "of this version")
    } else {
        let names: Vec<&str> = pending.iter().map(|(_, name)| *name).collect();
        let found = format!("{} to come: {}", counted(names.len() as u64, "step"), names.join(", "));
        Check::warning(
            Subject::StateTables,
            found,
            "the next run takes them; older versions of this program cannot use the store any more then",
        )
    })
}

fn writable(store: &mut Store) -> Result<Check, StateError> {
    store.hurry(PATIENCE)?;
    let subject = Subject::StateWritable;
    Ok(if store.rehearse()? {
        Check::ok(subject, "a write was tried and taken back")
    } else {
        let found = format!("somebody else wrote for {} s, so none could be tried", PATIENCE.as_secs());
        Check::warning(
            subject,
            found,
            "`optimizer status` says who acts; an export of a file takes as long as it reads",
        )
    })
}

fn clock(store: &mut Store) -> Result<Check, StateError> {
    Ok(match store.clock()? {
        Some((here, there)) => doctor::clocks(Subject::DatabaseClock, "the database", here, there),
        None => Check::skipped(Subject::DatabaseClock, "a file has no clock of its own"),
    })
}

/// Whether a run would be let through, and whether anybody would be kept from anything.
fn rights_of(store: &mut Store) -> Result<Check, StateError> {
    let subject = Subject::Rights;
    if store.pending()?.iter().any(|(_, name)| *name == "roles") {
        return Ok(Check::skipped(subject, "there is no table of roles yet"));
    }
    if store.roles()?.is_empty() {
        let found = "nobody has a role: whoever reaches the store may do everything";
        // Roles in a file bind nobody who may write the file.
        return Ok(match store.session_user()? {
            Some(_) => Check::warning(
                subject,
                found,
                "`optimizer rights grant database:ROLE admin`; docs/rights.md says what that is worth",
            ),
            None => Check::ok(subject, found),
        });
    }
    Ok(match rights::allow(store, Permission::TriggerOptimization, "run") {
        Ok(by) => Check::ok(subject, format!("{by} may run")),
        Err(failure) => failed(subject, &failure),
    })
}

fn stops(status: &StatusReport) -> Check {
    let Some(first) = status.frozen.iter().max_by_key(|frozen| frozen.everything) else {
        return Check::ok(Subject::Stop, "none in force");
    };
    let about = first.service.as_ref().map_or_else(|| "all services".to_owned(), |service| format!("`{service}`"));
    let what = if first.everything { "stopped" } else { "paused" };
    let mut found = format!("{about} {what} by {} at {} UTC: {}", first.by, instant(first.at), first.reason);
    if status.frozen.len() > 1 {
        found += &format!("; and {} more", status.frozen.len() - 1);
    }
    Check::warning(Subject::Stop, found, "`optimizer status` shows all; `optimizer resume` ends it")
}

fn lease(status: &StatusReport) -> Check {
    let Some(holder) = &status.acting else { return Check::ok(Subject::Lease, "free") };
    // It names the run, and the run says when it began.
    let run = status.runs.iter().find(|run| holder.holder.contains(&run.id));
    let since = run.map_or_else(String::new, |run| format!(" since {} UTC", instant(run.at)));
    Check::warning(
        Subject::Lease,
        format!("held by {}{since}, until {} UTC at the latest", holder.holder, instant(holder.until)),
        "wait for it; if it was killed, the lease ends by itself",
    )
}

/// Writes that were sent by a run that is over, and of which nobody knows what became.
fn open_writes(store: &mut Store, status: &StatusReport) -> Result<Check, StateError> {
    let open = store.documents(Table::Intents, Wanted { state: Some("open"), ..Wanted::default() })?.len() as u64;
    if open == 0 {
        return Ok(Check::ok(Subject::OpenWrites, "none"));
    }
    let found = format!("{} whose outcome is not known", counted(open, "write"));
    if status.acting.is_some() {
        return Ok(Check::ok(Subject::OpenWrites, format!("{found}, and a run is at it")));
    }
    Ok(Check::warning(
        Subject::OpenWrites,
        found,
        "the next run finds out first of all; where that goes on, look at the sink",
    ))
}
