//! Two policies on the same data: where they decide differently, and what that comes to.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Arm, Segment, Setting,
    plan::{Action, PolicyRef, Rung, SourceSummary, Totals, Windows},
    policy::Mode,
};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "policy-comparison/v1";

/// What one policy, `a`, and another, `b`, make of the same traffic. Nothing of it is stored or done.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PolicyComparison {
    /// Always `policy-comparison/v1`.
    pub schema_version: Cow<'static, str>,
    pub windows: Windows,
    pub source: SourceSummary,
    pub a: Side,
    pub b: Side,
    /// Segments of services that were decided.
    pub segments: u64,
    /// Those where both would do the same: the same model, configuration and settings, or nothing. Steps of a rollout and reasons may
    /// differ.
    pub same: u64,
    /// The others, by service and segment.
    pub differences: Vec<Difference>,
}

/// All of one plan in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    pub plan_id: String,
    pub policy: PolicyRef,
    pub totals: Totals,
    /// Segments that the plan would change.
    pub changes: u64,
    pub findings: u64,
}

/// One segment where the two part.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    pub service: String,
    pub segment: Segment,
    pub a: Verdict,
    pub b: Verdict,
    /// Cost of a request under `b` over that under `a`, less one; none where either is unknown.
    pub cost_per_request: Option<f64>,
    /// Quality under `b` less quality under `a`; none where either is unknown.
    pub quality: Option<f64>,
}

/// What one of the two would do.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Verdict {
    pub decision_id: String,
    pub mode: Mode,
    pub action: Action,
    pub rung: Rung,
    pub proposed: Option<Arm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    pub rollout_percent: Vec<u8>,
    /// One sentence for people.
    pub reason: String,
    /// In US dollars a day; negative saves.
    pub spend_change_usd_per_day: Option<f64>,
}
