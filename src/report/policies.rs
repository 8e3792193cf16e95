//! Two policies side by side.

use comfy_table::{Cell, CellAlignment};

use super::{
    fold::fold_page,
    markdown::cell,
    table::{Screen, fresh, indented, trimmed},
    words,
};
use crate::domain::{
    format::{change, count, counted, usd},
    policy::Mode,
    policy_comparison::{Difference, PolicyComparison, Side, Verdict},
};

/// Most differences that somebody reads.
const MOST: usize = 40;

/// The comparison as indented JSON, with a final line break.
#[must_use]
pub fn policies_json(comparison: &PolicyComparison) -> String {
    serde_json::to_string_pretty(comparison).expect("a comparison is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of that form. `docs/schema/policy-comparison.v1.json` is this, checked in.
#[must_use]
pub fn policies_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(PolicyComparison)).expect("a schema is plain data") + "\n"
}

/// The comparison as lines of text.
#[must_use]
pub fn policies(comparison: &PolicyComparison, screen: Screen) -> String {
    let mut text = String::new();
    for (letter, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        text += &format!("{letter} is policy `{}`, plan {}\n", side.policy.name, side.plan_id);
    }
    text += "\n";
    for (label, line) in words::read(&comparison.windows, &comparison.source) {
        text += &indented(label, &line, screen.width);
    }
    let mut totals = fresh(screen);
    totals.set_header(["", "A", "B"]);
    for (label, a, b) in sides(comparison) {
        totals.add_row([Cell::new(label), right(&a), right(&b)]);
    }
    text += "\n";
    text += &trimmed(&totals);
    text += &format!("\n{}\n", same(comparison));
    if comparison.differences.is_empty() {
        return text;
    }
    let mut table = fresh(screen);
    table.set_header(["service", "A", "B", "cost", "quality"]);
    for difference in comparison.differences.iter().take(MOST) {
        table.add_row([
            Cell::new(format!("{}\n{}", difference.service, difference.segment.name())),
            Cell::new(said(&difference.a)),
            Cell::new(said(&difference.b)),
            right(&cost(difference)),
            right(&quality(difference)),
        ]);
    }
    text += "\n";
    text += &trimmed(&table);
    text += &rest(comparison);
    text += &fold_page("\nCost and quality are those of a request under B against A.\n", usize::from(screen.width));
    text
}

/// The comparison as GitHub-flavoured Markdown.
#[must_use]
pub fn policies_markdown(comparison: &PolicyComparison) -> String {
    let (a, b) = (&comparison.a.policy.name, &comparison.b.policy.name);
    let mut text = format!("## Policy A `{}` against B `{}`\n\n", cell(a), cell(b));
    text += "| | A | B |\n|---|---:|---:|\n";
    for (label, a, b) in sides(comparison) {
        text += &format!("| {label} | {} | {} |\n", cell(&a), cell(&b));
    }
    text += &format!("\n{}\n", same(comparison));
    if comparison.differences.is_empty() {
        return text;
    }
    text += "\n| service | segment | A | B | cost | quality |\n|---|---|---|---|---:|---:|\n";
    for difference in comparison.differences.iter().take(MOST) {
        let row = [
            difference.service.clone(),
            difference.segment.name().to_owned(),
            said(&difference.a),
            said(&difference.b),
            cost(difference),
            quality(difference),
        ];
        text += &format!("| {} |\n", row.map(|text| cell(&text)).join(" | "));
    }
    text + &rest(comparison)
}

fn right(text: &str) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Label, A and B.
fn sides(comparison: &PolicyComparison) -> Vec<(&'static str, String, String)> {
    let row = |label, show: &dyn Fn(&Side) -> String| (label, show(&comparison.a), show(&comparison.b));
    let dollars = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), usd);
    let score = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.3}"));
    vec![
        row("spend a day now", &|side| dollars(side.totals.spend_usd_per_day)),
        row("spend a day planned", &|side| dollars(side.totals.planned_spend_usd_per_day)),
        row("quality now", &|side| score(side.totals.quality)),
        row("quality planned", &|side| score(side.totals.planned_quality)),
        row("segments changed", &|side| count(side.changes)),
        row("findings", &|side| count(side.findings)),
    ]
}

fn same(comparison: &PolicyComparison) -> String {
    format!("The same in {} of {}.", count(comparison.same), counted(comparison.segments, "segment"))
}

fn said(verdict: &Verdict) -> String {
    let mut text = words::action(verdict.action).to_owned();
    if verdict.action.moves() {
        if verdict.mode != Mode::Enforce {
            text += " (only shown)";
        }
        match &verdict.proposed {
            Some(arm) if verdict.settings.is_empty() => text += &format!(" to {arm}"),
            _ => {
                let settings: Vec<String> = verdict.settings.iter().map(words::setting).collect();
                text += &format!(" {}", settings.join(", "));
            }
        }
    }
    format!("{text}: {}", verdict.reason)
}

fn cost(difference: &Difference) -> String {
    difference.cost_per_request.map(change).unwrap_or_default()
}

fn quality(difference: &Difference) -> String {
    difference.quality.map(|quality| format!("{quality:+.3}")).unwrap_or_default()
}

fn rest(comparison: &PolicyComparison) -> String {
    match comparison.differences.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("\n… and {}; --format json lists them all\n", counted(more as u64, "more segment")),
    }
}
