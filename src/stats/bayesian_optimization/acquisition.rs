//! How much trying a configuration is worth.

use super::abstained::Abstained;
use super::evidence::Evidence;
use crate::stats::gaussian_process::{Anchor, Budget, Ensemble, Unfit};

/// Processes of the objective and of every constraint's margin.
#[derive(Debug)]
pub(super) struct Model {
    pub objective: Ensemble,
    constraints: Vec<Ensemble>,
}

/// The worth of one configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Worth {
    /// Expected improvement over the anchor, in units of the objective.
    pub improvement: f64,
    /// Probability that all constraints hold.
    pub feasibility: f64,
}

impl Worth {
    /// Expected improvement that counts only where the constraints hold (Gardner et al., "Bayesian Optimization with
    /// Inequality Constraints", ICML 2014, PMLR 32; Gelbart, Snoek & Adams, UAI 2014, arXiv:1403.5607).
    pub fn constrained(self) -> f64 {
        self.improvement * self.feasibility
    }
}

impl Model {
    pub fn fitted(evidence: &Evidence, budget: &mut Budget) -> Result<Self, Abstained> {
        let mut process = |samples| Ensemble::fitted(samples, budget);
        let objective = process(&evidence.objective)?;
        let constraints = evidence.constraints.iter().map(|samples| process(samples)).collect::<Result<_, _>>()?;
        Ok(Self { objective, constraints })
    }

    /// Probability that all margins are at most 0: one less the sum of the probabilities that each is not (Bonferroni). That
    /// is never above the truth, whichever way the margins, measured on the same traffic, depend on each other; their
    /// product, as in the papers, supposes independence.
    pub fn feasibility(&self, at: &[f64], budget: &mut Budget) -> Result<f64, Abstained> {
        let mut broken = 0.0;
        for constraint in &self.constraints {
            budget.spend().map_err(Unfit::from)?;
            broken += 1.0 - constraint.predict(at).at_most(0.0);
        }
        Ok(1.0 - f64::min(broken, 1.0))
    }

    /// The incumbent's true value is as unknown as the candidate's, so the improvement is that of their difference: noisy
    /// expected improvement with a single incumbent (after Letham et al., Bayesian Analysis 14, 2019, doi:10.1214/18-BA1110).
    pub fn worth(&self, at: &[f64], incumbent: &[Anchor], budget: &mut Budget) -> Result<Worth, Abstained> {
        let feasibility = self.feasibility(at, budget)?;
        budget.spend().map_err(Unfit::from)?;
        Ok(Worth { improvement: self.objective.difference(at, incumbent).expected_excess(), feasibility })
    }
}

impl From<Unfit> for Abstained {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Samples => Self::Unfit,
            Unfit::OutOfBudget => Self::OutOfBudget,
        }
    }
}
