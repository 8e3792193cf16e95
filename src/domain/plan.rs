//! The plan of one tick: what was read, what was found, and one decision for each service and segment, all with reasons.
//!
//! The types are the machine output too: `--format json` writes them as they stand, `docs/schema/plan.v1.json` describes
//! them. A field may be added without a new version; renaming or removing one needs `plan/v2`.

mod candidate;
mod decision;
mod measure;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Window, approval::GovernanceRef, policy::Mode};

pub use candidate::{Borrowed, Candidate, Check, CheckOutcome, CheckWeight, Standing};
pub use decision::{Action, CanaryOutlook, Decision, RuleOutcome, RuleState, Rung, Step, StepOutcome, Strategy};
pub use measure::{Effect, Estimate, Measure};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "plan/v1";

/// Everything one tick decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Always `plan/v1`.
    pub schema_version: Cow<'static, str>,
    /// Hash of everything that is decided from: the same statistics, policy, prices, configurations and memory give the same id and the
    /// same decisions, to the byte.
    pub id: String,
    pub inputs: InputsRef,
    pub policy: PolicyRef,
    pub windows: Windows,
    pub source: SourceSummary,
    pub totals: Totals,
    /// One entry a service, by name.
    pub services: Vec<ServiceSummary>,
    /// Worst first.
    pub findings: Vec<Finding>,
    /// By service and segment.
    pub decisions: Vec<Decision>,
}

/// Which rules were in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRef {
    pub name: String,
    /// SHA-256 of the rules after layering, in hexadecimal.
    pub sha256: String,
}

/// What the plan was made from, beside the policy. SHA-256, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputsRef {
    /// Of the statistics of all traffic that was read.
    pub data_sha256: String,
    /// Of the findings that were decided by.
    pub findings_sha256: String,
    /// Of the configurations in force; none where nobody told them.
    pub configurations_sha256: Option<String>,
    /// Of what former ticks left behind; none for a first run.
    pub memory_sha256: Option<String>,
    /// Of every random choice. Nothing is drawn by chance yet, so it is 0.
    pub seed: u64,
    /// The governance service that was asked; none where none was, or nothing was to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governance: Option<GovernanceRef>,
}

/// The spans of time the plan speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Windows {
    /// "Now": judged against thresholds.
    pub window: Window,
    /// The span before it, for changes.
    pub before: Window,
    /// Evidence about models and configurations; contains the other two.
    pub lookback: Window,
    pub until: UntilSource,
}

/// Where the end of the window came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UntilSource {
    NewestEvent,
    Flag,
    /// The clock, less the time that requests take to end and be written.
    Clock,
}

/// What the source gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceSummary {
    pub files: u64,
    /// Names of the layouts found.
    pub layouts: BTreeSet<String>,
    pub rows_read: u64,
    /// Inside the lookback window, valid and unique.
    pub rows_used: u64,
    pub rows_outside: u64,
    pub rows_duplicate: u64,
    /// Rows no statistic saw, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Rows that are no requests of a model, by what they are. Not among `rows_read`.
    pub passed_over: BTreeMap<String, u64>,
    /// Scores that came apart from the requests; none when there were none.
    pub scores: Option<ScoresSummary>,
    pub oldest_event: Option<Timestamp>,
    pub newest_event: Option<Timestamp>,
    /// Columns that the layout does not read.
    pub ignored_columns: Vec<String>,
    /// Engines that reduced requests where they lie; none where all were reduced here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<EngineRef>,
}

/// An engine that reduced requests where they lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineRef {
    /// What answered, and its version.
    pub engine: String,
    pub address: String,
    /// What it read, as it was named.
    pub source: String,
    /// Rows of the window that it counted.
    pub rows: u64,
    /// Those of them that came here one by one: request ids that occur twice, and what it cannot judge exactly.
    pub rows_here: u64,
    /// Attempts that failed before others succeeded.
    pub failed_attempts: u32,
    /// SHA-256 of the text of each statement, by what it is for.
    pub statements: BTreeMap<String, String>,
}

/// What came of scores that were given after the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScoresSummary {
    pub rows_read: u64,
    /// Valid, with a scale in the policy.
    pub rows_used: u64,
    pub rejected: BTreeMap<String, u64>,
    /// Scores without a scale in the policy, and rows that are no scores. Not among `rows_read`.
    pub passed_over: BTreeMap<String, u64>,
}

impl SourceSummary {
    #[must_use]
    pub fn rows_rejected(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// Sums over all services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Requests in the lookback window, sampling weights applied.
    pub requests: f64,
    /// At the rate of the lookback window. Unknown when a cost is unknown.
    pub spend_usd_per_day: Option<f64>,
    /// The same traffic under the changes of this plan.
    pub planned_spend_usd_per_day: Option<f64>,
    /// 90 % interval of that, from the errors of what requests cost before and after each change.
    pub planned_spend_interval_usd_per_day: Option<[f64; 2]>,
    /// Requests whose cost is unknown, as a share of all.
    pub unpriced_share: f64,
    /// Mean over requests that carry a score.
    pub quality: Option<f64>,
    pub planned_quality: Option<f64>,
    /// Share of requests that carry a score.
    pub quality_coverage: f64,
}

/// One service in the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceSummary {
    pub service: String,
    pub mode: Mode,
    /// In the window, sampling weights applied.
    pub requests: f64,
    pub latency_p50_ms: Option<f64>,
    pub latency_p95_ms: Option<f64>,
    pub latency_p99_ms: Option<f64>,
    /// Failures of the provider, over all requests that went to one.
    pub error_rate: Option<f64>,
    /// Refusals the caller brought about (HTTP 4xx other than 408 and 429), over the same.
    pub caller_error_rate: Option<f64>,
    pub cost_per_request_usd: Option<f64>,
    pub quality: Option<f64>,
    pub quality_coverage: f64,
    pub spend: SpendOutlook,
}

/// Spend of the UTC day the window ends in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpendOutlook {
    /// Spent since midnight UTC; unknown when the data starts later or a cost is unknown.
    pub today_usd: Option<f64>,
    /// Spend by the next midnight if the rate of the window goes on.
    pub projected_usd: Option<f64>,
    /// 90 % interval of the projection, from the variation between five-minute buckets of the window.
    pub projected_interval_usd: Option<[f64; 2]>,
    pub budget_usd: Option<f64>,
    /// When the budget is passed at that rate, if before midnight.
    pub exhausted_at: Option<Timestamp>,
}
