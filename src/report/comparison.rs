//! Figures against a baseline.

use schemars::JsonSchema;
use serde::Serialize;

use super::Screen;
use crate::domain::{
    Metric,
    format::{change, count},
};

/// One figure of one service against a baseline. The JSON form is an array of these.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ComparisonLine {
    pub service: String,
    pub metric: Metric,
    pub unit: &'static str,
    pub baseline: f64,
    pub now: f64,
    /// 90 % interval of the difference, in the unit.
    pub difference: Option<[f64; 2]>,
    /// The difference in standard deviations (Hedges' g).
    pub hedges_g: Option<f64>,
    /// Of the means (Welch) or of two proportions, corrected for the number of comparisons (Benjamini and Hochberg).
    pub p_value: Option<f64>,
    /// Of the Mann–Whitney test, as it stands.
    pub mann_whitney_p: Option<f64>,
    /// Independent requests now and in the baseline.
    pub requests: [f64; 2],
    /// Which hours of the baseline.
    pub against: &'static str,
    pub verdict: Verdict,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Better,
    Worse,
    /// Neither way is good or bad.
    Different,
    /// Which is not the same as equal: see the interval.
    NotShown,
    /// Too few requests for a test.
    Unknown,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "WORSE",
            Self::Different => "different",
            Self::NotShown => "no difference shown",
            Self::Unknown => "too few requests",
        }
    }
}

/// As JSON, with a final line break.
#[must_use]
pub fn comparisons_json(lines: &[ComparisonLine]) -> String {
    serde_json::to_string_pretty(lines).expect("comparisons are plain data") + "\n"
}

/// As lines of text, service by service.
#[must_use]
pub fn comparisons(lines: &[ComparisonLine], screen: Screen) -> String {
    let mut text = String::new();
    for of_service in lines.chunk_by(|a, b| a.service == b.service) {
        let first = &of_service[0];
        text += &format!("{}, against {}\n", first.service, first.against);
        for line in of_service {
            let show = |value: f64| line.metric.show(value);
            let moved = if line.baseline > 0.0 { change(line.now / line.baseline - 1.0) } else { String::new() };
            let interval = line
                .difference
                .filter(|_| line.baseline > 0.0 && screen.width >= 90)
                .map(|[low, high]| format!("({} … {})", change(low / line.baseline), change(high / line.baseline)))
                // One that is wider than its column says nothing but that nothing is known.
                .filter(|interval| interval.chars().count() <= 17);
            text += format!(
                "  {:<24} {:>12} → {:<12} {:>7} {:<17} {}",
                line.metric.name(),
                show(line.baseline),
                show(line.now),
                moved,
                interval.unwrap_or_default(),
                line.verdict.name()
            )
            .trim_end();
            text += "\n";
        }
        let [now, then] = first.requests;
        text += &format!("  from {} independent requests now and {} then\n\n", count(now as u64), count(then as u64));
    }
    text
}
