//! What is under way: the machine output of `optimizer status`.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    rollout::{Rollout, Version},
    run::Scope,
    verdict::Judgement,
};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "status/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusReport {
    /// Always `status/v1`.
    pub schema_version: Cow<'static, str>,
    pub at: Timestamp,
    /// Who acts at the moment; none where nobody does.
    pub acting: Option<Holder>,
    /// By service.
    pub rollouts: Vec<RolloutStatus>,
    /// What operators said, that of all services first.
    pub frozen: Vec<Frozen>,
    pub sinks: Vec<SinkStatus>,
    /// Services that rest after rollbacks.
    pub resting: Vec<Resting>,
    /// Newest first.
    pub runs: Vec<RunLine>,
    /// Of the service that was asked about: its versions, those that are proven first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<KnownVersion>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// For people.
    pub holder: String,
    /// When its right to act ends if it is never heard of again.
    pub until: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutStatus {
    pub rollout: Rollout,
    /// What the evidence says so far; none before it began.
    pub judgement: Option<Judgement>,
    /// Writes whose outcome is not known.
    pub open_writes: u64,
    /// End of the traffic that was counted.
    pub counted_until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frozen {
    /// None for all of them.
    pub service: Option<String>,
    pub at: Timestamp,
    pub by: String,
    pub reason: String,
    /// Whether nothing is written at all; otherwise nothing goes forward.
    pub everything: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SinkStatus {
    pub sink: String,
    /// Until when it is left alone; none where it is not.
    pub left_alone_until: Option<Timestamp>,
    /// Writes without an answer, one after the other.
    pub failures: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resting {
    pub service: String,
    pub until: Timestamp,
}

/// One run in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunLine {
    pub id: String,
    pub at: Timestamp,
    pub scope: Scope,
    /// Whether it came to its end. One that did not and does not act any more was killed.
    pub ended: bool,
    /// For people: how many rollouts did what.
    pub did: String,
    pub alerts: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownVersion {
    pub version: Version,
    /// `proven`, `failed` or `known`.
    pub state: String,
    pub changed_at: String,
}
