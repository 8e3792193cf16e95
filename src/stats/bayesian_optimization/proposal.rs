//! A configuration to try next.

use crate::stats::gaussian_process::Mixture;

/// Where a proposal comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A configuration that may be better than the best known one.
    Search,
    /// A configuration that was measured before and beats the present one.
    Measured,
}

/// A configuration worth a canary.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// One value a dimension, in the settings' own units.
    pub x: Vec<f64>,
    pub source: Source,
    /// Expected improvement over the best known configuration within a step (for [`Source::Measured`]: over the present
    /// one), in units of the objective.
    pub expected_improvement: f64,
    /// Mean objective of the proposal and its 90 % interval.
    pub predicted: Range,
    /// Objective of the proposal less that of the present configuration: mean and 90 % interval.
    pub gain: Range,
    /// Probability that it beats the present configuration.
    pub better: f64,
    /// Probability that all constraints hold, at least [`super::Settings::min_feasibility`].
    pub feasibility: f64,
    /// In words.
    pub why: String,
}

/// A mean and its 90 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl From<&Mixture> for Range {
    /// As if the mixture were normal, with its mean and standard deviation.
    fn from(mixture: &Mixture) -> Self {
        // 95 % point of the normal distribution.
        let (mean, reach) = (mixture.mean(), 1.644_853_626_951_472_2 * mixture.sd());
        Self { mean, low: mean - reach, high: mean + reach }
    }
}
