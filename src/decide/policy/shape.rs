//! The policy file as it is written: every field optional, because a file may state only what differs from the one it
//! extends. The ranges and units stand here and nowhere else; they reach editors as JSON Schema and the reader's
//! messages through the same schema. `x-unit` says what a number counts, `x-form` what a text has to look like.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::policy::Mode;

use super::shape_gate::GateYaml;
use super::shape_limits::{CountLimitYaml, LatencyLimitYaml, LimitYaml, ScoreLimitYaml};
use super::shape_rollout::{RollbackYaml, RolloutYaml};
use super::shape_rules::{GovernanceYaml, RuleYaml};
use super::shape_space::{ExperimentsYaml, ParametersYaml, PromptVariantYaml, TaskYaml};

/// What the optimizer may do, when a change is worth it, and how carefully it is rolled out. The settings at the top
/// apply to every service; `services` overrides any of them for one service.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyYaml {
    /// Name shown in plans. Left out: the name of the file.
    #[schemars(length(min = 1, max = 128))]
    #[expect(dead_code, reason = "read from the top layer alone, before the layers are merged")]
    pub(super) name: Option<String>,
    /// Where every setting that this file leaves out comes from: `conservative`, `balanced`, `aggressive`, or another
    /// policy file, relative to this one. Left out: this file states every setting itself.
    #[schemars(length(min = 1, max = 1024))]
    #[expect(dead_code, reason = "followed before the layers are merged")]
    pub(super) extends: Option<String>,
    /// Spend allowed in one UTC day over all services together, in US dollars, or `unlimited`.
    #[schemars(extend("x-unit" = "US dollars"))]
    pub(super) total_daily_budget_usd: Option<LimitYaml>,
    /// The same for one calendar month in UTC. Left out: unlimited.
    #[schemars(extend("x-unit" = "US dollars"))]
    pub(super) total_monthly_budget_usd: Option<LimitYaml>,
    /// Changes carried out at most in one run, over all services together, or `unlimited`. Left out: unlimited.
    #[schemars(extend("x-unit" = "changes"))]
    pub(super) max_changes_per_tick: Option<CountLimitYaml>,
    /// The scores that make up quality, by name, each with its scale. Left out: quality is what the source itself calls
    /// so, on the scale 0 to 1.
    pub(super) scores: Option<BTreeMap<String, ScoreYaml>>,
    /// What `optimizer gate` lets pass.
    pub(super) gate: Option<GateYaml>,
    pub(super) mode: Option<ModeYaml>,
    pub(super) objectives: Option<ObjectivesYaml>,
    pub(super) thresholds: Option<ThresholdsYaml>,
    pub(super) constraints: Option<ConstraintsYaml>,
    /// Limits that a candidate had better keep: what keeps them is preferred, what breaks them is not refused. Left out:
    /// no wishes.
    pub(super) soft_constraints: Option<ConstraintsYaml>,
    pub(super) evidence: Option<EvidenceYaml>,
    pub(super) decision: Option<DecisionYaml>,
    pub(super) rollout: Option<RolloutYaml>,
    pub(super) rollback: Option<RollbackYaml>,
    pub(super) models: Option<ModelRulesYaml>,
    /// Where the service goes when what serves it is in trouble, as `provider/model`. Left out: nowhere.
    #[schemars(length(min = 1, max = 256), extend("x-form" = "model name"))]
    pub(super) backup_model: Option<String>,
    pub(super) task: Option<TaskYaml>,
    pub(super) parameters: Option<ParametersYaml>,
    /// System prompts that may be tried, by version. Left out: the prompt stays as it is.
    pub(super) prompts: Option<BTreeMap<String, PromptVariantYaml>>,
    pub(super) experiments: Option<ExperimentsYaml>,
    /// What to do when something holds. Added to those of the file below and of the top, by `id`.
    #[schemars(length(max = 20_000))]
    pub(super) rules: Option<Vec<RuleYaml>>,
    /// Governance: what every change is held against. Added to those of the file below and of the top, by `id`.
    #[schemars(length(max = 10_000))]
    pub(super) policies: Option<Vec<GovernanceYaml>>,
    /// Spend allowed for one service in one UTC day, in US dollars, or `unlimited`.
    #[schemars(extend("x-unit" = "US dollars"))]
    pub(super) daily_budget_usd: Option<LimitYaml>,
    /// The same for one calendar month in UTC. Left out: unlimited.
    #[schemars(extend("x-unit" = "US dollars"))]
    pub(super) monthly_budget_usd: Option<LimitYaml>,
    /// Overrides by service name. Each may state any part of the settings above; the rest stays as it is there.
    #[expect(dead_code, reason = "laid over the rest one by one")]
    pub(super) services: Option<BTreeMap<String, RulesYaml>>,
}

/// The scale of one score. A request has a quality when it has every score named here; its quality is their weighted mean.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScoreYaml {
    /// The value of the worst answer there can be. Above `best` where less is better.
    #[schemars(required, range(min = -1_000_000_000.0, max = 1_000_000_000.0), extend("x-unit" = "of the score"))]
    pub(super) worst: Option<f64>,
    /// The value of a perfect answer.
    #[schemars(required, range(min = -1_000_000_000.0, max = 1_000_000_000.0), extend("x-unit" = "of the score"))]
    pub(super) best: Option<f64>,
    /// How much it counts beside the others. Left out: 1.
    #[schemars(range(max = 1_000.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "weight"))]
    pub(super) weight: Option<f64>,
}

/// The settings of one service that differ from the top of the file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesYaml {
    pub(super) mode: Option<ModeYaml>,
    pub(super) objectives: Option<ObjectivesYaml>,
    pub(super) thresholds: Option<ThresholdsYaml>,
    pub(super) constraints: Option<ConstraintsYaml>,
    /// Limits that a candidate had better keep: what keeps them is preferred, what breaks them is not refused. Left out:
    /// no wishes.
    pub(super) soft_constraints: Option<ConstraintsYaml>,
    pub(super) evidence: Option<EvidenceYaml>,
    pub(super) decision: Option<DecisionYaml>,
    pub(super) rollout: Option<RolloutYaml>,
    pub(super) rollback: Option<RollbackYaml>,
    pub(super) models: Option<ModelRulesYaml>,
    /// Where the service goes when what serves it is in trouble, as `provider/model`. Left out: nowhere.
    #[schemars(length(min = 1, max = 256), extend("x-form" = "model name"))]
    pub(super) backup_model: Option<String>,
    pub(super) task: Option<TaskYaml>,
    pub(super) parameters: Option<ParametersYaml>,
    /// System prompts that may be tried, by version. Left out: the prompt stays as it is.
    pub(super) prompts: Option<BTreeMap<String, PromptVariantYaml>>,
    pub(super) experiments: Option<ExperimentsYaml>,
    /// What to do when something holds. Added to those of the file below and of the top, by `id`.
    #[schemars(length(max = 20_000))]
    pub(super) rules: Option<Vec<RuleYaml>>,
    /// Governance: what every change is held against. Added to those of the file below and of the top, by `id`.
    #[schemars(length(max = 10_000))]
    pub(super) policies: Option<Vec<GovernanceYaml>>,
    /// Spend allowed for this service in one UTC day, in US dollars, or `unlimited`.
    #[schemars(extend("x-unit" = "US dollars"))]
    pub(super) daily_budget_usd: Option<LimitYaml>,
    /// The same for one calendar month in UTC. Left out: unlimited.
    #[schemars(extend("x-unit" = "US dollars"))]
    pub(super) monthly_budget_usd: Option<LimitYaml>,
}

/// What the optimizer may do with a service.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ModeYaml {
    /// Report findings and make changes.
    Enforce,
    /// Report findings and show changes, but never make them.
    Observe,
    /// Leave the service alone; its traffic is still counted.
    #[default]
    Off,
}

impl From<ModeYaml> for Mode {
    fn from(mode: ModeYaml) -> Self {
        match mode {
            ModeYaml::Enforce => Self::Enforce,
            ModeYaml::Observe => Self::Observe,
            ModeYaml::Off => Self::Off,
        }
    }
}

/// What to prefer among the candidates that passed every constraint. The three weights add up to 1.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ObjectivesYaml {
    /// Weight of a lower cost per request, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "weight"))]
    pub(super) cost: Option<f64>,
    /// Weight of a lower latency, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "weight"))]
    pub(super) latency: Option<f64>,
    /// Weight of a higher quality, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "weight"))]
    pub(super) quality: Option<f64>,
}

/// Limits on what is running now. Crossing one is reported as a finding.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdsYaml {
    /// 95th percentile of the latency of successful requests, in milliseconds.
    #[schemars(range(min = 1.0, max = 3_600_000.0), extend("x-unit" = "milliseconds"))]
    pub(super) latency_p95_ms: Option<f64>,
    /// Growth of that percentile against the window before, in percent: 20 means a fifth slower.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "percent"))]
    pub(super) latency_increase_percent: Option<f64>,
    /// Share of requests that failed on the provider's side, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "share"))]
    pub(super) error_rate: Option<f64>,
    /// Mean cost of one request, in US dollars.
    #[schemars(range(max = 10_000.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "US dollars"))]
    pub(super) cost_per_request_usd: Option<f64>,
    /// Lowest acceptable mean quality, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "score"))]
    pub(super) quality_min: Option<f64>,
    /// Fall of the mean quality against the window before, in percent of what it was.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "percent"))]
    pub(super) quality_drop_percent: Option<f64>,
    /// Smallest share of requests that carry a quality score, 0..=1; below it, quality counts as unknown.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "share"))]
    pub(super) quality_coverage_min: Option<f64>,
}

/// Hard limits on a candidate, against what serves the traffic now. One that cannot be shown to hold refuses it.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConstraintsYaml {
    /// Largest tolerated loss of mean quality, in percent of the present mean.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "percent"))]
    pub(super) quality_drop_percent: Option<f64>,
    /// Largest tolerated growth of latency p95, in percent.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "percent"))]
    pub(super) latency_increase_percent: Option<f64>,
    /// Highest tolerated error rate, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "share"))]
    pub(super) error_rate: Option<f64>,
    /// Highest tolerated mean cost of one request, in US dollars, or `unlimited`.
    #[schemars(extend("x-unit" = "US dollars"))]
    pub(super) cost_per_request_usd: Option<LimitYaml>,
    /// Lowest tolerated mean quality, 0..=1, or `unlimited`. Left out: unlimited.
    #[schemars(extend("x-unit" = "score"))]
    pub(super) quality_min: Option<ScoreLimitYaml>,
    /// Highest tolerated latency p95, in milliseconds, or `unlimited`. Left out: unlimited.
    #[schemars(extend("x-unit" = "milliseconds"))]
    pub(super) latency_p95_ms: Option<LatencyLimitYaml>,
}

/// How much must be known of a candidate before it may be chosen.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceYaml {
    /// Requests the candidate has served in this service and segment.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("x-unit" = "requests"))]
    pub(super) min_requests: Option<u64>,
    /// Quality scores among them.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("x-unit" = "quality scores"))]
    pub(super) min_scored: Option<u64>,
}

/// When a candidate that is allowed is also worth it.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionYaml {
    /// Smallest weighted improvement over the present configuration, 0..=1: 0.1 means a tenth better.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "share"))]
    pub(super) min_improvement: Option<f64>,
    /// Smallest probability that the constraints hold and the change improves on the present, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "probability"))]
    pub(super) min_confidence: Option<f64>,
    /// Largest tolerated probability that any single constraint is broken, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "probability"))]
    pub(super) max_risk: Option<f64>,
}

/// Which models may be proposed. Names are `provider/model`; `*` stands for any run of characters and needs quotes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelRulesYaml {
    /// The only models that may be proposed. Empty: every model seen in the service.
    #[schemars(length(max = 1_000), inner(length(min = 1, max = 256)), extend("x-form" = "model pattern"))]
    pub(super) allow: Option<Vec<String>>,
    /// Models that are never proposed, even where `allow` names them.
    #[schemars(length(max = 1_000), inner(length(min = 1, max = 256)), extend("x-form" = "model pattern"))]
    pub(super) deny: Option<Vec<String>>,
    /// Models to weigh even where the service has not used them yet. Exact names, no `*`.
    #[schemars(length(max = 1_000), inner(length(min = 1, max = 256)), extend("x-form" = "model name"))]
    pub(super) consider: Option<Vec<String>>,
    /// Data residency: where a proposed model may be hosted, as `region` in `models.yaml`. Empty: anywhere. Otherwise a
    /// model whose region is not known is refused.
    #[schemars(length(max = 100), inner(length(min = 1, max = 64)))]
    pub(super) regions: Option<Vec<String>>,
}
