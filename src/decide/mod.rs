//! From findings, policy and evidence to a plan. Pure and deterministic: the same inputs give the same plan, byte for byte.

mod answer;
mod approval;
mod canary;
mod candidates;
mod case;
mod checks;
mod choose;
pub mod condition;
mod conditions;
mod elsewhere;
mod evaluation;
pub mod examples;
mod facts;
pub mod gate;
mod governance;
mod hash;
mod ladder;
mod models;
mod plan;
pub mod policy;
mod portfolio;
mod predict;
mod rules;
mod search;
mod shadow;
mod strategies;
mod totals;

#[cfg(test)]
mod tests;

pub use approval::{approve, questions};
pub use evaluation::{Evaluated, evaluate_segment, evaluation};
pub use plan::{GivenFacts, Inputs, Planned, plan, plan_given, policy_ref};
pub use shadow::compare;
