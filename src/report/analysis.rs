//! Findings: a table for people, JSON and NDJSON for programs, Markdown for issues.

use serde::Serialize;

use super::{
    Screen,
    markdown::cell,
    sparkline::{COURSE, sparkline},
    table, words,
};
use crate::domain::{
    Finding, Metric,
    analysis::{Ahead, Analysis, Outlook, Tick},
    format::{count, counted},
};

/// The analysis as indented JSON, with a final line break.
#[must_use]
pub fn analysis_json(analysis: &Analysis) -> String {
    serde_json::to_string_pretty(analysis).expect("an analysis is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of that form.
#[must_use]
pub fn analysis_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Analysis)).expect("a schema is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of one line of a replay.
#[must_use]
pub fn tick_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Tick)).expect("a schema is plain data") + "\n"
}

/// One tick on one line.
#[must_use]
pub fn tick(tick: &Tick) -> String {
    line(tick)
}

/// One finding a line.
#[must_use]
pub fn findings_ndjson(findings: &[Finding]) -> String {
    findings.iter().map(line).collect()
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data") + "\n"
}

/// The analysis as lines of text.
#[must_use]
pub fn analysis(analysis: &Analysis, screen: Screen) -> String {
    let mut text = format!("Analysis under policy `{}`\n\n", analysis.policy.name);
    for (label, line) in summary(analysis) {
        text += &table::indented(label, &line, screen.width);
    }
    text += "\n";
    if analysis.findings.is_empty() {
        return text + "No findings: everything is within its limits, and nothing moves that did not before.\n";
    }
    text + &table::findings(&analysis.findings, screen)
}

/// Forecasts, one line a figure.
#[must_use]
pub fn outlooks(outlooks: &[Outlook], screen: Screen) -> String {
    if outlooks.is_empty() {
        return "\nNo forecasts: no figure has been followed for long enough.\n".to_owned();
    }
    let mut text = String::from("\nForecasts, each with the range that should hold it nine times in ten\n");
    for of_service in outlooks.chunk_by(|a, b| a.service == b.service) {
        let mut table = table::fresh(screen);
        table.set_header([&of_service[0].service, "now", "in 15 min", "in 1 h", "in 24 h"]);
        for outlook in of_service {
            let mut row = vec![outlook.metric.name().to_owned(), outlook.metric.show(outlook.now)];
            row.extend([15, 60, 1_440].map(|minutes| {
                let ahead = outlook.ahead.iter().find(|ahead| ahead.minutes == minutes);
                ahead.map_or_else(|| "–".to_owned(), |ahead| range(outlook.metric, ahead))
            }));
            table.add_row(row);
        }
        text += "\n";
        text += &table::trimmed(&table);
    }
    text
}

/// `847 ms (689 … 1,015)`: the unit once.
fn range(metric: Metric, ahead: &Ahead) -> String {
    let bare = |value: f64| {
        let shown = metric.show(value);
        shown.trim_end_matches(" ms").trim_end_matches(" tokens").trim_end_matches(" a minute").to_owned()
    };
    let [low, high] = ahead.interval;
    format!("{}\n{} … {}", metric.show(ahead.value), bare(low), bare(high))
}

/// The analysis as GitHub-flavoured Markdown.
#[must_use]
pub fn analysis_markdown(analysis: &Analysis) -> String {
    let mut text = format!("## Analysis under policy `{}`\n\n", cell(&analysis.policy.name));
    for (label, line) in summary(analysis) {
        text += &format!("- **{label}**: {}\n", cell(&line));
    }
    if analysis.findings.is_empty() {
        return text + "\nNo findings: everything is within its limits, and nothing moves that did not before.\n";
    }
    text += "\n| severity | service | finding | course |\n|---|---|---|---|\n";
    for finding in &analysis.findings {
        let service = finding.service.as_deref().unwrap_or("all services");
        let course = sparkline(&finding.evidence.recent, COURSE);
        text += &format!("| {} | {} | {} | {course} |\n", finding.severity, cell(service), cell(&finding.summary));
    }
    text
}

fn summary(analysis: &Analysis) -> Vec<(&'static str, String)> {
    let looked = &analysis.looked_at;
    let mut lines = words::read(&analysis.windows, &analysis.source);
    lines.retain(|(label, _)| *label != "evidence");
    lines.push((
        "looked at",
        format!(
            "{}, {} series in steps of {} min, {}",
            counted(looked.services, "service"),
            count(looked.series),
            analysis.slot_minutes,
            counted(looked.tests, "test"),
        ),
    ));
    if looked.alerts_later > 0 {
        let later = counted(looked.alerts_later, "alert");
        lines.push(("alerts", format!("{later} newer than the window; a later --until has them among the findings")));
    }
    lines
}
