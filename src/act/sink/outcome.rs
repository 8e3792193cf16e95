//! How an attempt to change a service ended.

use std::fmt;

use serde::Serialize;

use super::Deployed;

/// What is known in the end. Nothing here is a guess: what cannot be known is `InDoubt`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// It is there, and was read back. `unchanged`, where it was there already and nothing was written.
    Done { deployed: Deployed, unchanged: bool },
    /// It was accepted, and is not there yet. A later run looks again.
    Pending { found: Option<Deployed> },
    /// Something else is there than was expected. The decision no longer holds; nothing of theirs is undone.
    Conflict { found: Option<Deployed>, why: String },
    /// It may or may not have been done. The next run finds out before it decides anything.
    InDoubt { why: String },
    /// It was not done, and asking again will not help. `stop_all`, where the same would be said to every write.
    Refused { why: String, stop_all: bool },
    /// It was not done; later it may be.
    Failed { why: String },
}

impl Outcome {
    /// For tables and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Pending { .. } => "pending",
            Self::Conflict { .. } => "conflict",
            Self::InDoubt { .. } => "in doubt",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
        }
    }

    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

/// What an outcome says of the sink itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It talks sense, whatever it says.
    Answers,
    /// It says nothing, or nothing that could be used.
    Sick,
    /// It refuses to talk to us at all.
    Refuses,
    /// It was not asked.
    Unasked,
}

/// An outcome with what it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Writes that were sent. None, where looking was enough.
    pub attempts: u32,
    pub health: Health,
}

impl Report {
    #[must_use]
    pub fn new(outcome: Outcome, attempts: u32) -> Self {
        Self { outcome, attempts, health: Health::Answers }
    }

    #[must_use]
    pub fn sick(outcome: Outcome, attempts: u32) -> Self {
        Self { outcome, attempts, health: Health::Sick }
    }

    /// The same for what may have been done by an earlier run: as long as nothing could be seen, that is not known.
    #[must_use]
    pub fn of_settling(mut self) -> Self {
        let unseen = match &mut self.outcome {
            Outcome::Failed { why } | Outcome::Refused { why, stop_all: true } if self.attempts == 0 => {
                std::mem::take(why)
            }
            _ => return self,
        };
        self.outcome = Outcome::InDoubt { why: unseen };
        self
    }

    /// For what was sent, and whose answer nobody waits for any more.
    #[must_use]
    pub fn cut_off() -> Self {
        let why = "this run had to end before the sink answered".to_owned();
        Self { outcome: Outcome::InDoubt { why }, attempts: 1, health: Health::Unasked }
    }

    /// For what was not begun.
    #[must_use]
    pub fn unasked(why: String) -> Self {
        Self { outcome: Outcome::Failed { why }, attempts: 0, health: Health::Unasked }
    }
}

/// For people: what happened, and what follows from it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Done { deployed, unchanged: true } => {
                write!(f, "already there as version `{}`", deployed.version)
            }
            Outcome::Done { deployed, .. } => write!(f, "done as version `{}`", deployed.version),
            Outcome::Pending { .. } => f.write_str("accepted, and not there yet; the next run looks again"),
            Outcome::Conflict { why, .. } => write!(f, "conflict: {why}; nothing of it was undone"),
            Outcome::InDoubt { why } => write!(f, "in doubt: {why}; the next run finds out"),
            Outcome::Refused { why, stop_all: false } => write!(f, "refused: {why}"),
            Outcome::Refused { why, stop_all: true } => write!(f, "refused: {why}; no further writes in this run"),
            Outcome::Failed { why } => write!(f, "not done: {why}"),
        }?;
        if self.attempts > 1 { write!(f, " ({} attempts)", self.attempts) } else { Ok(()) }
    }
}

/// Why a service cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct SinkError {
    pub why: String,
    /// The same would be said to everybody.
    pub stop_all: bool,
}
