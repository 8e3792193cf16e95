//! A plan on a terminal.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
    presets::NOTHING,
};

use super::{
    fold::fold,
    sparkline::{COURSE, sparkline},
    words,
};
use crate::domain::{
    Finding, Plan, Severity,
    plan::{Action, Measure},
};

/// Where the table will be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Columns of text.
    pub width: u16,
    pub color: bool,
}

const LABEL: usize = 10;

/// Below this many columns, tables become lists.
const NARROW: u16 = 70;

/// Service names longer than this are folded.
const NAME_WIDTH: u16 = 24;

/// A rule under the header and nothing else: every other line is content.
const STYLE: TableStyle = NOTHING.header_separator(LineStyle::new('─', '─', '─', '─'));

/// The whole plan as lines of text.
#[must_use]
pub fn table(plan: &Plan, screen: Screen) -> String {
    let mut text = format!("Plan {} under policy `{}`\n\n", plan.id, plan.policy.name);
    for (label, line) in words::summary(plan) {
        text += &indented(label, &line, screen.width);
    }
    text += "\n";
    text += &if screen.width < NARROW { stacked(plan, screen) } else { decisions(plan, screen) };
    if plan.findings.is_empty() {
        text += "\nNo findings: everything is within its limits.\n";
    } else {
        text += "\n";
        text += &findings(&plan.findings, screen);
    }
    text
}

/// Decisions below each other, for screens where columns would be slivers.
fn stacked(plan: &Plan, screen: Screen) -> String {
    let mut text = String::new();
    let decisions = words::decisions(plan);
    for decision in decisions.shown {
        text += &format!("{} {} {}\n", words::action(decision.action), decision.service, decision.segment.name());
        for line in [words::what(decision), words::why(decision)].iter().filter(|line| !line.is_empty()) {
            text += &indented("", line, screen.width);
        }
    }
    text + &rest(&decisions.rest, screen)
}

/// What a list leaves out, on a line of its own.
fn rest(rest: &str, screen: Screen) -> String {
    if rest.is_empty() { String::new() } else { fold("  … and ", rest, 4, usize::from(screen.width)) }
}

fn listed(findings: &[Finding], screen: Screen) -> String {
    let findings = words::findings(findings);
    let lines = findings.shown.iter().map(|finding| {
        let service = finding.service.as_deref().unwrap_or("all services");
        indented(&finding.severity.to_string(), &format!("{service}: {}", finding.summary), screen.width)
    });
    lines.collect::<String>() + &rest(&findings.rest, screen)
}

/// `  label  text`, folded at the width with the text kept in its column.
pub(super) fn indented(label: &str, line: &str, width: u16) -> String {
    fold(&format!("  {label:<LABEL$}"), line, LABEL + 2, usize::from(width))
}

pub(super) fn fresh(screen: Screen) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_width(screen.width);
    if screen.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn decisions(plan: &Plan, screen: Screen) -> String {
    let mut table = fresh(screen);
    table.set_header(["decision", "service", "what and why", "cost", "quality", "p95"]);
    let decisions = words::decisions(plan);
    for decision in decisions.shown {
        let color = match decision.action {
            Action::Change | Action::Revert | Action::Experiment => Some(Color::Green),
            Action::Refused | Action::Deferred => Some(Color::Yellow),
            Action::Keep | Action::Off => None,
        };
        let mut action = Cell::new(words::action(decision.action));
        if let (Some(color), true) = (color, screen.color) {
            action = action.fg(color).add_attribute(Attribute::Bold);
        }
        let (what, why) = (words::what(decision), words::why(decision));
        let number = |measure| Cell::new(words::effect(decision, measure)).set_alignment(CellAlignment::Right);
        table.add_row([
            action,
            Cell::new(format!("{}\n{}", decision.service, decision.segment.name())),
            Cell::new(if what.is_empty() { why } else { format!("{what}\n{why}") }),
            number(Measure::CostPerRequestUsd),
            number(Measure::Quality),
            number(Measure::LatencyP95Ms),
        ]);
    }
    fit(&mut table, &[0, 3, 4, 5]);
    if let Some(column) = table.column_mut(1) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(NAME_WIDTH)));
    }
    trimmed(&table) + &rest(&decisions.rest, screen)
}

/// Columns that are never folded.
fn fit(table: &mut Table, columns: &[usize]) {
    for index in columns {
        if let Some(column) = table.column_mut(*index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// Findings, worst first; with the course of a figure where one is followed.
pub(super) fn findings(findings: &[Finding], screen: Screen) -> String {
    if screen.width < NARROW {
        return listed(findings, screen);
    }
    let mut table = fresh(screen);
    let courses = findings.iter().any(|finding| !finding.evidence.recent.is_empty());
    let mut header = vec!["severity", "service", "finding"];
    header.extend(courses.then_some("course"));
    table.set_header(header);
    let findings = words::findings(findings);
    for finding in findings.shown {
        let mut severity = Cell::new(finding.severity);
        if screen.color {
            severity = match finding.severity {
                Severity::Critical | Severity::High => severity.fg(Color::Red).add_attribute(Attribute::Bold),
                Severity::Medium => severity.fg(Color::Yellow),
                Severity::Low => severity,
            };
        }
        let mut row = vec![
            severity,
            Cell::new(finding.service.as_deref().unwrap_or("all services")),
            Cell::new(&finding.summary),
        ];
        row.extend(courses.then(|| Cell::new(sparkline(&finding.evidence.recent, COURSE))));
        table.add_row(row);
    }
    fit(&mut table, &[0, 3]);
    if let Some(column) = table.column_mut(1) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(NAME_WIDTH)));
    }
    trimmed(&table) + &rest(&findings.rest, screen)
}

/// Lines without the blanks that pad the last column: they only break copy and paste.
pub(super) fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
