//! Examples of a policy: figures in, the expected decision beside them. The figures become an observation like any other,
//! and the plan made of it is the real one.

mod observation;
mod verdict;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::condition::Value;
use crate::domain::{Arm, Configuration, Finding, Segment, memory::RuleMemory};

pub use verdict::{Difference, verdict};

/// A file of examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// The policy they are about: a file relative to theirs, or the name of a profile; none if the file does not say.
    pub policy: Option<String>,
    pub examples: Vec<Example>,
}

/// One example.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// Where it stands in its file.
    pub line: Option<usize>,
    pub given: Given,
    pub expected: Expected,
}

/// What is known when the plan is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub service: String,
    pub segment: Segment,
    pub now: Timestamp,
    pub arms: BTreeMap<Arm, Figures>,
    /// Beside what the figures give by themselves.
    pub findings: Vec<Finding>,
    /// Whether figures were followed through time: then a trend that is not named is known not to be there.
    pub followed: bool,
    /// What conditions know beside that, by name.
    pub facts: BTreeMap<String, Value>,
    /// What former ticks left behind of rules, by id.
    pub memory: BTreeMap<String, RuleMemory>,
    /// What the service is configured to do.
    pub configuration: Option<Configuration>,
}

/// What one arm did in the last 24 hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub requests: u32,
    /// Share of the successes with a quality score, where there is a quality.
    pub scored: f64,
    /// Mean, `0..=1`.
    pub quality: Option<f64>,
    /// Mean of a request, US dollars.
    pub cost_usd: Option<f64>,
    pub latency_p95_ms: f64,
    pub error_rate: f64,
    pub tokens_input: Option<f64>,
    pub tokens_output: Option<f64>,
    /// Whether it served in the last hour too.
    pub serves_now: bool,
}

/// What the decision has to be; what is none or empty may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// As in the plan: `change`.
    pub action: Option<String>,
    /// As `provider/model`, or `none`.
    pub model: Option<String>,
    /// As in the plan: `business_rule`.
    pub rung: Option<String>,
    pub fired: Vec<String>,
    pub not_fired: Vec<String>,
    /// Part of a sentence of the decision or of one of its candidates.
    pub reason: Option<String>,
}
