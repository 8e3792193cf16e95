//! Rules and governance as they are written. Ranges and units stand here, as in [`super::shape`].

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{
    Severity,
    policy::{GovernanceAction, GovernanceKind},
};

use super::shape::ModeYaml;

/// When something holds for a while, do something. A file that states a rule again under the same `id` overrides just the
/// fields it names.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleYaml {
    /// Name of the rule, shown where it fires. Once in a file.
    #[schemars(required, length(min = 1, max = 128))]
    pub(super) id: Option<String>,
    /// What it is for, for people.
    #[schemars(length(max = 1_024))]
    pub(super) description: Option<String>,
    /// The condition, in CEL: `errors.rate > 0.05 && requests.count > 100`. A value that is missing does not fire it.
    #[schemars(length(min = 1, max = 4_096), extend("x-form" = "condition"))]
    pub(super) when: Option<String>,
    /// How long the condition must have held without a break, as `15m` or `1h`. Left out: not at all.
    #[serde(rename = "for")]
    #[schemars(extend("x-form" = "duration"))]
    pub(super) hold: Option<String>,
    /// How long the rule rests after it fired, as `6h` or `1d`. Left out: not at all.
    #[schemars(extend("x-form" = "duration"))]
    pub(super) cooldown: Option<String>,
    /// How often it may fire in one UTC day. Left out: any number of times.
    #[schemars(range(min = 1, max = 100_000), extend("x-unit" = "times a day"))]
    pub(super) max_per_day: Option<u32>,
    /// Where two rules want different things, the higher one is heard. Left out: 0.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub(super) priority: Option<i32>,
    /// What the rule may do. Left out: `enforce`.
    pub(super) mode: Option<ModeYaml>,
    /// What it does: exactly one of these.
    pub(super) then: Option<ThenYaml>,
}

/// What a rule does.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ThenYaml {
    /// Propose this model, as `provider/model`. Constraints still hold.
    #[schemars(length(min = 1, max = 256), extend("x-form" = "model name"))]
    pub(super) switch_model: Option<String>,
    /// `true`: go back to the configuration before.
    pub(super) rollback: Option<bool>,
    /// Change parameters, inside the ranges under `parameters`.
    pub(super) adjust: Option<AdjustYaml>,
    /// Try this model, as `provider/model`, on a share of the traffic.
    #[schemars(length(min = 1, max = 256), extend("x-form" = "model name"))]
    pub(super) experiment: Option<String>,
    /// Tell somebody.
    pub(super) alert: Option<AlertYaml>,
    /// Forbid every change while the condition holds; the text says why.
    #[schemars(length(min = 1, max = 1_024))]
    pub(super) deny: Option<String>,
    /// Say this beside the plan.
    #[schemars(length(min = 1, max = 1_024))]
    pub(super) warn: Option<String>,
}

/// Which parameters move, and how.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AdjustYaml {
    pub(super) temperature: Option<AdjustmentYaml>,
    pub(super) top_p: Option<AdjustmentYaml>,
    pub(super) top_k: Option<AdjustmentYaml>,
    pub(super) max_tokens: Option<AdjustmentYaml>,
}

/// How one parameter moves: exactly one of these.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AdjustmentYaml {
    /// The new value.
    #[schemars(range(min = 0.0, max = 10_000_000.0))]
    pub(super) set: Option<f64>,
    /// What is added to the present value; below zero lowers it.
    #[schemars(range(min = -10_000_000.0, max = 10_000_000.0))]
    pub(super) add: Option<f64>,
    /// What the present value is multiplied by.
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "times"))]
    pub(super) times: Option<f64>,
}

/// What somebody is told.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertYaml {
    pub(super) severity: Option<SeverityYaml>,
    /// The text.
    #[schemars(required, length(min = 1, max = 1_024))]
    pub(super) message: Option<String>,
}

/// How bad it is. Left out: `medium`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SeverityYaml {
    Low,
    Medium,
    High,
    Critical,
}

impl From<SeverityYaml> for Severity {
    fn from(severity: SeverityYaml) -> Self {
        match severity {
            SeverityYaml::Low => Self::Low,
            SeverityYaml::Medium => Self::Medium,
            SeverityYaml::High => Self::High,
            SeverityYaml::Critical => Self::Critical,
        }
    }
}

/// One governance policy: what every change is held against, whatever it would save.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GovernanceYaml {
    /// Name of the policy for machines. Once in a file.
    #[schemars(required, length(min = 1, max = 128))]
    pub(super) id: Option<String>,
    /// Name for people. Left out: the `id`.
    #[schemars(length(min = 1, max = 256))]
    pub(super) name: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<GovernanceKindYaml>,
    /// Its rules. Each that holds has its say.
    #[schemars(length(min = 1, max = 10_000))]
    pub(super) rules: Option<Vec<GovernanceRuleYaml>>,
}

/// What the policy is about.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum GovernanceKindYaml {
    Cost,
    Compliance,
    Quality,
    Security,
}

impl From<GovernanceKindYaml> for GovernanceKind {
    fn from(kind: GovernanceKindYaml) -> Self {
        match kind {
            GovernanceKindYaml::Cost => Self::Cost,
            GovernanceKindYaml::Compliance => Self::Compliance,
            GovernanceKindYaml::Quality => Self::Quality,
            GovernanceKindYaml::Security => Self::Security,
        }
    }
}

/// One rule of a governance policy.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GovernanceRuleYaml {
    /// When it applies, in CEL: `daily_cost > 1000`. Where a value is missing it applies too: unknown is not fine.
    #[schemars(required, length(min = 1, max = 4_096), extend("x-form" = "condition"))]
    pub(super) condition: Option<String>,
    #[schemars(required)]
    pub(super) action: Option<GovernanceActionYaml>,
    /// What people are told. Left out: the condition.
    #[schemars(length(min = 1, max = 1_024))]
    pub(super) message: Option<String>,
}

/// What follows when the condition holds.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum GovernanceActionYaml {
    /// The change is not made.
    Deny,
    /// The change is made, and the message stands beside it.
    Warn,
}

impl From<GovernanceActionYaml> for GovernanceAction {
    fn from(action: GovernanceActionYaml) -> Self {
        match action {
            GovernanceActionYaml::Deny => Self::Deny,
            GovernanceActionYaml::Warn => Self::Warn,
        }
    }
}
