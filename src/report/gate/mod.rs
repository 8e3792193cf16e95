//! What a gate found, in every form that a pipeline or a reader takes.

pub(super) mod figures;
mod github;
mod gitlab;
mod junit;
mod markdown;
mod sarif;
mod text;

use schemars::schema_for;

use crate::domain::gate::{GateComparison, GateReason, GateReport, GateVerdict, ReasonKind};

pub use github::gate_annotations;
pub use gitlab::gate_code_quality;
pub use junit::gate_junit;
pub use markdown::gate_markdown;
pub use sarif::gate_sarif;
pub use text::gate;

/// Versioned JSON.
#[must_use]
pub fn gate_json(report: &GateReport) -> String {
    serde_json::to_string(report).expect("a report is plain data") + "\n"
}

/// Its schema.
#[must_use]
pub fn gate_schema() -> String {
    serde_json::to_string_pretty(&schema_for!(GateReport)).expect("a schema is plain data") + "\n"
}

/// Everything that got worse and guards, suppressed or not.
fn worse(report: &GateReport) -> impl Iterator<Item = &GateComparison> {
    report.comparisons.iter().filter(|one| one.guards && one.verdict == GateVerdict::Regression)
}

/// What fails beside what got worse.
fn others(report: &GateReport) -> impl Iterator<Item = &GateReason> {
    report.reasons.iter().filter(|reason| reason.fails && reason.kind != ReasonKind::Regression)
}
