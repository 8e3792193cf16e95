//! Failures on the provider's side. Refusals the caller brought about are not the provider's fault and not counted here.

use super::{Analyzer, Culprits, Subject, TestsDone};
use crate::{
    domain::{Evidence, Finding, FindingKind, Severity, format},
    stats::{Rollup, compare},
};

pub(super) struct Errors;

impl Analyzer for Errors {
    fn analyze(&self, subject: &Subject<'_>, _: &mut TestsDone) -> Vec<Finding> {
        above_limit(subject).into_iter().collect()
    }
}

fn above_limit(subject: &Subject<'_>) -> Option<Finding> {
    let window = &subject.evidence.window;
    let limit = subject.rules.thresholds.error_rate;
    let rate = compare::errors(window)?.estimate();
    if rate.value <= limit {
        return None;
    }
    let severity = if rate.low > limit { Severity::of_ratio(rate.value, limit) } else { Severity::Low };
    let culprits = Culprits::find(subject.evidence, Rollup::error_rate, limit);
    let blame = culprits.as_ref().map_or_else(String::new, |culprits| culprits.blame(format::percent));
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::ErrorRateHigh,
        severity,
        observed: rate.value,
        limit,
        unit: "ratio",
        interval: Some([rate.low, rate.high]),
        requests: window.requests.rows,
        cause: culprits.as_ref().and_then(Culprits::only),
        summary: format!(
            "{} of requests fail at the provider, limit {}{blame}",
            format::percent(rate.value),
            format::percent(limit)
        ),
        evidence: Evidence::default(),
    })
}
