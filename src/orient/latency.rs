//! Latency of successful requests: its 95th percentile against the limit and against the window before.

use super::{Analyzer, Culprits, Subject, TestsDone};
use crate::{
    domain::{Evidence, Finding, FindingKind, Severity, finding::Test, format},
    stats::{
        compare::LATENCY_QUANTILE,
        interval::{exp_estimate, log_quantile},
    },
};

pub(super) struct Latency;

impl Analyzer for Latency {
    fn analyze(&self, subject: &Subject<'_>, done: &mut TestsDone) -> Vec<Finding> {
        [above_limit(subject), increase(subject, done)].into_iter().flatten().collect()
    }
}

fn above_limit(subject: &Subject<'_>) -> Option<Finding> {
    let window = &subject.evidence.window;
    let limit = subject.rules.thresholds.latency_p95_ms;
    let observed = window.latency.quantile(LATENCY_QUANTILE)?;
    if observed <= limit {
        return None;
    }
    let interval =
        log_quantile(&window.latency, LATENCY_QUANTILE, window.effective_latency()).map(|log| exp_estimate(&log));
    // A limit inside the interval may not be crossed at all.
    let sure = interval.is_some_and(|interval| interval.low > limit);
    let severity = if sure { Severity::of_ratio(observed, limit) } else { Severity::Low };
    let culprits = Culprits::find(subject.evidence, |rollup| rollup.latency.quantile(LATENCY_QUANTILE), limit);
    let blame = culprits.as_ref().map_or_else(String::new, |culprits| culprits.blame(format::ms));
    let doubt = if sure { "" } else { ", within its uncertainty" };
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::LatencyHigh,
        severity,
        observed,
        limit,
        unit: "ms".into(),
        interval: interval.map(|interval| [interval.low, interval.high]),
        requests: window.latency.rows(),
        cause: culprits.as_ref().and_then(Culprits::only),
        summary: format!(
            "latency p95 {} is above the limit of {}{doubt}{blame}",
            format::ms(observed),
            format::ms(limit)
        ),
        evidence: Evidence::default(),
    })
}

fn increase(subject: &Subject<'_>, done: &mut TestsDone) -> Option<Finding> {
    let (window, before) = (&subject.evidence.window, &subject.evidence.before);
    let now = log_quantile(&window.latency, LATENCY_QUANTILE, window.effective_latency())?;
    let then = log_quantile(&before.latency, LATENCY_QUANTILE, before.effective_latency())?;
    let growth = now.minus(&then);
    let limit = subject.rules.thresholds.latency_increase_percent;
    let percent = (growth.value.exp() - 1.0) * 100.0;
    let interval = growth.estimate();
    // Both the size and the reality of the change.
    let p_value = growth.probability_at_most(0.0);
    done.add(FindingKind::LatencyIncrease, p_value);
    if percent <= limit {
        return None;
    }
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::LatencyIncrease,
        severity: Severity::of_ratio(growth.value.exp(), 1.0),
        observed: percent,
        limit,
        unit: "percent".into(),
        interval: Some([(interval.low.exp() - 1.0) * 100.0, (interval.high.exp() - 1.0) * 100.0]),
        requests: window.latency.rows(),
        cause: None,
        summary: format!(
            "latency p95 rose from {} to {} against the window before",
            format::ms(then.value.exp()),
            format::ms(now.value.exp())
        ),
        evidence: Evidence {
            tests: vec![Test { name: "z of the difference".into(), statistic: growth.z(), p_value: Some(p_value) }],
            ..Evidence::default()
        },
    })
}
