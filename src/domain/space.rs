//! What may be changed beside the model: parameters, prompts, and how much of the traffic may be spent on trying.

use serde::Serialize;

use super::policy::Mode;

/// How far one parameter may be moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ParameterRange {
    pub min: f64,
    /// Above `min`.
    pub max: f64,
    /// Largest change at once, in the parameter's own unit; above zero, at most `max - min`.
    pub max_step: f64,
    /// Largest change at once, in percent of the present value; the smaller of the two holds.
    pub max_step_percent: Option<f64>,
}

/// What a service does with its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Picks one of a few answers.
    Classification,
    /// Writes text of its own.
    Generation,
    /// Finds what is in the input.
    Extraction,
}

/// One version of a system prompt that may be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromptVariant {
    pub system_prompt: String,
    /// What is different about it, for people; may be empty.
    pub note: String,
}

/// How much may be spent on trying what is not known well enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Experiments {
    /// `Observe`: shown, never begun. `Off`: not thought of.
    pub mode: Mode,
    /// Largest share of a segment's traffic in experiments, in percent.
    pub max_share_percent: f64,
    /// Percentage points by which that share may grow or shrink in one day; at most 5.
    pub points_per_day: f64,
    /// Share that every arm of an experiment keeps, in percent; at most `max_share_percent`.
    pub floor_percent: f64,
    /// Smallest probability of being an improvement that makes something worth trying, `0..=1`.
    pub min_probability: f64,
    /// Days after which an experiment without a winner ends.
    pub max_days: f64,
}

impl Experiments {
    /// What holds where a policy says nothing about experiments: there are none.
    pub const NONE: Self = Self {
        mode: Mode::Off,
        max_share_percent: 5.0,
        points_per_day: 1.0,
        floor_percent: 1.0,
        min_probability: 0.5,
        max_days: 7.0,
    };
}
