//! What people are told of: that something happened, that something is wrong, and that it no longer is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Severity;

/// What it is about; receivers match on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A new configuration got its first traffic, or more.
    ChangeApplied,
    ChangeCompleted,
    RolledBack,
    /// An operator keeps services from moving.
    Frozen,
    BudgetBreached,
    RunFailed,
    /// Somebody tries whether messages arrive.
    Test,
}

impl Event {
    /// Those that can be chosen.
    pub const ALL: [Self; 6] = [
        Self::ChangeApplied,
        Self::ChangeCompleted,
        Self::RolledBack,
        Self::Frozen,
        Self::BudgetBreached,
        Self::RunFailed,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChangeApplied => "change_applied",
            Self::ChangeCompleted => "change_completed",
            Self::RolledBack => "rolled_back",
            Self::Frozen => "frozen",
            Self::BudgetBreached => "budget_breached",
            Self::RunFailed => "run_failed",
            Self::Test => "test",
        }
    }
}

/// How long it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It happened, and that is all.
    Once,
    /// It holds from now on.
    Stands,
    /// It held, and does no longer.
    Over,
}

impl State {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Stands => "stands",
            Self::Over => "over",
        }
    }
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    pub event: Event,
    pub state: State,
    /// The same for everything that is about the same: whoever knows it need not be told again. What is over has the key under which it
    /// stood.
    pub key: String,
    /// None where it is about all of them.
    pub service: Option<String>,
    pub severity: Severity,
    /// One sentence for people.
    pub summary: String,
    /// Why, for people; may be empty.
    pub detail: String,
    pub at: Timestamp,
    /// The run that tells it.
    pub run: String,
}

/// What somebody sends to see whether it arrives.
#[must_use]
pub fn test(run: &str, at: Timestamp) -> Notice {
    Notice {
        event: Event::Test,
        state: State::Once,
        key: format!("{}/{run}", Event::Test.name()),
        service: None,
        severity: Severity::Low,
        summary: "this is a test of notifications; nothing happened".to_owned(),
        detail: String::new(),
        at,
        run: run.to_owned(),
    }
}
