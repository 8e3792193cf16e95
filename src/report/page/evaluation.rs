//! What other routings would have been worth.

use super::{
    chart::{between, chart, finished, series},
    ticks::shown,
    worth::name,
};
use crate::{
    domain::{
        Metric,
        evaluation::{Evaluation, SegmentEvaluation},
        material::Material,
        page::{Axis, Cell, Chart, Draw, Ink, Point, Section, Shape, Table, Unit},
        plan::Estimate,
    },
    report::words,
};

/// Segments that are drawn.
const MOST: usize = 8;

pub(super) fn sections(material: &Material) -> impl Iterator<Item = Section> {
    material.evaluations.iter().enumerate().map(|(number, evaluation)| {
        let mut text = vec![
            "What requests on other models would have been worth, from the probabilities of the router's choices."
                .to_owned(),
        ];
        text.extend(evaluation.warnings.iter().cloned());
        let charts = evaluation.segments.iter().take(MOST).enumerate().flat_map(|(row, segment)| {
            let measures = [Metric::Quality, Metric::CostPerRequest];
            measures.into_iter().filter_map(move |measure| arms(number, row, segment, measure))
        });
        Section {
            id: format!("evaluation-{number}"),
            title: title(evaluation),
            text,
            charts: charts.collect(),
            tables: vec![totals(evaluation), table(evaluation)]
                .into_iter()
                .filter(|table| !table.rows.is_empty())
                .collect(),
        }
    })
}

fn title(evaluation: &Evaluation) -> String {
    let of = |measure: Metric| evaluation.totals.iter().find(|total| total.measure == measure);
    let told = [Metric::CostPerRequest, Metric::Quality].into_iter().filter_map(|measure| {
        let total = of(measure)?;
        let (present, planned) = total.present.zip(total.planned)?;
        Some(format!("{} {} instead of {}", measure.name(), measure.show(planned.value), measure.show(present.value)))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        "Off-policy evaluation: the planned routing could not be valued".to_owned()
    } else {
        format!("The planned routing would have been worth {}", told.join(", "))
    }
}

fn unit(measure: Metric) -> Unit {
    match measure {
        Metric::Quality => Unit::Score,
        Metric::CostPerRequest => Unit::Usd,
        Metric::Latency | Metric::Ttft => Unit::Milliseconds,
        Metric::ErrorRate => Unit::Share,
        Metric::Requests | Metric::InputTokens | Metric::OutputTokens => Unit::Count,
    }
}

fn arms(number: usize, row: usize, segment: &SegmentEvaluation, measure: Metric) -> Option<Chart> {
    let unit = unit(measure);
    let dot = |row: usize, estimate: Estimate| Point {
        x_interval: Some([estimate.low, estimate.high]),
        ..Point::at(estimate.value, Some(row as f64))
    };
    let logged = segment.as_logged.iter().find(|mean| mean.measure == measure)?.value?;
    let mut names = vec!["as logged".to_owned()];
    let (mut plain, mut robust) = (Vec::new(), Vec::new());
    for arm in &segment.arms {
        let Some(found) = arm.measures.iter().find(|one| one.measure == measure) else { continue };
        let place = names.len();
        names.push(words::short(&arm.arm));
        plain.extend(found.plain.map(|estimate| dot(place, estimate)));
        robust.extend(found.doubly_robust.map(|estimate| dot(place, estimate)));
    }
    let best = robust.iter().map(|point| point.x);
    let best = if unit == Unit::Score { best.reduce(f64::max) } else { best.reduce(f64::min) };
    let title = format!(
        "{}, {}: {} {} as logged, {} on the best arm",
        name(&segment.service),
        segment.segment.name(),
        measure.name(),
        shown(unit, logged.value),
        best.map_or_else(|| "unknown".to_owned(), |best| shown(unit, best))
    );
    let caption = "Diamonds: all of the segment on that arm (doubly robust). Rings: the requests it did get, which may be easier ones.";
    let mut chart = chart(
        format!("evaluation-{number}-{row}-{}", measure.name().replace(' ', "-")),
        title,
        caption,
        Axis::of(measure.name(), unit),
        Axis::of("", Unit::Name),
    );
    chart.y.names = names;
    chart.series.push(series("as logged", Draw::Dots(Shape::Circle), Ink::Main, vec![dot(0, logged)]));
    chart.series.push(series("own requests", Draw::Dots(Shape::Ring), Ink::Second, plain));
    chart.series.push(series("all requests", Draw::Dots(Shape::Diamond), Ink::Third, robust));
    finished(chart)
}

fn estimate(unit: Unit, found: Option<Estimate>) -> [Cell; 2] {
    [
        Cell::known(found.map(|one| one.value), |value| shown(unit, value)),
        between(unit, found.map(|one| [one.low, one.high])),
    ]
}

fn totals(evaluation: &Evaluation) -> Table {
    let titles = ["all together", "#as logged", "#90 % interval", "#as planned", "#90 % interval", "why not"];
    let mut table = Table::new("The planned routing against the present one", &titles);
    for total in &evaluation.totals {
        let unit = unit(total.measure);
        let mut row = vec![Cell::text(total.measure.name())];
        row.extend(estimate(unit, total.present));
        row.extend(estimate(unit, total.planned));
        row.push(Cell::text(total.abstained.clone().unwrap_or_default()));
        table.rows.push(row);
    }
    table
}

fn table(evaluation: &Evaluation) -> Table {
    let titles = [
        "service",
        "segment",
        "arm",
        "measure",
        "#own requests",
        "#90 % interval",
        "#all requests",
        "#90 % interval",
        "note",
    ];
    let mut table = Table::new("Every arm", &titles);
    for segment in &evaluation.segments {
        for arm in &segment.arms {
            for found in &arm.measures {
                let unit = unit(found.measure);
                let mut row = vec![
                    Cell::text(segment.service.clone()),
                    Cell::text(segment.segment.name()),
                    Cell::text(arm.arm.to_string()),
                    Cell::text(found.measure.name()),
                ];
                row.extend(estimate(unit, found.plain));
                row.extend(estimate(unit, found.doubly_robust));
                let confounded = if found.confounded { "its own requests are other ones than the rest" } else { "" };
                row.push(Cell::text(found.abstained.clone().unwrap_or_else(|| confounded.to_owned())));
                table.rows.push(row);
            }
        }
    }
    table
}
