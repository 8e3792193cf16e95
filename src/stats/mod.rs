//! Mathematics over mergeable statistics. Pure: every function is determined by its arguments.

pub mod anomaly;
pub mod change_point;
pub mod compare;
pub mod comparison;
pub mod descriptive;
pub mod design_effect;
pub mod figures;
pub mod group_sequential;
pub mod history;
pub mod hypothesis;
pub mod interval;
pub mod limits;
pub mod mann_kendall;
pub mod month;
pub mod multiplicity;
pub mod power;
pub mod psi;
pub mod regression;
pub mod rollup;
pub mod sketch;
pub mod spend;
pub mod tails;
pub mod theil_sen;
pub mod time_series;

pub use figures::{Figures, Measure};
pub use history::History;
pub use rollup::{ArmEvidence, Bucket, Observation, Reference, Requests, Rollup, ServiceEvidence};
pub use sketch::Sketch;
pub use time_series::Point;
