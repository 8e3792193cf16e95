//! From rollups to findings: what is wrong, how bad, and how sure. Each analyzer is one file and one implementation of
//! [`Analyzer`]; none of them knows the others.

mod alerts;
mod anomaly;
mod baseline;
mod budget;
mod cost;
mod course;
mod courses;
mod drift;
mod errors;
mod figures;
mod latency;
mod level;
mod outlook;
mod quality;
mod regression;
#[cfg(test)]
mod tests;
mod tests_done;
mod traffic;
mod trend;
mod usual;

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::{
    domain::{Arm, Finding, Policy, Rules, analysis::LookedAt, policy::Mode},
    stats::{ArmEvidence, History, Observation, Rollup, ServiceEvidence, history::ServiceHistory},
};
pub use alerts::{alerts, alerts_later};
pub use anomaly::Watch;
pub use baseline::{Against, worse as worse_than_baseline};
pub use courses::service_course;
pub use outlook::outlooks;
use tests_done::TestsDone;

/// What an analyzer looks at: one service under its rules.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub service: &'a str,
    pub evidence: &'a ServiceEvidence,
    pub rules: &'a Rules,
    pub observation: &'a Observation,
    /// What is remembered of earlier ticks; none where nothing is.
    pub past: Option<Past<'a>>,
}

/// The memory of one service.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    pub history: &'a ServiceHistory,
    /// Length of a slot.
    pub slot_seconds: i64,
    /// The start of the oldest slot of any service, and the end of the newest, seconds since 1970, UTC.
    pub since: i64,
    pub now: i64,
}

/// One way of looking at a service.
pub trait Analyzer: Sync {
    /// What it sees. Tests whose p-values are to be corrected together are told to `done`, whatever they said.
    fn analyze(&self, subject: &Subject<'_>, done: &mut TestsDone) -> Vec<Finding>;
}

const ANALYZERS: &[&dyn Analyzer] = &[
    &traffic::Traffic,
    &latency::Latency,
    &errors::Errors,
    &cost::Cost,
    &budget::Budget,
    &quality::Quality,
    &regression::Regression,
    &usual::Usual,
    &drift::Drift,
    &trend::Trend,
    &level::Level,
];

/// What all analyzers saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Oriented {
    /// Worst first, then by service and kind.
    pub findings: Vec<Finding>,
    pub looked_at: LookedAt,
}

/// Every finding of one tick. Without a history, nothing is said about the course of things.
#[must_use]
pub fn findings(observation: &Observation, history: Option<&History>, policy: &Policy) -> Oriented {
    let now = observation.windows.window.end().as_second();
    let services: Vec<(&String, &ServiceEvidence)> = observation.services.iter().collect();
    let seen: Vec<(Vec<Finding>, TestsDone, u64)> = services
        .par_iter()
        .filter(|(service, _)| policy.rules(service).mode != Mode::Off)
        .map(|(service, evidence)| {
            let rules = policy.rules(service);
            let past = history.and_then(|history| {
                let of_service = history.services.get(*service)?;
                Some(Past { history: of_service, slot_seconds: history.slot_seconds, since: history.since?, now })
            });
            let subject = Subject { service, evidence, rules, observation, past };
            let mut done = TestsDone::default();
            let findings = ANALYZERS.iter().flat_map(|analyzer| analyzer.analyze(&subject, &mut done)).collect();
            (findings, done, past.map_or(0, |past| past.history.series()))
        })
        .collect();
    let mut looked_at = LookedAt { services: seen.len() as u64, ..LookedAt::default() };
    let (mut findings, mut done) = (Vec::new(), TestsDone::default());
    for (found, tests, series) in seen {
        findings.extend(found);
        done.absorb(tests);
        looked_at.series += series;
    }
    looked_at.tests = done.count();
    done.keep_significant(&mut findings);
    level::or_trend(&mut findings);
    for (service, figures) in &observation.figures {
        let rules = policy.rules(service);
        if rules.mode != Mode::Off {
            findings.extend(figures::findings(service, observation.services.get(service), figures, rules));
        }
    }
    findings.extend(budget::total(observation, history, policy));
    findings.extend(budget::total_month(observation, history, policy));
    sort(&mut findings);
    Oriented { findings, looked_at }
}

/// Worst first, then by service and kind; the rest only so that there is one order.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let worst = b.severity.cmp(&a.severity).then_with(|| a.service.cmp(&b.service)).then(a.kind.cmp(&b.kind));
        worst.then(a.evidence.metric.cmp(&b.evidence.metric)).then_with(|| a.summary.cmp(&b.summary))
    });
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
