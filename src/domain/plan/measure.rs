//! The figures a decision is about, with their uncertainty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// One measure now and after the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    pub measure: Measure,
    pub now: Estimate,
    pub after: Estimate,
    /// `after / now − 1`; none where now is zero.
    pub relative: Option<f64>,
}
