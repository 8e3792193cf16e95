//! From rollups to findings: what is wrong, how bad, and how sure. Each analyzer is one file and one implementation of
//! [`Analyzer`]; none of them knows the others.

mod budget;
mod cost;
mod errors;
mod latency;
mod quality;
mod regression;

use crate::{
    domain::{Arm, Finding, Policy, Rules, policy::Mode},
    stats::{ArmEvidence, Observation, Rollup, ServiceEvidence},
};

/// What an analyzer looks at: one service under its rules.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub service: &'a str,
    pub evidence: &'a ServiceEvidence,
    pub rules: &'a Rules,
    pub observation: &'a Observation,
}

/// One way of looking at a service.
pub trait Analyzer {
    fn analyze(&self, subject: &Subject<'_>) -> Vec<Finding>;
}

const ANALYZERS: &[&dyn Analyzer] =
    &[&latency::Latency, &errors::Errors, &cost::Cost, &budget::Budget, &quality::Quality, &regression::Regression];

/// Every finding, worst first, then by service and kind.
#[must_use]
pub fn findings(observation: &Observation, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (service, evidence) in &observation.services {
        let rules = policy.rules(service);
        if rules.mode == Mode::Off {
            continue;
        }
        let subject = Subject { service, evidence, rules, observation };
        findings.extend(ANALYZERS.iter().flat_map(|analyzer| analyzer.analyze(&subject)));
    }
    findings.extend(budget::total(observation, policy));
    findings
        .sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.service.cmp(&b.service)).then(a.kind.cmp(&b.kind)));
    findings
}

/// The arm that stands out: its own value is beyond `limit` while that of all other traffic together is within it.
fn culprit(evidence: &ServiceEvidence, value: impl Fn(&Rollup) -> Option<f64>, limit: f64) -> Option<(Arm, f64, f64)> {
    let mut arms: std::collections::BTreeMap<&Arm, Rollup> = std::collections::BTreeMap::new();
    for (arm, ArmEvidence { window, .. }) in evidence.segments.values().flatten() {
        let known = arms.entry(arm).or_default();
        *known = known.merged(window);
    }
    if arms.len() < 2 {
        return None;
    }
    let beyond: Vec<(&Arm, f64)> = arms
        .iter()
        .filter_map(|(arm, rollup)| Some((*arm, value(rollup)?)))
        .filter(|(_, value)| *value > limit)
        .collect();
    let [(arm, own)] = beyond[..] else { return None };
    let rest =
        arms.iter().filter(|(other, _)| **other != arm).fold(Rollup::default(), |sum, (_, rollup)| sum.merged(rollup));
    let rest = value(&rest)?;
    (rest <= limit).then(|| (arm.clone(), own, rest))
}
