//! LLM Auto-Optimizer: observe a window of LLM request metrics, orient, decide with reasons, act in one safe step.
//!
//! The folders are the loop: [`observe`] → [`orient`] → [`decide`] → [`act`], over the plain types of [`domain`] and the
//! mathematics of [`stats`]; [`governance`] is asked in between, [`http`] is how services are asked, [`state`] remembers, and [`tell`]
//! says to people and to Prometheus what was done; on AWS Lambda, events ask for all that ([`lambda`]). `domain`, `stats`, `orient` and
//! `decide` are pure functions of their arguments.

pub mod act;
pub mod cli;
pub mod decide;
pub mod domain;
pub mod governance;
pub mod http;
#[cfg(unix)]
pub mod lambda;
pub mod observe;
pub mod orient;
pub mod report;
pub mod state;
pub mod stats;
pub mod tell;
