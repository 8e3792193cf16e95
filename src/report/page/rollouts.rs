//! Configurations on their way: how far they came, and how the evidence grew from run to run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    chart::{chart, finished, level, mark_at, seconds, series, time},
    ticks::shown,
    worth::name,
};
use crate::domain::{
    format::counted,
    material::Material,
    page::{Axis, Cell, Chart, Draw, Ink, Point, Section, Shape, Table, Unit},
    plan::Measure,
    rollout::{Rollout, Stage},
    run::{Did, StepLine},
    verdict::{Judgement, Reading},
};

/// Rollouts that are drawn.
const MOST: usize = 6;

/// One rollout, as runs saw it.
pub(super) struct Course<'a> {
    id: &'a str,
    pub service: &'a str,
    pub rollout: Option<&'a Rollout>,
    /// In the order of time.
    pub looks: Vec<(Timestamp, &'a StepLine)>,
    /// What a store or a status says of it last, and of when.
    pub standing: Option<(Option<Timestamp>, &'a Judgement)>,
}

pub(super) fn courses(material: &Material) -> Vec<Course<'_>> {
    let mut known: BTreeMap<&str, Course<'_>> = BTreeMap::new();
    let statuses = material.statuses.iter().flat_map(|status| &status.rollouts);
    for status in statuses.chain(&material.rollouts) {
        let rollout = &status.rollout;
        let standing = status.judgement.as_ref().map(|judgement| (status.counted_until, judgement));
        let (id, service) = (rollout.id.as_str(), rollout.service.as_str());
        known.insert(id, Course { id, service, rollout: Some(rollout), looks: Vec::new(), standing });
    }
    for run in material.runs.iter().filter(|run| !run.dry_run) {
        for step in &run.steps {
            let (id, service) = (step.rollout.as_str(), step.service.as_str());
            let course =
                known.entry(id).or_insert(Course { id, service, rollout: None, looks: Vec::new(), standing: None });
            course.looks.push((run.started_at, step));
        }
    }
    let mut courses: Vec<Course<'_>> = known.into_values().collect();
    let begun = |course: &Course<'_>| {
        course.looks.first().map(|(at, _)| *at).or(course.rollout.map(|rollout| rollout.started_at))
    };
    // The newest first.
    courses.sort_by(|a, b| begun(b).cmp(&begun(a)).then(a.id.cmp(b.id)));
    courses
}

/// When the share of a service moved, and to how many percent.
pub(super) fn steps<'a>(material: &'a Material, service: &'a str) -> impl Iterator<Item = (Timestamp, u8)> {
    let steps = material
        .runs
        .iter()
        .filter(|run| !run.dry_run)
        .flat_map(|run| run.steps.iter().map(|step| (run.started_at, step)));
    steps
        .filter(move |(_, step)| step.service == service && step.share_after != step.share_before)
        .map(|(at, step)| (at, step.share_after))
}

/// What became of them, in a clause; none where there are none.
pub(super) fn title(material: &Material) -> Option<String> {
    let courses = courses(material);
    let ended = |course: &&Course<'_>, did: Did| {
        let stage = course.rollout.map(|rollout| &rollout.stage);
        let stands = match did {
            Did::Completed => matches!(stage, Some(Stage::Full { .. })),
            _ => matches!(stage, Some(Stage::RolledBack { .. })),
        };
        stands || course.looks.iter().any(|(_, step)| step.did == did)
    };
    let of = |did: Did| -> Vec<String> {
        courses.iter().filter(|course| ended(course, did)).map(|course| name(course.service)).collect()
    };
    let list = |names: Vec<String>, what: &str| match names.len() {
        0 => None,
        1..=3 => Some(format!("{} {what}", names.join(", "))),
        more => Some(format!("{more} {what}")),
    };
    let parts: Vec<String> = [list(of(Did::RolledBack), "taken back"), list(of(Did::Completed), "completed")]
        .into_iter()
        .flatten()
        .collect();
    match (courses.len(), parts.is_empty()) {
        (0, _) => None,
        (known, true) => Some(format!("{} under way", counted(known as u64, "rollout"))),
        (known, false) => Some(format!("{}: {}", counted(known as u64, "rollout"), parts.join("; "))),
    }
}

pub(super) fn section(material: &Material) -> Option<Section> {
    let title = title(material)?;
    let courses = courses(material);
    let mut charts = Vec::new();
    for (number, course) in courses.iter().take(MOST).enumerate() {
        charts.extend(share(material, number, course));
        charts.extend(evidence(number, course));
    }
    let mut text = vec![
        "Evidence is the effect of the new configuration against the old one at the same time. Its interval holds at every look, so \
         that looking often does not make it wrong."
            .to_owned(),
    ];
    if courses.len() > MOST {
        text.push(format!("Plots show the newest {MOST}; the table has all {}.", courses.len()));
    }
    Some(Section { id: "rollouts".into(), title, text, charts, tables: vec![table(&courses), looks(&courses)] })
}

fn share(material: &Material, number: usize, course: &Course<'_>) -> Option<Chart> {
    let (first, last) = (course.looks.first()?, course.looks.last()?);
    let share = |percent: u8| Some(f64::from(percent) / 100.0);
    let start = Point::at(seconds(first.0), share(first.1.share_before));
    let points = std::iter::once(start)
        .chain(course.looks.iter().map(|(at, step)| Point::at(seconds(*at), share(step.share_after))))
        .collect();
    let end = match last.1.did {
        Did::RolledBack => format!("taken back at {} UTC", moment(last.0)),
        Did::Completed => format!("at 100 % since {} UTC", moment(last.0)),
        did => format!("{} at {} %", did.name(), last.1.share_after),
    };
    let title = format!("{}: {end}", name(course.service));
    let caption = format!("Share of the traffic on the new configuration. {}.", last.1.why);
    let y = Axis::of("share of traffic", Unit::Share).including([0.0, 1.0]);
    let mut chart = chart(format!("rollout-{number}"), title, caption, time(), y);
    chart.series.push(series("share", Draw::Step, Ink::Third, points));
    for deed in material.deeds.iter().filter(|deed| deed.service == course.service) {
        let inside = |at: &Timestamp| *at >= first.0 && *at <= last.0;
        if let Some(at) =
            deed.at.parse().ok().filter(inside).filter(|_| matches!(deed.action.as_str(), "pause" | "resume"))
        {
            chart.marks.push(mark_at(at, deed.action.clone(), Ink::Usual));
        }
    }
    finished(chart)
}

/// Looks while both configurations served: later ones repeat what was known then.
fn compared<'a>(course: &'a Course<'_>) -> impl Iterator<Item = (Timestamp, &'a StepLine)> {
    course.looks.iter().filter(|(_, step)| step.share_before < 100).map(|(at, step)| (*at, *step))
}

/// A plot a measure: the effect, its interval, and the margin it must not cross.
fn evidence(number: usize, course: &Course<'_>) -> Vec<Chart> {
    let measures = [Measure::LatencyP95Ms, Measure::ErrorRate, Measure::Quality, Measure::CostPerRequestUsd];
    measures.into_iter().filter_map(|measure| measured(number, course, measure)).collect()
}

fn measured(number: usize, course: &Course<'_>, measure: Measure) -> Option<Chart> {
    let of = |judgement: &'_ Judgement| judgement.readings.iter().find(|reading| reading.measure == measure).cloned();
    let mut readings: Vec<(Timestamp, Reading)> =
        compared(course).filter_map(|(at, step)| Some((at, of(step.judgement.as_ref()?)?))).collect();
    if let Some((Some(at), judgement)) = course.standing.filter(|_| readings.is_empty()) {
        readings.extend(of(judgement).map(|reading| (at, reading)));
    }
    readings.retain(|(_, reading)| reading.effect.is_some());
    let (_, last) = readings.last()?;
    let unit = if measure == Measure::ErrorRate { Unit::Points } else { Unit::Change };
    let interval = |reading: &Reading| reading.low.zip(reading.high).map(|(low, high)| [low, high]);
    let bounds = interval(last)
        .map_or_else(String::new, |[low, high]| format!(" ({} … {})", shown(unit, low), shown(unit, high)));
    let effect = last.effect.map(|effect| shown(unit, effect)).unwrap_or_default();
    let title = format!(
        "{}: {} {effect}{bounds}, limit {}: {}",
        name(course.service),
        measure.name(),
        shown(unit, last.margin),
        last.verdict.name()
    );
    let caption = "Line: the effect so far. Area: where it can be. The rollout is undone when all of the area lies beyond the limit, and \
                   sound when all of it lies within.";
    // The first looks know next to nothing, and would press all others flat.
    let sizes = [Some(last.margin), last.effect, last.low, last.high];
    let size = 4.0 * sizes.into_iter().flatten().map(f64::abs).fold(0.01, f64::max);
    let what = if unit == Unit::Points { "difference of rates, points" } else { "against the old one" };
    let mut y = Axis::of(what, unit).including([0.0, last.margin]);
    y.within = Some([-size, size]);
    let mut chart = chart(format!("rollout-{number}-{}", measure.name().replace(' ', "-")), title, caption, time(), y);
    let point =
        |(at, reading): &(Timestamp, Reading)| Point::at(seconds(*at), reading.effect).between(interval(reading));
    let points: Vec<Point> = readings.iter().map(point).collect();
    if points.len() == 1 {
        chart.series.push(series("effect and interval", Draw::Dots(Shape::Circle), Ink::Main, points));
    } else {
        let band = points.iter().map(|point| Point { y: None, ..point.clone() }).collect();
        let line = points.into_iter().map(|point| Point { y_interval: None, ..point }).collect();
        chart.series.push(series("interval", Draw::Band, Ink::Main, band));
        chart.series.push(series("effect", Draw::Line, Ink::Main, line));
    }
    chart.marks.push(level(last.margin, format!("limit {}", shown(unit, last.margin))));
    finished(chart)
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn table(courses: &[Course<'_>]) -> Table {
    let mut table =
        Table::new("Rollouts, the newest first", &["service", "began (UTC)", "stands", "#share", "why", "id"]);
    for course in courses {
        let last = course.looks.last();
        let (stands, share) = match (course.rollout.map(|rollout| (&rollout.stage, rollout.share_percent())), last) {
            (Some((stage, share)), _) => (stage_words(stage), share),
            (None, Some((_, step))) => (step.did.name().to_owned(), step.share_after),
            (None, None) => continue,
        };
        let began = course.rollout.map(|rollout| rollout.started_at).or(course.looks.first().map(|(at, _)| *at));
        table.rows.push(vec![
            Cell::text(course.service),
            Cell::text(began.map(moment).unwrap_or_default()),
            Cell::text(stands),
            Cell::number(f64::from(share), format!("{share} %")),
            Cell::text(last.map_or_else(
                || course.rollout.map(|one| one.reason.clone()).unwrap_or_default(),
                |(_, step)| step.why.clone(),
            )),
            Cell::text(course.id),
        ]);
    }
    table
}

fn stage_words(stage: &Stage) -> String {
    match stage {
        Stage::Proposed => "decided, not written yet".to_owned(),
        Stage::Canary { step, since } => format!("at step {} since {} UTC", step + 1, moment(*since)),
        Stage::Full { since } => format!("completed {} UTC", moment(*since)),
        Stage::RolledBack { at, because } => format!("taken back {} UTC: {because}", moment(*at)),
        Stage::Overtaken { at, because } => format!("changed by somebody else {} UTC: {because}", moment(*at)),
        Stage::Dropped { at, because } => format!("dropped {} UTC: {because}", moment(*at)),
    }
}

/// Every look at every rollout.
fn looks(courses: &[Course<'_>]) -> Table {
    let mut table = Table::new("Every look", &["when (UTC)", "service", "did", "#share", "verdict", "why"]);
    for course in courses {
        for (at, step) in &course.looks {
            table.rows.push(vec![
                Cell::text(moment(*at)),
                Cell::text(course.service),
                Cell::text(step.did.name()),
                Cell::number(f64::from(step.share_after), format!("{} %", step.share_after)),
                Cell::text(step.judgement.as_ref().map_or("–", |judgement| judgement.verdict.name())),
                Cell::text(step.why.clone()),
            ]);
        }
    }
    table
}
