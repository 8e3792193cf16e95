//! What a router chose in one segment of a service, how likely each choice was, and what came of it.

use crate::domain::{Arm, Segment};

/// The log of one segment.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedSegment {
    pub service: String,
    pub segment: Segment,
    /// What was chosen between, each once.
    pub arms: Vec<Arm>,
    /// Requests that reached an arm.
    pub rows: u64,
    /// Of them, those without a propensity.
    pub missing: u64,
    /// Of them, those with a propensity that is none: not above 0, above 1, or no number.
    pub invalid: u64,
    /// Whether all rows stand for as many requests.
    pub even: bool,
    /// Those with a propensity, in the order of time.
    pub requests: Vec<LoggedRequest>,
}

/// One request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoggedRequest {
    /// Place among the arms of the segment.
    pub arm: usize,
    /// Start, seconds since 1970.
    pub at: i64,
    /// Probability with which the router chose this arm for this request, above 0 and at most 1.
    pub propensity: f64,
    pub input_tokens: Option<f64>,
    /// `0..=1`.
    pub quality: Option<f64>,
    pub cost_usd: Option<f64>,
    /// Of a success.
    pub latency_ms: Option<f64>,
    pub succeeded: bool,
    /// Whether the provider failed; none where the log has no failures in it.
    pub failed: Option<bool>,
}
