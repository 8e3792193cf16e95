//! The written form of a policy: what the gate of a pipeline lets pass.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::shape::ModeYaml;
use crate::domain::{
    gate::GateMetric,
    gate_rules::{GateProof, OnInconclusive, TrendTest},
};

/// What `optimizer gate` lets pass.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GateYaml {
    /// `observe` reports and never fails the pipeline. Left out: `enforce`.
    pub(super) mode: Option<ModeYaml>,
    /// Probability that unchanged traffic fails, over all comparisons of a run. Left out: 0.005.
    #[schemars(range(max = 0.2), extend("exclusiveMinimum" = 0.0, "x-unit" = "probability"))]
    pub(super) alpha: Option<f64>,
    /// What fails a run: `harm` that is shown and looks larger than its margin, or harm shown to lie beyond the `margin`. Left out: `harm`.
    pub(super) proof: Option<GateProof>,
    /// What becomes of a run in which harm beyond a margin is neither shown nor excluded. Left out: `pass`.
    pub(super) on_inconclusive: Option<OnInconclusive>,
    /// Metrics without which a run fails. Left out: none.
    #[schemars(length(max = 20))]
    pub(super) required: Option<Vec<GateMetric>>,
    /// Requests that each side needs. Left out: 30.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("x-unit" = "requests"))]
    pub(super) min_requests: Option<u64>,
    /// Days after which a baseline counts no longer. Left out: never.
    #[schemars(range(max = 3_650.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "days"))]
    pub(super) max_baseline_age_days: Option<f64>,
    /// Harm that is tolerated, by metric; where both are given, the larger of the two. A metric without a margin is shown and never fails.
    /// Left out: the margins of docs/gate.md.
    pub(super) margins: Option<BTreeMap<GateMetric, GateMarginYaml>>,
    /// What the candidate's own figures may not pass, by metric.
    pub(super) limits: Option<BTreeMap<GateMetric, GateLimitYaml>>,
    /// What the candidate's own figures are held against, from a history of runs (`--history`).
    #[schemars(length(max = 100))]
    pub(super) history: Option<Vec<TrendYaml>>,
    /// Regressions that are known and tolerated until a day.
    #[schemars(length(max = 1_000))]
    pub(super) suppress: Option<Vec<SuppressionYaml>>,
}

/// Tolerated harm.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GateMarginYaml {
    /// In the metric's unit.
    #[schemars(range(min = 0.0, max = 1_000_000_000.0), extend("x-unit" = "of the metric"))]
    pub(super) absolute: Option<f64>,
    /// Of the baseline, in percent.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "percent"))]
    pub(super) percent: Option<f64>,
}

/// Bounds of the candidate's own figure.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GateLimitYaml {
    #[schemars(range(min = 0.0, max = 1_000_000_000.0), extend("x-unit" = "of the metric"))]
    pub(super) min: Option<f64>,
    #[schemars(range(min = 0.0, max = 1_000_000_000.0), extend("x-unit" = "of the metric"))]
    pub(super) max: Option<f64>,
}

/// Where a figure should lie, by its history. A side without a boundary has no limit.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrendYaml {
    pub(super) metric: GateMetric,
    pub(super) test: TrendTest,
    /// A share of the mean for `percentage`, a cumulative probability from 0.5 to 1 for `z_score`, `t_test` and `log_normal`, a multiple of
    /// the range for `iqr` and `delta_iqr`.
    #[schemars(range(min = 0.0, max = 1_000.0), extend("x-unit" = "of the test"))]
    pub(super) lower: Option<f64>,
    #[schemars(range(min = 0.0, max = 1_000.0), extend("x-unit" = "of the test"))]
    pub(super) upper: Option<f64>,
    /// Runs below which nothing is said. Left out: 5.
    #[schemars(range(min = 2, max = 10_000), extend("x-unit" = "runs"))]
    pub(super) min_runs: Option<u32>,
    /// The newest runs that are looked at. Left out: 64.
    #[schemars(range(min = 2, max = 10_000), extend("x-unit" = "runs"))]
    pub(super) max_runs: Option<u32>,
}

/// A regression that is known.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuppressionYaml {
    pub(super) metric: GateMetric,
    /// As comparisons name it, for example `service=checkout`; left out: every slice.
    #[schemars(length(min = 1, max = 512))]
    pub(super) slice: Option<String>,
    /// Why it is tolerated.
    #[schemars(length(min = 1, max = 500))]
    pub(super) reason: String,
    /// The last day it counts (UTC), as `2026-12-31`.
    #[schemars(length(min = 10, max = 10))]
    pub(super) until: String,
}
