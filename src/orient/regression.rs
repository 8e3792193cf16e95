//! A change of configuration that made things worse.

use super::{Analyzer, Subject, TestsDone};
use crate::{
    domain::{Evidence, Finding, FindingKind, Severity, format, plan::Measure},
    stats::regression::{self, Harm},
};

pub(super) struct Regression;

impl Analyzer for Regression {
    fn analyze(&self, subject: &Subject<'_>, _: &mut TestsDone) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (segment, arms) in &subject.evidence.segments {
            let Some(found) = regression::find(subject.evidence, arms, subject.rules.evidence, &subject.rules.rollback)
            else {
                continue;
            };
            for harm in &found.harms {
                let (before, now) = (show(harm, harm.before), show(harm, harm.now));
                let version = |arm: &crate::domain::Arm| arm.config_version.clone().unwrap_or_default();
                findings.push(Finding {
                    service: Some(subject.service.to_owned()),
                    kind: FindingKind::ConfigRegression,
                    severity: Severity::High,
                    observed: harm.now,
                    limit: harm.before,
                    unit: match harm.measure {
                        Measure::CostPerRequestUsd => "usd",
                        Measure::LatencyP95Ms => "ms",
                        Measure::Quality | Measure::ErrorRate => "ratio",
                    }
                    .into(),
                    interval: None,
                    requests: arms.get(&found.current).map_or(0, |arm| arm.lookback.requests.rows),
                    cause: Some(found.current.clone()),
                    summary: format!(
                        "{} went from {before} to {now} with config {} after {} ({} requests)",
                        harm.measure.name(),
                        version(&found.current),
                        version(&found.previous),
                        segment.name()
                    ),
                    evidence: Evidence::default(),
                });
            }
        }
        findings
    }
}

fn show(harm: &Harm, value: f64) -> String {
    match harm.measure {
        Measure::CostPerRequestUsd => format::usd(value),
        Measure::LatencyP95Ms => format::ms(value),
        Measure::Quality => format!("{value:.3}"),
        Measure::ErrorRate => format::percent(value),
    }
}
