//! A configuration on its way from no traffic to all of it, or back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arm, Configuration, Segment, plan::Measure, policy::RolloutStrategy};

/// One configuration, with the name that services label their requests with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// Hash of the content: the same settings are the same version, whoever wrote them and whenever.
    pub id: String,
    pub configuration: Configuration,
    /// What the sink calls it, where it has served alone there: rolling back names it so.
    pub in_sink: Option<String>,
}

/// What a change is about, for people and for the memory of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    pub segment: Segment,
    pub from: Arm,
    pub to: Arm,
}

/// One share of traffic, and how long it is held at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutStep {
    /// Of the traffic that the new configuration serves.
    pub share_percent: u8,
    /// Of the traffic that it gets a copy of, whose answers nobody sees; 0 where it serves.
    #[serde(default)]
    pub mirrored_percent: u8,
    pub bake_minutes: u32,
}

impl RolloutStep {
    /// What the sink is told: the share that is served, or mirrored.
    #[must_use]
    pub fn written_percent(&self) -> u8 {
        self.share_percent.max(self.mirrored_percent)
    }
}

/// Why a rollout is made: it decides what becomes of it in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The new configuration is to serve all of the traffic.
    Change,
    /// The old one is to: safety asks for it, so it waits for nothing.
    Restore,
    /// The new one gets a share, to learn more; the old one has the traffic back in the end.
    Trial,
}

/// One configuration of one service on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rollout {
    /// Of the decision that began it; `optimizer explain` takes it.
    pub id: String,
    pub service: String,
    /// One sentence for people.
    pub reason: String,
    pub purpose: Purpose,
    pub strategy: RolloutStrategy,
    pub subjects: Vec<Subject>,
    /// What served before, and serves the rest; where it goes back to.
    pub from: Version,
    pub to: Version,
    pub steps: Vec<RolloutStep>,
    pub started_at: Timestamp,
    /// When it is given up if it has not come to its last step.
    pub deadline: Timestamp,
    pub stage: Stage,
    /// What the sink called its state after our last write.
    pub deployed: Option<String>,
    /// What it called the new configuration at each step: services may label their requests so.
    pub labels: Vec<String>,
    /// What it came to, at the last look: relative effects by measure.
    #[serde(default)]
    pub effects: BTreeMap<Measure, f64>,
    /// Times the evidence began anew, with the last reason.
    pub restarts: u32,
    pub restarted_because: Option<String>,
    /// Why the sink would not go back when it was asked to; it is given the old configuration then.
    #[serde(default)]
    pub rollback_refused: Option<String>,
}

/// US dollars that a change spared on requests that cost so much after it, by its relative effect on the cost of a request: without it
/// they would have cost `spent / (1 + effect)`. Below zero, dollars more. None where that is no number.
#[must_use]
pub fn spared(spent_usd: f64, effect: f64) -> Option<f64> {
    (effect > -1.0).then(|| -spent_usd * effect / (1.0 + effect)).filter(|usd| usd.is_finite())
}

/// Where a rollout is. What a stage knows stands in the stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Stage {
    /// Decided, and not written yet.
    Proposed,
    /// At this step, by its place in the list.
    Canary {
        step: usize,
        since: Timestamp,
    },
    /// The new configuration serves everything.
    Full {
        since: Timestamp,
    },
    RolledBack {
        at: Timestamp,
        because: String,
    },
    /// Somebody else changed the service: it is theirs now.
    Overtaken {
        at: Timestamp,
        because: String,
    },
    /// It never reached production.
    Dropped {
        at: Timestamp,
        because: String,
    },
}

/// Nothing moves forward; going back is always possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    pub at: Timestamp,
    pub by: String,
    pub reason: String,
}

impl Stage {
    /// Whether anything may still happen.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Proposed | Self::Canary { .. } => true,
            Self::Full { .. } | Self::RolledBack { .. } | Self::Overtaken { .. } | Self::Dropped { .. } => false,
        }
    }
}

impl Rollout {
    /// Share of traffic on the new configuration, in percent.
    #[must_use]
    pub fn share_percent(&self) -> u8 {
        match self.stage {
            Stage::Canary { step, .. } => self.steps.get(step).map_or(0, |step| step.share_percent),
            Stage::Full { .. } => 100,
            Stage::Proposed | Stage::RolledBack { .. } | Stage::Overtaken { .. } | Stage::Dropped { .. } => 0,
        }
    }

    /// What the sink is told of the step it is at: the share that is served, or mirrored.
    #[must_use]
    pub fn written_percent(&self) -> u8 {
        let step = self.step().and_then(|step| self.steps.get(step));
        step.map_or_else(|| self.share_percent(), RolloutStep::written_percent)
    }

    /// The step it is at, counted from 0.
    #[must_use]
    pub fn step(&self) -> Option<usize> {
        match self.stage {
            Stage::Canary { step, .. } => Some(step),
            _ => None,
        }
    }
}
