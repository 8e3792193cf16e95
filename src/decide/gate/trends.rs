//! The candidate's own figures, held against those of former runs: for projects that keep a history instead of a baseline.

use crate::{
    domain::{
        gate::{GateMetric, PastGate, TrendReading},
        gate_rules::{TrendRule, TrendTest},
    },
    stats::{
        descriptive::{self, LogNormal, Quartiles},
        limits::{Boundaries, Limits, LowerTail},
    },
};

/// Reads each rule; `figure` is the candidate's, over all requests.
pub(super) fn trends(
    rules: &[TrendRule],
    past: &[PastGate],
    figure: impl Fn(GateMetric) -> Option<f64>,
) -> Vec<TrendReading> {
    rules.iter().map(|rule| read(rule, past, figure(rule.metric))).collect()
}

fn read(rule: &TrendRule, past: &[PastGate], candidate: Option<f64>) -> TrendReading {
    let mut past: Vec<&PastGate> = past.iter().collect();
    past.sort_by_key(|run| run.at);
    let known: Vec<f64> = past.iter().filter_map(|run| run.figures.get(&rule.metric).copied()).collect();
    let known = &known[known.len().saturating_sub(rule.max_runs)..];
    let reading = TrendReading {
        metric: rule.metric,
        test: rule.test,
        candidate,
        usual: None,
        lower: None,
        upper: None,
        runs: known.len() as u64,
        lack: None,
        holds: true,
    };
    if known.len() < rule.min_runs {
        let lack = format!("{} former runs tell it, and {} are needed", known.len(), rule.min_runs);
        return TrendReading { lack: Some(lack), ..reading };
    }
    let Some(limits) = limits(rule, known) else {
        return TrendReading { lack: Some("the former figures give no limit".to_owned()), ..reading };
    };
    let (usual, lower, upper) = (limits.baseline, limits.lower, limits.upper);
    let Some(value) = candidate else {
        return TrendReading {
            lack: Some("the candidate does not tell it".to_owned()),
            usual,
            lower,
            upper,
            ..reading
        };
    };
    TrendReading { usual, lower, upper, holds: limits.side(value).is_none(), ..reading }
}

fn limits(rule: &TrendRule, known: &[f64]) -> Option<Limits> {
    let boundaries = Boundaries { lower: rule.lower, upper: rule.upper };
    let limits = match rule.test {
        TrendTest::Percentage => Limits::percentage(descriptive::mean(known)?, boundaries),
        TrendTest::ZScore => {
            let mean = descriptive::mean(known)?;
            Limits::z(mean, descriptive::standard_deviation(known, mean)?, boundaries)
        }
        TrendTest::TTest => {
            let mean = descriptive::mean(known)?;
            let deviation = descriptive::standard_deviation(known, mean)?;
            Limits::t_prediction(mean, deviation, known.len() as f64, boundaries)
        }
        TrendTest::LogNormal => Limits::log_normal(LogNormal::fit(known)?, boundaries, LowerTail::Quantile),
        TrendTest::Iqr => Limits::iqr(Quartiles::of(known)?, boundaries),
        TrendTest::DeltaIqr => {
            Limits::delta_iqr(Quartiles::of(known)?, Quartiles::of_relative_changes(known)?, boundaries)
        }
    };
    (limits.lower.is_some() || limits.upper.is_some()).then_some(limits)
}
