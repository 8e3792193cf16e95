//! What another watcher reported.

use jiff::Timestamp;

use super::Severity;

/// One report about one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Unique among alerts; the same alert may arrive twice.
    pub id: String,
    pub at: Timestamp,
    /// None means all of them.
    pub service: Option<String>,
    /// For example `latency_spike`; any word is kept.
    pub kind: String,
    pub severity: Severity,
    /// The figure it is about, where it names one.
    pub figure: Option<AlertFigure>,
    /// What it takes for the cause, in its own words.
    pub cause: Option<String>,
}

/// A figure in the unit of whoever measured it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertFigure {
    pub name: String,
    pub value: f64,
    pub baseline: f64,
    /// Distance from the baseline in standard deviations.
    pub sigmas: Option<f64>,
}

/// Alerts of a file, and the lines that were none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alerts {
    /// Each once, in the order of time, service and id.
    pub alerts: Vec<Alert>,
    /// Lines that are no alert: what is wrong, and with how many.
    pub rejected: std::collections::BTreeMap<String, u64>,
}
