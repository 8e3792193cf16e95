//! GitLab's code quality report: a list of issues, told apart by fingerprints.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{figures::sentence, others, worse};
use crate::domain::{
    format::hexadecimal,
    gate::{GateComparison, GateMetric, GateReason, GateReport, Slice},
};

/// JSON, as `artifacts:reports:codequality` takes it.
#[must_use]
pub fn gate_code_quality(report: &GateReport) -> String {
    let others = others(report).map(|reason| other(report, reason));
    let issues: Vec<Value> = worse(report).map(|one| issue(report, one)).chain(others).collect();
    serde_json::to_string(&issues).expect("plain data") + "\n"
}

fn issue(report: &GateReport, one: &GateComparison) -> Value {
    let severity = match (&one.suppressed, report.enforced, &one.slice) {
        (Some(_), ..) | (None, false, _) => "info",
        (None, true, Slice::Overall) => "critical",
        (None, true, _) => "major",
    };
    json!({
        "description": sentence(one),
        "check_name": one.metric.name(),
        // The same finding of another run is the same issue.
        "fingerprint": hexadecimal(&Sha256::digest(one.id())),
        "severity": severity,
        "location": { "path": report.candidate.name, "lines": { "begin": 1 } },
    })
}

fn other(report: &GateReport, reason: &GateReason) -> Value {
    let about = reason.metric.map_or("all", GateMetric::name);
    json!({
        "description": reason.summary,
        "check_name": reason.kind.name(),
        "fingerprint": hexadecimal(&Sha256::digest(format!("{}/{about}/{}", reason.kind.name(), reason.summary))),
        "severity": if report.enforced { "critical" } else { "info" },
        "location": { "path": report.candidate.name, "lines": { "begin": 1 } },
    })
}
