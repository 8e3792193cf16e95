//! From findings, policy and evidence to a plan. Pure and deterministic: the same inputs give the same plan, byte for byte.

mod candidates;
mod choose;
pub mod condition;
mod ladder;
mod models;
mod plan;
pub mod policy;

#[cfg(test)]
mod tests;

pub use plan::{Inputs, plan, policy_ref};
