//! The two forms in which governance services speak.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::{
    approval::{Question, Verdict},
    format::visible,
};

/// What the body of a question and of its answer look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{service_id, proposed_configuration, optimization_rationale}`, answered by `{approved, violations, decision_rationale}`.
    Plain,
    /// `{requestId, resourceId, action, principal, context}`, answered by `{allowed, policyResults, costImpact, auditId}`.
    GovernanceCore,
}

/// Violations that are told.
const MOST_VIOLATIONS: usize = 10;

/// Characters of a text from outside that are told.
const MOST_CHARACTERS: usize = 300;

#[derive(Deserialize)]
struct PlainAnswer {
    approved: bool,
    violations: Option<Vec<Violation>>,
    decision_rationale: Option<String>,
}

#[derive(Deserialize)]
struct Violation {
    policy_id: Option<String>,
    policy_name: Option<String>,
    severity: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CoreAnswer {
    request_id: Option<String>,
    allowed: bool,
    policy_results: Option<PolicyResults>,
    cost_impact: Option<CostImpact>,
    audit_id: Option<String>,
}

#[derive(Deserialize)]
struct PolicyResults {
    allowed: Option<bool>,
    policies: Option<Vec<String>>,
    reasons: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CostImpact {
    budget_status: Option<String>,
}

impl Form {
    /// The body of a question.
    pub(super) fn question(self, question: &Question) -> Value {
        match self {
            Self::Plain => json!({
                "service_id": question.service,
                "proposed_configuration": question.configuration,
                "optimization_rationale": question.rationale,
            }),
            Self::GovernanceCore => json!({
                "requestId": question.id,
                "resourceId": question.service,
                "action": "configuration:update",
                "principal": "llm-auto-optimizer",
                "context": {
                    "segment": question.segment,
                    "proposed_configuration": question.configuration,
                    "optimization_rationale": question.rationale,
                },
            }),
        }
    }

    /// What an answer says; an error says why nobody can tell. Only a plain yes is a yes.
    pub(super) fn answer(self, question: &Question, body: &[u8]) -> Result<Verdict, String> {
        let odd = |error: serde_json::Error| {
            // The library's own text quotes what it read.
            let what = if error.is_data() { "lacks what a verdict needs" } else { "is no JSON" };
            format!("its answer {what} (line {}, column {})", error.line(), error.column())
        };
        match self {
            Self::Plain => {
                let answer: PlainAnswer = serde_json::from_slice(body).map_err(odd)?;
                let violations: Vec<String> = listed(answer.violations.unwrap_or_default().iter().map(Violation::told));
                let rationale = told(answer.decision_rationale);
                Ok(if answer.approved {
                    Verdict::Approved { note: note(violations, rationale) }
                } else {
                    Verdict::Denied { violations, rationale }
                })
            }
            Self::GovernanceCore => {
                let answer: CoreAnswer = serde_json::from_slice(body).map_err(odd)?;
                if answer.request_id.is_some_and(|id| id != question.id) {
                    return Err("its answer is to another question".to_owned());
                }
                let results = answer.policy_results;
                let results_allow = results.as_ref().and_then(|results| results.allowed).unwrap_or(true);
                let (policies, reasons) = results.map_or_else(Default::default, |results| {
                    (results.policies.unwrap_or_default(), results.reasons.unwrap_or_default())
                });
                let mut reasons = listed(reasons.into_iter());
                let budget = answer.cost_impact.and_then(|impact| impact.budget_status);
                reasons
                    .extend(told(budget.filter(|status| status != "within")).map(|status| format!("budget {status}")));
                let audit = told(answer.audit_id).map(|audit| format!("audit {audit}"));
                if answer.allowed && results_allow {
                    return Ok(Verdict::Approved { note: note(reasons, audit) });
                }
                let policies = listed(policies.into_iter());
                if reasons.is_empty() && !policies.is_empty() {
                    reasons = vec![format!("by {}", policies.join(", "))];
                }
                if answer.allowed {
                    reasons.push("it is allowed as a whole and not by its policies".to_owned());
                }
                Ok(Verdict::Denied { violations: reasons, rationale: audit })
            }
        }
    }
}

impl Violation {
    /// `spend cap (high): too dear`
    fn told(&self) -> String {
        let name = self.policy_name.as_deref().or(self.policy_id.as_deref()).unwrap_or("a policy");
        let severity = self.severity.as_deref().map_or_else(String::new, |severity| format!(" ({severity})"));
        let description =
            self.description.as_deref().map_or_else(String::new, |description| format!(": {description}"));
        format!("{name}{severity}{description}")
    }
}

fn listed(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.filter_map(|text| told(Some(text))).take(MOST_VIOLATIONS).collect()
}

fn note(mut parts: Vec<String>, last: Option<String>) -> Option<String> {
    parts.extend(last);
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Text from outside: on one line, short, without what a terminal would obey. None where nothing is left.
fn told(text: Option<String>) -> Option<String> {
    let text = text?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut short: String = words.join(" ").chars().take(MOST_CHARACTERS).collect();
    if short.is_empty() {
        return None;
    }
    if words.join(" ").chars().count() > MOST_CHARACTERS {
        short.push('…');
    }
    Some(visible(&short))
}
