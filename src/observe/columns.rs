//! Which canonical columns a source has, and what layout it resembles when it is another one.

use super::ObserveError;
use crate::domain::event::{COLUMNS, OUTCOME_COLUMNS, REQUIRED};

/// Layouts recognised by columns no other has. They are named in the error, so that a user knows what was found.
const LAYOUTS: &[(&str, &[&str])] = &[
    ("an OTLP/JSON export", &["resourceSpans"]),
    ("an OTLP/JSON export", &["resourceLogs"]),
    ("an OTLP/JSON export", &["resourceMetrics"]),
    ("a LiteLLM spend log", &["startTime", "spend"]),
    ("a Langfuse observations export", &["provided_model_name"]),
    ("a Helicone export", &["request_created_at"]),
    ("a TensorZero inference table", &["function_name", "variant_name"]),
    ("the Observatory table `llm_traces`", &["trace_id", "duration_ms", "prompt_tokens"]),
    ("Sentinel telemetry", &["event_id", "service_name"]),
    ("a MetricEvent export", &["latencyMs"]),
    ("a CloudEvents stream", &["specversion"]),
    ("an LLM arrival trace", &["ContextTokens"]),
];

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
    let resembles = LAYOUTS.iter().find(|(_, columns)| columns.iter().all(|name| has(name))).map(|(layout, _)| *layout);
    Err(ObserveError::ColumnsMissing { origin: origin.to_owned(), missing, found: found.to_vec(), resembles })
}

/// Columns the canonical layout does not know.
pub(super) fn ignored(found: &[String]) -> impl Iterator<Item = &String> {
    found.iter().filter(|name| !COLUMNS.iter().any(|column| column.name == name.as_str()))
}
