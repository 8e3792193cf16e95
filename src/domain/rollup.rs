//! Requests of tumbling windows, as people read them.

use jiff::Timestamp;

/// What a line of the table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Service,
    /// Service and model.
    Model,
}

/// One window of one service, or of one of its models.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowLine {
    pub start: Timestamp,
    /// The source was asked for all of the window, not for a part at its edge.
    pub whole: bool,
    pub service: String,
    /// `provider/model`, where lines are by model.
    pub model: Option<String>,
    pub requests: f64,
    /// Share that failed at the provider; none where failures are not recorded.
    pub error_rate: Option<f64>,
    pub latency_p50_ms: Option<f64>,
    pub latency_p95_ms: Option<f64>,
    /// US dollars; none where a cost is unknown.
    pub spend_usd: Option<f64>,
    /// Mean over requests that carry a score.
    pub quality: Option<f64>,
}
