//! For a comment under a pull request, and for the summary of a job.

use super::figures::{change, compared, figure, mix, or_dash, p_value, side, verdict};
use crate::domain::gate::{GateComparison, GateOutcome, GateReport, GateVerdict, Slice};

/// Rows of slices at most: a comment has its limits.
const MOST: usize = 50;

/// GitHub-flavoured Markdown.
#[must_use]
pub fn gate_markdown(report: &GateReport) -> String {
    let title = match (report.outcome, report.enforced) {
        (GateOutcome::Passed, _) => "✅ Gate passed",
        (GateOutcome::Warned, _) => "⚠️ Gate passed, with something to look at",
        (GateOutcome::Failed, true) => "❌ Gate failed",
        (GateOutcome::Failed, false) => "⚠️ Gate would have failed; the policy only observes",
    };
    let mut text = format!("### {title}\n\n");
    let lines = [
        ("Baseline", side(&report.baseline)),
        ("Candidate", side(&report.candidate)),
        ("Compared", compared(report)),
        ("Mix", mix(report)),
    ];
    for (label, line) in lines.iter().filter(|(_, line)| !line.is_empty()) {
        text += &format!("- {label}: {}\n", escaped(line));
    }
    for note in &report.notes {
        text += &format!("- Note: {}\n", escaped(note));
    }
    let overall = report.comparisons.iter().filter(|one| one.slice == Slice::Overall && one.guards);
    text += "\n";
    text += &table(overall);
    let worse: Vec<&GateComparison> = report
        .comparisons
        .iter()
        .filter(|one| one.slice != Slice::Overall && one.verdict == GateVerdict::Regression)
        .collect();
    if !worse.is_empty() {
        text += &format!("\n<details><summary>{} slices got worse</summary>\n\n", worse.len());
        text += &table(worse.iter().copied().take(MOST));
        if worse.len() > MOST {
            text += &format!("\n… and {} more\n", worse.len() - MOST);
        }
        text += "\n</details>\n";
    }
    if !report.reasons.is_empty() {
        text += "\n";
        for reason in report.reasons.iter().take(MOST) {
            text += &format!("- {}\n", escaped(&reason.summary));
        }
    }
    text
}

fn table<'a>(comparisons: impl Iterator<Item = &'a GateComparison>) -> String {
    let mut text =
        "| | | baseline | candidate | change | 90 % interval | margin | p |\n|---|---|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
    for one in comparisons {
        let [change, interval] = if let Some(lack) = &one.lack { [lack.clone(), String::new()] } else { change(one) };
        let margin = one.margin.map_or_else(String::new, |margin| figure(one.metric, margin));
        let cells = [
            verdict(one).to_owned(),
            one.about(),
            or_dash(one.metric, one.baseline),
            or_dash(one.metric, one.candidate),
            change,
            interval,
            margin,
            p_value(one),
        ];
        text += &format!("| {} |\n", cells.map(|cell| escaped(&cell)).join(" | "));
    }
    text
}

/// Nothing from outside opens a tag, ends a cell, or becomes a mention.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '\n' | '\r' => safe.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' => safe.extend(['\\', character]),
            '@' => safe += "@\u{200b}",
            _ => safe.push(character),
        }
    }
    safe
}
