//! What the models in reach cost, and how good they are.

use super::{
    chart::{chart, finished, series},
    worth::{name, worth_a_plot},
};
use crate::{
    domain::{
        format::change,
        material::Material,
        page::{Axis, Chart, Draw, Ink, Point, Scale, Section, Shape, Unit},
        plan::{Candidate, Decision, Measure, Standing},
    },
    report::words,
};

/// How candidates of some standing are drawn.
type Kind = (&'static str, Shape, Ink, fn(Standing) -> bool);

/// Segments that are drawn.
const MOST: usize = 12;

pub(super) fn section(material: &Material) -> Option<Section> {
    let plan = material.plan.as_ref()?;
    let worth = worth_a_plot(material);
    let rank = |decision: &&(usize, &Decision)| {
        let place = worth.iter().position(|service| *service == decision.1.service).unwrap_or(worth.len());
        (!decision.1.action.moves(), place)
    };
    let mut decisions: Vec<(usize, &Decision)> = plan.decisions.iter().enumerate().collect();
    decisions.sort_by_key(|decision| rank(&decision));
    let possible: Vec<Chart> =
        decisions.iter().filter_map(|(number, decision)| pareto(*number, decision)).take(MOST + 1).collect();
    if possible.is_empty() {
        return None;
    }
    let mut text = vec![
        "Left is cheaper, up is better. Lines are 90 % intervals; what is hollow or a cross was not chosen, whatever its colour.".to_owned(),
    ];
    if possible.len() > MOST {
        text.push(format!(
            "Only the first {MOST} segments are drawn; the JSON of the plan has what was weighed for all."
        ));
    }
    let charts: Vec<Chart> = possible.into_iter().take(MOST).collect();
    Some(Section { id: "models".into(), title: title(&plan.decisions), text, charts, tables: Vec::new() })
}

fn title(decisions: &[Decision]) -> String {
    let refused = decisions.iter().flat_map(|decision| &decision.candidates);
    let (mut all, mut against) = (0_u64, 0_u64);
    for candidate in refused.filter(|candidate| candidate.standing != Standing::Current) {
        all += 1;
        against += u64::from(candidate.standing == Standing::Refused);
    }
    format!("Of {all} alternatives that were weighed, {against} break a constraint or cannot be shown to hold it")
}

/// Cost against quality of everything that was weighed for a segment; none where nothing can be held against the present.
fn pareto(number: usize, decision: &Decision) -> Option<Chart> {
    let known: Vec<&Candidate> = decision
        .candidates
        .iter()
        .filter(|one| one.quality.is_some() && one.cost_per_request_usd.is_some_and(|cost| cost.value > 0.0))
        .collect();
    if known.len() < 2 {
        return None;
    }
    let caption = format!("Of {} requests: {}.", decision.segment.name(), words::why(decision));
    let x = Axis::of("US dollars a request", Unit::Usd);
    let mut chart =
        chart(format!("models-{number}"), title_of(decision, &known), caption, x, Axis::of("quality", Unit::Score));
    let costs = || known.iter().filter_map(|one| one.cost_per_request_usd).map(|cost| cost.value);
    let (low, high) = (costs().reduce(f64::min)?, costs().reduce(f64::max)?);
    if high > 4.0 * low {
        chart.x.scale = Scale::Log;
        chart.x.label += ", logarithmic";
    }
    let kinds: [Kind; 4] = [
        ("serves now", Shape::Circle, Ink::Main, |standing| standing == Standing::Current),
        ("chosen", Shape::Diamond, Ink::Third, |standing| standing == Standing::Chosen),
        ("refused", Shape::Cross, Ink::Limit, |standing| standing == Standing::Refused),
        ("not better enough", Shape::Ring, Ink::Second, |standing| {
            matches!(standing, Standing::NotWorthIt | Standing::Dominated | Standing::Outranked | Standing::Promising)
        }),
    ];
    for (what, shape, ink, is) in kinds {
        let points = known.iter().filter(|one| is(one.standing)).filter_map(|one| point(one)).collect();
        chart.series.push(series(what, Draw::Dots(shape), ink, points));
    }
    finished(chart)
}

fn point(one: &Candidate) -> Option<Point> {
    let (cost, quality) = one.cost_per_request_usd.zip(one.quality)?;
    let version = one.arm.config_version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    Some(Point {
        x: cost.value,
        y: Some(quality.value),
        x_interval: Some([cost.low, cost.high]),
        y_interval: Some([quality.low, quality.high]),
        label: crate::domain::format::short(&format!("{}{version}", words::short(&one.arm))),
    })
}

fn title_of(decision: &Decision, known: &[&Candidate]) -> String {
    let about = format!("{}, {}", name(&decision.service), decision.segment.name());
    let effect = |measure: Measure| {
        decision.effects.iter().find(|effect| effect.measure == measure).and_then(|effect| effect.relative).map(change)
    };
    if decision.action.moves() {
        let parts = [(effect(Measure::CostPerRequestUsd), "cost"), (effect(Measure::Quality), "quality")];
        let parts: Vec<String> =
            parts.into_iter().filter_map(|(text, what)| Some(format!("{what} {}", text?))).collect();
        let word = words::action(decision.action).to_lowercase();
        return format!("{about}: {word} {} ({})", words::what(decision), parts.join(", "));
    }
    let current = known.iter().find(|one| one.standing == Standing::Current);
    let refused = known.iter().find(|one| one.standing == Standing::Refused);
    match current.zip(refused) {
        Some((current, refused)) => {
            let relative = |of: fn(&Candidate) -> Option<f64>| Some(change(of(refused)? / of(current)? - 1.0));
            let cost = relative(|one| one.cost_per_request_usd.map(|cost| cost.value));
            let quality = relative(|one| one.quality.map(|quality| quality.value));
            format!(
                "{about}: {} is refused at cost {}, quality {}",
                words::short(&refused.arm),
                cost.unwrap_or_default(),
                quality.unwrap_or_default()
            )
        }
        None => format!("{about}: nothing known is better by enough"),
    }
}
