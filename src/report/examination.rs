//! What is wrong with a state store, as a table and as JSON.

use comfy_table::{Cell, CellAlignment};

use super::{
    fold::fold,
    table::{Screen, fresh},
};
use crate::domain::{
    examination::Examination,
    format::{count, counted, visible},
};

/// What was looked at, and every problem with what to do.
#[must_use]
pub fn examination(found: &Examination, screen: Screen) -> String {
    let mut table = fresh(screen);
    table.set_header(["what", "rows", "problems"]);
    for line in &found.looked_at {
        let number = |number| Cell::new(count(number)).set_alignment(CellAlignment::Right);
        table.add_row([Cell::new(&line.what), number(line.rows), number(line.problems)]);
    }
    let mut text = table.trim_fmt() + "\n\n";
    if found.problems.is_empty() {
        return text + "All is as it was written.\n";
    }
    for problem in &found.problems {
        let id = if problem.id.is_empty() { String::new() } else { format!(" {}", visible(&problem.id)) };
        let line = format!("{}{id}: {}", problem.what, visible(&problem.why));
        text += &fold("  ", &line, 4, usize::from(screen.width));
        text += &fold("    to fix: ", &problem.fix, 12, usize::from(screen.width));
    }
    text + &format!("\n{}.\n", counted(found.problems.len() as u64, "problem"))
}

/// The same for programs.
#[must_use]
pub fn examination_json(found: &Examination) -> String {
    serde_json::to_string_pretty(found).expect("an examination is plain data") + "\n"
}
