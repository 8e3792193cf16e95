//! A day of made-up or drawn traffic as a tick sees it, its last hour the window.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use optimizer::{
    domain::{
        Window,
        plan::{SourceSummary, UntilSource, Windows},
    },
    stats::{Observation, ServiceEvidence},
};

/// These services, over a whole day.
pub fn of(services: BTreeMap<String, ServiceEvidence>) -> Observation {
    let end: Timestamp = "2026-01-15T12:00:00Z".parse().expect("a time");
    let window = Window::ending_at(end, SignedDuration::from_hours(1)).expect("a window");
    let lookback = Window::ending_at(end, SignedDuration::from_hours(24)).expect("a window");
    let before = window.before().expect("a window before");
    let rows = services.values().map(|service| service.lookback.requests.rows).sum();
    let source = SourceSummary {
        files: 1,
        layouts: ["canonical".to_owned()].into(),
        rows_read: rows,
        rows_used: rows,
        rows_outside: 0,
        rows_duplicate: 0,
        rejected: BTreeMap::new(),
        passed_over: BTreeMap::new(),
        scores: None,
        oldest_event: Some(lookback.start()),
        newest_event: Some(end),
        ignored_columns: Vec::new(),
        engines: Vec::new(),
    };
    let windows = Windows { window, before, lookback, until: UntilSource::Flag };
    Observation { windows, source, services, figures: BTreeMap::new() }
}
