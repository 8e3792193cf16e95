//! Which canonical columns a source has, and what other logs call the missing ones.

use super::{ObserveError, layout::Layout};
use crate::domain::event::{OUTCOME_COLUMNS, REQUIRED};

/// What other logs call a canonical column, in lower case. Only hints: a unit may differ, so nothing is renamed silently.
const ALIASES: &[(&str, &[&str])] = &[
    ("ts", &["timestamp", "time", "start_time", "starttime", "start_utc", "created_at", "datetime"]),
    ("request_id", &["id", "requestid", "event_id", "trace_id"]),
    ("service", &["service_name", "servicename", "app", "application"]),
    ("model", &["model_name", "modelused", "model_id"]),
    ("latency_ms", &["latency", "latency_s", "latencyms", "duration_ms", "duration", "e2e_latency_s", "elapsed_ms"]),
    ("outcome", &["status", "result", "success", "error"]),
];

/// Present columns that may be the missing one under another name.
pub(super) fn likely(missing: &str, found: &[String]) -> Vec<String> {
    let known = ALIASES.iter().find(|(name, _)| *name == missing).map_or(&[][..], |(_, names)| names);
    let alike = |column: &String| {
        let lower = column.to_lowercase();
        lower == missing || known.contains(&lower.as_str())
    };
    found.iter().filter(|column| alike(column)).cloned().collect()
}

/// Checks that `found` can be read as the canonical layout.
pub(super) fn check(origin: &str, found: &[String], has_default_service: bool) -> Result<(), ObserveError> {
    let has = |name: &str| found.iter().any(|column| column == name);
    let mut missing: Vec<&'static str> =
        REQUIRED.iter().copied().filter(|name| !(has(name) || *name == "service" && has_default_service)).collect();
    if !OUTCOME_COLUMNS.iter().any(|name| has(name)) {
        missing.push(OUTCOME_COLUMNS[0]);
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(ObserveError::ColumnsMissing { origin: origin.to_owned(), missing, found: found.to_vec() })
}

/// Columns that none of the layouts reads.
pub(super) fn ignored<'a>(found: &'a [String], layouts: &'a [&Layout]) -> impl Iterator<Item = &'a String> {
    let read =
        |name: &String| layouts.iter().any(|layout| layout.reads.as_ref().is_none_or(|reads| reads.contains(name)));
    found.iter().filter(move |name| !read(name))
}
