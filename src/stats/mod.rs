//! Mathematics over mergeable statistics. Pure: every function is determined by its arguments.

pub mod compare;
pub mod design_effect;
pub mod figures;
pub mod interval;
pub mod regression;
pub mod rollup;
pub mod sketch;
pub mod spend;

pub use figures::{Figures, Measure};
pub use rollup::{ArmEvidence, Bucket, Observation, Requests, Rollup, ServiceEvidence};
pub use sketch::Sketch;
