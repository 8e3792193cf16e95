//! The source: found, understood, and new.

use jiff::Timestamp;

use super::{
    Ward,
    area::{Findings, Over},
};
use crate::{
    cli::{Failure, files, source::Named},
    domain::{
        doctor::{self, Check, Subject},
        fault::{Exit, Fixable as _},
        format::counted,
    },
    observe::{self, Engine, Glance, ObserveError, Range},
};

pub(super) const SUBJECTS: &[(Subject, Exit)] = &[
    (Subject::Source, Exit::Source),
    (Subject::Layout, Exit::Source),
    (Subject::Rows, Exit::Source),
    (Subject::Freshness, Exit::Source),
];

pub(super) fn check(ward: &Ward, findings: &mut Findings) -> Result<(), Over> {
    let named = match ward.arguments.source.named() {
        Ok(named) => named,
        Err(failure) => return Err(findings.fail(&failure)),
    };
    let looked = match looked(ward, &named) {
        Ok(looked) => looked,
        Err(failure) => return Err(findings.fail(&failure.rewritten(|text| ward.downloads.renamed(text)))),
    };
    let mut shown = ward.arguments.source.names();
    if shown.is_empty() {
        "`testdata`, for want of a `--from`".clone_into(&mut shown);
    }
    match looked {
        Looked::ComesOnce => return Err(findings.skip("standard input comes once, and that is for the run")),
        Looked::NotUnderstood(failure) => {
            findings.tell(Check::ok(Subject::Source, format!("{shown} can be reached")));
            return Err(findings.fail(&failure));
        }
        Looked::Nothing(error) => {
            findings.tell(Check::ok(Subject::Source, format!("{shown} can be reached")));
            findings.tell(Check::ok(Subject::Layout, "a table in a known layout"));
            let fix = error.hint().unwrap_or_default();
            findings.tell(Check::failed(Subject::Rows, Exit::Source, error.to_string(), fix));
            return Err(findings.skip("there is no row in the window"));
        }
        Looked::Found(glance) => tell(ward, findings, &shown, &glance),
    }
    Ok(())
}

fn tell(ward: &Ward, findings: &mut Findings, shown: &str, glance: &Glance) {
    findings
        .tell(Check::ok(Subject::Source, format!("{shown}: {} read", counted(glance.tables.len() as u64, "table"))));
    let mut layouts: Vec<&str> = glance.tables.iter().map(|table| table.layout.as_str()).collect();
    layouts.sort_unstable();
    layouts.dedup();
    findings.tell(Check::ok(Subject::Layout, layouts.join(", ")));
    let reason = glance.requests.rejected.iter().max_by_key(|(_, rows)| **rows).map(|(reason, _)| reason.as_str());
    findings.tell(doctor::rejects(glance.requests.rows(), glance.requests.rejected_total(), reason));
    findings.tell(match glance.newest() {
        Some(newest) => doctor::freshness(newest, ward.now, ward.arguments.max_age),
        None => Check::skipped(Subject::Freshness, "no row can be used"),
    });
    ward.found(glance.services.clone());
}

enum Looked {
    ComesOnce,
    /// It is there, and nobody knows what it is.
    NotUnderstood(Failure),
    /// A database without a row in the window.
    Nothing(ObserveError),
    Found(Glance),
}

fn looked(ward: &Ward, named: &Named) -> Result<Looked, Failure> {
    let engine = Engine::open(ward.arguments.source.memory_limit())?;
    // Scales of scores are in the policy. A broken one has a check of its own.
    let policy = files::policy(ward.arguments.policy.as_deref()).or_else(|_| files::built_in())?;
    let sources = named.find(&ward.downloads)?;
    if sources.come_once() {
        return Ok(Looked::ComesOnce);
    }
    let start = ward.now.checked_sub(ward.arguments.window).unwrap_or(Timestamp::MIN);
    match observe::glance(&engine, &sources.load(&policy, ward.now), Range { start, end: ward.now }) {
        Ok(glance) => Ok(Looked::Found(glance)),
        Err(error @ ObserveError::NoRowsInRange { .. }) => Ok(Looked::Nothing(error)),
        Err(
            error @ (ObserveError::ColumnsMissing { .. }
            | ObserveError::LayoutUnclear { .. }
            | ObserveError::OnlyScores { .. }
            | ObserveError::NoTable { .. }
            | ObserveError::SeveralTables { .. }
            | ObserveError::TimeType { .. }
            | ObserveError::Mapping { .. }),
        ) => Ok(Looked::NotUnderstood(error.into())),
        Err(error) => Err(error.into()),
    }
}
