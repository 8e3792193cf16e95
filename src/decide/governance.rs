//! Governance: every change is held against the policies of the organisation. What denies refuses; what warns is told. A condition that
//! cannot be told counts as met.

use super::{candidates::Weighed, case::Case, checks::hard, condition::Truth, facts};
use crate::domain::{
    plan::{Check, CheckOutcome, CheckWeight},
    policy::GovernanceAction,
};

/// One check a rule of governance that has something against the candidate, and one for all that have not.
pub(super) fn checks(case: &Case<'_>, weighed: &Weighed, incumbent: &Weighed) -> Vec<Check> {
    let policies = &case.rules.governance;
    if policies.is_empty() {
        return Vec::new();
    }
    let facts = facts::with_candidate(case, weighed, incumbent);
    let mut checks = Vec::new();
    for policy in policies {
        for rule in &policy.rules {
            let why = match case.conditions.truth(&rule.condition, &facts) {
                Truth::False => continue,
                Truth::True => rule.message.clone(),
                Truth::Missing(names) => format!("{} ({} is unknown)", rule.message, names.join(", ")),
                Truth::Failed(why) => format!("{} ({why})", rule.message),
            };
            let check = hard(format!("governance {}", policy.id), CheckOutcome::Fails, why);
            let weight = match rule.action {
                GovernanceAction::Deny => CheckWeight::Hard,
                GovernanceAction::Warn => CheckWeight::Soft,
            };
            checks.push(Check { weight, ..check });
        }
    }
    if checks.is_empty() {
        checks.push(hard("governance", CheckOutcome::Holds, "no policy of governance is against it".to_owned()));
    }
    checks
}
