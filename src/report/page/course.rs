//! Plots of one service through time.

use super::{
    chart::{chart, finished, level, mark_at, seconds, series, time},
    findings::sentence,
    ticks::shown,
    worth::{findings, name},
};
use crate::domain::{
    Finding, FindingKind, Metric,
    course::{Course, CourseSlot, ServiceCourse},
    format::change,
    material::Material,
    page::{Axis, Chart, Draw, Ink, Point, Unit},
};

/// Which plot a finding belongs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Latency,
    Quality,
    Errors,
    Cost,
}

impl Of {
    fn figure(self, slot: &CourseSlot) -> Option<f64> {
        match self {
            Self::Latency => slot.latency_p95_ms,
            Self::Quality => slot.quality,
            Self::Errors => slot.error_rate,
            Self::Cost => Some(slot.spend_usd? / slot.requests).filter(|cost| cost.is_finite()),
        }
    }

    fn usual(self, slot: &CourseSlot) -> Option<f64> {
        let usual = slot.usual?;
        match self {
            Self::Latency => usual.latency_p95_ms,
            Self::Quality => usual.quality,
            Self::Errors => usual.error_rate,
            Self::Cost => None,
        }
    }
}

/// The plot, if there is one.
pub(super) fn subject(finding: &Finding) -> Option<Of> {
    let metric = finding.evidence.metric.and_then(|metric| match metric {
        Metric::Latency | Metric::Ttft => Some(Of::Latency),
        Metric::Quality => Some(Of::Quality),
        Metric::ErrorRate => Some(Of::Errors),
        Metric::CostPerRequest => Some(Of::Cost),
        Metric::Requests | Metric::InputTokens | Metric::OutputTokens => None,
    });
    metric.or(match finding.kind {
        FindingKind::LatencyHigh | FindingKind::LatencyIncrease => Some(Of::Latency),
        FindingKind::QualityLow | FindingKind::QualityDrop | FindingKind::ConfigRegression => Some(Of::Quality),
        FindingKind::ErrorRateHigh => Some(Of::Errors),
        FindingKind::CostPerRequestHigh => Some(Of::Cost),
        _ => None,
    })
}

/// Latency and quality; errors and cost where something was found.
pub(super) fn of_service(material: &Material, course: &ServiceCourse) -> Vec<Chart> {
    let all = material.course.as_ref().expect("this is a part of it");
    let number = all.services.iter().position(|one| one.service == course.service).unwrap_or(0);
    let of = Subject { material, all, course, number };
    let latency = Axis::of("latency of successes", Unit::Milliseconds).including([0.0]);
    let latency = of.chart(Of::Latency, "latency", latency);
    let quality = of.chart(Of::Quality, "quality", Axis::of("mean score", Unit::Score));
    let errors = Axis::of("share of requests", Unit::Share).including([0.0, 0.01]);
    // Most services have few errors and a steady cost, and plots of that tell nothing.
    let errors = of.findings(Of::Errors).next().and_then(|_| of.chart(Of::Errors, "error rate", errors));
    let cost = Axis::of("US dollars a request", Unit::Usd).including([0.0]);
    let cost = of.findings(Of::Cost).next().and_then(|_| of.chart(Of::Cost, "cost per request", cost));
    [latency, quality, errors, cost].into_iter().flatten().collect()
}

struct Subject<'a> {
    material: &'a Material,
    all: &'a Course,
    course: &'a ServiceCourse,
    number: usize,
}

impl Subject<'_> {
    fn findings(&self, of: Of) -> impl Iterator<Item = &Finding> {
        let own = |finding: &&Finding| finding.service.as_ref() == Some(&self.course.service);
        findings(self.material).into_iter().filter(own).filter(move |finding| subject(finding) == Some(of))
    }

    fn slots(&self) -> &[CourseSlot] {
        match (self.all.last_is_whole, self.course.slots.split_last(), self.all.spend_usd.last()) {
            (false, Some((last, before)), Some((newest, _))) if last.at == *newest => before,
            _ => &self.course.slots,
        }
    }

    fn chart(&self, of: Of, what: &str, y: Axis) -> Option<Chart> {
        let unit = y.unit;
        let points = self.points(&|slot| of.figure(slot));
        let window = self.material.plan.as_ref().map(|plan| plan.windows.window);
        let before = |point: &&Point| window.is_none_or(|window| point.x < seconds(window.start()));
        let flat = middle(points.iter().filter(before).filter_map(|point| point.y).collect());
        let now = middle(points.iter().filter(|point| !before(point)).filter_map(|point| point.y).collect());
        let title = self.findings(of).next().map_or_else(|| self.calm(what, unit, flat, now), sentence);
        let each = match of {
            Of::Latency => "Solid: the 95th percentile; thin: the median; each of",
            Of::Quality | Of::Errors | Of::Cost => "Each point is the mean of",
        };
        let daily = self.points(&|slot| of.usual(slot));
        let by_day = daily.iter().any(|point| point.y.is_some());
        let dashed = if by_day { "the same time on the days before" } else { "the slots before the last window" };
        let caption = format!("{each} {} minutes. Dashed: the median of {dashed}.", self.all.slot_minutes);
        let mut chart = chart(format!("service-{}-{}", self.number, what.replace(' ', "-")), title, caption, time(), y);
        let usual = match flat {
            _ if by_day => daily,
            Some(flat) => [points.first()?.x, points.last()?.x].map(|x| Point::at(x, Some(flat))).to_vec(),
            None => Vec::new(),
        };
        if of == Of::Latency {
            let median = self.points(&|slot| slot.latency_p50_ms);
            chart.series.push(series("p50", Draw::Line, Ink::Second, median));
        }
        chart.series.push(series(if of == Of::Latency { "p95" } else { what }, Draw::Line, Ink::Main, points));
        // On top: where it is as usual, both are seen between the dashes.
        chart.series.push(series("usual", Draw::Line, Ink::Usual, usual));
        self.marks(of, &mut chart);
        finished(chart)
    }

    /// A slot without a request is a gap.
    fn points(&self, value: &impl Fn(&CourseSlot) -> Option<f64>) -> Vec<Point> {
        let step = self.all.slot_minutes * 60;
        let mut points: Vec<Point> = Vec::new();
        for slot in self.slots() {
            let at = seconds(slot.at);
            if let Some(last) = points.last().filter(|last| at - last.x > 1.5 * step as f64) {
                points.push(Point::at(last.x + step as f64, None));
            }
            points.push(Point::at(at, value(slot)));
        }
        points
    }

    /// What to say where nothing was found.
    fn calm(&self, what: &str, unit: Unit, usual: Option<f64>, now: Option<f64>) -> String {
        let service = name(&self.course.service);
        let what = if unit == Unit::Milliseconds { "latency p95" } else { what };
        match (now, usual) {
            (Some(now), Some(usual)) if usual > 0.0 => {
                let (now_text, usual_text) = (shown(unit, now), shown(unit, usual));
                format!("{service}: {what} {now_text} lately, {usual_text} before ({})", change(now / usual - 1.0))
            }
            (Some(now), _) => format!("{service}: {what} {}", shown(unit, now)),
            (None, _) => format!("{service}: {what} is not known of the last window"),
        }
    }

    /// Limits that are crossed, when findings began, and steps of rollouts.
    fn marks(&self, of: Of, chart: &mut Chart) {
        for finding in self.findings(of) {
            if let Some(since) = finding.evidence.since {
                let text = if finding.kind == FindingKind::Anomaly { "anomaly" } else { "change" };
                chart.marks.push(mark_at(since, text, Ink::Limit));
            }
            // The limits of other kinds are of another figure.
            if matches!(finding.kind, FindingKind::LatencyHigh | FindingKind::QualityLow | FindingKind::ErrorRateHigh) {
                chart.marks.push(level(finding.limit, format!("limit {}", shown(chart.y.unit, finding.limit))));
                chart.y.include.push(finding.limit);
            }
        }
        for (at, share) in super::rollouts::steps(self.material, &self.course.service) {
            chart.marks.push(mark_at(at, format!("{share} %"), Ink::Third));
        }
    }
}

fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
