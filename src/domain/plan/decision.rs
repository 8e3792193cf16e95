//! What is to be done with one segment, who said so, and why.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Candidate, Effect, Measure};
use crate::domain::{Arm, Segment, Setting, memory::PastChange};

/// What is to be done with one segment of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What `optimizer explain` takes.
    pub id: String,
    pub service: String,
    pub segment: Segment,
    pub action: Action,
    /// Which rung of the ladder decided.
    pub rung: Rung,
    /// How the proposal came up; none where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// What serves most of the segment now.
    pub current: Option<Arm>,
    /// What should serve it, when the action is a change or a revert.
    pub proposed: Option<Arm>,
    /// What has to be set in the configuration, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// One sentence for people.
    pub reason: String,
    /// Predicted effect of the proposal on this segment.
    pub effects: Vec<Effect>,
    /// Probability that the proposal holds every constraint and improves on the present.
    pub confidence: Option<f64>,
    /// Change of spend in US dollars a day; negative saves.
    pub spend_change_usd_per_day: Option<f64>,
    /// Shares of traffic the change passes through, in percent. Of an experiment: the one share it is given.
    pub rollout_percent: Vec<u8>,
    /// Whether a canary would come to a verdict; none where nothing is rolled out in steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryOutlook>,
    /// Who was asked, from the top of the ladder down, and what each had to say.
    pub ladder: Vec<Step>,
    /// Every rule of the policy that applies to the service, with what became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleOutcome>,
    /// What would change the answer, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_change: Vec<String>,
    /// Changes of the past that were like this one, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<PastChange>,
    /// Everything that was weighed, the present configuration first.
    pub candidates: Vec<Candidate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Move the segment to another model, provider or configuration.
    Change,
    /// Go back to the configuration before.
    Revert,
    /// Give a part of the traffic to something promising, to learn more: an A/B test.
    Experiment,
    /// Leave it for now: another change goes first.
    Deferred,
    /// Leave it: nothing known is better.
    Keep,
    /// Leave it: something looks better, and a rule or thin evidence forbids it.
    Refused,
    /// Leave it: the policy switches this service off.
    Off,
}

impl Action {
    /// As JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Revert => "revert",
            Self::Experiment => "experiment",
            Self::Deferred => "deferred",
            Self::Keep => "keep",
            Self::Refused => "refused",
            Self::Off => "off",
        }
    }

    /// Whether carrying it out would change anything.
    #[must_use]
    pub fn moves(self) -> bool {
        matches!(self, Self::Change | Self::Revert | Self::Experiment)
    }
}

/// The ladder: a rung decides only when those above it had nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    SafetyRule,
    BusinessRule,
    Optimizer,
    DoNothing,
}

/// How a candidate came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// A model for this service and segment: what has served it, and what the policy wants weighed.
    CostPerformance,
    /// Parameters of the model: length of answers, randomness.
    AdaptiveParameters,
    /// What fits how bad a finding is: go back, the backup model, other parameters.
    ThresholdHeuristics,
    /// A prompt declared in the policy.
    PromptVariants,
    /// What has earned most so far: learned shares of traffic.
    ReinforcementFeedback,
    /// A rule of the policy names it.
    Rule,
}

impl Strategy {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CostPerformance => "cost and performance of models",
            Self::AdaptiveParameters => "adaptive parameters",
            Self::ThresholdHeuristics => "threshold heuristics",
            Self::PromptVariants => "prompt variants",
            Self::ReinforcementFeedback => "reinforcement feedback",
            Self::Rule => "a rule of the policy",
        }
    }
}

/// One who was asked for a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    pub rung: Rung,
    /// For example `revert` or `bandit`.
    pub by: String,
    pub outcome: StepOutcome,
    /// For people.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    Decided,
    /// Has nothing to propose.
    Nothing,
    /// Cannot say: too little is known, or it may not.
    Abstained,
    /// Broke down; the next one was asked.
    Failed,
}

/// What became of one rule of the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleOutcome {
    pub id: String,
    pub priority: i32,
    /// As the policy has it.
    pub condition: String,
    pub state: RuleState,
    /// The values its condition saw; null where unknown.
    pub values: BTreeMap<String, serde_json::Value>,
    /// For people.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// Its condition holds, and it did what it says.
    Fired,
    /// It would have acted, and is only observed.
    Observed,
    /// Its condition does not hold.
    NotMet,
    /// Its condition holds, but not for long enough yet.
    Waiting,
    /// It acted too short a time ago.
    CoolingDown,
    /// It acted as often as it may in a day.
    UsedUp,
    /// A value of its condition is unknown.
    Unknown,
    /// Its condition cannot be computed.
    Failed,
    /// A rule of higher priority, or safety, spoke first.
    Overruled,
    /// What it asks for is not allowed.
    Refused,
    Off,
}

/// Whether the first step of a rollout would come to a verdict in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryOutlook {
    /// Of the first step.
    pub share_percent: u8,
    /// Requests of the candidate that the slowest guard needs.
    pub requests: u64,
    /// At the rate of the evidence.
    pub hours: f64,
    pub deadline_hours: f64,
    /// The guard that needs most.
    pub measure: Measure,
    /// For people.
    pub detail: String,
}
