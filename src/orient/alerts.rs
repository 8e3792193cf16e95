//! Alerts of another watcher as findings. They inform: nothing is decided on another's word.

use crate::domain::{
    Evidence, Finding, FindingKind, Policy, Window,
    alert::{Alert, Alerts},
    format::{quantity, visible},
    policy::Mode,
};

/// Alerts of the window; older ones have expired, and later ones belong to a later tick.
#[must_use]
pub fn alerts(alerts: &Alerts, window: &Window, policy: &Policy) -> Vec<Finding> {
    let inside = |alert: &&Alert| alert.at >= window.start() && alert.at < window.end();
    let watched = |alert: &&Alert| alert.service.as_deref().is_none_or(|name| policy.rules(name).mode != Mode::Off);
    alerts.alerts.iter().filter(inside).filter(watched).map(finding).collect()
}

/// How many came after the window.
#[must_use]
pub fn alerts_later(alerts: &Alerts, window: &Window) -> u64 {
    alerts.alerts.iter().filter(|alert| alert.at >= window.end()).count() as u64
}

fn finding(alert: &Alert) -> Finding {
    let mut summary = format!("Sentinel reports {}", alert.kind.replace('_', " "));
    if let Some(figure) = &alert.figure {
        let sigmas = figure.sigmas.map_or_else(String::new, |sigmas| format!(", {} σ away", quantity(sigmas)));
        let (value, baseline) = (quantity(figure.value), quantity(figure.baseline));
        summary += &format!(": {} {value}, usually {baseline}{sigmas}", figure.name);
    }
    if let Some(cause) = &alert.cause {
        summary += &format!("; it suspects: {}", visible(cause).replace('\n', " "));
    }
    Finding {
        service: alert.service.clone(),
        kind: FindingKind::Alert,
        severity: alert.severity,
        observed: alert.figure.as_ref().map_or(1.0, |figure| figure.value),
        limit: alert.figure.as_ref().map_or(0.0, |figure| figure.baseline),
        unit: "as reported".into(),
        interval: None,
        requests: 0,
        cause: None,
        summary,
        evidence: Evidence { since: Some(alert.at), ..Evidence::default() },
    }
}
