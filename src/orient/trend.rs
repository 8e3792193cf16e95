//! A steady rise or fall over whole days.

use super::{Analyzer, Past, Subject, TestsDone, course, level::hourly};
use crate::{
    domain::{
        Evidence, Finding, FindingKind, Metric, Rules, Severity,
        finding::Test,
        format::{change, counted},
        metric::Harm,
    },
    stats::{
        Point,
        hypothesis::Alternative,
        mann_kendall::{self, Autocorrelation},
        time_series::{
            between,
            slope::{Slope, slope},
        },
    },
};

const DAY: i64 = 86_400;

/// A trend is looked for over so many whole days: fewer are weather.
const FEWEST_DAYS: i64 = 3;
const MOST_DAYS: i64 = 14;

/// Smaller changes over all of it are nobody's business: a tenth.
const SMALLEST_CHANGE: f64 = 0.1;

/// Independent points below which the test is too eager.
const FEWEST_EFFECTIVE: f64 = 10.0;

pub(super) struct Trend;

impl Analyzer for Trend {
    fn analyze(&self, subject: &Subject<'_>, done: &mut TestsDone) -> Vec<Finding> {
        let Some(past) = subject.past else { return Vec::new() };
        Metric::ALL.into_iter().filter_map(|metric| trend(subject, &past, metric, done)).collect()
    }
}

/// The points of the last whole days, so that every time of day weighs the same.
fn whole_days(series: &[Point], now: i64) -> Option<(&[Point], i64)> {
    let first = series.first()?.at;
    let days = ((now - first) / DAY).min(MOST_DAYS);
    (days >= FEWEST_DAYS).then(|| (between(series, now - days * DAY, now), days))
}

fn trend(subject: &Subject<'_>, past: &Past<'_>, metric: Metric, done: &mut TestsDone) -> Option<Finding> {
    let (points, days) = whole_days(past.history.service.of(metric), past.now)?;
    let found = slope(points).ok()?;
    if found.effective_points < FEWEST_EFFECTIVE {
        return None;
    }
    done.add(FindingKind::Trend, found.p_value);
    let over_all = found.relative_per_day? * days as f64;
    let worse = match metric.harm() {
        Harm::Up => over_all > 0.0,
        Harm::Down => over_all < 0.0,
        Harm::Neither => true,
    };
    if over_all.abs() < SMALLEST_CHANGE || !worse {
        return None;
    }
    let level = points.iter().map(|point| point.value).sum::<f64>() / points.len() as f64;
    let now = level + found.per_day * days as f64 / 2.0;
    let reached = limit(metric, subject.rules).and_then(|limit| {
        let days = (limit - now) / found.per_day;
        (days > 0.0 && days < 30.0).then_some((limit, days))
    });
    let severity = match (reached, metric.harm()) {
        (Some((_, days)), _) if days <= 2.0 => Severity::Medium,
        (_, Harm::Neither) => Severity::Low,
        _ if over_all.abs() > 0.5 => Severity::Medium,
        _ => Severity::Low,
    };
    let when = reached.map_or_else(String::new, |(limit, days)| {
        format!("; at this rate at the limit of {} in {days:.0} days", metric.show(limit))
    });
    let direction = if over_all > 0.0 { "rises" } else { "falls" };
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::Trend,
        severity,
        observed: found.per_day,
        limit: 0.0,
        unit: metric.unit().into(),
        interval: Some([found.low, found.high]),
        requests: subject.evidence.window.requests.rows,
        cause: None,
        summary: format!(
            "{} {direction} steadily: {} over {}, now about {}{when}",
            metric.name(),
            change(over_all),
            counted(days as u64, "day"),
            metric.show(now.max(0.0)),
        ),
        evidence: Evidence {
            metric: Some(metric),
            tests: tests(&found, points, past.now),
            recent: course::recent(points, past.now - days * DAY, past.now),
            ..Evidence::default()
        },
    })
}

/// The slope, and beside it what the ranks of hours say, on which single wild values weigh nothing.
fn tests(found: &Slope, points: &[Point], now: i64) -> Vec<Test> {
    let hours: Vec<f64> = hourly(points, now).iter().map(|hour| hour.value).collect();
    let ranks = mann_kendall::corrected(&hours, Autocorrelation::FirstOrder).ok();
    let line = Test {
        name: "least squares with Newey–West error".into(),
        statistic: found.per_day,
        p_value: Some(found.p_value),
    };
    let ranks = ranks.map(|test| Test {
        name: "Mann–Kendall of hours".into(),
        statistic: test.z(),
        p_value: Some(test.p_value(Alternative::TwoSided)),
    });
    std::iter::once(line).chain(ranks).collect()
}

/// The threshold that the mean itself is held against.
fn limit(metric: Metric, rules: &Rules) -> Option<f64> {
    let thresholds = &rules.thresholds;
    match metric {
        Metric::ErrorRate => Some(thresholds.error_rate),
        Metric::CostPerRequest => Some(thresholds.cost_per_request_usd),
        Metric::Quality => Some(thresholds.quality_min),
        Metric::Requests | Metric::Latency | Metric::Ttft | Metric::InputTokens | Metric::OutputTokens => None,
    }
}
