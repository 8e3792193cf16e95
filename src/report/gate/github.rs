//! Workflow commands, which GitHub shows beside a change.

use super::{figures::sentence, others, worse};
use crate::domain::gate::GateReport;

/// Annotations of a job at most, by GitHub's own limit of ten of a kind a step.
const MOST: usize = 10;

/// A line for each thing that got worse, the first of them, and for whatever else fails.
#[must_use]
pub fn gate_annotations(report: &GateReport) -> String {
    let mut text = String::new();
    for one in worse(report).take(MOST) {
        let level = if one.suppressed.is_some() || !report.enforced { "warning" } else { "error" };
        let title = property(&format!("{} got worse", one.about()));
        text += &format!("::{level} title={title}::{}\n", data(&sentence(one)));
    }
    let level = if report.enforced { "error" } else { "warning" };
    for reason in others(report).take(MOST) {
        text += &format!("::{level} title=Gate::{}\n", data(&reason.summary));
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
