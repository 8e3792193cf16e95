//! The words of a judgement.

use serde::{Deserialize, Serialize};

use super::{measure::Measure, ratio::RatioReading, reading::Effect};

/// What a measure may do to a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// It decides.
    #[default]
    Enforce,
    /// It is read and shown, but decides nothing.
    Observe,
    /// It is not looked at.
    Off,
}

/// What each measure may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Guards {
    /// Of the error rate.
    pub errors: Guard,
    /// Of the mean quality.
    pub quality: Guard,
    /// Of the mean cost.
    pub cost: Guard,
    /// Of the latency's 95th percentile.
    pub latency: Guard,
}

impl Guards {
    /// That of a measure.
    #[must_use]
    pub fn of(&self, measure: Measure) -> Guard {
        match measure {
            Measure::Errors => self.errors,
            Measure::Quality => self.quality,
            Measure::Cost => self.cost,
            Measure::Latency => self.latency,
        }
    }
}

/// How many numbers a judgement carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All.
    Full,
    /// Verdicts and signals, without the effects' intervals, which take nine tenths of the time.
    Verdicts,
}

/// Why nothing can be said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// The candidate served nothing.
    NoCandidate,
    /// The control served nothing.
    NoControl,
    /// No kind of request was served by both.
    NoMatch,
    /// A side has no success.
    NoSuccess,
    /// A side has no success with a known latency.
    NoLatencies,
    /// A side has no quality score.
    NoScores,
    /// This share of a side's successes has no known cost.
    Unpriced(f64),
    /// The control costs nothing, the candidate something: there is no ratio.
    FreeControl,
    /// The candidate's share of requests is not the pushed one, so the two sides may not be alike.
    WrongShare,
    /// No measure is enforced.
    NothingEnforced,
}

/// What the evidence says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The harm is shown to be within the margin.
    Sound,
    /// The harm is shown to be beyond the margin.
    Breached,
    /// Neither is shown.
    Inconclusive,
    /// There is no usable data.
    Error(Lack),
}

/// One measure with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which.
    pub measure: Measure,
    /// What it may do.
    pub guard: Guard,
    /// What it says by itself.
    pub verdict: Verdict,
    /// Whether harm is shown at all, within the margin or not.
    pub signal: bool,
    /// The harm.
    pub effect: Effect,
    /// Largest harm allowed, in the effect's unit.
    pub margin: f64,
    /// Blocks compared.
    pub blocks: u64,
    /// Requests compared: of the candidate, of the control.
    pub requests: [f64; 2],
    /// Further requests of the candidate to a verdict, should effect and variance stay as they are. `None`: not foreseeable.
    pub requests_needed: Option<f64>,
    /// Variance over that of as many independent requests.
    pub design_effect: Option<f64>,
}

/// The verdict with its readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Of all enforced measures together.
    pub verdict: Verdict,
    /// Whether an enforced measure shows harm, within the margin or not: a reason to pause.
    pub signal: bool,
    /// One a measure that is not off.
    pub readings: Vec<Reading>,
    /// The candidate's share of requests.
    pub ratio: RatioReading,
    /// Share of the candidate's requests without a control request of their kind.
    pub unmatched: f64,
}
