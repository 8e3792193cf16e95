//! A plan against what was expected of it.

use serde::Serialize;

use super::Example;
use crate::domain::{
    Plan,
    plan::{Decision, RuleState},
};

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `action`, `model`, `rung`, `fired`, `not_fired` or `reason`.
    pub what: &'static str,
    pub expected: String,
    pub got: String,
}

/// What is not as expected; empty if all is.
#[must_use]
pub fn verdict(example: &Example, plan: &Plan) -> Vec<Difference> {
    let given = &example.given;
    let same = |decision: &&Decision| decision.service == given.service && decision.segment == given.segment;
    let Some(decision) = plan.decisions.iter().find(same) else {
        let got = "no decision about this segment".to_owned();
        return vec![Difference { what: "action", expected: "a decision".to_owned(), got }];
    };
    let expected = &example.expected;
    let mut differences = Vec::new();
    let mut differs = |what, wanted: &Option<String>, got: String| {
        if let Some(wanted) = wanted.as_ref().filter(|wanted| **wanted != got) {
            differences.push(Difference { what, expected: wanted.clone(), got });
        }
    };
    differs("action", &expected.action, word(&decision.action));
    let proposed = decision.proposed.as_ref().map_or_else(|| "none".to_owned(), crate::domain::Arm::model_id);
    differs("model", &expected.model, proposed);
    differs("rung", &expected.rung, word(&decision.rung));
    for (what, ids, wanted) in [("fired", &expected.fired, true), ("not_fired", &expected.not_fired, false)] {
        for id in ids {
            let outcome = decision.rules.iter().find(|outcome| outcome.id == *id);
            let fired = outcome.is_some_and(|outcome| matches!(outcome.state, RuleState::Fired | RuleState::Observed));
            if outcome.is_none() || fired != wanted {
                let got = outcome.map_or_else(
                    || "there is no such rule here".to_owned(),
                    |outcome| format!("{}: {}", word(&outcome.state), outcome.detail),
                );
                differences.push(Difference { what, expected: id.clone(), got });
            }
        }
    }
    if let Some(part) = expected.reason.as_ref().filter(|part| !says(decision, part)) {
        differences
            .push(Difference { what: "reason", expected: format!("… {part} …"), got: decision.reason.clone() });
    }
    differences
}

/// Whether the decision, a candidate or a check of one says this.
fn says(decision: &Decision, part: &str) -> bool {
    let candidates = decision.candidates.iter();
    decision.reason.contains(part)
        || candidates.clone().any(|candidate| candidate.why.contains(part))
        || candidates.flat_map(|candidate| &candidate.checks).any(|check| check.detail.contains(part))
}

/// A plain enum as it is written in JSON.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
