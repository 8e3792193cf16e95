//! The figures that are followed through time, one value a slot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format;

/// One figure of a service (or of one of its arms) over a slot of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Requests a minute, sampling weights applied.
    Requests,
    /// Mean of successful requests, milliseconds.
    Latency,
    /// Mean time to the first token of streamed successes, milliseconds.
    Ttft,
    /// Failures of the provider over requests that reached one.
    ErrorRate,
    /// Mean US dollars; none where a cost is unknown.
    CostPerRequest,
    /// Mean tokens of a request.
    InputTokens,
    /// Mean tokens of an answer.
    OutputTokens,
    /// Mean score, `0..=1`, of the requests that carry one.
    Quality,
}

/// Which way a metric moves when things get worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    Up,
    Down,
    /// Neither way is good or bad by itself.
    Neither,
}

impl Metric {
    pub const ALL: [Self; 8] = [
        Self::Requests,
        Self::Latency,
        Self::Ttft,
        Self::ErrorRate,
        Self::CostPerRequest,
        Self::InputTokens,
        Self::OutputTokens,
        Self::Quality,
    ];

    /// As it reads in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "traffic",
            Self::Latency => "mean latency",
            Self::Ttft => "mean time to first token",
            Self::ErrorRate => "error rate",
            Self::CostPerRequest => "cost per request",
            Self::InputTokens => "input length",
            Self::OutputTokens => "output length",
            Self::Quality => "mean quality",
        }
    }

    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Requests => "requests_per_minute",
            Self::Latency | Self::Ttft => "ms",
            Self::ErrorRate | Self::Quality => "ratio",
            Self::CostPerRequest => "usd",
            Self::InputTokens | Self::OutputTokens => "tokens",
        }
    }

    #[must_use]
    pub fn harm(self) -> Harm {
        match self {
            Self::Latency | Self::Ttft | Self::ErrorRate | Self::CostPerRequest => Harm::Up,
            Self::Quality => Harm::Down,
            Self::Requests | Self::InputTokens | Self::OutputTokens => Harm::Neither,
        }
    }

    /// A value of it as people read it.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Requests => format!("{} a minute", format::quantity(value)),
            Self::Latency | Self::Ttft => format::ms(value),
            Self::ErrorRate => format::percent(value),
            Self::CostPerRequest => format::usd(value),
            Self::InputTokens | Self::OutputTokens => format!("{} tokens", format::quantity(value)),
            Self::Quality => format!("{value:.3}"),
        }
    }
}
