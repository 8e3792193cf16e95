//! The written form of a policy: how a change reaches production, and when it is taken back.

use schemars::JsonSchema;
use serde::Deserialize;

use super::shape::ModeYaml;
use crate::domain::policy::RolloutStrategy;

/// The shares of traffic a rollout passes through, and how long it stays at each.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RolloutYaml {
    /// Shares of traffic in whole percent, ascending, the last 100.
    #[schemars(length(min = 1, max = 20), inner(range(min = 1, max = 100)), extend("x-unit" = "percent"))]
    pub(super) steps_percent: Option<Vec<u8>>,
    /// Minutes to stay at each share but the last, so one entry fewer than `steps_percent`.
    #[schemars(length(max = 19), inner(range(min = 0, max = 43_200)), extend("x-unit" = "minutes"))]
    pub(super) bake_minutes: Option<Vec<u32>>,
    /// Hours after which a rollout that has not reached its last step is given up. Left out: 72.
    #[schemars(range(max = 8_760.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "hours"))]
    pub(super) deadline_hours: Option<f64>,
    /// How a new configuration comes to its traffic. Left out: `canary`.
    pub(super) strategy: Option<StrategyYaml>,
    /// Share of traffic that a winner leaves with the old configuration for a while before it takes the rest, in percent.
    /// Left out: 0, none.
    #[schemars(range(min = 0, max = 50), extend("x-unit" = "percent"))]
    pub(super) holdout_percent: Option<u8>,
    /// For how long. Left out: 24.
    #[schemars(range(min = 0.0, max = 8_760.0), extend("x-unit" = "hours"))]
    pub(super) holdout_hours: Option<f64>,
    /// Hours in which nothing is tried again in a service after a rollback; twice as many after the next one, and so on up
    /// to a week. Left out: 6.
    #[schemars(range(min = 0.0, max = 168.0), extend("x-unit" = "hours"))]
    pub(super) cooldown_hours: Option<f64>,
    /// Whether a step whose time is up goes on where the evidence shows no harm, though it does not exclude it either.
    /// Left out: false, the step is held until harm beyond the limits is excluded.
    pub(super) accept_unproven: Option<bool>,
}

/// How a new configuration comes to its traffic.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StrategyYaml {
    /// A growing share of the traffic, judged at each step against the rest.
    Canary,
    /// Made ready without traffic, then given all of it at once; the old one stays ready.
    BlueGreen,
    /// First a copy of the traffic whose answers nobody sees, then as a canary.
    Shadow,
    /// All of the traffic at once.
    Immediate,
}

impl From<StrategyYaml> for RolloutStrategy {
    fn from(strategy: StrategyYaml) -> Self {
        match strategy {
            StrategyYaml::Canary => Self::Canary,
            StrategyYaml::BlueGreen => Self::BlueGreen,
            StrategyYaml::Shadow => Self::Shadow,
            StrategyYaml::Immediate => Self::Immediate,
        }
    }
}

/// When a rollout under way is undone. Each limit is against the traffic that still runs the old configuration.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RollbackYaml {
    /// Whether to undo without asking. `false` holds the rollout where it is and reports the breach.
    pub(super) automatic: Option<bool>,
    /// Loss of mean quality, in percent.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "percent"))]
    pub(super) quality_drop_percent: Option<f64>,
    /// Growth of latency p95, in percent.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "percent"))]
    pub(super) latency_increase_percent: Option<f64>,
    /// Growth of the error rate, in percentage points: from 1 % to 6 % is 5 points.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "percentage points"))]
    pub(super) error_rate_increase_points: Option<f64>,
    /// Mean cost of one request as a multiple of what the old configuration costs: 2 means twice as much.
    #[schemars(range(min = 1.0, max = 1_000.0), extend("x-unit" = "times"))]
    pub(super) cost_ratio: Option<f64>,
    /// Share of failed requests at which a rollout is undone without comparing or proving anything, 0..=1. Left out: 0.1.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "share"))]
    pub(super) critical_error_rate: Option<f64>,
    /// Requests in one run before that share means anything. Left out: 50.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-unit" = "requests"))]
    pub(super) critical_min_requests: Option<u64>,
    /// What each comparison may do: `enforce` holds and undoes, `observe` is only reported, `off` is not made. Left out:
    /// all of them `enforce`.
    pub(super) guards: Option<GuardsYaml>,
}

/// What each comparison of a rollout with the old configuration may do.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GuardsYaml {
    pub(super) errors: Option<ModeYaml>,
    pub(super) latency: Option<ModeYaml>,
    pub(super) quality: Option<ModeYaml>,
    pub(super) cost: Option<ModeYaml>,
}
