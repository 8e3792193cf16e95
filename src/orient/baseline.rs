//! What became worse since a baseline was set.

use super::TestsDone;
use crate::{
    domain::{Evidence, Finding, FindingKind, Rules, Severity, finding::Test, format, metric::Harm, policy::Mode},
    stats::comparison::Comparison,
};

/// Figures of a service held against those of a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    pub service: String,
    /// Name of the baseline.
    pub baseline: String,
    /// Which of its hours, as it reads after "against".
    pub hours: &'static str,
    pub comparisons: Vec<Comparison>,
}

/// Smaller changes are nobody's business, however sure: a tenth.
const SMALLEST_CHANGE: f64 = 0.1;

/// What is worse, by more than a tenth and more than chance. Tests are corrected together.
pub fn worse<'a>(compared: &[Against], rules: impl Fn(&str) -> &'a Rules) -> Vec<Finding> {
    let (mut findings, mut done) = (Vec::new(), TestsDone::default());
    for against in compared.iter().filter(|against| rules(&against.service).mode != Mode::Off) {
        for comparison in &against.comparisons {
            if let Some(p_value) = comparison.p_value {
                done.add(FindingKind::WorseThanBaseline, p_value);
                findings.extend(finding(against, comparison, p_value));
            }
        }
    }
    done.keep_significant(&mut findings);
    findings
}

fn finding(against: &Against, comparison: &Comparison, p_value: f64) -> Option<Finding> {
    let Comparison { metric, now, then, difference, mann_whitney_p, requests, .. } = *comparison;
    let (high, low) = match metric.harm() {
        Harm::Up if now > then => (now, then),
        Harm::Down if now < then => (then, now),
        _ => return None,
    };
    if high - low <= SMALLEST_CHANGE * then.abs() {
        return None;
    }
    let mut tests = vec![Test { name: "two-sample mean".into(), statistic: now - then, p_value: Some(p_value) }];
    tests.extend(mann_whitney_p.map(|p| Test { name: "Mann–Whitney".into(), statistic: now - then, p_value: Some(p) }));
    let change = if then > 0.0 { format!(" ({})", format::change(now / then - 1.0)) } else { String::new() };
    Some(Finding {
        service: Some(against.service.clone()),
        kind: FindingKind::WorseThanBaseline,
        severity: Severity::of_ratio(high, low),
        observed: now,
        limit: then,
        unit: metric.unit().into(),
        interval: difference.map(|[low, high]| [then + low, then + high]),
        requests: requests[0] as u64,
        cause: None,
        summary: format!(
            "{} {} against {} in baseline `{}`{change}, {}",
            metric.name(),
            metric.show(now),
            metric.show(then),
            against.baseline,
            against.hours
        ),
        evidence: Evidence { metric: Some(metric), tests, ..Evidence::default() },
    })
}
