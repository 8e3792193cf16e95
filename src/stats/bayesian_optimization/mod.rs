//! The next values of a few numeric settings (temperature, `max_tokens`, …) from what a handful of configurations measured
//! under traffic: constrained Bayesian optimization on Gaussian processes, inside bounds that are safe by construction.
//!
//! Each step: one process for the objective, one for each constraint; among the values that are within the policy's range and
//! step limit of the present ones and feasible with the asked probability, those with the highest expected improvement times
//! probability of feasibility. No chance is involved: the same observations in any order give the same proposal.

mod abstained;
mod acquisition;
mod candidates;
mod evidence;
mod proposal;
mod propose;
mod search;
mod space;

pub use abstained::{Abstained, SpaceFault};
pub use evidence::{MarginEstimate, Observation};
pub use proposal::{Proposal, Range, Source};
pub use propose::{Settings, propose};
pub use space::{Dimension, Interval, Space};
