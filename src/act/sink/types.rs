//! What is read from a sink, and what is asked of it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{configuration::Configuration, service_id::ServiceId};

pub use crate::domain::policy::RolloutStrategy as Strategy;

/// How far a sink says it is with what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Pending,
    InProgress,
    Paused,
    Completed,
    Failed,
    RolledBack,
}

impl State {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in progress",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::RolledBack => "rolled back",
        }
    }
}

/// What a service has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployed {
    /// The sink's own name for this state of the service: opaque, and another one after every write.
    pub version: String,
    /// The version it took the place of, where the sink says so; in a folder, the last one that gave all traffic something else.
    pub previous_version: Option<String>,
    pub configuration: Configuration,
    /// What the other traffic gets, while there is other traffic.
    pub baseline: Option<Configuration>,
    /// Share of the traffic that gets `configuration`, 0 to 100.
    pub percentage: u8,
    pub state: State,
    pub strategy: Option<Strategy>,
    pub decision_id: Option<String>,
    /// Our hash of `configuration`, with which the traffic is labelled.
    pub config_version: Option<String>,
    pub updated_by: Option<String>,
    pub updated_at: Option<Timestamp>,
}

impl Deployed {
    /// The configuration that all traffic gets, where it is one.
    #[must_use]
    pub fn for_all(&self) -> Option<&Configuration> {
        match self.percentage {
            100 => Some(&self.configuration),
            0 => self.baseline.as_ref(),
            _ => None,
        }
    }
}

/// What has to be there for a write to be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    Absent,
    Version(String),
}

impl Expected {
    /// Whether nothing has changed since the decision.
    #[must_use]
    pub fn is(&self, found: Option<&Deployed>) -> bool {
        match (self, found) {
            (Self::Absent, None) => true,
            (Self::Version(version), Some(found)) => *version == found.version,
            _ => false,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("no configuration"),
            Self::Version(version) => write!(f, "version `{version}`"),
        }
    }
}

/// A configuration for a share of the traffic of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    pub service: ServiceId,
    /// The same for every try of this step.
    pub key: Uuid,
    pub expected: Expected,
    pub configuration: Configuration,
    /// What the other traffic has to keep, for sinks that do not know it by themselves.
    pub baseline: Option<Configuration>,
    /// Share of the traffic for `configuration`, 0 to 100.
    pub percentage: u8,
    pub strategy: Strategy,
    /// Only `percentage`, where each further step is written by a later run; the whole list, ending with 100, where the sink
    /// walks by itself and is only watched.
    pub progression: Vec<u8>,
    /// Between the steps of a sink that walks by itself.
    pub interval_minutes: u32,
    /// Share of failed requests at which the sink itself should go back, 0 to 1.
    pub rollback_on_error_rate: Option<f64>,
    pub decision_id: String,
    pub rationale: String,
    pub requested_by: String,
    pub config_version: String,
}

/// What a rollback takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The candidate of a canary under way.
    Canary,
    /// What all traffic has.
    All,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Previous,
    Version(String),
}

impl Target {
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Previous => "previous",
            Self::Version(version) => version,
        }
    }
}

/// All traffic of a service back to what it had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    pub service: ServiceId,
    pub key: Uuid,
    /// The version that we deployed. Another one is somebody else's work, and stays.
    pub expected: String,
    pub target: Target,
    pub scope: Scope,
    pub reason: String,
    /// What all traffic has to have afterwards: to be written where a sink keeps no history, and to be checked everywhere.
    pub configuration: Configuration,
    pub config_version: Option<String>,
    pub decision_id: String,
    pub requested_by: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    Write(Write),
    Rollback(Rollback),
}

impl Job {
    #[must_use]
    pub fn service(&self) -> &ServiceId {
        match self {
            Self::Write(write) => &write.service,
            Self::Rollback(rollback) => &rollback.service,
        }
    }
}
