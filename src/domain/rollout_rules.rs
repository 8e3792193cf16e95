//! How a change reaches production, and when it is taken back: the parts of the policy that rollouts go by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::Mode;

/// The shares of traffic a rollout passes through, and how long it stays at each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RolloutSteps {
    /// Ascending shares in percent, the last 100.
    pub steps_percent: Vec<u8>,
    /// Minutes at each share but the last; one fewer than `steps_percent`.
    pub bake_minutes: Vec<u32>,
    /// Hours after which a rollout that has not reached the last step is given up.
    pub deadline_hours: f64,
    pub strategy: RolloutStrategy,
    /// Share of traffic that a winner leaves with the old configuration for a while, in percent; 0 for none.
    pub holdout_percent: u8,
    /// For how long.
    pub holdout_hours: f64,
    /// Rest of a service after a rollback; it doubles with each one that follows soon.
    pub cooldown_hours: f64,
    /// Whether a step whose time is up goes on where nothing speaks against it, though nothing is proven either.
    pub accept_unproven: bool,
}

/// How a new configuration comes to its traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolloutStrategy {
    /// A growing share of the traffic, judged at each step against the rest.
    Canary,
    /// Made ready without traffic, then given all of it at once; the old one stays ready.
    BlueGreen,
    /// First a copy of the traffic whose answers nobody sees, then as a canary.
    Shadow,
    /// All of the traffic at once.
    Immediate,
}

impl RolloutStrategy {
    /// As policies and the wire have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::BlueGreen => "blue_green",
            Self::Shadow => "shadow",
            Self::Immediate => "immediate",
        }
    }
}

/// What a guard of rollouts may do: its reading is recorded in any case but `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GuardModes {
    pub errors: Mode,
    pub latency: Mode,
    pub quality: Mode,
    pub cost: Mode,
}

/// When a rollout under way is undone, each against the concurrent control.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RollbackLimits {
    pub automatic: bool,
    /// Loss of mean quality, in percent.
    pub quality_drop_percent: f64,
    /// Growth of latency p95, in percent.
    pub latency_increase_percent: f64,
    /// Growth of the error rate, in percentage points.
    pub error_rate_increase_points: f64,
    /// Mean cost of one request as a multiple of the control's.
    pub cost_ratio: f64,
    /// Share of failed requests that needs no comparison and no proof, `0..=1`.
    pub critical_error_rate: f64,
    /// Requests of one tick before that share means anything.
    pub critical_min_requests: u64,
    pub guards: GuardModes,
}
