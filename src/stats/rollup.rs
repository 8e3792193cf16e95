//! What the decision side knows of the traffic: mergeable statistics per arm and service, never single requests.

use std::collections::BTreeMap;

use super::{Figures, Sketch, design_effect::design_effect, history::Values};
use crate::domain::{
    Arm, Segment,
    plan::{SourceSummary, Windows},
};

/// Counts of requests by outcome, sampling weights applied except in `rows`. Answers from the gateway's own cache are in
/// `rows` and `weight`, and in nothing else.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Requests {
    pub rows: u64,
    /// Requests the rows stand for.
    pub weight: f64,
    /// Sum of squared weights.
    pub weight_squared: f64,
    /// Requests that reached a provider.
    pub served: f64,
    pub succeeded: f64,
    /// Failures on the provider's side, timeouts included.
    pub provider_errors: f64,
    /// Failures the caller brought about.
    pub caller_errors: f64,
    /// Requests whose cost is unknown.
    pub unpriced: f64,
    /// Successes in logs without failures: how many failed beside them, nobody knows, so there is no error rate.
    pub unseen: f64,
    /// Among the failures of the provider: those of time.
    pub timeouts: f64,
    /// Attempts after others of the same request, whatever became of them.
    pub retried: f64,
}

impl Requests {
    /// Kish's effective share: how many equally weighted rows one row is worth, `0..=1`.
    #[must_use]
    pub fn weight_efficiency(&self) -> f64 {
        if self.rows == 0 { 1.0 } else { self.weight * self.weight / (self.rows as f64 * self.weight_squared) }
    }

    /// Whether an error rate can be had: requests reached a provider, and failures would have been recorded.
    #[must_use]
    pub fn failures_are_seen(&self) -> bool {
        self.served > 0.0 && self.unseen <= 0.0
    }

    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            weight: self.weight + other.weight,
            weight_squared: self.weight_squared + other.weight_squared,
            served: self.served + other.served,
            succeeded: self.succeeded + other.succeeded,
            provider_errors: self.provider_errors + other.provider_errors,
            caller_errors: self.caller_errors + other.caller_errors,
            unpriced: self.unpriced + other.unpriced,
            unseen: self.unseen + other.unseen,
            timeouts: self.timeouts + other.timeouts,
            retried: self.retried + other.retried,
        }
    }
}

/// Totals of one value over one time bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bucket {
    pub weight: f64,
    pub sum: f64,
}

/// Mergeable statistics of some set of requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rollup {
    pub requests: Requests,
    /// Milliseconds, successes only.
    pub latency: Sketch,
    /// US dollars.
    pub cost: Sketch,
    /// Scores, `0..=1`.
    pub quality: Sketch,
    /// Tokens.
    pub input_tokens: Sketch,
    /// Tokens.
    pub output_tokens: Sketch,
    /// Milliseconds, streamed successes only.
    pub ttft: Sketch,
    /// Latency by time bucket, for the design effect.
    pub latency_buckets: Vec<Bucket>,
    /// Quality by time bucket.
    pub quality_buckets: Vec<Bucket>,
    /// Cost by time bucket.
    pub cost_buckets: Vec<Bucket>,
}

impl Rollup {
    /// Rows of a metric that count as independent and equally weighted: n · weight efficiency / design effect. An unknown
    /// design effect counts as 1, and [`Rollup::quality_design_effect`] tells that it was unknown.
    #[must_use]
    pub fn effective(&self, sketch: &Sketch, buckets: &[Bucket]) -> f64 {
        let rows = sketch.rows() as f64 * self.requests.weight_efficiency();
        let variance = sketch.variance().unwrap_or(0.0);
        rows / design_effect(buckets, variance, rows).unwrap_or(1.0)
    }

    #[must_use]
    pub fn effective_latency(&self) -> f64 {
        self.effective(&self.latency, &self.latency_buckets)
    }

    #[must_use]
    pub fn effective_quality(&self) -> f64 {
        self.effective(&self.quality, &self.quality_buckets)
    }

    #[must_use]
    pub fn effective_cost(&self) -> f64 {
        self.effective(&self.cost, &self.cost_buckets)
    }

    #[must_use]
    pub fn latency_design_effect(&self) -> Option<f64> {
        let rows = self.latency.rows() as f64 * self.requests.weight_efficiency();
        design_effect(&self.latency_buckets, self.latency.variance()?, rows)
    }

    #[must_use]
    pub fn cost_design_effect(&self) -> Option<f64> {
        let rows = self.cost.rows() as f64 * self.requests.weight_efficiency();
        design_effect(&self.cost_buckets, self.cost.variance()?, rows)
    }

    #[must_use]
    pub fn quality_design_effect(&self) -> Option<f64> {
        let rows = self.quality.rows() as f64 * self.requests.weight_efficiency();
        design_effect(&self.quality_buckets, self.quality.variance()?, rows)
    }

    /// Failures of the provider over requests that reached one.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        self.requests.failures_are_seen().then(|| self.requests.provider_errors / self.requests.served)
    }

    /// Share of requests that carry a quality score.
    #[must_use]
    pub fn quality_coverage(&self) -> f64 {
        if self.requests.weight > 0.0 { self.quality.weight() / self.requests.weight } else { 0.0 }
    }

    /// The statistics of both sets of requests together. Time buckets of the two are kept side by side.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let both = |a: &[Bucket], b: &[Bucket]| [a, b].concat();
        Self {
            requests: self.requests.merged(&other.requests),
            latency: self.latency.merged(&other.latency),
            cost: self.cost.merged(&other.cost),
            quality: self.quality.merged(&other.quality),
            input_tokens: self.input_tokens.merged(&other.input_tokens),
            output_tokens: self.output_tokens.merged(&other.output_tokens),
            ttft: self.ttft.merged(&other.ttft),
            latency_buckets: both(&self.latency_buckets, &other.latency_buckets),
            quality_buckets: both(&self.quality_buckets, &other.quality_buckets),
            cost_buckets: both(&self.cost_buckets, &other.cost_buckets),
        }
    }
}

/// What is known of one arm in one segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmEvidence {
    /// In the window.
    pub window: Rollup,
    /// In the whole lookback, the window included.
    pub lookback: Rollup,
}

/// What is known of one service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceEvidence {
    /// All of it in the window, in the window before, and over the lookback.
    pub window: Rollup,
    pub before: Rollup,
    pub lookback: Rollup,
    pub segments: BTreeMap<Segment, BTreeMap<Arm, ArmEvidence>>,
    /// Spend in US dollars by minute, keyed by minutes since the Unix epoch, ascending.
    pub spend_by_minute: BTreeMap<i64, f64>,
    /// First minute in which each config version was seen.
    pub version_since: BTreeMap<String, i64>,
    /// What the window is held against for drift; none where nothing reaches back that far.
    pub reference: Option<Reference>,
}

/// The same whole hours (UTC) of the days before: traffic of the night is not compared with that of the day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reference {
    /// All of them together.
    pub rollup: Rollup,
    /// Each of them, latest first; days without a request are absent.
    pub days: Vec<Values>,
    /// Minutes of the window itself that the source knows about; none where they are too few for a rate.
    pub covered_minutes: Option<f64>,
}

/// Everything one tick knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub windows: Windows,
    pub source: SourceSummary,
    pub services: BTreeMap<String, ServiceEvidence>,
    /// Figures that somebody else computed, by service.
    pub figures: BTreeMap<String, Vec<Figures>>,
}
