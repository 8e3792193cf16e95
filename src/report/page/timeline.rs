//! A replay: what ticks would have found and proposed, and when.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    chart::{chart, finished, seconds, series, time},
    ticks::{MINUTES, moment},
};
use crate::{
    domain::{
        Severity,
        analysis::Tick,
        format::{count, counted},
        material::Material,
        page::{Axis, Cell, Chart, Draw, Ink, Point, Section, Table, Unit},
    },
    report::words,
};

pub(super) fn section(material: &Material) -> Option<Section> {
    let (first, last) = (material.ticks.first()?, material.ticks.last()?);
    let findings = findings(&material.ticks);
    let title = format!(
        "{} from {} to {} UTC: {} and {}",
        counted(material.ticks.len() as u64, "tick"),
        moment(seconds(first.at), MINUTES),
        moment(seconds(last.at), MINUTES),
        counted(findings.rows.len() as u64, "different finding"),
        counted(proposals(&material.ticks).rows.len() as u64, "different proposal")
    );
    let text = vec![
        "Replayed from a log: this is what would have been found and proposed then. Nothing was carried out."
            .to_owned(),
    ];
    let tables =
        vec![findings, proposals(&material.ticks)].into_iter().filter(|table| !table.rows.is_empty()).collect();
    Some(Section { id: "replay".into(), title, text, charts: chart_of(&material.ticks).into_iter().collect(), tables })
}

fn chart_of(ticks: &[Tick]) -> Option<Chart> {
    let grave = |tick: &Tick| tick.findings.iter().filter(|finding| finding.severity >= Severity::Medium).count();
    let worst = ticks.iter().max_by_key(|tick| (grave(tick), std::cmp::Reverse(tick.at)))?;
    let title = format!(
        "Most is wrong at {} UTC: {}",
        moment(seconds(worst.at), MINUTES),
        counted(grave(worst) as u64, "finding")
    );
    let caption = "Findings at each tick that are more than low. Ticks without any may be missing.";
    let y = Axis::of("findings", Unit::Count).including([0.0, 1.0]);
    let mut chart = chart("replay-findings", title, caption, time(), y);
    let gaps = ticks.windows(2).map(|pair| seconds(pair[1].at) - seconds(pair[0].at)).filter(|gap| *gap > 0.0);
    chart.x = chart.x.including([seconds(ticks.last()?.at) + gaps.reduce(f64::min).unwrap_or(3_600.0)]);
    let points = ticks.iter().map(|tick| Point::at(seconds(tick.at), Some(grave(tick) as f64))).collect();
    chart.series.push(series("", Draw::Columns, Ink::Main, points));
    finished(chart)
}

/// When something was there first and last, and how often.
struct Span {
    first: Timestamp,
    last: Timestamp,
    ticks: u64,
}

impl Span {
    fn seen(found: Option<Self>, at: Timestamp) -> Self {
        match found {
            Some(span) => Self { last: at, ticks: span.ticks + 1, ..span },
            None => Self { first: at, last: at, ticks: 1 },
        }
    }

    fn cells(&self) -> [Cell; 3] {
        [
            Cell::text(moment(seconds(self.first), MINUTES)),
            Cell::text(moment(seconds(self.last), MINUTES)),
            Cell::number(self.ticks as f64, count(self.ticks)),
        ]
    }
}

fn findings(ticks: &[Tick]) -> Table {
    let mut spans: BTreeMap<_, (Severity, String, Span)> = BTreeMap::new();
    for tick in ticks {
        for finding in &tick.findings {
            let key = (finding.service.clone(), finding.kind, finding.evidence.metric);
            let before = spans.remove(&key);
            let (severity, span) =
                before.map_or((finding.severity, None), |(worst, _, span)| (worst.max(finding.severity), Some(span)));
            spans.insert(key, (severity, finding.summary.clone(), Span::seen(span, tick.at)));
        }
    }
    let mut table =
        Table::new("What was found", &["worst", "service", "last said", "first (UTC)", "last (UTC)", "#ticks"]);
    let mut sorted: Vec<_> = spans.into_iter().collect();
    sorted.sort_by(|a, b| b.1.0.cmp(&a.1.0).then(a.1.2.first.cmp(&b.1.2.first)));
    for ((service, ..), (severity, summary, span)) in sorted {
        let service = service.unwrap_or_else(|| "all services".to_owned());
        let mut row = vec![Cell::text(severity.to_string()), Cell::text(service), Cell::text(summary)];
        row.extend(span.cells());
        table.rows.push(row);
    }
    table
}

fn proposals(ticks: &[Tick]) -> Table {
    let mut spans: BTreeMap<_, (String, Span)> = BTreeMap::new();
    for tick in ticks {
        for decision in &tick.decisions {
            let key = (decision.service.clone(), decision.segment, words::what(decision));
            let span = spans.remove(&key).map(|(_, span)| span);
            spans.insert(key, (words::why(decision), Span::seen(span, tick.at)));
        }
    }
    let mut table = Table::new(
        "What would have been proposed",
        &["service", "segment", "change", "last reason", "first (UTC)", "last (UTC)", "#ticks"],
    );
    for ((service, segment, what), (why, span)) in spans {
        let mut row = vec![Cell::text(service), Cell::text(segment.name()), Cell::text(what), Cell::text(why)];
        row.extend(span.cells());
        table.rows.push(row);
    }
    table
}
