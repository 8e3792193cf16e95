//! What a gate found: two sets of requests, held against each other.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    gate_rules::{Suppression, TrendTest},
    metric::Harm,
    plan::{PolicyRef, SourceSummary},
};

pub const SCHEMA_VERSION: &str = "gate/v1";

/// Everything a gate found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateReport {
    /// Always `gate/v1`.
    pub schema_version: Cow<'static, str>,
    pub outcome: GateOutcome,
    /// What speaks against passing, what fails first; empty where it passed.
    pub reasons: Vec<GateReason>,
    pub policy: PolicyRef,
    /// Whether it can fail the pipeline.
    pub enforced: bool,
    /// Probability that unchanged traffic fails.
    pub alpha: f64,
    pub baseline: GateSide,
    pub candidate: GateSide,
    pub unit: GateUnit,
    /// None where nothing tells kinds of requests apart.
    pub mix: Option<GateMix>,
    /// Overall first, then by slice; within both in the order of metrics.
    pub comparisons: Vec<GateComparison>,
    pub limits: Vec<GateLimitReading>,
    /// The candidate's figures against those of former runs.
    pub trends: Vec<TrendReading>,
    /// Slices that only one side has.
    pub one_sided: Vec<OneSided>,
    /// For people: what to know before believing it.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    Passed,
    /// Something is to be looked at, and nothing fails the pipeline.
    Warned,
    Failed,
}

/// What speaks against passing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateReason {
    pub kind: ReasonKind,
    /// What it is about, where it is one.
    pub metric: Option<GateMetric>,
    /// Whether it fails the pipeline, where the policy lets it.
    pub fails: bool,
    /// A sentence.
    pub summary: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// Something got worse.
    Regression,
    /// Something got worse, and the policy knows it.
    Suppressed,
    /// A figure of the candidate is past its limit, or not known.
    Limit,
    /// A figure of the candidate is not what former runs let expect.
    History,
    /// What the policy requires cannot be compared.
    Required,
    /// The baseline tells a figure, and the candidate does not any more.
    Missing,
    /// Too few requests.
    Sample,
    /// Neither harm nor its absence is shown.
    Open,
}

impl ReasonKind {
    /// As rules of other tools are named.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Suppressed => "suppressed",
            Self::Limit => "limit",
            Self::History => "history",
            Self::Required => "required",
            Self::Missing => "missing",
            Self::Sample => "sample",
            Self::Open => "open",
        }
    }
}

/// One of the two sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateSide {
    /// As it was named.
    pub name: String,
    pub source: SourceSummary,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Requests that were compared; answers from a cache of the gateway are none.
    pub requests: u64,
}

/// What counts as independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateUnit {
    pub kind: UnitKind,
    /// Of a stretch of time.
    pub minutes: Option<u32>,
    pub baseline: u64,
    pub candidate: u64,
    /// Of these, on both sides.
    pub paired: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// Each request by itself.
    Request,
    /// Requests of one trace, session or conversation.
    Session,
    /// The same prompt on both sides.
    Prompt,
    /// A whole run of an evaluation.
    Run,
    /// Some minutes: what is slow at a time is slow together.
    Minutes,
}

/// How the kinds of requests differ between the sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateMix {
    /// Share of the requests that would have to be of another kind, `0..=1`.
    pub moved: f64,
    pub p_value: f64,
    /// Beyond chance, and large enough to matter.
    pub changed: bool,
    /// The kinds whose shares moved most.
    pub most: Vec<KindShare>,
    /// Share of each side's requests whose kind the other side lacks; they are not compared.
    pub left_out: [f64; 2],
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KindShare {
    pub kind: String,
    /// `0..=1`.
    pub baseline: f64,
    pub candidate: f64,
}

/// A part of the requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "by", content = "name")]
pub enum Slice {
    Overall,
    Service(String),
    Endpoint(String),
    Complexity(String),
    Domain(String),
}

impl Slice {
    /// As policies name it: `service=checkout`; `all` for everything.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Overall => "all".to_owned(),
            Self::Service(name) => format!("service={name}"),
            Self::Endpoint(name) => format!("endpoint={name}"),
            Self::Complexity(name) => format!("complexity={name}"),
            Self::Domain(name) => format!("domain={name}"),
        }
    }
}

/// A slice of one side only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OneSided {
    pub slice: Slice,
    /// Of the side that has it.
    pub requests: u64,
    /// Whether it is the candidate that has it.
    pub in_candidate: bool,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateMetric {
    LatencyP50Ms,
    LatencyP95Ms,
    LatencyP99Ms,
    TtftP50Ms,
    TtftP95Ms,
    ErrorRate,
    CostPerRequestUsd,
    CostPer1kTokensUsd,
    InputTokens,
    OutputTokens,
    Quality,
    QualityCoverage,
}

impl GateMetric {
    pub const ALL: [Self; 12] = [
        Self::LatencyP50Ms,
        Self::LatencyP95Ms,
        Self::LatencyP99Ms,
        Self::TtftP50Ms,
        Self::TtftP95Ms,
        Self::ErrorRate,
        Self::CostPerRequestUsd,
        Self::CostPer1kTokensUsd,
        Self::InputTokens,
        Self::OutputTokens,
        Self::Quality,
        Self::QualityCoverage,
    ];

    /// As policies and JSON have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LatencyP50Ms => "latency_p50_ms",
            Self::LatencyP95Ms => "latency_p95_ms",
            Self::LatencyP99Ms => "latency_p99_ms",
            Self::TtftP50Ms => "ttft_p50_ms",
            Self::TtftP95Ms => "ttft_p95_ms",
            Self::ErrorRate => "error_rate",
            Self::CostPerRequestUsd => "cost_per_request_usd",
            Self::CostPer1kTokensUsd => "cost_per_1k_tokens_usd",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Quality => "quality",
            Self::QualityCoverage => "quality_coverage",
        }
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LatencyP50Ms => "latency p50",
            Self::LatencyP95Ms => "latency p95",
            Self::LatencyP99Ms => "latency p99",
            Self::TtftP50Ms => "first token p50",
            Self::TtftP95Ms => "first token p95",
            Self::ErrorRate => "error rate",
            Self::CostPerRequestUsd => "cost per request",
            Self::CostPer1kTokensUsd => "cost per 1,000 tokens",
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
            Self::Quality => "quality",
            Self::QualityCoverage => "quality coverage",
        }
    }

    /// Which way is worse.
    #[must_use]
    pub fn harm(self) -> Harm {
        match self {
            Self::Quality | Self::QualityCoverage => Harm::Down,
            // What is asked is the caller's, not the candidate's.
            Self::InputTokens => Harm::Neither,
            _ => Harm::Up,
        }
    }
}

impl GateComparison {
    /// Of the same comparison in every run: what it is about, not what came of it.
    #[must_use]
    pub fn id(&self) -> String {
        let class = self.class.as_ref().map_or_else(String::new, |class| format!(":{class}"));
        format!("{}{class}/{}", self.metric.name(), self.slice.label())
    }

    /// What it is about, for people: `latency p95 of service=checkout`.
    #[must_use]
    pub fn about(&self) -> String {
        let name = match &self.class {
            Some(class) => format!("errors `{class}`"),
            None => self.metric.words().to_owned(),
        };
        if self.slice == Slice::Overall { name } else { format!("{name} of {}", self.slice.label()) }
    }
}

/// One figure on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateComparison {
    pub metric: GateMetric,
    /// Of errors: their class; none for all of them.
    pub class: Option<String>,
    pub slice: Slice,
    /// Whether it can fail the pipeline; otherwise it is only shown.
    pub guards: bool,
    pub verdict: GateVerdict,
    /// Why there is nothing to compare.
    pub lack: Option<String>,
    /// On the baseline's mix of requests, in the metric's unit.
    pub baseline: Option<f64>,
    pub candidate: Option<f64>,
    /// The same as they are, whatever the mix.
    pub baseline_raw: Option<f64>,
    pub candidate_raw: Option<f64>,
    /// Candidate − baseline, its 90 % interval, and the interval at the level that the correction left it; open ends are null.
    pub difference: Option<f64>,
    pub difference_90: [Option<f64>; 2],
    pub difference_corrected: [Option<f64>; 2],
    /// The same of candidate / baseline − 1.
    pub change: Option<f64>,
    pub change_90: [Option<f64>; 2],
    pub change_corrected: [Option<f64>; 2],
    /// The test that was made.
    pub method: Option<GateMethod>,
    /// Towards harm where it guards, else two-sided.
    pub p_value: Option<f64>,
    /// Over all comparisons: Holm's where it guards, Benjamini and Hochberg's where it does not.
    pub p_value_corrected: Option<f64>,
    /// Tolerated harm in the metric's unit.
    pub margin: Option<f64>,
    /// The smallest harm that this many requests would have shown with a probability of 80 %.
    pub detectable: Option<f64>,
    /// Requests with a value, and independent units among them; these are unknown where there is nothing to compare.
    pub requests: [u64; 2],
    pub units: [u64; 2],
    pub suppressed: Option<Suppression>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// Harm is shown, and beyond the margin.
    Regression,
    /// Neither shown nor excluded.
    Inconclusive,
    /// Harm beyond the margin is excluded.
    Equivalent,
    Improvement,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateMethod {
    /// Linearised means, t reference corrected for skewness, against dealing units at random.
    Mean,
    /// Fisher's exact test at effective numbers.
    Share,
    /// `McNemar`'s exact test of pairs.
    PairedShare,
    /// Exact test of the shares beyond the common quantile.
    Quantile,
    /// Neither side varies: compared as they are.
    Exact,
}

/// A figure of the candidate among those of former runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendReading {
    pub metric: GateMetric,
    pub test: TrendTest,
    pub candidate: Option<f64>,
    /// The middle of the former figures, as the test has it.
    pub usual: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// Former runs that tell the figure.
    pub runs: u64,
    /// Why nothing can be said.
    pub lack: Option<String>,
    pub holds: bool,
}

/// A run as histories keep it: one line of NDJSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastGate {
    /// Always `gate-history/v1`.
    pub schema_version: Cow<'static, str>,
    pub at: Timestamp,
    /// The candidate's figures over all requests, in the unit of each.
    pub figures: BTreeMap<GateMetric, f64>,
}

/// Version of [`PastGate`].
pub const HISTORY_VERSION: &str = "gate-history/v1";

/// A limit of the candidate's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateLimitReading {
    pub metric: GateMetric,
    pub candidate: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub holds: bool,
}
