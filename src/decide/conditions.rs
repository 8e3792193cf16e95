//! Every condition of a policy, made ready once a plan.

use std::collections::BTreeMap;

use super::condition::{Compiled, Facts, Truth, compile};
use crate::domain::{Policy, Rules, policy::Condition};

/// By their text: services share most of their rules.
#[derive(Debug, Default)]
pub(super) struct Conditions<'a>(BTreeMap<&'a str, Compiled>);

impl<'a> Conditions<'a> {
    pub(super) fn of(policy: &'a Policy) -> Self {
        let mut ready = BTreeMap::new();
        for rules in std::iter::once(&policy.default).chain(policy.services.values()) {
            for text in texts(rules) {
                if !ready.contains_key(text) {
                    // What does not compile was refused with the policy; a policy from elsewhere fails when it is asked.
                    ready.extend(compile(text).ok().map(|compiled| (text, compiled)));
                }
            }
        }
        Self(ready)
    }

    pub(super) fn truth(&self, condition: &Condition, facts: &Facts) -> Truth {
        match self.0.get(condition.text.as_str()) {
            Some(compiled) => compiled.evaluate(facts),
            None => Truth::Failed("it is no condition".to_owned()),
        }
    }

    /// The values a condition sees, by name; null where unknown.
    pub(super) fn values(&self, condition: &Condition, facts: &Facts) -> BTreeMap<String, serde_json::Value> {
        let names = self.0.get(condition.text.as_str()).into_iter().flat_map(Compiled::names);
        names.filter(|name| **name != "findings").map(|name| ((*name).to_owned(), facts.json(name))).collect()
    }
}

fn texts(rules: &Rules) -> impl Iterator<Item = &str> {
    let own = rules.rules.iter().map(|rule| rule.when.text.as_str());
    let governance = rules.governance.iter().flat_map(|policy| &policy.rules);
    own.chain(governance.map(|rule| rule.condition.text.as_str()))
}
