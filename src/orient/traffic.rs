//! A service that fell silent. Nothing measured is not the same as nothing wrong.

use super::{Analyzer, Subject, TestsDone};
use crate::domain::{Evidence, Finding, FindingKind, Severity, format};

pub(super) struct Traffic;

impl Analyzer for Traffic {
    fn analyze(&self, subject: &Subject<'_>, _: &mut TestsDone) -> Vec<Finding> {
        let earlier = subject.evidence.lookback.requests.rows;
        if subject.evidence.window.requests.rows > 0 || earlier == 0 {
            return Vec::new();
        }
        vec![Finding {
            service: Some(subject.service.to_owned()),
            kind: FindingKind::NoTraffic,
            severity: Severity::Medium,
            observed: 0.0,
            limit: earlier as f64,
            unit: "requests".into(),
            interval: None,
            requests: 0,
            cause: None,
            summary: format!(
                "no request in the window, {} before it: silent, or its log is late",
                format::count(earlier)
            ),
            evidence: Evidence::default(),
        }]
    }
}
