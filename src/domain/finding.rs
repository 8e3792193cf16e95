//! What an analyzer saw.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arm, Metric};

/// How bad it is. Ordered: `Low < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// Severity of `observed` beyond `limit` (both above zero) by their ratio: more than twice is high, more than one and a
    /// half medium, else low. For a floor, hand over the inverse: limit first.
    #[must_use]
    pub fn of_ratio(observed: f64, limit: f64) -> Self {
        let ratio = observed / limit;
        if ratio > 2.0 {
            Self::High
        } else if ratio > 1.5 {
            Self::Medium
        } else {
            Self::Low
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// What kind of thing was seen; scripts match on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    NoTraffic,
    LatencyHigh,
    LatencyIncrease,
    ErrorRateHigh,
    CostPerRequestHigh,
    DailyBudget,
    MonthlyBudget,
    QualityLow,
    QualityDrop,
    QualityUnknown,
    CostUnknown,
    ConfigRegression,
    /// A value outside of what the slots before let expect.
    Anomaly,
    /// The distribution is another than in the same hours of the days before.
    Drift,
    /// A steady rise or fall.
    Trend,
    /// From some time on, another level.
    LevelShift,
    /// Worse than the same hours of the days before.
    WorseThanUsual,
    /// Worse than a baseline that was set.
    WorseThanBaseline,
    /// Spend that buys nothing.
    Waste,
    /// What another watcher reported.
    Alert,
    /// What a rule of the policy tells.
    Rule,
}

/// One observation, with the numbers that made it one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The service it is about; none means all of them together.
    pub service: Option<String>,
    pub kind: FindingKind,
    pub severity: Severity,
    /// The measured value, in the unit of `unit`.
    pub observed: f64,
    /// What it was compared with.
    pub limit: f64,
    /// `ms`, `usd`, `usd_per_day`, `ratio`, `percent` or `requests`.
    pub unit: Cow<'static, str>,
    /// 90 % interval of `observed`, where one could be given.
    pub interval: Option<[f64; 2]>,
    /// Requests behind `observed`.
    pub requests: u64,
    /// The arm that stands out as the cause, if one does.
    pub cause: Option<Arm>,
    /// One sentence for people.
    pub summary: String,
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// What findings rest on beyond a value and a limit. Absent where it does not apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The figure followed through time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The range in which the value was expected, in the unit of `unit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<[f64; 2]>,
    /// The tests that spoke, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Test>,
    /// The series up to now in equal steps, oldest first; null where there was nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<Option<f64>>,
}

/// What one test said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Test {
    pub name: Cow<'static, str>,
    pub statistic: f64,
    /// Probability of a statistic at least as extreme if nothing had changed; as the test gives it, before any correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
}
