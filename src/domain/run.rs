//! What one run did: the machine output of `optimizer run`, and what `status` and `history` show later.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{rollout::Purpose, verdict::Judgement};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "run/v1";

/// How much of a tick is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What is under way is looked at and taken back where it does harm. Nothing goes forward and nothing is planned.
    Safety,
    /// A whole tick.
    Standard,
    /// A whole tick that also catches the history up from the source, and plans by where things have been going.
    Deep,
}

impl Scope {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Standard => "standard",
            Self::Deep => "deep",
        }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// Always `run/v1`.
    pub schema_version: Cow<'static, str>,
    pub id: String,
    pub scope: Scope,
    /// Whether it only shows what it would do.
    pub dry_run: bool,
    pub started_at: Timestamp,
    /// Where changes go, as messages call it.
    pub sink: String,
    /// The plan that was made; none in the safety scope.
    pub plan: Option<PlanRef>,
    /// End of the traffic that was read; none where none could be.
    pub data_until: Option<Timestamp>,
    /// What is kept of the traffic; only in the deep scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryHeld>,
    /// Rollouts under way, and those that began or ended in this run; by service.
    pub steps: Vec<StepLine>,
    /// What was decided and not begun.
    pub not_begun: Vec<NotBegunLine>,
    /// What somebody should look at.
    pub alerts: Vec<Alert>,
}

/// What is kept of the traffic, so that it need not be read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryHeld {
    /// Start of its oldest slot.
    pub from: Timestamp,
    /// End of its newest.
    pub until: Timestamp,
    /// Slots of 15 minutes.
    pub quarter_hours: u64,
    pub hours: u64,
    pub days: u64,
    /// Slots that this run wrote, and those it dropped.
    pub written: u64,
    pub dropped: u64,
    /// Slots of which the source has fewer rows than it had; they stay as they were.
    pub kept: u64,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRef {
    pub id: String,
    pub decisions: u64,
    /// Those that change something.
    pub moving: u64,
}

/// What became of one rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepLine {
    pub service: String,
    /// What `optimizer explain` takes.
    pub rollout: String,
    pub purpose: Purpose,
    /// Versions by content.
    pub from: String,
    pub to: String,
    pub share_before: u8,
    pub share_after: u8,
    pub did: Did,
    /// For people.
    pub why: String,
    pub judgement: Option<Judgement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    Began,
    Advanced,
    Held,
    Completed,
    RolledBack,
    /// Somebody else touched it: its evidence begins anew.
    Restarted,
    /// Somebody else changed it: it is theirs.
    Overtaken,
    /// Written, and whether it arrived is not known.
    InDoubt,
    /// Written, and being rolled out by the sink.
    Pending,
    /// The sink refused it or failed; nothing was changed.
    Failed,
}

impl Did {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Advanced => "advanced",
            Self::Held => "held",
            Self::Completed => "completed",
            Self::RolledBack => "rolled back",
            Self::Restarted => "restarted",
            Self::Overtaken => "overtaken",
            Self::InDoubt => "in doubt",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

/// A decision that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotBegunLine {
    pub service: String,
    pub decision: String,
    /// For people.
    pub why: String,
}

/// Something that wants a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    pub kind: AlertKind,
    /// None where it is about all of them.
    pub service: Option<String>,
    /// For people.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A change was taken back.
    RolledBack,
    /// Somebody else changed what was under way.
    Conflict,
    /// The sink refused or failed.
    Sink,
    /// Whether a write arrived is not known.
    InDoubt,
    /// Harm is shown, and the policy leaves it to people.
    Harm,
    /// The source could not be used.
    Source,
}

impl AlertKind {
    pub const ALL: [Self; 6] = [Self::RolledBack, Self::Conflict, Self::Sink, Self::InDoubt, Self::Harm, Self::Source];

    /// As labels have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RolledBack => "rolled_back",
            Self::Conflict => "conflict",
            Self::Sink => "sink",
            Self::InDoubt => "in_doubt",
            Self::Harm => "harm",
            Self::Source => "source",
        }
    }
}
