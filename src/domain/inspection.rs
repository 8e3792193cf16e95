//! What `inspect` found out about a source, before anybody rests a decision on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "inspection/v1";

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Inspection {
    pub schema_version: &'static str,
    pub tables: Vec<TableFound>,
    pub requests: RowsFound,
    /// None when no source holds scores.
    pub scores: Option<RowsFound>,
    /// Figures over many requests; none when no source holds them.
    pub metrics: Option<RowsFound>,
    pub fields: Vec<Field>,
    /// The twenty with most requests.
    pub services: Vec<ServiceFound>,
    pub services_in_all: u64,
    /// The twenty with most requests.
    pub models: Vec<ModelFound>,
    pub models_in_all: u64,
    pub facts: Vec<Fact>,
}

/// Files or tables with the same columns, and how one layout reads them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TableFound {
    pub origin: String,
    pub format: String,
    pub layout: String,
    /// The layout in words.
    pub what: String,
    /// How the layout was found.
    pub why: String,
    /// `requests`, `scores` or `metrics`.
    pub yields: String,
    /// Columns the layout reads and the table has.
    pub read: Vec<String>,
    /// Columns the layout reads and the table lacks.
    pub lacking: Vec<String>,
    /// Columns of the table that nothing reads.
    pub unread: Vec<String>,
}

/// Rows of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowsFound {
    pub read: u64,
    pub good: u64,
    pub rejected: BTreeMap<String, u64>,
    /// Rows that are not what is looked for, by what they are; not among `read`.
    pub passed_over: BTreeMap<String, u64>,
    /// Good rows that tell a request a second time.
    pub duplicates: Option<u64>,
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
}

/// One field of the canonical layout over all good rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Field {
    pub name: String,
    /// Share of good rows that know it.
    pub known: f64,
    /// Of a number, in the unit of the field; of its known values.
    pub least: Option<f64>,
    pub mean: Option<f64>,
    pub greatest: Option<f64>,
    /// Of a name: how many different ones there are.
    pub values: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServiceFound {
    pub service: String,
    pub requests: u64,
    pub share: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelFound {
    pub provider: Option<String>,
    pub model: String,
    pub requests: u64,
    /// Share that failed at the provider.
    pub failed: f64,
    /// Approximate, of successes.
    pub latency_p50_ms: Option<f64>,
    pub latency_p95_ms: Option<f64>,
    /// Share of requests whose cost the source tells.
    pub costed: f64,
    /// Share of requests that carry a score.
    pub scored: f64,
}

/// Something that looks like what fools an analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fact {
    /// For scripts.
    pub kind: String,
    /// Rows it is about.
    pub rows: u64,
    /// What was seen, and what becomes of it here, in a sentence.
    pub summary: String,
}
