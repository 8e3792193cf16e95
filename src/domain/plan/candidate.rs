//! What was weighed for a segment, and every constraint it was held against.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Estimate, Measure, Strategy};
use crate::domain::{Arm, Setting};

/// One configuration that was weighed for a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    pub arm: Arm,
    pub strategy: Strategy,
    /// What has to be set to come from the present configuration to it, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
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
    /// Where the figures come from, where it is not what it did here itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub borrowed: Vec<Borrowed>,
    /// Weighted improvement over the present configuration; positive is better.
    pub improvement: Option<f64>,
    /// Probability that it holds every constraint and improves on the present.
    pub confidence: Option<f64>,
    /// Probability that the present configuration or another allowed candidate is better in cost, latency and quality at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dominated: Option<f64>,
    /// Why it may be worth a trial although little is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<String>,
    pub checks: Vec<Check>,
    /// Why it stands where it stands.
    pub why: String,
}

/// A figure that was predicted rather than measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Borrowed {
    pub measure: Measure,
    /// For people: from which services, prices or declared profile.
    pub from: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Too little is known to move to it, enough to try it on a part of the traffic.
    Promising,
    /// A constraint fails or cannot be shown to hold.
    Refused,
}

/// One rule a candidate was held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// For example `quality loss`.
    pub rule: Cow<'static, str>,
    pub weight: CheckWeight,
    pub outcome: CheckOutcome,
    /// The probability that the rule holds, where it was computed.
    pub probability: Option<f64>,
    /// The numbers, for people.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckWeight {
    /// What does not hold it is refused.
    Hard,
    /// What holds it is preferred.
    Soft,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    Holds,
    Fails,
    /// Too little is known; counts as failing.
    Unknown,
}
