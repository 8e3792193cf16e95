//! A write that is recorded before it is sent, so that a run that dies in between is finished by the next.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sink::Job;

/// One write to a sink.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Idempotency key: the same write has the same one in every run.
    pub key: String,
    pub rollout: String,
    pub service: String,
    pub what: What,
    /// All that is sent.
    pub job: Job,
    pub made_at: Timestamp,
    /// The run that recorded it.
    pub tick: String,
    pub outcome: Course,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "write")]
pub enum What {
    Expose { step: usize },
    RollBack { because: String },
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Course {
    /// Recorded; whether it was sent nobody knows until somebody asks.
    Open,
    /// Sent, and what became of it is not known, or not decided yet.
    Waiting {
        why: String,
    },
    Done {
        version: String,
    },
    /// Somebody else was faster.
    Conflict {
        why: String,
    },
    /// It surely did not happen.
    Failed {
        why: String,
    },
}

impl Course {
    /// Whether nothing more is to come.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Open | Self::Waiting { .. } => false,
            Self::Done { .. } | Self::Conflict { .. } | Self::Failed { .. } => true,
        }
    }
}
