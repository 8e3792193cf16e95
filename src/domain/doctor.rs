//! What `doctor` found out about everything a run needs: each thing by itself, with why it matters and what to do.

mod judge;

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::Exit;

pub use judge::{clocks, freshness, last_run, memory, rejects, room};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "doctor/v1";

/// Everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// Always `doctor/v1`.
    pub schema_version: Cow<'static, str>,
    pub at: Timestamp,
    /// How the process ends; `docs/exit-codes.md` has the meanings.
    pub exit_code: u8,
    /// In the order in which a run needs them.
    pub checks: Vec<Check>,
}

/// One thing that a run needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    pub subject: Subject,
    pub outcome: Outcome,
    /// What was seen, in a sentence.
    pub found: String,
    /// What depends on it.
    pub matters: Cow<'static, str>,
    /// What to do; none where there is nothing to do.
    pub fix: Option<String>,
    /// Of what failed: the code that a run would end with.
    pub exit_code: Option<u8>,
}

/// How a check ended. What could not be found out is never `ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Ok,
    /// A run works, and somebody should know.
    Warning,
    Failed,
    /// Not looked at: there is nothing to look at, or something it rests on failed.
    Skipped,
}

impl Outcome {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Policy,
    PriceTable,
    State,
    StateTables,
    StateWritable,
    DatabaseClock,
    Rights,
    Stop,
    Lease,
    LastRun,
    OpenWrites,
    Source,
    Layout,
    Rows,
    Freshness,
    Sink,
    SinkServices,
    SinkClock,
    Governance,
    TemporaryFolder,
    StateFolder,
    Memory,
}

impl Subject {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::PriceTable => "price table",
            Self::State => "state",
            Self::StateTables => "state: tables",
            Self::StateWritable => "state: writable",
            Self::DatabaseClock => "state: clock",
            Self::Rights => "rights",
            Self::Stop => "stops, pauses",
            Self::Lease => "lease",
            Self::LastRun => "last run",
            Self::OpenWrites => "open writes",
            Self::Source => "source",
            Self::Layout => "source: layout",
            Self::Rows => "source: rows",
            Self::Freshness => "source: fresh",
            Self::Sink => "sink",
            Self::SinkServices => "sink: services",
            Self::SinkClock => "sink: clock",
            Self::Governance => "governance",
            Self::TemporaryFolder => "temp folder",
            Self::StateFolder => "state: folder",
            Self::Memory => "memory",
        }
    }

    /// What depends on it.
    #[must_use]
    pub fn matters(self) -> &'static str {
        match self {
            Self::Policy => "it says what may be changed, how far, and when to go back",
            Self::PriceTable => "what a model costs is unknown without a price, and unknown is never cheap",
            Self::State => "rollouts, evidence and the audit log are kept there; without it no run acts",
            Self::StateTables => "tables of another version are not understood",
            Self::StateWritable => "every write to the sink is recorded there before it is sent",
            Self::DatabaseClock => "the database says when a lease ends, this machine which traffic is the newest",
            Self::Rights => "who may stop, roll back and apply is up to the roles in the store, where there are any",
            Self::Stop => "while one is in force, runs write nothing, or nothing goes forward",
            Self::Lease => "one run at a time acts; others end with 75",
            Self::LastRun => "harm is only taken back while runs come",
            Self::OpenWrites => "what became of them is found out before anything else is decided",
            Self::Source => "every decision is made from what is read there",
            Self::Layout => "columns that are not understood are not counted",
            Self::Rows => "no decision rests on a window of which more than 10 % is rejected",
            Self::Freshness => "old traffic begins nothing new, and says nothing of what is under way",
            Self::Sink => "configurations go there, and come back from there",
            Self::SinkServices => "a canary needs something there for the rest of the traffic",
            Self::SinkClock => "a clock that is off takes old traffic for new, or new traffic for old",
            Self::Governance => "what it does not answer for is refused",
            Self::TemporaryFolder => "objects of stores pass through it while they are read",
            Self::StateFolder => "SQLite keeps its journal beside the file",
            Self::Memory => "who takes more than the container may have is killed in the middle of a tick",
        }
    }
}

impl Check {
    fn new(subject: Subject, outcome: Outcome, found: impl Into<String>) -> Self {
        let matters = subject.matters().into();
        Self { subject, outcome, found: found.into(), matters, fix: None, exit_code: None }
    }

    #[must_use]
    pub fn ok(subject: Subject, found: impl Into<String>) -> Self {
        Self::new(subject, Outcome::Ok, found)
    }

    #[must_use]
    pub fn skipped(subject: Subject, because: impl Into<String>) -> Self {
        Self::new(subject, Outcome::Skipped, because)
    }

    #[must_use]
    pub fn warning(subject: Subject, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(subject, Outcome::Warning, found) }
    }

    #[must_use]
    pub fn failed(subject: Subject, exit: Exit, found: impl Into<String>, fix: impl Into<String>) -> Self {
        let base = Self::new(subject, Outcome::Failed, found);
        Self { fix: Some(fix.into()), exit_code: Some(exit as u8), ..base }
    }
}

/// Who asks, and so what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Whatever failed fails.
    Everything,
    /// Warnings fail too.
    Strictly,
    /// Only what keeps a run from beginning: it copes with the rest better than its absence does.
    BeforeARun,
}

/// How the process ends: the lowest code of what failed, in the order in which a run would meet it; 1 where only warnings count.
#[must_use]
pub fn exit(checks: &[Check], asked: Asked) -> u8 {
    let begins = |code: &u8| asked != Asked::BeforeARun || [Exit::Usage as u8, Exit::State as u8].contains(code);
    let worst = checks.iter().filter_map(|check| check.exit_code).filter(begins).min();
    let warned = checks.iter().any(|check| check.outcome == Outcome::Warning);
    worst.unwrap_or(if asked == Asked::Strictly && warned { Exit::Unmet as u8 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_says_how_it_ends() {
        let failed = |exit| Check::failed(Subject::Sink, exit, "x", "y");
        let (fine, warned) = (Check::ok(Subject::Policy, "x"), Check::warning(Subject::Lease, "x", "y"));
        let skipped = Check::skipped(Subject::Layout, "x");
        let ends =
            |checks: &[&Check], asked| exit(&checks.iter().map(|check| (*check).clone()).collect::<Vec<_>>(), asked);
        assert_eq!(ends(&[&fine, &warned, &skipped], Asked::Everything), 0);
        assert_eq!(ends(&[&fine, &warned], Asked::Strictly), 1);
        assert_eq!(ends(&[&fine, &skipped], Asked::Strictly), 0);
        assert_eq!(ends(&[&failed(Exit::Sink), &failed(Exit::Source)], Asked::Everything), 3);
        assert_eq!(ends(&[&failed(Exit::Sink), &failed(Exit::Usage), &warned], Asked::Strictly), 2);
        assert_eq!(ends(&[&failed(Exit::Sink), &failed(Exit::Source)], Asked::BeforeARun), 0);
        assert_eq!(ends(&[&failed(Exit::Source), &failed(Exit::State)], Asked::BeforeARun), 4);
    }
}
