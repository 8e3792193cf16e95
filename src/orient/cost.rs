//! Cost of one request, and costs nobody knows.

use std::collections::BTreeSet;

use super::{Analyzer, Subject, TestsDone};
use crate::{
    domain::{Evidence, Finding, FindingKind, Severity, format},
    stats::compare::{self, UNPRICED_TOLERANCE},
};

pub(super) struct Cost;

impl Analyzer for Cost {
    fn analyze(&self, subject: &Subject<'_>, _: &mut TestsDone) -> Vec<Finding> {
        [above_limit(subject), unknown(subject)].into_iter().flatten().collect()
    }
}

fn above_limit(subject: &Subject<'_>) -> Option<Finding> {
    let window = &subject.evidence.window;
    let limit = subject.rules.thresholds.cost_per_request_usd;
    let cost = compare::cost(window)?;
    if cost.value <= limit {
        return None;
    }
    let interval = cost.estimate();
    let severity = if interval.low > limit { Severity::of_ratio(cost.value, limit) } else { Severity::Low };
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::CostPerRequestHigh,
        severity,
        observed: cost.value,
        limit,
        unit: "usd".into(),
        interval: Some([interval.low, interval.high]),
        requests: window.cost.rows(),
        cause: None,
        summary: format!("a request costs {}, limit {}", format::usd(cost.value), format::usd(limit)),
        evidence: Evidence::default(),
    })
}

fn unknown(subject: &Subject<'_>) -> Option<Finding> {
    let lookback = &subject.evidence.lookback;
    let share = lookback.requests.unpriced / lookback.requests.succeeded;
    // Without a success the share is NaN, which is not above anything.
    if share.is_nan() || share <= UNPRICED_TOLERANCE {
        return None;
    }
    let models: BTreeSet<String> = subject
        .evidence
        .segments
        .values()
        .flatten()
        .filter(|(_, arm)| arm.lookback.requests.unpriced > UNPRICED_TOLERANCE * arm.lookback.requests.succeeded)
        .map(|(arm, _)| arm.model_id())
        .collect();
    let models: Vec<String> = models.into_iter().collect();
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::CostUnknown,
        severity: Severity::Medium,
        observed: share,
        limit: UNPRICED_TOLERANCE,
        unit: "ratio".into(),
        interval: None,
        requests: lookback.requests.rows,
        cause: None,
        summary: format!(
            "{} of requests have no known cost: no price or no token counts for {}",
            format::percent(share),
            models.join(", ")
        ),
        evidence: Evidence::default(),
    })
}
