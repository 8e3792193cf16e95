//! Failures on the provider's side, time-outs among them, and attempts after others. Refusals the caller brought about are not the
//! provider's fault and not counted here.

use super::{Analyzer, Culprits, Subject, TestsDone};
use crate::{
    domain::{Evidence, Finding, FindingKind, Severity, format, plan::Estimate},
    stats::{Rollup, compare, interval::Rate},
};

/// One request in twenty that is an attempt after others.
const RETRIED: f64 = 0.05;

pub(super) struct Errors;

impl Analyzer for Errors {
    fn analyze(&self, subject: &Subject<'_>, _: &mut TestsDone) -> Vec<Finding> {
        [above_limit(subject), retried(subject)].into_iter().flatten().collect()
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
        unit: "ratio".into(),
        interval: Some([rate.low, rate.high]),
        requests: window.requests.rows,
        cause: culprits.as_ref().and_then(Culprits::only),
        summary: format!(
            "{} of requests fail at the provider{}, limit {}{blame}",
            format::percent(rate.value),
            classes(window),
            format::percent(limit)
        ),
        evidence: Evidence::default(),
    })
}

/// ` (half of them time-outs)`, and how much the callers add; nothing where neither is known.
fn classes(window: &Rollup) -> String {
    let requests = &window.requests;
    let mut parts = Vec::new();
    if requests.timeouts > 0.0 {
        parts.push(format!("{} of these are time-outs", format::percent(requests.timeouts / requests.provider_errors)));
    }
    if requests.caller_errors > 0.0 {
        parts
            .push(format!("{} more are refused to callers", format::percent(requests.caller_errors / requests.served)));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// Requests that had to be made again, and what they cost: an attempt after others buys an answer that was paid for before.
fn retried(subject: &Subject<'_>) -> Option<Finding> {
    let window = &subject.evidence.window;
    let requests = &window.requests;
    let efficiency = requests.weight_efficiency() * requests.rows as f64 / requests.weight.max(f64::MIN_POSITIVE);
    let Estimate { value, low, high } =
        Rate::new(requests.retried * efficiency, requests.served * efficiency)?.estimate();
    if low <= RETRIED {
        return None;
    }
    let days = subject.observation.windows.window.seconds() / 86_400.0;
    let paid = compare::cost(window).map(|cost| cost.value * requests.retried / days);
    let cost = paid.map_or_else(String::new, |usd| format!(", about {} a day", format::usd(usd)));
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::Waste,
        severity: Severity::of_ratio(low, RETRIED),
        observed: value,
        limit: RETRIED,
        unit: "ratio".into(),
        interval: Some([low, high]),
        requests: requests.rows,
        cause: None,
        summary: format!("{} of requests are attempts after others{cost}", format::percent(value)),
        evidence: Evidence::default(),
    })
}
