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
