//! Exact Gaussian process regression on a few noisy points (at most [`MOST_POINTS`]) whose noise is known: a point's y is
//! c + f(x) + e, where f is a zero-mean process with a Matérn 5/2 kernel, one length scale a dimension, and e is normal with
//! the variance se² + nugget². The constant c has a flat prior (universal kriging), so its uncertainty widens every prediction.
//!
//! Rasmussen & Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, doi:10.7551/mitpress/3206.001.0001, §2.7
//! and §5.4. A handful of points cannot tell the hyperparameters, so [`Ensemble`] averages over them. Work is counted against
//! a [`Budget`], so that a call ends whatever its input.

mod budget;
mod cholesky;
mod ensemble;
mod fit;
mod halton;
mod kernel;
mod predict;
mod process;

pub use budget::{Budget, OutOfBudget};
pub use cholesky::Cholesky;
pub use ensemble::{Ensemble, Mixture};
pub use fit::Unfit;
pub use halton::halton;
pub use kernel::{Hyperparameters, Kernel};
pub use predict::{Anchor, Prediction};
pub use process::{GaussianProcess, MOST_POINTS, Sample};
