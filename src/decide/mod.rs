//! From findings and a policy to a plan. Pure: no files, no clock, no network; whatever a decision needs is an argument.

pub mod policy;
