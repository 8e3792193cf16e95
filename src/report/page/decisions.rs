//! What is to be done, and why.

use crate::{
    domain::{
        format::{counted, short, usd},
        material::Material,
        page::{Cell, Section, Table},
        plan::{Action, Decision, Effect, Measure},
    },
    report::words,
};

pub(super) fn section(material: &Material) -> Option<Section> {
    let plan = material.plan.as_ref()?;
    let moving: Vec<&Decision> = plan.decisions.iter().filter(|decision| decision.action.moves()).collect();
    let refused = plan.decisions.iter().filter(|decision| decision.action == Action::Refused).count() as u64;
    let title = match moving.len() as u64 {
        0 if refused == 0 => "Nothing is to be changed".to_owned(),
        0 => format!("Nothing is to be changed; {} refused", counted(refused, "change")),
        moving => format!("{} proposed, {refused} refused", counted(moving, "change")),
    };
    let text = moving.iter().take(12).map(|decision| sentence(decision)).collect();
    Some(Section {
        id: "decisions".into(),
        title,
        text,
        charts: Vec::new(),
        tables: vec![table(plan.decisions.iter())],
    })
}

/// `helpdesk, simple: CHANGE a → b: why; what would be set.`
fn sentence(decision: &Decision) -> String {
    let mut text = format!(
        "{}, {} requests: {} {}: {}",
        short(&decision.service),
        decision.segment.name(),
        words::action(decision.action),
        words::what(decision),
        words::why(decision)
    );
    if let Some(next) = decision.would_change.first() {
        text += &format!("; {next}");
    }
    text + "."
}

fn table<'a>(decisions: impl Iterator<Item = &'a Decision>) -> Table {
    let titles = [
        "service",
        "segment",
        "decision",
        "what",
        "why",
        "#cost",
        "#quality",
        "#latency p95",
        "#US dollars a day",
        "id, for `optimizer explain`",
    ];
    let mut table = Table::new("All decisions, what changes first", &titles);
    let mut sorted: Vec<&Decision> = decisions.collect();
    let rank = |decision: &&Decision| match decision.action {
        Action::Revert | Action::Change | Action::Experiment | Action::Deferred => 0,
        Action::Refused => 1,
        Action::Keep | Action::Off => 2,
    };
    sorted.sort_by_key(rank);
    for decision in sorted {
        let effect = |measure: Measure| {
            let found: Option<&Effect> = decision.effects.iter().find(|effect| effect.measure == measure);
            let relative = found.and_then(|effect| effect.relative);
            relative.map_or_else(
                || Cell::text(""),
                |relative| Cell::number(relative, crate::domain::format::change(relative)),
            )
        };
        table.rows.push(vec![
            Cell::text(decision.service.clone()),
            Cell::text(decision.segment.name()),
            Cell::text(words::action(decision.action)),
            Cell::text(words::what(decision)),
            Cell::text(words::why(decision)),
            effect(Measure::CostPerRequestUsd),
            effect(Measure::Quality),
            effect(Measure::LatencyP95Ms),
            decision
                .spend_change_usd_per_day
                .map_or_else(|| Cell::text(""), |usd_a_day| Cell::number(usd_a_day, signed(usd_a_day))),
            Cell::text(decision.id.clone()),
        ]);
    }
    table
}

/// US dollars with their sign.
pub(super) fn signed(dollars: f64) -> String {
    if dollars > 0.0 { format!("+{}", usd(dollars)) } else { usd(dollars) }
}
