//! What services did slot after slot, for plots.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The figures of one slot. None where nothing is known; spend is none where a cost is not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CourseSlot {
    /// Start of the slot, UTC.
    pub at: Timestamp,
    /// Sampling weights applied.
    pub requests: f64,
    pub spend_usd: Option<f64>,
    pub latency_p50_ms: Option<f64>,
    pub latency_p95_ms: Option<f64>,
    /// Failures of the provider, over all requests that went to one.
    pub error_rate: Option<f64>,
    /// Mean over the requests that carry a score.
    pub quality: Option<f64>,
    /// What is usual at this time of day; none where too few days before are known.
    #[serde(default)]
    pub usual: Option<Usual>,
}

/// Medians of the slots at the same time (UTC) on the days before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    pub latency_p95_ms: Option<f64>,
    pub error_rate: Option<f64>,
    pub quality: Option<f64>,
}

/// The course of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceCourse {
    pub service: String,
    /// Ascending; slots without a request are absent.
    pub slots: Vec<CourseSlot>,
}

/// What some services did, and what all of them cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Length of a slot, minutes.
    pub slot_minutes: i64,
    /// Whether the last slot is over; one that is not holds less than it will.
    pub last_is_whole: bool,
    /// Of all services together, ascending; none where a cost of the slot is unknown.
    pub spend_usd: Vec<(Timestamp, Option<f64>)>,
    /// Those that are worth a plot, by name.
    pub services: Vec<ServiceCourse>,
}
