//! What a governance service is asked about a decision, and what it answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// May this service run with this configuration?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Of the decision, as the plan had it before anybody was asked.
    pub id: String,
    pub service: String,
    pub segment: &'static str,
    /// Keys and values as the Orchestrator has them: `model`, `provider`, `max_tokens`.
    pub configuration: BTreeMap<String, String>,
    /// One sentence for people.
    pub rationale: String,
}

/// The answer to one question, or that there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    Approved {
        /// What was said besides, for people.
        note: Option<String>,
    },
    Denied {
        /// For people, each naming the policy it breaks; may be empty.
        violations: Vec<String>,
        rationale: Option<String>,
    },
    /// Out of reach, too late, or not to be understood.
    Unanswered { why: String },
}

/// All questions of a plan with their answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The address of the service, as messages show it.
    pub service: String,
    /// Whether no answer counts as approval. Somebody said so on the command line.
    pub fail_open: bool,
    /// By the id of the question.
    pub verdicts: BTreeMap<String, Verdict>,
}

/// Who was asked about the changes of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GovernanceRef {
    /// The address of the service.
    pub service: String,
    /// Whether changes went ahead without an answer, because `--governance-fail-open` was given.
    pub fail_open: bool,
    pub asked: u64,
    pub approved: u64,
    pub denied: u64,
    pub unanswered: u64,
    /// Of all answers, in hexadecimal.
    pub verdicts_sha256: String,
}
