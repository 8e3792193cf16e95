//! What the evidence says of a rollout. Four values, because no data is neither failure nor success.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{format, plan::Measure, policy::Mode};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Harm beyond the margin is excluded.
    Sound,
    /// Harm beyond the margin is shown.
    Breached,
    /// Neither yet.
    Inconclusive,
    /// There is nothing to judge by.
    Error,
}

impl Verdict {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Breached => "breached",
            Self::Inconclusive => "inconclusive",
            Self::Error => "no usable data",
        }
    }
}

/// What is known of one measure of the candidate beside its control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    pub measure: Measure,
    /// What it may do, as the policy says.
    pub mode: Mode,
    pub verdict: Verdict,
    /// Candidate against control: of errors the difference of the rates, of everything else `candidate / control − 1`.
    pub effect: Option<f64>,
    /// Interval of the effect that holds at every look of the whole rollout.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// The effect from which on the rollout is undone: positive for errors, latency and cost, negative for quality.
    pub margin: f64,
    /// Whether some harm is shown, margin or not: a signal, which holds the rollout.
    pub harm_shown: bool,
    /// Requests that were compared, of each side.
    pub candidate_requests: f64,
    pub control_requests: f64,
    /// Requests of the candidate that a verdict takes still, if the effect is what it looks like.
    pub still_needed: Option<f64>,
    /// How much less a request tells than an independent one would; 1 for independent.
    pub design_effect: Option<f64>,
    /// Why there is nothing to judge by, for people; none where there is.
    pub missing: Option<String>,
}

/// Whether the traffic was split as it was pushed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SplitReading {
    /// Share of the candidate that was pushed, and that was seen, `0..=1`.
    pub pushed: f64,
    pub seen: Option<f64>,
    /// Whether the two differ by more than chance.
    pub mismatch: bool,
    /// Interval of the true share that holds at every look of the step.
    pub interval: [f64; 2],
    /// Share of the service's requests that name neither side.
    pub without_side: f64,
}

/// All that one look at a rollout tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    pub verdict: Verdict,
    pub readings: Vec<Reading>,
    pub split: Option<SplitReading>,
    /// Share of the candidate's requests for which there is no like one of the control.
    pub unmatched: f64,
    /// Limits that need no proof and are crossed, for people.
    pub critical: Vec<String>,
}

impl Reading {
    /// An effect of this measure, for people.
    #[must_use]
    pub fn shown(&self, effect: f64) -> String {
        match self.measure {
            Measure::ErrorRate => format::points(effect),
            Measure::CostPerRequestUsd | Measure::LatencyP95Ms | Measure::Quality => format::change(effect),
        }
    }
}

impl Judgement {
    /// Of the measures that may hold and undo: those of this verdict.
    pub fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Reading> {
        self.readings.iter().filter(move |reading| reading.mode == Mode::Enforce && reading.verdict == verdict)
    }
}

/// Relative effects by measure, as the memory of changes has them.
#[must_use]
pub fn effects(readings: &[Reading]) -> BTreeMap<Measure, f64> {
    readings.iter().filter_map(|reading| Some((reading.measure, reading.effect?))).collect()
}
