//! Thresholds on figures that somebody else computed. A limit counts as crossed when most figures of the window cross it: one
//! bad minute is not a bad hour, and no better test is possible without the requests themselves.

use crate::{
    domain::{Evidence, Finding, FindingKind, Rules, Severity, format},
    stats::{Figures, Measure, ServiceEvidence},
};

/// What the figures of a service say, where its own requests do not say it better.
pub(super) fn findings(
    service: &str,
    evidence: Option<&ServiceEvidence>,
    figures: &[Figures],
    rules: &Rules,
) -> Vec<Finding> {
    let requests = evidence.map_or(0, |evidence| evidence.window.requests.rows);
    if requests > 0 {
        return Vec::new();
    }
    figures.iter().filter_map(|figures| finding(service, figures, rules)).collect()
}

fn finding(service: &str, figures: &Figures, rules: &Rules) -> Option<Finding> {
    let thresholds = &rules.thresholds;
    let (kind, limit, unit, what): (_, _, _, &str) = match figures.measure {
        Measure::LatencyP95 => (FindingKind::LatencyHigh, thresholds.latency_p95_ms, "ms", "latency p95"),
        Measure::ErrorRate => (FindingKind::ErrorRateHigh, thresholds.error_rate, "ratio", "error rate"),
        Measure::CostPerRequest => {
            (FindingKind::CostPerRequestHigh, thresholds.cost_per_request_usd, "usd", "cost of a request")
        }
        Measure::Quality => (FindingKind::QualityLow, thresholds.quality_min, "ratio", "quality"),
    };
    let low = figures.measure == Measure::Quality;
    let crossing = if low { figures.below(limit) } else { figures.above(limit) };
    if 2 * crossing <= figures.values.len() {
        return None;
    }
    let observed = figures.median();
    let show = |value: f64| match figures.measure {
        Measure::LatencyP95 => format::ms(value),
        Measure::ErrorRate => format::percent(value),
        Measure::CostPerRequest => format::usd(value),
        Measure::Quality => format!("{value:.3}"),
    };
    Some(Finding {
        service: Some(service.to_owned()),
        kind,
        severity: if low { Severity::of_ratio(limit, observed) } else { Severity::of_ratio(observed, limit) },
        observed,
        limit,
        unit: unit.into(),
        interval: None,
        requests: figures.requests.map_or(0, |requests| requests as u64),
        cause: None,
        summary: format!(
            "{what} {} is {} the limit of {} in {crossing} of {}; these say nothing about single models",
            show(observed),
            if low { "below" } else { "above" },
            show(limit),
            format::counted(figures.values.len() as u64, "figure"),
        ),
        evidence: Evidence::default(),
    })
}
