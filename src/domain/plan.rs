//! The plan of one tick: what was read, what was found, and one decision for each service and segment, all with reasons.
//!
//! The types are the machine output too: `--format json` writes them as they stand, `docs/schema/plan.v1.json` describes
//! them. A field may be added without a new version; renaming or removing one needs `plan/v2`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Arm, Finding, Segment, Window, policy::Mode};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "plan/v1";

/// Everything one tick decided.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Plan {
    /// Always `plan/v1`.
    pub schema_version: &'static str,
    /// Content hash of everything below: the same inputs give the same id.
    pub id: String,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicyRef {
    pub name: String,
    /// SHA-256 of the rules after layering, in hexadecimal.
    pub sha256: String,
}

/// The spans of time the plan speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UntilSource {
    NewestEvent,
    Flag,
    /// The clock, less the time that requests take to end and be written.
    Clock,
}

/// What the source gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
}

/// What came of scores that were given after the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// Requests in the lookback window, sampling weights applied.
    pub requests: f64,
    /// At the rate of the lookback window. Unknown when a cost is unknown.
    pub spend_usd_per_day: Option<f64>,
    /// The same traffic under the changes of this plan.
    pub planned_spend_usd_per_day: Option<f64>,
    /// Requests whose cost is unknown, as a share of all.
    pub unpriced_share: f64,
    /// Mean over requests that carry a score.
    pub quality: Option<f64>,
    pub planned_quality: Option<f64>,
    /// Share of requests that carry a score.
    pub quality_coverage: f64,
}

/// One service in the window.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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

/// What is to be done with one segment of one service.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Decision {
    pub service: String,
    pub segment: Segment,
    pub action: Action,
    /// Which rung of the ladder decided.
    pub rung: Rung,
    /// What serves most of the segment now.
    pub current: Option<Arm>,
    /// What should serve it, when the action is a change or a revert.
    pub proposed: Option<Arm>,
    /// One sentence for people.
    pub reason: String,
    /// Predicted effect of the proposal on this segment.
    pub effects: Vec<Effect>,
    /// Probability that the proposal holds every constraint and improves on the present.
    pub confidence: Option<f64>,
    /// Change of spend in US dollars a day; negative saves.
    pub spend_change_usd_per_day: Option<f64>,
    /// Shares of traffic the change passes through, in percent.
    pub rollout_percent: Vec<u8>,
    /// Everything that was weighed, the present configuration first.
    pub candidates: Vec<Candidate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Move the segment to another model, provider or configuration.
    Change,
    /// Go back to the configuration before.
    Revert,
    /// Leave it: nothing known is better.
    Keep,
    /// Leave it: something looks better, and a rule or thin evidence forbids it.
    Refused,
    /// Leave it: the policy switches this service off.
    Off,
}

/// The ladder: a rung decides only when those above it had nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    SafetyRule,
    BusinessRule,
    Optimizer,
    DoNothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    CostPerRequestUsd,
    LatencyP95Ms,
    Quality,
    ErrorRate,
}

impl Measure {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CostPerRequestUsd => "cost per request",
            Self::LatencyP95Ms => "latency p95",
            Self::Quality => "quality",
            Self::ErrorRate => "error rate",
        }
    }
}

/// A number with its 90 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// One measure now and after the change.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Effect {
    pub measure: Measure,
    pub now: Estimate,
    pub after: Estimate,
    /// `after / now − 1`; none where now is zero.
    pub relative: Option<f64>,
}

/// One configuration that was weighed for a segment.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Candidate {
    pub arm: Arm,
    pub standing: Standing,
    /// Share of the segment's requests it served in the window.
    pub share: f64,
    /// Requests it served in this segment over the evidence.
    pub requests: u64,
    /// Those with a quality score.
    pub scored: u64,
    /// How much larger the variance of the quality mean is than independent requests would give; 1 means independent.
    pub design_effect: Option<f64>,
    pub cost_per_request_usd: Option<Estimate>,
    pub latency_p95_ms: Option<Estimate>,
    pub quality: Option<Estimate>,
    pub error_rate: Option<Estimate>,
    /// Weighted improvement over the present configuration; positive is better.
    pub improvement: Option<f64>,
    pub confidence: Option<f64>,
    pub checks: Vec<Check>,
    /// Why it stands where it stands.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Serves the segment now.
    Current,
    Chosen,
    /// Allowed, and not better enough.
    NotWorthIt,
    /// Another allowed candidate is at least as good in everything.
    Dominated,
    /// On the Pareto front, and another was preferred.
    Outranked,
    /// A constraint fails or cannot be shown to hold.
    Refused,
}

/// One rule a candidate was held against.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    /// For example `quality loss`.
    pub rule: String,
    pub outcome: CheckOutcome,
    /// The probability that the rule holds, where it was computed.
    pub probability: Option<f64>,
    /// The numbers, for people.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    Holds,
    Fails,
    /// Too little is known; counts as failing.
    Unknown,
}
