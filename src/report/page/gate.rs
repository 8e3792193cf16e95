//! Results of gates: how much of the tolerated harm is taken up.

use super::chart::{chart, finished, series};
use crate::{
    domain::{
        format::counted,
        gate::{GateComparison, GateOutcome, GateReport, GateVerdict, Slice},
        material::Material,
        metric::Harm,
        page::{Across, Axis, Cell, Chart, Draw, Ink, Mark, Point, Section, Shape, Table, Unit},
    },
    report::gate::figures,
};

/// Comparisons that are drawn.
const MOST: usize = 14;

pub(super) fn outcome(gate: &GateReport) -> &'static str {
    figures::outcome(gate)
}

/// `The gate failed: latency p95 …`
pub(super) fn title(gate: &GateReport) -> String {
    let worst = gate
        .comparisons
        .iter()
        .find(|one| one.guards && one.verdict == GateVerdict::Regression && one.suppressed.is_none());
    match (gate.outcome, worst) {
        (GateOutcome::Failed, Some(worst)) => format!("The gate {}: {}", outcome(gate), short(worst)),
        (GateOutcome::Failed | GateOutcome::Warned, _) => {
            let why = gate.reasons.first().map_or_else(String::new, |reason| format!(": {}", reason.summary));
            format!("The gate {}{why}", outcome(gate))
        }
        (GateOutcome::Passed, _) => {
            let guards = gate.comparisons.iter().filter(|one| one.guards).count() as u64;
            format!("The gate passed: no harm beyond the margin in {}", counted(guards, "comparison"))
        }
    }
}

/// `latency p95 400 ms → 480 ms (+20.0 %)`
fn short(one: &GateComparison) -> String {
    let [change, _] = figures::change(one);
    let [before, after] = [one.baseline, one.candidate].map(|value| figures::or_dash(one.metric, value));
    format!("{} {before} → {after} ({change})", one.about())
}

pub(super) fn sections(material: &Material) -> impl Iterator<Item = Section> {
    material.gates.iter().enumerate().map(|(number, gate)| {
        let mut text: Vec<String> =
            gate.reasons.iter().map(|reason| format!("{}.", super::findings::capital(&reason.summary))).collect();
        text.push(format!("Baseline {}.", figures::side(&gate.baseline)));
        text.push(format!("Candidate {}.", figures::side(&gate.candidate)));
        text.push(format!("Compared {}.", figures::compared(gate)));
        let mix = figures::mix(gate);
        if !mix.is_empty() {
            text.push(format!("Mix of requests: {mix}."));
        }
        text.extend(gate.notes.iter().cloned());
        Section {
            id: format!("gate-{number}"),
            title: title(gate),
            text,
            charts: forest(number, gate).into_iter().collect(),
            tables: vec![table(gate), one_sided(gate)].into_iter().filter(|table| !table.rows.is_empty()).collect(),
        }
    })
}

/// Harm in multiples of what is tolerated, so that latencies and costs stand on one axis.
fn forest(number: usize, gate: &GateReport) -> Option<Chart> {
    let rank = |one: &&GateComparison| (one.verdict, one.slice != Slice::Overall);
    let mut drawn: Vec<&GateComparison> =
        gate.comparisons.iter().filter(|one| one.guards && harm(one).is_some()).collect();
    drawn.sort_by_key(rank);
    let worse = drawn.iter().filter(|one| one.verdict == GateVerdict::Regression).count() as u64;
    let left = drawn.len().saturating_sub(MOST);
    drawn.truncate(MOST);
    let more = if left == 0 {
        String::new()
    } else {
        format!(" {} are only in the table.", counted(left as u64, "other comparison"))
    };
    let title = match worse {
        0 => "No comparison lies beyond its margin".to_owned(),
        worse => format!(
            "{} beyond the margin",
            if worse == 1 { "One comparison lies".to_owned() } else { format!("{worse} comparisons lie") }
        ),
    };
    let caption =
        format!("Right is worse: 1 × is all the harm that the policy tolerates. Lines are 90 % intervals.{more}");
    let x = Axis::of("harm, in multiples of the margin", Unit::Times).including([-1.0, 1.0]);
    let mut chart = chart(format!("gate-{number}-harm"), title, caption, x, Axis::of("", Unit::Name));
    chart.x.within = Some([-4.0, 6.0]);
    chart.y.names = drawn
        .iter()
        .map(|one| {
            let [change, _] = figures::change(one);
            format!("{}: {change}", one.about())
        })
        .collect();
    let kinds: [(&str, GateVerdict, Shape, Ink); 4] = [
        ("worse", GateVerdict::Regression, Shape::Cross, Ink::Limit),
        ("open", GateVerdict::Inconclusive, Shape::Ring, Ink::Second),
        ("same", GateVerdict::Equivalent, Shape::Circle, Ink::Main),
        ("better", GateVerdict::Improvement, Shape::Diamond, Ink::Third),
    ];
    for (what, verdict, shape, ink) in kinds {
        let rows = drawn.iter().enumerate().filter(|(_, one)| one.verdict == verdict);
        let points = rows.filter_map(|(row, one)| {
            let (value, interval) = harm(one)?;
            Some(Point { x_interval: interval, ..Point::at(value, Some(row as f64)) })
        });
        chart.series.push(series(what, Draw::Dots(shape), ink, points.collect()));
    }
    chart.marks.push(Mark { across: Across::X, at: 1.0, text: String::new(), ink: Ink::Limit });
    chart.marks.push(Mark { across: Across::X, at: 0.0, text: String::new(), ink: Ink::Usual });
    finished(chart)
}

fn harm(one: &GateComparison) -> Option<(f64, Option<[f64; 2]>)> {
    let margin = one.margin.filter(|margin| *margin > 0.0)?;
    let scale = if one.metric.harm() == Harm::Down { -1.0 / margin } else { 1.0 / margin };
    let ends = one.difference_90[0].zip(one.difference_90[1]).map(|(low, high)| {
        let (low, high) = (low * scale, high * scale);
        [low.min(high), low.max(high)]
    });
    Some((one.difference? * scale, ends))
}

fn table(gate: &GateReport) -> Table {
    let titles = [
        "what",
        "verdict",
        "can fail",
        "#baseline",
        "#candidate",
        "#change",
        "#90 % interval",
        "#margin",
        "#p, corrected",
        "#smallest harm seen",
    ];
    let mut table = Table::new("All comparisons, the worst first", &titles);
    let mut all: Vec<&GateComparison> = gate.comparisons.iter().collect();
    all.sort_by_key(|one| (!one.guards, one.verdict, one.slice != Slice::Overall));
    for one in all {
        let number = |value: Option<f64>| Cell::known(value, |value| figures::figure(one.metric, value));
        let [change, interval] = figures::change(one);
        table.rows.push(vec![
            Cell::text(one.about()),
            Cell::text(one.lack.clone().unwrap_or_else(|| figures::verdict(one).to_owned())),
            Cell::text(if one.guards { "yes" } else { "no" }),
            number(one.baseline),
            number(one.candidate),
            Cell { value: one.change.or(one.difference).filter(|value| value.is_finite()), text: change },
            Cell::text(interval),
            number(one.margin),
            Cell { value: one.p_value_corrected, text: figures::p_value(one) },
            number(one.detectable),
        ]);
    }
    table
}

fn one_sided(gate: &GateReport) -> Table {
    let mut table = Table::new("On one side only, so not compared", &["slice", "side", "#requests"]);
    for one in &gate.one_sided {
        table.rows.push(vec![
            Cell::text(one.slice.label()),
            Cell::text(if one.in_candidate { "candidate" } else { "baseline" }),
            Cell::number(one.requests as f64, crate::domain::format::count(one.requests)),
        ]);
    }
    table
}
