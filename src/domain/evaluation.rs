//! What other routings would have been worth, from a log that carries the probabilities of the router's choices. The types are the
//! machine output too: `evaluate --format json` writes them as they stand, `docs/schema/evaluation.v1.json` describes them.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arm, Metric, Segment,
    plan::{Action, Estimate, PolicyRef, SourceSummary, Windows},
};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "evaluation/v1";

/// An off-policy evaluation of a plan and of every arm that was chosen. Every interval is a 90 % one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluation {
    /// Always `evaluation/v1`.
    pub schema_version: Cow<'static, str>,
    /// Id of the plan that these rows give.
    pub plan: String,
    pub policy: PolicyRef,
    pub windows: Windows,
    pub source: SourceSummary,
    /// Of all segments.
    pub propensities: Propensities,
    /// The routing the plan proposes against the present one, over the requests with a propensity.
    pub totals: Vec<TotalEvaluation>,
    /// By service and segment: those with propensities, and those with a proposal.
    pub segments: Vec<SegmentEvaluation>,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<String>,
}

/// How many requests tell how likely the choice of their arm was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Propensities {
    /// Requests of the lookback that reached an arm.
    pub requests: u64,
    /// Of them, those without a propensity: left out.
    pub missing: u64,
    /// Of them, those with one that is not above 0 and at most 1: left out.
    pub invalid: u64,
}

impl Propensities {
    /// Requests that can be used.
    #[must_use]
    pub fn usable(&self) -> u64 {
        self.requests.saturating_sub(self.missing + self.invalid)
    }
}

/// One measure of all evaluated traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TotalEvaluation {
    pub measure: Metric,
    /// Of all values here.
    pub unit: Cow<'static, str>,
    pub present: Option<Estimate>,
    pub planned: Option<Estimate>,
    /// `planned − present`.
    pub difference: Option<Estimate>,
    /// Why there is no planned value.
    pub abstained: Option<String>,
}

/// One segment of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentEvaluation {
    pub service: String,
    pub segment: Segment,
    /// What the plan decided; none where it has no decision.
    pub action: Option<Action>,
    /// The arm the plan wants to move to.
    pub proposed: Option<Arm>,
    /// Share of the segment it is to serve in the end, `0..=1`.
    pub share: Option<f64>,
    pub propensities: Propensities,
    /// Why nothing is evaluated here.
    pub abstained: Option<String>,
    /// What the segment did: means over the requests with a propensity.
    pub as_logged: Vec<LoggedMean>,
    /// By name; all of the segment on each.
    pub arms: Vec<ArmEvaluation>,
}

/// A mean of the log as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoggedMean {
    pub measure: Metric,
    pub unit: Cow<'static, str>,
    pub value: Option<Estimate>,
    /// Share of the requests that carry the measure.
    pub coverage: Option<f64>,
    pub abstained: Option<String>,
}

/// All of a segment on one arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArmEvaluation {
    pub arm: Arm,
    /// Requests with a propensity that it served.
    pub requests: u64,
    pub measures: Vec<MeasureEvaluation>,
}

/// One measure, were all of the segment served by one arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeasureEvaluation {
    pub measure: Metric,
    /// Of all values here.
    pub unit: Cow<'static, str>,
    /// Mean over the requests the arm got, whichever they were: what the plan goes by.
    pub plain: Option<Estimate>,
    /// Self-normalised inverse propensity weighting.
    pub self_normalised: Option<Estimate>,
    /// Doubly robust, with a cross-fitted model by length of the input and hour of the day.
    pub doubly_robust: Option<Estimate>,
    /// Doubly robust minus as logged.
    pub difference: Option<Estimate>,
    /// Share of the requests that would carry the measure.
    pub coverage: Option<f64>,
    /// Kish's number of the requests that carry the measure.
    pub effective_requests: Option<f64>,
    /// Largest weight of one request as a share of all.
    pub largest_weight: Option<f64>,
    /// Variance of the estimate over that of independent requests.
    pub design_effect: Option<f64>,
    /// Whether the plain mean and the doubly robust one exclude each other.
    pub confounded: bool,
    /// Why there is no estimate.
    pub abstained: Option<String>,
}
