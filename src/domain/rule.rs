//! What an operator laid down: rules that act, and governance that forbids. Conditions are kept as text here; `decide`
//! compiles them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Severity, policy::Mode};

/// A condition in CEL, the Common Expression Language, over the names of `decide::condition`. Checked when the policy
/// was read: it parses, every name is known, and the types agree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Condition {
    /// As it was written, or as CEL where it was written in parts.
    pub text: String,
    /// The names it uses, in their one spelling: `cost.today` also where the text says `daily_cost`.
    #[serde(skip)]
    pub names: BTreeSet<String>,
}

/// When something holds for a while, do something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Unique within a service.
    pub id: String,
    pub description: String,
    pub when: Condition,
    /// How long the condition must have held without a break; 0 fires at once.
    pub hold_minutes: u32,
    /// How long the rule rests after it fired.
    pub cooldown_minutes: u32,
    /// How often it may fire in one UTC day; none means any number of times.
    pub max_per_day: Option<u32>,
    /// Higher goes first where two rules want different things.
    pub priority: i32,
    /// `Observe`: told, never done. `Off`: not looked at.
    pub mode: Mode,
    pub then: Then,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Propose this model, as `provider/model`; constraints still hold.
    SwitchModel(String),
    /// Go back to the configuration before.
    Rollback,
    /// Change parameters of the request, inside the ranges of the policy; never empty.
    Adjust(BTreeMap<Parameter, Adjustment>),
    /// Try this model, as `provider/model`, on a share of the traffic.
    Experiment(String),
    /// Tell somebody.
    Alert { severity: Severity, message: String },
    /// Forbid every change while the condition holds; the text says why.
    Deny(String),
    /// Say something beside the plan.
    Warn(String),
}

/// How one parameter moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    Set(f64),
    Add(f64),
    /// Above zero.
    Times(f64),
}

/// A number sent with each request that steers the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    Temperature,
    TopP,
    TopK,
    MaxTokens,
}

impl Parameter {
    pub const ALL: [Self; 4] = [Self::Temperature, Self::TopP, Self::TopK, Self::MaxTokens];

    /// As it is written in policies and configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::TopK => "top_k",
            Self::MaxTokens => "max_tokens",
        }
    }

    /// The smallest and the largest value any provider accepts.
    #[must_use]
    pub fn bounds(self) -> [f64; 2] {
        match self {
            Self::Temperature => [0.0, 2.0],
            Self::TopP => [0.0, 1.0],
            Self::TopK => [1.0, 1_000.0],
            Self::MaxTokens => [1.0, 10_000_000.0],
        }
    }

    /// Whether it takes whole numbers only.
    #[must_use]
    pub fn whole(self) -> bool {
        matches!(self, Self::TopK | Self::MaxTokens)
    }
}

/// One governance policy: rules that every change is held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GovernancePolicy {
    /// Unique within a service.
    pub id: String,
    pub name: String,
    pub kind: GovernanceKind,
    pub rules: Vec<GovernanceRule>,
}

/// What a governance policy is about. Only told; it changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GovernanceKind {
    Cost,
    Compliance,
    Quality,
    Security,
}

/// One sentence of a governance policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GovernanceRule {
    pub condition: Condition,
    pub action: GovernanceAction,
    /// What people are told.
    pub message: String,
}

/// What follows when the condition holds, and also when it cannot be told: unknown never counts as fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GovernanceAction {
    Deny,
    Warn,
}
