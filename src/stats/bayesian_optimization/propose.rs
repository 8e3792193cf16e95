//! The next configuration to try, or why there is none.

use super::abstained::Abstained;
use super::acquisition::Model;
use super::evidence::{Evidence, Observation};
use super::proposal::Proposal;
use super::search::Search;
use super::space::{Interval, Space};
use crate::stats::gaussian_process::Budget;

/// When to propose.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Distinct configurations with evidence; in any case one more than the settings that varied.
    pub min_configurations: usize,
    /// Probability with which all constraints must hold.
    pub min_feasibility: f64,
    /// Smallest expected improvement, in units of the objective.
    pub min_gain: f64,
    /// Smallest expected improvement, as a share of the typical (median) standard error of the observations.
    pub min_gain_to_noise: f64,
    /// Bound on work: likelihoods and predictions, of the objective and each constraint.
    pub steps: u64,
}

impl Default for Settings {
    /// 4 configurations, 90 % feasible, any gain above a quarter of the noise, 10,000 steps.
    fn default() -> Self {
        Self { min_configurations: 4, min_feasibility: 0.9, min_gain: 0.0, min_gain_to_noise: 0.25, steps: 10_000 }
    }
}

/// Proposes values within the policy's range and step limits of the present ones. Pure and free of chance: the order of the
/// observations changes nothing. Observations with values that are missing or not finite are left out; beyond
/// [`crate::stats::gaussian_process::MOST_POINTS`] the nearest are used.
pub fn propose(
    space: &Space,
    present: &[f64],
    observations: &[Observation],
    settings: &Settings,
) -> Result<Proposal, Abstained> {
    let safe = space.around(present)?;
    let evidence = Evidence::gathered(space, present, observations, settings.min_configurations)?;
    let learnt = safe.iter().zip(&evidence.varied);
    let moving: Vec<Option<Interval>> =
        learnt.map(|(safe, varied)| (*varied && safe.low < safe.high).then_some(*safe)).collect();
    for (place, (dimension, present)) in space.dimensions.iter().zip(present).enumerate() {
        if moving[place].is_none() && !dimension.allows(*present, *present) {
            return Err(Abstained::PresentNotAllowed { dimension: place });
        }
    }
    if moving.iter().all(Option::is_none) {
        return Err(Abstained::NothingToMove);
    }
    let mut budget = Budget::new(settings.steps);
    let model = Model::fitted(&evidence, &mut budget)?;
    let mut search = Search { space, present, moving, evidence: &evidence, model, settings, budget };
    search.run()
}

#[cfg(test)]
mod tests;
