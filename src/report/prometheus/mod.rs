//! What a run did, what is under way and what all runs came to, as Prometheus reads it. `docs/metrics.md` lists every name.

mod effects;
mod last_run;
mod standing;
mod text;
mod totals;

use std::time::Duration;

use jiff::Timestamp;

pub use crate::domain::phase::Phase;

use self::{effects::effects, last_run::last_run, standing::standing, totals::totals};
use crate::domain::{
    plan::SourceSummary,
    run::RunReport,
    status::{RolloutStatus, StatusReport},
    tally::{Ending, Tally},
};

/// Everything that is shown.
#[derive(Debug, Clone, Copy)]
pub struct Figures<'a> {
    /// Of this program.
    pub version: &'a str,
    pub run: &'a RunReport,
    pub ending: Ending,
    pub ended_at: Timestamp,
    /// How long each part of this run took. Parts that did not take place are left out.
    pub phases: &'a [(Phase, Duration)],
    /// What is under way, after this run.
    pub status: &'a StatusReport,
    /// Rollouts, those that are over too, the newest first: the last completed change of each service is shown.
    pub rollouts: &'a [RolloutStatus],
    /// What was read; none where nothing could be.
    pub source: Option<&'a SourceSummary>,
    /// All runs, this one included.
    pub tally: &'a Tally,
}

/// The text format, version 0.0.4. The same figures give the same bytes. Whatever is not known has no series.
#[must_use]
pub fn prometheus(figures: &Figures<'_>) -> String {
    let mut text = String::new();
    let families = totals(figures.tally).into_iter().chain(last_run(figures)).chain(standing(figures.status));
    for family in families.chain(effects(figures.rollouts)) {
        family.write(&mut text);
    }
    text
}

#[cfg(test)]
mod tests;
