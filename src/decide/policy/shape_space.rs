//! What may be changed beside the model, as it is written. Ranges and units stand here, as in [`super::shape`].

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::policy::Task;

use super::shape::ModeYaml;

/// The parameters of a request that may be changed, each with its range. One that is not named stays as it is.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParametersYaml {
    pub(super) temperature: Option<RangeYaml>,
    pub(super) top_p: Option<RangeYaml>,
    pub(super) top_k: Option<RangeYaml>,
    pub(super) max_tokens: Option<RangeYaml>,
}

/// How far one parameter may be moved, and how far at once. At least one of the two steps is needed.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RangeYaml {
    /// Smallest value.
    #[schemars(required, range(min = 0.0, max = 10_000_000.0))]
    pub(super) min: Option<f64>,
    /// Largest value, above `min`.
    #[schemars(required, range(min = 0.0, max = 10_000_000.0))]
    pub(super) max: Option<f64>,
    /// Largest change at once, in the parameter's own unit.
    #[schemars(range(max = 10_000_000.0), extend("exclusiveMinimum" = 0.0))]
    pub(super) max_step: Option<f64>,
    /// Largest change at once, in percent of the present value.
    #[schemars(range(max = 1_000.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "percent"))]
    pub(super) max_step_percent: Option<f64>,
}

/// What a service does with its model. Left out: unknown.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TaskYaml {
    /// Picks one of a few answers.
    Classification,
    /// Writes text of its own.
    Generation,
    /// Finds what is in the input.
    Extraction,
}

impl From<TaskYaml> for Task {
    fn from(task: TaskYaml) -> Self {
        match task {
            TaskYaml::Classification => Self::Classification,
            TaskYaml::Generation => Self::Generation,
            TaskYaml::Extraction => Self::Extraction,
        }
    }
}

/// One version of a system prompt that may be tried.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PromptVariantYaml {
    /// The whole prompt; a block after `|` may have several lines.
    #[schemars(required, length(min = 1, max = 100_000), extend("x-form" = "prose"))]
    pub(super) system_prompt: Option<String>,
    /// What is different about it, for people.
    #[schemars(length(min = 1, max = 1_024))]
    pub(super) note: Option<String>,
}

/// How much may be spent on trying what is not known well enough. Left out altogether: nothing is tried.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExperimentsYaml {
    pub(super) mode: Option<ModeYaml>,
    /// Largest share of a segment's traffic in experiments, in percent.
    #[schemars(range(max = 50.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "percent"))]
    pub(super) max_share_percent: Option<f64>,
    /// Percentage points by which that share may grow or shrink in one day.
    #[schemars(range(max = 5.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "percentage points"))]
    pub(super) points_per_day: Option<f64>,
    /// Share that every arm of an experiment keeps, in percent; at most `max_share_percent`.
    #[schemars(range(min = 0.0, max = 50.0), extend("x-unit" = "percent"))]
    pub(super) floor_percent: Option<f64>,
    /// Smallest probability of being an improvement that makes something worth trying, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "probability"))]
    pub(super) min_probability: Option<f64>,
    /// Days after which an experiment without a winner ends.
    #[schemars(range(max = 365.0), extend("exclusiveMinimum" = 0.0, "x-unit" = "days"))]
    pub(super) max_days: Option<f64>,
}
