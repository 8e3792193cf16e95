//! A plan as Markdown, for a pull request or a step summary.

use super::words;
use crate::domain::{Plan, plan::Measure};

/// The whole plan as GitHub-flavoured Markdown.
#[must_use]
pub fn markdown(plan: &Plan) -> String {
    let mut text = format!("## Plan `{}` under policy `{}`\n\n", plan.id, cell(&plan.policy.name));
    for (label, line) in words::summary(plan) {
        text += &format!("- **{label}**: {}\n", cell(&line));
    }
    text += "\n| service | segment | decision | what | why | cost | quality | latency p95 |\n|---|---|---|---|---|---:|---:|---:|\n";
    let decisions = words::decisions(plan);
    for decision in decisions.shown {
        let row = [
            decision.service.clone(),
            decision.segment.name().to_owned(),
            words::action(decision.action).to_owned(),
            words::what(decision),
            words::why(decision),
            words::effect(decision, Measure::CostPerRequestUsd),
            words::effect(decision, Measure::Quality),
            words::effect(decision, Measure::LatencyP95Ms),
        ];
        text += &format!("| {} |\n", row.map(|text| cell(&text)).join(" | "));
    }
    text += &rest(&decisions.rest);
    if plan.findings.is_empty() {
        return text + "\nNo findings: everything is within its limits.\n";
    }
    text += "\n| severity | service | finding |\n|---|---|---|\n";
    let findings = words::findings(&plan.findings);
    for finding in findings.shown {
        let service = finding.service.as_deref().unwrap_or("all services");
        text += &format!("| {} | {} | {} |\n", finding.severity, cell(service), cell(&finding.summary));
    }
    text + &rest(&findings.rest)
}

/// What a list leaves out, as a paragraph.
fn rest(rest: &str) -> String {
    if rest.is_empty() { String::new() } else { format!("\n… and {}\n", cell(rest)) }
}

/// Text that cannot break out of a table cell or become markup: names come from request logs.
pub(super) fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' => {
                safe.push('\\');
                safe.push(character);
            }
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            character if character.is_control() => safe.push(' '),
            character => safe.push(character),
        }
    }
    safe
}
