//! Which arm earns most, and how much traffic each should get while that is not known.
//!
//! Sufficient statistics ([`Evidence`], [`linear::LinearEvidence`]) merge and age in history; a [`Prior`] turns them into a
//! [`Posterior`] of the mean reward; [`best()`] integrates posteriors to the probability that each arm is best and to the
//! regret expected of settling on it; [`allocate()`] turns that into shares of traffic. Nothing here draws a random number.

mod allocation;
mod best;
mod cholesky;
mod curve;
mod evidence;
pub mod linear;
mod posterior;
mod quadrature;
mod shares;
mod targets;

pub use allocation::{Allocation, ArmState, Limits, Role, Unmeasured, Why, allocate};
pub use best::{Best, MOST_ARMS, best};
pub use evidence::{Evidence, Unusable};
pub use posterior::{BetaMean, Posterior, Prior, StudentMean};
pub use shares::{Abstention, WHOLE};
