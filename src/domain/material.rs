//! What a page is made from: documents that were read back, and what was looked up.

use super::{
    Plan,
    analysis::{Analysis, Tick},
    course::Course,
    deed::DeedDetail,
    evaluation::Evaluation,
    gate::GateReport,
    run::RunReport,
    status::{RolloutStatus, StatusReport},
};

/// Everything there is. What is empty was not given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Material {
    /// What was given, in the order it was: for people.
    pub given: Vec<String>,
    /// The plan with the newest window.
    pub plan: Option<Plan>,
    /// Plans with older windows, which are not shown.
    pub older_plans: u64,
    pub analyses: Vec<Analysis>,
    pub course: Option<Course>,
    /// Of a replay, in the order of time.
    pub ticks: Vec<Tick>,
    pub gates: Vec<GateReport>,
    pub evaluations: Vec<Evaluation>,
    pub statuses: Vec<StatusReport>,
    /// Rollouts of the store, those that are over too.
    pub rollouts: Vec<RolloutStatus>,
    /// In the order of time.
    pub runs: Vec<RunReport>,
    /// Newest first.
    pub deeds: Vec<Deed>,
    /// US dollars by UTC day, ascending; none where a cost or an hour of the day is unknown.
    pub days: Vec<(jiff::Timestamp, Option<f64>)>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// RFC 3339, UTC.
    pub at: String,
    pub actor: String,
    pub action: String,
    /// Empty for all of them.
    pub service: String,
    pub detail: DeedDetail,
}
