//! What `doctor` found, on a terminal and for programs.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint};

use super::{
    Screen,
    table::{fresh, trimmed},
};
use crate::domain::{
    doctor::{Check, Diagnosis, Outcome},
    format::{counted, instant},
};

/// The diagnosis as indented JSON, with a final line break.
#[must_use]
pub fn doctor_json(diagnosis: &Diagnosis) -> String {
    serde_json::to_string_pretty(diagnosis).expect("a diagnosis is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of [`doctor_json`].
#[must_use]
pub fn doctor_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Diagnosis)).expect("a schema is plain data") + "\n"
}

/// Every check with what was found; where something is wrong, also why it matters and what to do.
#[must_use]
pub fn doctor(diagnosis: &Diagnosis, screen: Screen) -> String {
    let mut table = fresh(screen);
    table.set_header(["check", "", "found"]);
    for check in &diagnosis.checks {
        let mut outcome = Cell::new(check.outcome.name());
        if screen.color {
            outcome = match check.outcome {
                Outcome::Ok => outcome.fg(Color::Green),
                Outcome::Warning => outcome.fg(Color::Yellow),
                Outcome::Failed => outcome.fg(Color::Red).add_attribute(Attribute::Bold),
                Outcome::Skipped => outcome,
            };
        }
        table.add_row([Cell::new(check.subject.name()), outcome, Cell::new(told(check))]);
    }
    for index in [0, 1] {
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let of = |outcome| diagnosis.checks.iter().filter(|check| check.outcome == outcome).count() as u64;
    format!(
        "Checked at {} UTC\n\n{}\n{} failed, {}, {} ok, {} skipped\n",
        instant(diagnosis.at),
        trimmed(&table),
        of(Outcome::Failed),
        counted(of(Outcome::Warning), "warning"),
        of(Outcome::Ok),
        of(Outcome::Skipped)
    )
}

fn told(check: &Check) -> String {
    match check.outcome {
        Outcome::Ok => check.found.clone(),
        Outcome::Skipped => format!("not looked at: {}", check.found),
        Outcome::Warning | Outcome::Failed => {
            let fix = check.fix.as_ref().map_or_else(String::new, |fix| format!("\nto fix: {fix}"));
            format!("{}\nwhy: {}{fix}", check.found, check.matters)
        }
    }
}
