//! What a source holds, on a terminal.

use super::{Screen, fold::fold, words::instant};
use crate::domain::{
    format::{count, counted, ms, percent},
    inspection::{Field, Inspection, RowsFound, TableFound},
};

const LABEL: usize = 10;

/// Facts of one kind that are shown; JSON has them all.
const MOST_OF_A_KIND: usize = 3;

/// The inspection as indented JSON, with a final line break.
#[must_use]
pub fn inspection_json(inspection: &Inspection) -> String {
    serde_json::to_string_pretty(inspection).expect("an inspection is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of that form.
#[must_use]
pub fn inspection_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Inspection)).expect("a schema is plain data") + "\n"
}

/// The inspection as lines of text.
#[must_use]
pub fn inspection(inspection: &Inspection, screen: Screen) -> String {
    let mut text = String::new();
    for tables in inspection.tables.chunk_by(|a, b| a.origin == b.origin) {
        text += &format!("{}\n", tables[0].origin);
        for table in tables {
            text += &source(table, screen.width);
        }
        text += "\n";
    }
    text += &rows("requests", &inspection.requests, screen.width);
    for (label, found) in [("scores", &inspection.scores), ("metrics", &inspection.metrics)] {
        text += &found.as_ref().map_or_else(String::new, |found| rows(label, found, screen.width));
    }
    if inspection.requests.good == 0 {
        return text;
    }
    text += "\n  field                 known   values\n";
    for field in &inspection.fields {
        let known = if field.known > 0.0 { percent(field.known) } else { "never".to_owned() };
        text += format!("  {:<20} {known:>6}   {}", field.name, values(field)).trim_end();
        text += "\n";
    }
    text += &format!("\n  {}, most requests first\n", counted(inspection.services_in_all, "service"));
    for found in &inspection.services {
        let name = cut(&found.service, usize::from(screen.width).saturating_sub(28));
        text += &format!("  {:>12}  {:>6}  {name}\n", count(found.requests), percent(found.share));
    }
    text += &more(inspection.services_in_all, inspection.services.len());
    text += &format!(
        "\n  {}, most requests first\n  {:>12}  {:>6}  {:>9}  {:>9}  {:>6}  {:>6}\n",
        counted(inspection.models_in_all, "model"),
        "requests",
        "failed",
        "p50",
        "p95",
        "costed",
        "scored"
    );
    for found in &inspection.models {
        let provider = found.provider.as_ref().map_or_else(String::new, |provider| format!("{provider}/"));
        let latency = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), ms);
        text += &format!(
            "  {:>12}  {:>6}  {:>9}  {:>9}  {:>6}  {:>6}  {}\n",
            count(found.requests),
            percent(found.failed),
            latency(found.latency_p50_ms),
            latency(found.latency_p95_ms),
            percent(found.costed),
            percent(found.scored),
            cut(&format!("{provider}{}", found.model), usize::from(screen.width).saturating_sub(66))
        );
    }
    text += &more(inspection.models_in_all, inspection.models.len());
    if inspection.facts.is_empty() {
        return text + "\n  Nothing here looks like what fools an analysis.\n";
    }
    text += "\n  Worth a second look\n";
    for facts in inspection.facts.chunk_by(|a, b| a.kind == b.kind) {
        for fact in facts.iter().take(MOST_OF_A_KIND) {
            text += &fold("  - ", &fact.summary, 4, usize::from(screen.width));
        }
        if facts.len() > MOST_OF_A_KIND {
            text += &format!("    and {} more like it\n", facts.len() - MOST_OF_A_KIND);
        }
    }
    text
}

fn source(table: &TableFound, width: u16) -> String {
    let mut text = line("layout", &format!("{}: {}", table.layout, table.what), width);
    text += &line("because", &table.why, width);
    text += &line("reads", &table.read.join(", "), width);
    if !table.lacking.is_empty() {
        text += &line("lacks", &table.lacking.join(", "), width);
    }
    if !table.unread.is_empty() {
        text += &line("unread", &table.unread.join(", "), width);
    }
    text
}

fn rows(label: &str, found: &RowsFound, width: u16) -> String {
    let mut told = format!("{}: {} good", counted(found.read, "row"), count(found.good));
    if let Some(duplicates) = found.duplicates.filter(|duplicates| *duplicates > 0) {
        told += &format!(", {} of these told twice", count(duplicates));
    }
    let mut text = line(label, &told, width);
    if let (Some(oldest), Some(newest)) = (found.oldest, found.newest) {
        text += &line("", &format!("{} → {} UTC", instant(oldest), instant(newest)), width);
    }
    for (label, reasons) in [("rejected", &found.rejected), ("passed", &found.passed_over)] {
        let mut reasons: Vec<_> = reasons.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (place, (reason, rows)) in reasons.iter().take(12).enumerate() {
            text += &line(if place == 0 { label } else { "" }, &format!("{:>8}  {reason}", count(**rows)), width);
        }
        if reasons.len() > 12 {
            text += &line("", &format!("and {}", counted(reasons.len() as u64 - 12, "other reason")), width);
        }
    }
    text
}

fn line(label: &str, text: &str, width: u16) -> String {
    fold(&format!("  {label:<LABEL$}"), text, LABEL + 2, usize::from(width))
}

fn values(field: &Field) -> String {
    match (field.values, field.least, field.mean, field.greatest) {
        (Some(values), ..) if field.known > 0.0 => counted(values, "value"),
        (None, Some(least), Some(mean), Some(greatest)) => {
            format!("{} … {}, mean {}", short(least), short(greatest), short(mean))
        }
        _ => String::new(),
    }
}

/// A number in as few digits as say something.
fn short(value: f64) -> String {
    let whole = value.abs();
    if whole >= 1000.0 {
        count(value.round() as u64)
    } else if whole >= 1.0 || whole <= f64::EPSILON {
        format!("{value:.1}").trim_end_matches(".0").to_owned()
    } else if whole >= 0.001 {
        format!("{value:.3}")
    } else {
        format!("{value:.1e}")
    }
}

fn cut(name: &str, width: usize) -> String {
    let width = width.max(12);
    if name.chars().count() <= width {
        name.to_owned()
    } else {
        name.chars().take(width - 1).collect::<String>() + "…"
    }
}

fn more(in_all: u64, shown: usize) -> String {
    let left = in_all.saturating_sub(shown as u64);
    if left == 0 { String::new() } else { format!("  {:>12}  more\n", count(left)) }
}
