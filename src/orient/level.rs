//! A figure that has moved to another level and stayed there.

use jiff::Timestamp;

use super::{Analyzer, Past, Subject, TestsDone, course};
use crate::{
    domain::{Evidence, Finding, FindingKind, Metric, Severity, finding::Test, format::change, metric::Harm},
    stats::{
        Point,
        change_point::{Change, change_points},
        time_series::{between, cusum},
    },
};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// As far back as a change is looked for, and as far as it is worth telling.
const LOOKED_AT: i64 = 14 * DAY;
const NEWS: i64 = 3 * DAY;

/// Shorter stays are weather, and an anomaly has been told already.
const STAYED: i64 = 12 * HOUR;

/// A step of so many times the usual scatter.
const STANDS_OUT: f64 = 4.0;

/// Smaller steps are nobody's business: a tenth.
const SMALLEST_STEP: f64 = 0.1;

/// With fewer days, every morning would be another level.
const FEWEST_DAYS: i64 = 4;

/// From so many days on, weekends have hours of their own; before, the level of traffic is not looked at, because it has.
const DAYS_WITH_WEEKENDS: i64 = 10;

pub(super) struct Level;

impl Analyzer for Level {
    fn analyze(&self, subject: &Subject<'_>, _: &mut TestsDone) -> Vec<Finding> {
        let Some(past) = subject.past else { return Vec::new() };
        Metric::ALL.into_iter().filter_map(|metric| shifted(subject, &past, metric)).collect()
    }
}

/// A step also bends a straight line, and a slope also looks like steps: of the two only one is told of a figure, the step where it
/// stands out of its scatter.
pub(super) fn or_trend(findings: &mut Vec<Finding>) {
    let of = |findings: &[Finding], kind: FindingKind, stands_out: bool| -> Vec<(Option<String>, Option<Metric>)> {
        let size =
            |finding: &Finding| finding.evidence.tests.first().is_some_and(|test| test.statistic.abs() >= STANDS_OUT);
        let picked = findings.iter().filter(|finding| finding.kind == kind && (!stands_out || size(finding)));
        picked.map(|finding| (finding.service.clone(), finding.evidence.metric)).collect()
    };
    let steps = of(findings, FindingKind::LevelShift, true);
    findings.retain(|finding| {
        finding.kind != FindingKind::Trend || !steps.contains(&(finding.service.clone(), finding.evidence.metric))
    });
    let slopes = of(findings, FindingKind::Trend, false);
    findings.retain(|finding| {
        finding.kind != FindingKind::LevelShift || !slopes.contains(&(finding.service.clone(), finding.evidence.metric))
    });
}

/// The newest step of an hourly series.
fn shifted(subject: &Subject<'_>, past: &Past<'_>, metric: Metric) -> Option<Finding> {
    let series = between(past.history.service.of(metric), past.now - LOOKED_AT, past.now);
    let days = (past.now - series.first()?.at) / DAY;
    if days < FEWEST_DAYS || (metric == Metric::Requests && days < DAYS_WITH_WEEKENDS) {
        return None;
    }
    let hours = hourly(series, past.now);
    // Latencies, costs and lengths are skewed: on their logarithm noise is alike on both sides.
    let logarithm = !matches!(metric, Metric::ErrorRate | Metric::Quality) && hours.iter().all(|hour| hour.value > 0.0);
    let scaled: Vec<Point> = hours
        .iter()
        .map(|hour| Point { value: if logarithm { hour.value.ln() } else { hour.value }, ..*hour })
        .collect();
    let values = without_daily_pattern(&scaled, days >= DAYS_WITH_WEEKENDS);
    let changes = change_points(&values);
    let step: &Change = changes.last()?;
    let since = hours.get(step.index)?.at;
    if past.now - since > NEWS || past.now - since < STAYED {
        return None;
    }
    // As measured since, and as it would be at these hours without the step.
    let after = median(&hours[step.index..])?;
    let before = if logarithm { after * (step.before - step.after).exp() } else { after + step.before - step.after };
    let relative = if before > 0.0 { after / before - 1.0 } else { f64::NAN };
    // From nothing, only failures can come to something.
    let large =
        if metric == Metric::ErrorRate { (after - before).abs() >= 0.01 } else { relative.abs() >= SMALLEST_STEP };
    let worse = match metric.harm() {
        Harm::Up => after > before,
        Harm::Down => after < before,
        Harm::Neither => true,
    };
    if !large || !worse {
        return None;
    }
    let severity = match metric.harm() {
        Harm::Up | Harm::Down => Severity::of_ratio(after.max(before), after.min(before)),
        Harm::Neither => Severity::Low,
    };
    let at = Timestamp::from_second(since).ok()?;
    let size = step.size.map_or_else(String::new, |size| format!(", {:.1} times its usual scatter", size.abs()));
    let moved = if relative.is_finite() { format!(" ({}{size})", change(relative)) } else { String::new() };
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::LevelShift,
        severity,
        observed: after,
        limit: before,
        unit: metric.unit().into(),
        interval: None,
        requests: subject.evidence.window.requests.rows,
        cause: None,
        summary: format!(
            "{} went from {} to {}{moved} and stayed there, since {} UTC",
            metric.name(),
            metric.show(before),
            metric.show(after),
            at.strftime("%Y-%m-%d %H:%M"),
        ),
        evidence: Evidence {
            metric: Some(metric),
            since: Some(at),
            tests: tests(step, &hours, &values),
            recent: course::recent(series, hours.first()?.at, past.now),
            ..Evidence::default()
        },
    })
}

/// The change point, and beside it the cumulative sum, where that has spoken too.
fn tests(step: &Change, hours: &[Point], values: &[f64]) -> Vec<Test> {
    let change = Test {
        name: "change point (optimal partitioning)".into(),
        statistic: step.size.unwrap_or_default(),
        p_value: Some(step.p_value),
    };
    let series: Vec<Point> = hours.iter().zip(values).map(|(hour, value)| Point { value: *value, ..*hour }).collect();
    // What comes before the step is the reference, in so far as it can be one.
    let settings = cusum::Settings { reference: step.index.saturating_sub(1), ..cusum::Settings::default() };
    let sum = cusum::cusum(&series, settings).ok().flatten().and_then(|shift| shift.size_in_deviations);
    let sum = sum.map(|size| Test { name: "cumulative sum".into(), statistic: size, p_value: None });
    std::iter::once(change).chain(sum).collect()
}

/// Less the median of the same hour of the other days, weekends apart from working days where there are enough of both.
fn without_daily_pattern(hours: &[Point], weekends_apart: bool) -> Vec<f64> {
    let class = |at: i64| {
        // The first of January 1970 was a Thursday.
        let weekend = weekends_apart && (at.div_euclid(DAY) + 3).rem_euclid(7) >= 5;
        (at.rem_euclid(DAY) / HOUR + 24 * i64::from(weekend)) as usize
    };
    let mut by_class: [Vec<f64>; 48] = std::array::from_fn(|_| Vec::new());
    for hour in hours {
        by_class[class(hour.at)].push(hour.value);
    }
    let medians = by_class.map(|mut values| {
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    });
    hours.iter().map(|hour| hour.value - medians[class(hour.at)]).collect()
}

/// Means of whole hours that have ended.
pub(super) fn hourly(series: &[Point], now: i64) -> Vec<Point> {
    let of_hour = |point: &Point| point.at.div_euclid(HOUR);
    let mean = |points: &[Point]| Point {
        at: of_hour(&points[0]) * HOUR,
        value: points.iter().map(|point| point.value / points.len() as f64).sum(),
    };
    let whole = |points: &&[Point]| (of_hour(&points[0]) + 1) * HOUR <= now;
    series.chunk_by(|a, b| of_hour(a) == of_hour(b)).filter(whole).map(mean).collect()
}

fn median(points: &[Point]) -> Option<f64> {
    let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
