//! From rollups to findings: what is wrong, how bad, and how sure. Each analyzer is one file and one implementation of
//! [`Analyzer`]; none of them knows the others.

mod budget;
mod cost;
mod errors;
mod figures;
mod latency;
mod quality;
mod regression;
mod traffic;

use std::collections::BTreeMap;

use crate::{
    domain::{Arm, Finding, Policy, Rules, parallel, policy::Mode},
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

const ANALYZERS: &[&dyn Analyzer] = &[
    &traffic::Traffic,
    &latency::Latency,
    &errors::Errors,
    &cost::Cost,
    &budget::Budget,
    &quality::Quality,
    &regression::Regression,
];

/// Every finding, worst first, then by service and kind.
#[must_use]
pub fn findings(observation: &Observation, policy: &Policy) -> Vec<Finding> {
    let observed: Vec<(&String, &ServiceEvidence)> = observation.services.iter().collect();
    let found = parallel::map(&observed, |(service, evidence)| {
        let rules = policy.rules(service);
        if rules.mode == Mode::Off {
            return Vec::new();
        }
        let subject = Subject { service, evidence, rules, observation };
        ANALYZERS.iter().flat_map(|analyzer| analyzer.analyze(&subject)).collect()
    });
    let mut findings: Vec<Finding> = found.into_iter().flatten().collect();
    for (service, figures) in &observation.figures {
        let rules = policy.rules(service);
        if rules.mode != Mode::Off {
            findings.extend(figures::findings(service, observation.services.get(service), figures, rules));
        }
    }
    findings.extend(budget::total(observation, policy));
    findings
        .sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.service.cmp(&b.service)).then(a.kind.cmp(&b.kind)));
    findings
}

/// Arms whose own value is beyond `limit`, worst first, when the rest of the traffic together is within it; with that rest.
struct Culprits {
    arms: Vec<(Arm, f64)>,
    rest: f64,
}

impl Culprits {
    fn find(evidence: &ServiceEvidence, value: impl Fn(&Rollup) -> Option<f64>, limit: f64) -> Option<Self> {
        let mut arms: BTreeMap<&Arm, Rollup> = BTreeMap::new();
        for (arm, ArmEvidence { window, .. }) in evidence.segments.values().flatten() {
            let known = arms.entry(arm).or_default();
            *known = known.merged(window);
        }
        let beyond = |rollup: &Rollup| value(rollup).filter(|value| *value > limit);
        let mut found: Vec<(Arm, f64)> =
            arms.iter().filter_map(|(arm, rollup)| Some(((*arm).clone(), beyond(rollup)?))).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let others = arms.values().filter(|rollup| beyond(rollup).is_none());
        let rest = value(&others.fold(Rollup::default(), |sum, rollup| sum.merged(rollup)))?;
        (!found.is_empty() && rest <= limit).then_some(Self { arms: found, rest })
    }

    /// The one that is alone to blame.
    fn only(&self) -> Option<Arm> {
        if let [(arm, _)] = &self.arms[..] { Some(arm.clone()) } else { None }
    }

    /// `; a 31.3 s, b 12.0 s, the rest 4,404 ms`: three at most.
    fn blame(&self, show: impl Fn(f64) -> String) -> String {
        let mut named: Vec<String> =
            self.arms.iter().take(3).map(|(arm, value)| format!("{} {}", arm.model_id(), show(*value))).collect();
        if self.arms.len() > 3 {
            named.push(format!("{} more", self.arms.len() - 3));
        }
        format!("; {}, the rest {}", named.join(", "), show(self.rest))
    }
}
