//! Off-policy evaluations: a table for people, JSON for programs, Markdown for pull requests.

use super::{Screen, fold::fold, markdown::cell, table, words};
use crate::domain::{
    Metric,
    evaluation::{ArmEvaluation, Evaluation, MeasureEvaluation, SegmentEvaluation, TotalEvaluation},
    format::{count, counted, percent},
    plan::Estimate,
};

/// The evaluation as indented JSON, with a final line break.
#[must_use]
pub fn evaluation_json(evaluation: &Evaluation) -> String {
    serde_json::to_string_pretty(evaluation).expect("an evaluation is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of that form.
#[must_use]
pub fn evaluation_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Evaluation)).expect("a schema is plain data") + "\n"
}

const TOTALS: [&str; 4] = ["all together", "as logged", "as planned", "difference"];
const ARMS: [&str; 6] = ["measure", "as logged", "own requests", "SNIPS", "doubly robust", "difference"];

/// A table with what stands above it.
struct Grid {
    title: Option<String>,
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

/// The evaluation as lines of text.
#[must_use]
pub fn evaluation(evaluation: &Evaluation, screen: Screen) -> String {
    let mut text =
        format!("Off-policy evaluation of plan {} under policy `{}`\n\n", evaluation.plan, evaluation.policy.name);
    for (label, line) in summary(evaluation) {
        text += &table::indented(label, &line, screen.width);
    }
    for grid in grids(evaluation) {
        text += "\n";
        if let Some(title) = grid.title {
            text += &fold("", &title, 2, usize::from(screen.width));
        }
        if grid.rows.is_empty() {
            continue;
        }
        let mut table = table::fresh(screen);
        table.set_header(grid.header);
        for row in grid.rows {
            // An interval below its value, where it does not fit beside it.
            table.add_row(row.iter().map(|text| text.replacen(" (", "\n(", 1)));
        }
        text += &table::trimmed(&table);
    }
    text
}

/// The evaluation as GitHub-flavoured Markdown.
#[must_use]
pub fn evaluation_markdown(evaluation: &Evaluation) -> String {
    let name = cell(&evaluation.policy.name);
    let mut text = format!("## Off-policy evaluation of plan `{}` under policy `{name}`\n\n", evaluation.plan);
    for (label, line) in summary(evaluation) {
        text += &format!("- **{label}**: {}\n", cell(&line));
    }
    for grid in grids(evaluation) {
        if let Some(title) = grid.title {
            text += &format!("\n{}\n", cell(&title));
        }
        if grid.rows.is_empty() {
            continue;
        }
        text += &format!("\n| {} |\n|{}\n", grid.header.join(" | "), "---|".repeat(grid.header.len()));
        for row in grid.rows {
            let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
            text += &format!("| {} |\n", cells.join(" | "));
        }
    }
    text
}

/// The totals, then each arm of each segment.
fn grids(evaluation: &Evaluation) -> Vec<Grid> {
    let mut grids = Vec::new();
    if evaluation.propensities.usable() > 0 {
        grids.push(Grid { title: None, header: &TOTALS, rows: totals(evaluation) });
    }
    for segment in &evaluation.segments {
        let name = format!("{}, {}", segment.service, segment.segment.name());
        if let Some(why) = &segment.abstained {
            grids.push(Grid { title: Some(format!("{name}: nothing to say, {why}")), header: &[], rows: Vec::new() });
        }
        grids.extend(segment.arms.iter().map(|arm| of_arm(&name, segment, arm)));
    }
    grids
}

fn of_arm(name: &str, segment: &SegmentEvaluation, arm: &ArmEvaluation) -> Grid {
    let mut title = format!("{name}: all of it on {}", arm.arm);
    if segment.proposed.as_ref() == Some(&arm.arm) {
        title += ", as the plan proposes";
    }
    title += &format!(" (it had {}", counted(arm.requests, "request"));
    // What holds for the measure that is known least.
    let least = |a: f64, b: f64| if b < a { b } else { a };
    if let Some(effective) = arm.measures.iter().filter_map(|line| line.effective_requests).reduce(least) {
        title += &format!(", {} effective", count(effective.round() as u64));
    }
    if let Some(largest) = arm.measures.iter().filter_map(|line| line.largest_weight).reduce(f64::max) {
        title += &format!("; the weightiest has {} of all weight", percent(largest));
    }
    title += ")";
    let rows = arm.measures.iter().map(|line| row(segment, line)).collect();
    Grid { title: Some(title), header: &ARMS, rows }
}

fn summary(evaluation: &Evaluation) -> Vec<(&'static str, String)> {
    let mut lines = words::read(&evaluation.windows, &evaluation.source);
    let propensities = &evaluation.propensities;
    let mut told = format!(
        "{} of {} requests tell how likely the choice of their arm was",
        count(propensities.usable()),
        count(propensities.requests)
    );
    if propensities.usable() == 0 {
        told += "; without that nothing can be said of other routings (column `propensity`, docs/evaluation.md)";
    }
    lines.push(("choices", told));
    lines.extend(evaluation.warnings.iter().map(|warning| ("WARNING", warning.clone())));
    lines
}

fn totals(evaluation: &Evaluation) -> Vec<Vec<String>> {
    let line = |total: &TotalEvaluation| {
        let show =
            |estimate: Option<Estimate>| estimate.map_or_else(|| "–".to_owned(), |value| shown(total.measure, value));
        let planned = total.abstained.clone().unwrap_or_else(|| show(total.planned));
        let difference = total.difference.map_or_else(|| "–".to_owned(), |value| moved(total.measure, value));
        vec![total.measure.name().to_owned(), show(total.present), planned, difference]
    };
    evaluation.totals.iter().map(line).collect()
}

fn row(segment: &SegmentEvaluation, line: &MeasureEvaluation) -> Vec<String> {
    let show = |estimate: Option<Estimate>| estimate.map_or_else(|| "–".to_owned(), |value| shown(line.measure, value));
    let logged = segment.as_logged.iter().find(|mean| mean.measure == line.measure);
    let mark = if line.confounded { "! " } else { "" };
    let mut row = vec![
        line.measure.name().to_owned(),
        show(logged.and_then(|mean| mean.value)),
        format!("{mark}{}", show(line.plain)),
    ];
    match &line.abstained {
        Some(why) => row.extend(["–".to_owned(), why.clone(), String::new()]),
        None => row.extend([
            show(line.self_normalised),
            show(line.doubly_robust),
            line.difference.map_or_else(|| "–".to_owned(), |value| moved(line.measure, value)),
        ]),
    }
    row
}

/// `0.812 (0.803 … 0.821)`: the unit once.
fn shown(measure: Metric, estimate: Estimate) -> String {
    let bare = |value: f64| measure.show(value).trim_end_matches(" ms").trim_end_matches(" %").to_owned();
    format!("{} ({} … {})", measure.show(estimate.value), bare(estimate.low), bare(estimate.high))
}

/// A difference, with its sign.
fn moved(measure: Metric, estimate: Estimate) -> String {
    let signed = |value: f64| {
        let size = measure.show(value.abs());
        if size.starts_with('<') {
            return "±0.0 %".to_owned();
        }
        if value < 0.0 { format!("−{size}") } else { format!("+{size}") }
    };
    let bare = |value: f64| signed(value).trim_end_matches(" ms").trim_end_matches(" %").to_owned();
    format!("{} ({} … {})", signed(estimate.value), bare(estimate.low), bare(estimate.high))
}
