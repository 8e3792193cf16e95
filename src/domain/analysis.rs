//! The findings of one tick, without decisions. The types are the machine output too: `analyze --format json` writes them as they
//! stand, `docs/schema/analysis.v1.json` describes them.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Finding, Metric,
    plan::{Action, Decision, PolicyRef, SourceSummary, Windows},
};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "analysis/v1";

/// Version of one line of a replay.
pub const TICK_SCHEMA_VERSION: &str = "tick/v1";

/// What was looked at, and what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// Always `analysis/v1`.
    pub schema_version: Cow<'static, str>,
    pub policy: PolicyRef,
    pub windows: Windows,
    /// Length of the slots in which figures were followed through time, minutes.
    pub slot_minutes: i64,
    pub source: SourceSummary,
    pub looked_at: LookedAt,
    /// Worst first.
    pub findings: Vec<Finding>,
    /// By service and metric.
    pub outlooks: Vec<Outlook>,
}

/// Where one figure of one service is going.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outlook {
    pub service: String,
    pub metric: Metric,
    /// Of all values here.
    pub unit: Cow<'static, str>,
    /// The value of the newest slot.
    pub now: f64,
    /// Nearest first.
    pub ahead: Vec<Ahead>,
}

/// A forecast of the value of one slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ahead {
    /// How far ahead: 15, 60 or 1,440.
    pub minutes: i64,
    /// Start of the slot.
    pub at: Timestamp,
    pub value: f64,
    /// Of such intervals 90 % should hold the value that comes.
    pub interval: [f64; 2],
    /// The longest pattern it could use: none, daily or weekly.
    pub pattern: Cow<'static, str>,
}

/// How much was looked at: of many tests some alarm by chance, so it matters how many there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookedAt {
    pub services: u64,
    /// Figures followed through time.
    pub series: u64,
    /// Tests of drift, trend and level. Their p-values are corrected together (Benjamini and Hochberg), so that of the findings
    /// they give one in a hundred may be expected to be false.
    pub tests: u64,
    /// Alerts that came after the window: a log that stops does not stop them, so that they are there is told.
    pub alerts_later: u64,
}

/// One tick of a replay: one line of NDJSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tick {
    /// Always `tick/v1`.
    pub schema_version: Cow<'static, str>,
    /// When the tick would have run: the end of its window.
    pub at: Timestamp,
    /// Requests in the window, sampling weights applied.
    pub requests: f64,
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Changes that would have been proposed; keeping and refusing are left out.
    pub decisions: Vec<Decision>,
}

impl Tick {
    /// Whether a decision changes something.
    #[must_use]
    pub fn is_change(decision: &Decision) -> bool {
        matches!(decision.action, Action::Change | Action::Revert | Action::Experiment)
    }
}
