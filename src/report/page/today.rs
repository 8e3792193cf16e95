//! The spend of a day: what it has come to, and where it is going.

use jiff::{SignedDuration, Timestamp};

use super::chart::{chart, finished, level, mark_at, seconds, series, time};
use crate::domain::{
    format::usd,
    page::{Axis, Chart, Draw, Ink, Point, Unit},
    plan::{Plan, SpendOutlook},
    window::day_start_before,
};

/// Spend added up since midnight, and where it is going.
pub(super) fn today(
    id: &str,
    title: String,
    spent: impl Iterator<Item = (Timestamp, Option<f64>)>,
    minutes: i64,
    plan: &Plan,
    outlook: &SpendOutlook,
) -> Option<Chart> {
    let end = plan.windows.window.end();
    let midnight = day_start_before(end);
    let mut sum = Some(0.0);
    let mut points = vec![Point::at(seconds(midnight), sum)];
    for (at, usd) in spent {
        sum = sum.zip(usd).map(|(sum, usd)| sum + usd);
        let until = at.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(at).min(end);
        points.push(Point::at(seconds(until), sum));
    }
    // A straight line from midnight to now would be made up.
    if points.len() == 1 {
        points.clear();
    }
    // What the plan says of the window's end is exact to the minute.
    if let Some(today) = outlook.today_usd {
        points.retain(|point| point.x < seconds(end));
        points.push(Point::at(seconds(end), Some(today)));
    }
    let now = points.last().and_then(|point| point.y);
    let next = midnight.saturating_add(SignedDuration::from_hours(24)).unwrap_or(end);
    let caption =
        "US dollars added up since midnight UTC; dotted: the forecast to the next midnight, with its 90 % interval.";
    let mut chart =
        chart(id, title, caption, time(), Axis::of("US dollars since midnight", Unit::Usd).including([0.0]));
    chart.x = chart.x.including([seconds(midnight), seconds(next)]);
    if let Some((now, projected)) = now.zip(outlook.projected_usd) {
        let ends = |interval: Option<[f64; 2]>| {
            vec![
                Point::at(seconds(end), None).between(interval.map(|_| [now, now])),
                Point::at(seconds(next), None).between(interval),
            ]
        };
        chart.series.push(series("90 % interval", Draw::Band, Ink::Ahead, ends(outlook.projected_interval_usd)));
        let line = vec![Point::at(seconds(end), Some(now)), Point::at(seconds(next), Some(projected))];
        chart.series.push(series("forecast", Draw::Line, Ink::Ahead, line));
    }
    chart.series.push(series("spent", Draw::Line, Ink::Main, points));
    chart.marks.extend(outlook.budget_usd.map(|budget| level(budget, format!("budget {}", usd(budget)))));
    // Of a budget that is spent already, only the line tells when.
    if let Some(at) = outlook.exhausted_at.filter(|at| *at > end) {
        chart.marks.push(mark_at(at, at.strftime("%H:%M").to_string(), Ink::Limit));
    }
    finished(chart)
}
