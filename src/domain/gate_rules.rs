//! What the gate lets pass: the part of the policy that pipelines go by.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{gate::GateMetric, policy::Mode};

/// The rules of a gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateRules {
    /// `observe` reports and never fails.
    pub mode: Mode,
    /// Probability that a run over unchanged traffic fails, whatever the number of comparisons.
    pub alpha: f64,
    pub proof: GateProof,
    /// What becomes of a run in which harm beyond a margin is neither shown nor excluded.
    pub on_inconclusive: OnInconclusive,
    /// Metrics without which a run says nothing: where there is no evidence on one, it fails.
    pub required: Vec<GateMetric>,
    /// Requests that a side needs, overall.
    pub min_requests: u64,
    /// Days after which a baseline no longer counts; none for never.
    pub max_baseline_age_days: Option<f64>,
    /// Harm that is tolerated.
    pub margins: BTreeMap<GateMetric, GateMargin>,
    /// What the candidate may not pass, whatever the baseline does.
    pub limits: BTreeMap<GateMetric, GateLimit>,
    /// What the candidate's own figures are held against, from those of former runs.
    pub trends: Vec<TrendRule>,
    pub suppressions: Vec<Suppression>,
}

/// Where a figure should lie, by its history.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TrendRule {
    pub metric: GateMetric,
    pub test: TrendTest,
    /// What they mean depends on the test: a share of the mean, a cumulative probability in `0.5..1`, or a multiple of a range.
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// Runs below which nothing is said.
    pub min_runs: usize,
    /// The newest runs that are looked at.
    pub max_runs: usize,
}

/// How a limit is found from former figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrendTest {
    /// A share of their mean.
    Percentage,
    /// A normal quantile at their mean and standard deviation.
    ZScore,
    /// The prediction interval of one more, by Student's t.
    TTest,
    /// A quantile of a log-normal fitted to them.
    LogNormal,
    /// A multiple of their interquartile range around their median.
    Iqr,
    /// The same of the relative changes from one to the next.
    DeltaIqr,
}

/// What a regression must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateProof {
    /// That there is harm; its estimate lies beyond the margin.
    Harm,
    /// That the harm itself lies beyond the margin.
    Margin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    Pass,
    Warn,
    Fail,
}

/// Tolerated harm; the larger of the two counts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct GateMargin {
    /// In the metric's unit.
    pub absolute: Option<f64>,
    /// Of the baseline, as a share.
    pub relative: Option<f64>,
}

/// Bounds of the candidate's own figure, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct GateLimit {
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// A regression that is known and tolerated until a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suppression {
    pub metric: GateMetric,
    /// As comparisons name it, `service=checkout`; none for all of them.
    pub slice: Option<String>,
    pub reason: String,
    /// The last day it counts, UTC.
    pub until: Date,
}
