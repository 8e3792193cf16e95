//! Examples a policy has to pass, as they are written. Ranges and units stand here, as in [`super::shape`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape_rules::SeverityYaml;

/// Tables of given and expected: what a policy is meant to decide. Kept beside the policy and run by
/// `optimizer policy test`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExamplesYaml {
    /// The policy: a file, relative to this one, or the name of a profile. Left out: what `--policy` says, or `balanced`.
    #[schemars(length(min = 1, max = 1_024))]
    pub(super) policy: Option<String>,
    /// The examples.
    #[schemars(required, length(min = 1, max = 10_000))]
    pub(super) tests: Option<Vec<ExampleYaml>>,
}

/// One example.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExampleYaml {
    /// What it shows.
    #[schemars(required, length(min = 1, max = 256))]
    pub(super) name: Option<String>,
    #[schemars(required)]
    pub(super) given: Option<GivenYaml>,
    #[schemars(required)]
    pub(super) expect: Option<ExpectYaml>,
}

/// What is known when the plan is made.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenYaml {
    /// The service, for its overrides. Left out: a service without any.
    #[schemars(length(min = 1, max = 128))]
    pub(super) service: Option<String>,
    pub(super) segment: Option<SegmentYaml>,
    /// When the plan is made, as `2026-03-02T12:00:00Z`. Left out: a Monday at noon.
    #[schemars(length(min = 1, max = 64), extend("x-form" = "instant"))]
    pub(super) now: Option<String>,
    /// What serves, or has served, the service in the last 24 hours. The first one serves it now.
    #[schemars(required, length(min = 1, max = 100))]
    pub(super) arms: Option<Vec<ArmYaml>>,
    /// What was found, beside what the figures give by themselves. Left out: nothing.
    #[schemars(length(max = 100))]
    pub(super) findings: Option<Vec<FindingYaml>>,
    /// Whether figures were followed through time, so that trends and anomalies that are not named are known not to be
    /// there. Left out: `true`.
    pub(super) followed: Option<bool>,
    /// What conditions know beside what the figures give, by name, for example `user.region: EU` or `cost.month: 1200`. It
    /// stands above what the figures give.
    pub(super) facts: Option<BTreeMap<String, ScalarYaml>>,
    /// What is remembered of rules, by id, for `for`, `cooldown` and `max_per_day`. Left out: nothing.
    pub(super) memory: Option<BTreeMap<String, RuleMemoryYaml>>,
    /// What the service is configured to do, for example `max_tokens: 512`. Left out: unknown.
    pub(super) configuration: Option<BTreeMap<String, ScalarYaml>>,
}

/// A text, a number, or `true` or `false`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-form" = "scalar"))]
pub(super) enum ScalarYaml {
    Flag(bool),
    Number(f64),
    Text(String),
}

/// What is remembered of one rule.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleMemoryYaml {
    /// How long its condition has held already. Left out: not yet.
    #[schemars(extend("x-form" = "duration"))]
    pub(super) held_for: Option<String>,
    /// How long ago it acted, each time. Left out: never.
    #[schemars(length(max = 1_000), extend("x-form" = "duration"))]
    pub(super) acted_ago: Option<Vec<String>>,
}

/// The segment. Left out: `all`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SegmentYaml {
    Simple,
    Medium,
    Complex,
    All,
}

/// A model and its figures.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ArmYaml {
    /// The model, as `provider/model`.
    #[schemars(required, length(min = 1, max = 256), extend("x-form" = "model name"))]
    pub(super) model: Option<String>,
    /// Version of its configuration. Left out: `v1`.
    #[schemars(length(min = 1, max = 128))]
    pub(super) config_version: Option<String>,
    /// Requests it served.
    #[schemars(required, range(min = 1, max = 100_000), extend("x-unit" = "requests"))]
    pub(super) requests: Option<u32>,
    /// Share of them that carry a quality score, 0..=1. Left out: 1 where there is a `quality`.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "share"))]
    pub(super) scored: Option<f64>,
    /// Mean quality, 0..=1. Left out: unknown.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "score"))]
    pub(super) quality: Option<f64>,
    /// Mean cost of a request, in US dollars. Left out: unknown.
    #[schemars(range(max = 10_000.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "US dollars"))]
    pub(super) cost_usd: Option<f64>,
    /// 95th percentile of latency, in milliseconds.
    #[schemars(required, range(min = 1.0, max = 3_600_000.0), extend("x-unit" = "milliseconds"))]
    pub(super) latency_p95_ms: Option<f64>,
    /// Share of requests that failed at the provider, 0..=1. Left out: 0.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "share"))]
    pub(super) error_rate: Option<f64>,
    /// Mean tokens of a request. Left out: unknown.
    #[schemars(range(max = 10_000_000.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "tokens"))]
    pub(super) tokens_input: Option<f64>,
    /// Mean tokens of an answer. Left out: unknown.
    #[schemars(range(max = 10_000_000.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "tokens"))]
    pub(super) tokens_output: Option<f64>,
    /// `false`: it served before, and nothing in the last hour. Left out: `true`.
    pub(super) serves_now: Option<bool>,
}

/// Something that was found.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingYaml {
    /// Its kind, as in the plan, for example `drift`.
    #[schemars(required, extend("x-form" = "finding kind"))]
    pub(super) kind: Option<String>,
    pub(super) severity: Option<SeverityYaml>,
    /// The figure it follows, for example `latency` or `error_rate`.
    #[schemars(extend("x-form" = "metric"))]
    pub(super) metric: Option<String>,
    /// The measured value. Left out: 2.
    #[schemars(range(min = -1_000_000_000.0, max = 1_000_000_000.0))]
    pub(super) observed: Option<f64>,
    /// What it was compared with. Left out: 1.
    #[schemars(range(min = -1_000_000_000.0, max = 1_000_000_000.0))]
    pub(super) limit: Option<f64>,
}

/// What the plan has to say. What is left out may be anything.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectYaml {
    pub(super) action: Option<ActionYaml>,
    /// The proposed model, as `provider/model`, or `none`.
    #[schemars(length(min = 1, max = 256))]
    pub(super) model: Option<String>,
    pub(super) rung: Option<RungYaml>,
    /// Rules that fire, by id.
    #[schemars(length(max = 1_000), inner(length(min = 1, max = 128)))]
    pub(super) fired: Option<Vec<String>>,
    /// Rules that do not fire, by id.
    #[schemars(length(max = 1_000), inner(length(min = 1, max = 128)))]
    pub(super) not_fired: Option<Vec<String>>,
    /// A text the reason, or why a candidate was refused, contains.
    #[schemars(length(min = 1, max = 1_024))]
    pub(super) reason: Option<String>,
}

/// The action, as in the plan.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActionYaml {
    Change,
    Revert,
    Experiment,
    Deferred,
    Keep,
    Refused,
    Off,
}

/// The rung that decided, as in the plan.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RungYaml {
    SafetyRule,
    BusinessRule,
    Optimizer,
    DoNothing,
}
