//! Quality scores: enough of them, high enough, and not falling. A request without a score says nothing about quality.

use super::{Analyzer, Subject, TestsDone};
use crate::{
    domain::{Evidence, Finding, FindingKind, Severity, finding::Test, format},
    stats::{Rollup, interval},
};

pub(super) struct Quality;

impl Analyzer for Quality {
    fn analyze(&self, subject: &Subject<'_>, done: &mut TestsDone) -> Vec<Finding> {
        if let Some(unknown) = unknown(subject) {
            return vec![unknown];
        }
        [low(subject), drop_since_before(subject, done)].into_iter().flatten().collect()
    }
}

fn unknown(subject: &Subject<'_>) -> Option<Finding> {
    let window = &subject.evidence.window;
    let limit = subject.rules.thresholds.quality_coverage_min;
    let coverage = window.quality_coverage();
    if window.requests.rows == 0 || coverage >= limit {
        return None;
    }
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::QualityUnknown,
        severity: Severity::Low,
        observed: coverage,
        limit,
        unit: "ratio".into(),
        interval: None,
        requests: window.requests.rows,
        cause: None,
        summary: if coverage == 0.0 {
            "no request carries a quality score: no cheaper model can be shown to be good enough".to_owned()
        } else {
            format!(
                "only {} of requests carry a quality score, {} needed",
                format::percent(coverage),
                format::percent(limit)
            )
        },
        evidence: Evidence::default(),
    })
}

fn low(subject: &Subject<'_>) -> Option<Finding> {
    let window = &subject.evidence.window;
    let limit = subject.rules.thresholds.quality_min;
    let mean = interval::mean(&window.quality, window.effective_quality())?;
    if mean.value >= limit {
        return None;
    }
    let interval = mean.estimate();
    let severity = if interval.high < limit { Severity::of_ratio(limit, mean.value) } else { Severity::Low };
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::QualityLow,
        severity,
        observed: mean.value,
        limit,
        unit: "ratio".into(),
        interval: Some([interval.low, interval.high]),
        requests: window.quality.rows(),
        cause: None,
        summary: format!(
            "mean quality {:.3} is below {limit:.3} ({} scored)",
            mean.value,
            format::percent(window.quality_coverage())
        ),
        evidence: Evidence::default(),
    })
}

fn drop_since_before(subject: &Subject<'_>, done: &mut TestsDone) -> Option<Finding> {
    let quality = |rollup: &Rollup| interval::mean(&rollup.quality, rollup.effective_quality());
    let (now, then) = (quality(&subject.evidence.window)?, quality(&subject.evidence.before)?);
    let limit = subject.rules.thresholds.quality_drop_percent;
    let loss = then.minus(&now);
    let percent = 100.0 * loss.value / then.value;
    // The fall must be real as well as large. NaN (nothing to fall from) is not above the limit.
    let p_value = loss.probability_at_most(0.0);
    done.add(FindingKind::QualityDrop, p_value);
    if percent.is_nan() || percent <= limit {
        return None;
    }
    let interval = loss.estimate();
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::QualityDrop,
        severity: Severity::of_ratio(percent, limit).max(Severity::Medium),
        observed: percent,
        limit,
        unit: "percent".into(),
        interval: Some([100.0 * interval.low / then.value, 100.0 * interval.high / then.value]),
        requests: subject.evidence.window.quality.rows(),
        cause: None,
        summary: format!("mean quality fell from {:.3} to {:.3} against the window before", then.value, now.value),
        evidence: Evidence {
            tests: vec![Test { name: "z of the difference".into(), statistic: loss.z(), p_value: Some(p_value) }],
            ..Evidence::default()
        },
    })
}
