//! SARIF 2.1.0 (OASIS), which code scanning reads.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{figures::sentence, worse};
use crate::domain::{
    format::hexadecimal,
    gate::{GateComparison, GateMetric, GateReason, GateReport, ReasonKind},
};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What can fail beside what got worse.
const OTHERS: [(ReasonKind, &str); 6] = [
    (ReasonKind::Limit, "A figure of the candidate is past its limit"),
    (ReasonKind::History, "A figure of the candidate is not what former runs let expect"),
    (ReasonKind::Required, "A required figure cannot be compared"),
    (ReasonKind::Missing, "The candidate does not tell a figure any more"),
    (ReasonKind::Sample, "Too few requests"),
    (ReasonKind::Open, "Neither harm nor its absence is shown"),
];

/// One run with a result for everything that got worse or fails otherwise.
#[must_use]
pub fn gate_sarif(report: &GateReport) -> String {
    let others = OTHERS.map(|(kind, text)| json!({ "id": kind.name(), "shortDescription": { "text": text } }));
    let rules: Vec<Value> = GateMetric::ALL.map(rule).into_iter().chain(others).collect();
    let others = super::others(report).map(|reason| other(report, reason));
    let results: Vec<Value> = worse(report).map(|one| result(report, one)).chain(others).collect();
    let sarif = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "optimizer gate",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string(&sarif).expect("plain data") + "\n"
}

fn rule(metric: GateMetric) -> Value {
    json!({
        "id": metric.name(),
        "shortDescription": { "text": format!("{} got worse", metric.words()) },
    })
}

fn result(report: &GateReport, one: &GateComparison) -> Value {
    let level = if report.enforced && one.suppressed.is_none() { "error" } else { "note" };
    let mut result = json!({
        "ruleId": one.metric.name(),
        "ruleIndex": GateMetric::ALL.iter().position(|metric| *metric == one.metric),
        "level": level,
        "message": { "text": sentence(one) },
        "locations": locations(report),
        "partialFingerprints": { "comparison/v1": hexadecimal(&Sha256::digest(one.id())) },
    });
    if let Some(known) = &one.suppressed {
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": format!("until {}: {}", known.until, known.reason) }]);
    }
    result
}

fn other(report: &GateReport, reason: &GateReason) -> Value {
    let about = reason.metric.map_or("all", GateMetric::name);
    let place = OTHERS.iter().position(|(kind, _)| *kind == reason.kind);
    json!({
        "ruleId": reason.kind.name(),
        "ruleIndex": place.map(|place| GateMetric::ALL.len() + place),
        "level": if report.enforced { "error" } else { "note" },
        "message": { "text": reason.summary },
        "locations": locations(report),
        "partialFingerprints": { "reason/v1": hexadecimal(&Sha256::digest(format!("{}/{about}", reason.kind.name()))) },
    })
}

/// Code scanning wants a file; requests have none but the one they were read from.
fn locations(report: &GateReport) -> Value {
    json!([{ "physicalLocation": {
        "artifactLocation": { "uri": uri(&report.candidate.name) },
        "region": { "startLine": 1 },
    }}])
}

/// As a reference: what stands for itself in one stays, all else is encoded.
fn uri(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
