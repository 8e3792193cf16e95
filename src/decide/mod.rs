//! From findings, policy and evidence to a plan. Pure and deterministic: the same inputs give the same plan, byte for byte.

mod candidates;
mod choose;
mod ladder;
mod models;
mod plan;
pub mod policy;

pub use plan::{Inputs, plan};
