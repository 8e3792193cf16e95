//! The price table as it is written. Ranges and units stand here, as in [`super::shape`].

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::policy::Tier;

/// What models cost and can hold. Needed to compare models a service has not used, and to price requests whose source
/// does not report a cost.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelTableYaml {
    /// One entry for each provider and model.
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
    /// Tokens of input and output together.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("x-unit" = "tokens"))]
    pub(super) context_window: Option<u64>,
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
