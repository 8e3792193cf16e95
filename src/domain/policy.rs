//! What the operator wrote, after every check has passed. [`crate::decide::policy`] turns YAML into these types and
//! reports every problem at once; nothing else builds them, so a number found here is finite and within its range.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::gate_rules::GateRules;
use super::price::{DailyHours, LongInput, ModelPrice, PriceEntry, Rates};
pub use super::rollout_rules::{GuardModes, RollbackLimits, RolloutSteps, RolloutStrategy};
pub use super::rule::{
    Adjustment, Condition, GovernanceAction, GovernanceKind, GovernancePolicy, GovernanceRule, Parameter, Rule, Then,
};
pub use super::space::{Experiments, ParameterRange, PromptVariant, Task};

/// One complete set of rules: the numbers of a profile, with the overrides of single services beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// Name shown in plans, for example `balanced`.
    pub name: String,
    /// What applies to a service without an entry of its own.
    pub default: Rules,
    /// What applies to a service by name: the default with that service's overrides already laid over it.
    pub services: BTreeMap<String, Rules>,
    /// Spend allowed in one UTC day over all services together, in US dollars; none means unlimited.
    pub total_daily_budget_usd: Option<f64>,
    /// The same for one calendar month in UTC.
    pub total_monthly_budget_usd: Option<f64>,
    /// Changes carried out at most in one tick, over all services; none means any number.
    pub max_changes_per_tick: Option<u32>,
    /// The scores that make up quality, by name. Empty: quality is what the source itself calls so.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, ScoreScale>,
    /// What the gate of a pipeline lets pass. Not among what a plan is made by.
    #[serde(skip)]
    pub gate: GateRules,
}

/// What the values of one score mean. Declared, never inferred: a 4 is good out of 5 and bad out of 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreScale {
    /// The value of the worst answer; above `best` where less is better.
    pub worst: f64,
    /// The value of a perfect answer; not equal to `worst`.
    pub best: f64,
    /// Above zero; how much the score counts beside the others.
    pub weight: f64,
}

impl Policy {
    /// The rules in force for one service.
    #[must_use]
    pub fn rules(&self, service: &str) -> &Rules {
        self.services.get(service).unwrap_or(&self.default)
    }
}

/// Everything that applies to one service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rules {
    pub mode: Mode,
    pub objectives: Objectives,
    pub thresholds: Thresholds,
    pub constraints: Constraints,
    pub soft: SoftConstraints,
    pub evidence: Evidence,
    pub decision: DecisionLimits,
    pub rollout: RolloutSteps,
    pub rollback: RollbackLimits,
    pub models: ModelRules,
    /// Where a service goes when what serves it is in trouble, as `provider/model`.
    pub backup_model: Option<String>,
    pub task: Option<Task>,
    /// The parameters that may be changed; the others stay as they are.
    pub parameters: BTreeMap<Parameter, ParameterRange>,
    /// System prompts that may be tried, by version.
    pub prompts: BTreeMap<String, PromptVariant>,
    pub experiments: Experiments,
    /// In the order of the file, those of the top before the service's own.
    pub rules: Vec<Rule>,
    pub governance: Vec<GovernancePolicy>,
    /// Spend allowed for this service in one UTC day, in US dollars; none means unlimited.
    pub daily_budget_usd: Option<f64>,
    /// The same for one calendar month in UTC.
    pub monthly_budget_usd: Option<f64>,
}

/// What the optimizer may do with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Findings and changes.
    Enforce,
    /// Findings, and changes that are shown but never made.
    Observe,
    /// Left alone; its traffic is still counted.
    Off,
}

/// Weights of the choice among candidates that passed every constraint. Each in `0..=1`; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Objectives {
    pub cost: f64,
    pub latency: f64,
    pub quality: f64,
}

/// Limits on what is running now. Crossing one makes a finding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Thresholds {
    /// 95th percentile of the latency of successful requests, in milliseconds.
    pub latency_p95_ms: f64,
    /// Growth of that percentile against the window before, in percent.
    pub latency_increase_percent: f64,
    /// Share of requests that failed on the provider's side, `0..=1`.
    pub error_rate: f64,
    /// Mean cost of one request, in US dollars.
    pub cost_per_request_usd: f64,
    /// Lowest acceptable mean quality, `0..=1`.
    pub quality_min: f64,
    /// Fall of the mean quality against the window before, in percent of what it was.
    pub quality_drop_percent: f64,
    /// Smallest share of requests that carry a quality score, `0..=1`; below it, quality counts as unknown.
    pub quality_coverage_min: f64,
}

/// Hard limits on a candidate, against what serves the traffic now. One that cannot be shown to hold refuses the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Constraints {
    /// Largest tolerated loss of mean quality, in percent of the present mean.
    pub quality_drop_percent: f64,
    /// Largest tolerated growth of latency p95, in percent.
    pub latency_increase_percent: f64,
    /// Highest tolerated error rate, `0..=1`.
    pub error_rate: f64,
    /// Highest tolerated mean cost of one request, in US dollars; none means no such limit.
    pub cost_per_request_usd: Option<f64>,
    /// Lowest tolerated mean quality, `0..=1`; none means no such limit.
    pub quality_min: Option<f64>,
    /// Highest tolerated 95th percentile of latency, in milliseconds; none means no such limit.
    pub latency_p95_ms: Option<f64>,
}

/// Limits that a candidate had better keep: what keeps them is preferred, what breaks them is not refused. Units as in
/// [`Constraints`]; none means no such wish.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct SoftConstraints {
    pub quality_drop_percent: Option<f64>,
    pub latency_increase_percent: Option<f64>,
    pub error_rate: Option<f64>,
    pub cost_per_request_usd: Option<f64>,
    pub quality_min: Option<f64>,
    pub latency_p95_ms: Option<f64>,
}

/// How much must be known of a candidate before it may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Requests served by the candidate in this service and segment.
    pub min_requests: u64,
    /// Quality scores among them.
    pub min_scored: u64,
}

/// When a candidate that is allowed is also worth it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DecisionLimits {
    /// Smallest weighted improvement over the present configuration, `0..=1`.
    pub min_improvement: f64,
    /// Smallest probability that the constraints hold and the change improves on the present, `0..=1`.
    pub min_confidence: f64,
    /// Largest tolerated probability that any single constraint is broken, `0..=1`.
    pub max_risk: f64,
}

/// Which models may be proposed. Names are `provider/model`, with `*` matching any run of characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRules {
    /// Empty means every model seen in the service.
    pub allow: Vec<String>,
    pub deny: Vec<String>,
    /// Models to weigh even where the service has not used them yet.
    pub consider: Vec<String>,
    /// Where a model may be hosted, as `region` of the price table; letter case does not count. Empty means anywhere.
    /// Otherwise a model whose region is unknown may not be proposed.
    pub regions: Vec<String>,
}

/// What a model costs and can hold: one entry of the price table. Prices are US dollars per token. A model has several
/// entries where its prices changed, or change with the time of day.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Model {
    pub provider: String,
    pub model: String,
    pub tier: Option<Tier>,
    pub input_usd_per_token: Option<f64>,
    pub output_usd_per_token: Option<f64>,
    pub cached_input_usd_per_token: Option<f64>,
    pub cache_write_usd_per_token: Option<f64>,
    /// Prices of requests with long input; most models have none.
    pub long_input: Vec<LongInput>,
    /// First day these prices are in force, from midnight UTC; none means always.
    pub valid_from: Option<Date>,
    /// Hours these prices are in force; none means the whole day.
    pub daily_utc: Option<DailyHours>,
    /// Tokens of input and output together.
    pub context_window: Option<u64>,
    /// Where it is hosted, for example `EU`; none means unknown.
    pub region: Option<String>,
    /// What is expected of it before it has served anything.
    pub profile: Option<ModelProfile>,
}

/// What somebody says of a model: a starting point that evidence corrects.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ModelProfile {
    /// Mean quality, `0..=1`.
    pub quality: Option<f64>,
    /// 95th percentile of latency, in milliseconds.
    pub latency_p95_ms: Option<f64>,
    /// Length of its answers as a multiple of what the average model writes.
    pub output_tokens_ratio: Option<f64>,
}

impl Model {
    fn price(&self) -> PriceEntry {
        PriceEntry {
            valid_from: self.valid_from,
            daily_utc: self.daily_utc,
            rates: Rates {
                input: self.input_usd_per_token,
                output: self.output_usd_per_token,
                cached_input: self.cached_input_usd_per_token,
                cache_write: self.cache_write_usd_per_token,
            },
            long_input: self.long_input.clone(),
        }
    }
}

/// A coarse class of capability and price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Fast,
    Balanced,
    Advanced,
}

/// Every model the operator priced.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelTable {
    models: Vec<Model>,
    prices: BTreeMap<String, Offers>,
}

/// One model at every provider that has a price for it.
#[derive(Debug, Clone, PartialEq)]
struct Offers {
    by_provider: BTreeMap<String, ModelPrice>,
    /// Whether all of them ask the same.
    agree: bool,
}

impl ModelTable {
    #[must_use]
    pub fn new(models: Vec<Model>) -> Self {
        let mut entries: BTreeMap<&str, BTreeMap<&str, Vec<PriceEntry>>> = BTreeMap::new();
        for model in &models {
            entries.entry(&model.model).or_default().entry(&model.provider).or_default().push(model.price());
        }
        let offers = |providers: BTreeMap<&str, Vec<PriceEntry>>| {
            let price = |(provider, entries): (&str, _)| (provider.to_owned(), ModelPrice::new(entries));
            let by_provider: BTreeMap<String, ModelPrice> = providers.into_iter().map(price).collect();
            let agree = by_provider.values().zip(by_provider.values().skip(1)).all(|(one, next)| one == next);
            Offers { by_provider, agree }
        };
        let prices = entries.into_iter().map(|(model, providers)| (model.to_owned(), offers(providers))).collect();
        Self { models, prices }
    }

    /// Every entry, in file order.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The entry of a model; where it has several, the first. A model whose provider the traffic does not name is the one of that name,
    /// if there is only one.
    #[must_use]
    pub fn entry(&self, provider: Option<&str>, model: &str) -> Option<&Model> {
        let mut named = self.models.iter().filter(|entry| entry.model == model);
        if let Some(provider) = provider {
            return named.find(|entry| entry.provider == provider);
        }
        let first = named.next()?;
        named.all(|other| other.provider == first.provider).then_some(first)
    }

    /// The price of a model at a provider, both named as in the traffic. Where the traffic names no provider, the price on
    /// which all providers in the table agree; none where they differ, since a guess may be off by any factor.
    #[must_use]
    pub fn price_of(&self, provider: Option<&str>, model: &str) -> Option<&ModelPrice> {
        let offers = self.prices.get(model)?;
        match provider {
            Some(provider) => offers.by_provider.get(provider),
            None if offers.agree => offers.by_provider.values().next(),
            None => None,
        }
    }
}
