//! What another policy would have been worth, from a log of the policy that was: which action was taken, how likely it was to be
//! taken, and what came of it.

mod cross_fit;
mod estimators;
mod log;
mod measured;

pub use cross_fit::{Logged, cross_fitted};
pub use estimators::{Abstention, Expected, MIN_EFFECTIVE_REQUESTS, Method, Sample, Value, evaluate};
pub use log::{LoggedRequest, LoggedSegment};
pub use measured::{Measured, MeasuredValue, Target, mean_of_measured};

#[cfg(test)]
mod tests;
