//! Which services get plots of their own; tables have all of them.

use std::collections::BTreeMap;

use crate::domain::{Finding, Severity, format, material::Material, plan::Action};

/// Services with plots: a page of hundreds is read by nobody.
const MOST: usize = 8;

/// Services with something to tell, the most important first; the dearest fill up.
#[must_use]
pub fn worth_a_plot(material: &Material) -> Vec<String> {
    let found = findings(material).into_iter().filter_map(|finding| {
        let weight = match finding.severity {
            Severity::Critical => 1_000.0,
            Severity::High => 100.0,
            Severity::Medium => 30.0,
            Severity::Low => 3.0,
        };
        Some((finding.service.as_deref()?, weight))
    });
    let decided = material.plan.iter().flat_map(|plan| &plan.decisions).map(|decision| {
        let weight = match decision.action {
            Action::Change | Action::Revert | Action::Experiment | Action::Deferred => 50.0,
            Action::Refused => 1.0,
            Action::Keep | Action::Off => 0.0,
        };
        (decision.service.as_str(), weight)
    });
    let moving = material.rollouts.iter().map(|status| (status.rollout.service.as_str(), 40.0));
    let mut weights: BTreeMap<&str, f64> = BTreeMap::new();
    for (service, weight) in found.chain(decided).chain(moving) {
        *weights.entry(service).or_default() += weight;
    }
    let mut ranked: Vec<(&str, f64, f64)> =
        names(material).map(|(name, spend)| (name, weights.get(name).copied().unwrap_or(0.0), spend)).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.2.total_cmp(&a.2)).then(a.0.cmp(b.0)));
    ranked.into_iter().take(MOST).map(|(name, ..)| name.to_owned()).collect()
}

/// Every service of the plan, with what it spends while the window goes by.
fn names(material: &Material) -> impl Iterator<Item = (&str, f64)> {
    let services = material.plan.iter().flat_map(|plan| &plan.services);
    services.map(|service| (service.service.as_str(), service.requests * service.cost_per_request_usd.unwrap_or(0.0)))
}

/// Findings of the plan and of analyses, worst first, each once.
pub(super) fn findings(material: &Material) -> Vec<&Finding> {
    let analysed = material.analyses.iter().flat_map(|analysis| &analysis.findings);
    let planned = material.plan.iter().flat_map(|plan| &plan.findings);
    let mut all: Vec<&Finding> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for finding in analysed.chain(planned) {
        let metric = finding.evidence.metric.map(crate::domain::Metric::name);
        if seen.insert((finding.service.as_deref(), finding.kind, metric, finding.cause.as_ref())) {
            all.push(finding);
        }
    }
    // What tells when it began says more than what does not.
    all.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.evidence.since.is_none()));
    all
}

/// A name in a title: names come from logs, and may be as long as they like.
pub(super) fn name(service: &str) -> String {
    format::short(service)
}
