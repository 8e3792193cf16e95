//! The price table as it is written. Ranges and units stand here, as in [`super::shape`].

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::policy::Tier;

/// What models cost and can hold. Needed to compare models a service has not used, and to price requests whose source
/// does not report a cost.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelTableYaml {
    /// One entry for each provider and model, or several that differ in `valid_from` or `daily_utc`. Of the ones in force
    /// the newest holds, and of equally new ones the one for certain hours.
    #[schemars(required, length(max = 10_000))]
    pub(super) models: Option<Vec<ModelYaml>>,
}

/// One model at one provider: the same model may cost something else elsewhere.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelYaml {
    /// Provider in lower case, as the traffic names it, for example `openai` or `aws.bedrock`.
    #[schemars(required, length(min = 1, max = 128), extend("x-form" = "provider"))]
    pub(super) provider: Option<String>,
    /// Model as the provider names it.
    #[schemars(required, length(min = 1, max = 256))]
    pub(super) model: Option<String>,
    pub(super) tier: Option<TierYaml>,
    /// Price of input tokens, in US dollars per million.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "US dollars per million tokens"))]
    pub(super) input_usd_per_mtok: Option<f64>,
    /// Price of output tokens, in US dollars per million.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "US dollars per million tokens"))]
    pub(super) output_usd_per_mtok: Option<f64>,
    /// Price of input tokens read from the provider's cache, in US dollars per million. Left out: as uncached input.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "US dollars per million tokens"))]
    pub(super) cached_input_usd_per_mtok: Option<f64>,
    /// Price of input tokens written to the provider's cache, in US dollars per million. Left out: as plain input.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "US dollars per million tokens"))]
    pub(super) cache_write_usd_per_mtok: Option<f64>,
    /// Prices of requests with long input: one step for each threshold. A step states the same kinds of price as the entry.
    #[schemars(length(min = 1, max = 16))]
    pub(super) long_input: Option<Vec<LongInputYaml>>,
    /// First day these prices are in force, from midnight UTC, as `2025-06-10`. Left out: always.
    #[schemars(extend("x-form" = "date", "pattern" = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub(super) valid_from: Option<String>,
    pub(super) daily_utc: Option<DailyHoursYaml>,
    /// Tokens of input and output together.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("x-unit" = "tokens"))]
    pub(super) context_window: Option<u64>,
    /// Where it is hosted, for policies with `models: { regions: […] }`, for example `EU`. Left out: unknown.
    #[schemars(length(min = 1, max = 64))]
    pub(super) region: Option<String>,
    pub(super) profile: Option<ModelProfileYaml>,
}

/// What is expected of the model before it has served anything: a starting point that evidence corrects.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelProfileYaml {
    /// Mean quality of its answers, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "score"))]
    pub(super) quality: Option<f64>,
    /// 95th percentile of its latency, in milliseconds.
    #[schemars(range(min = 1.0, max = 3_600_000.0), extend("x-unit" = "milliseconds"))]
    pub(super) latency_p95_ms: Option<f64>,
    /// Length of its answers as a multiple of what the average model writes: 1.5 is half as long again.
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "times"))]
    pub(super) output_tokens_ratio: Option<f64>,
}

/// What every token of a request costs, output included, when its input is longer than the threshold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LongInputYaml {
    /// The prices hold for requests with more input tokens than this, cached ones included.
    #[schemars(required, range(min = 1, max = 1_000_000_000), extend("x-unit" = "tokens"))]
    pub(super) above_tokens: Option<u64>,
    /// Price of input tokens, in US dollars per million.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "US dollars per million tokens"))]
    pub(super) input_usd_per_mtok: Option<f64>,
    /// Price of output tokens, in US dollars per million.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "US dollars per million tokens"))]
    pub(super) output_usd_per_mtok: Option<f64>,
    /// Price of input tokens read from the provider's cache, in US dollars per million.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "US dollars per million tokens"))]
    pub(super) cached_input_usd_per_mtok: Option<f64>,
    /// Price of input tokens written to the provider's cache, in US dollars per million.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("x-unit" = "US dollars per million tokens"))]
    pub(super) cache_write_usd_per_mtok: Option<f64>,
}

/// Hours of every day, in UTC, at which these prices are in force; past midnight where `to` is earlier than `from`.
/// Left out: the whole day.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DailyHoursYaml {
    /// First minute in force, as `"00:30"`.
    #[schemars(required, extend("x-form" = "time of day", "pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub(super) from: Option<String>,
    /// First minute no longer in force, as `"16:30"`.
    #[schemars(required, extend("x-form" = "time of day", "pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub(super) to: Option<String>,
}

/// A coarse class of capability and price.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TierYaml {
    /// Small and cheap: classification, extraction, short answers.
    Fast,
    /// The everyday class.
    Balanced,
    /// The most capable and the most expensive.
    Advanced,
}

impl From<TierYaml> for Tier {
    fn from(tier: TierYaml) -> Self {
        match tier {
            TierYaml::Fast => Self::Fast,
            TierYaml::Balanced => Self::Balanced,
            TierYaml::Advanced => Self::Advanced,
        }
    }
}
