//! For a terminal.

use comfy_table::Cell;

use super::figures::{change, compared, figure, mix, or_dash, outcome, p_value, side, verdict};
use crate::{
    domain::{
        format::counted,
        gate::{GateComparison, GateReport, GateVerdict, Slice},
    },
    report::table::{Screen, fresh, indented, trimmed},
};

/// Slices that got worse and are shown one by one.
const MOST_SLICES: usize = 10;

/// A few lines, and a table of what is worth a look.
#[must_use]
pub fn gate(report: &GateReport, screen: Screen) -> String {
    let mut text = format!("Gate {}\n\n", outcome(report));
    let lines = [
        ("baseline", side(&report.baseline)),
        ("candidate", side(&report.candidate)),
        ("compared", compared(report)),
        ("mix", mix(report)),
    ];
    for (label, line) in lines.iter().filter(|(_, line)| !line.is_empty()) {
        text += &indented(label, line, screen.width);
    }
    for note in &report.notes {
        text += &indented("note", note, screen.width);
    }
    let all: Vec<&GateComparison> = report.comparisons.iter().filter(|one| is_telling(one)).collect();
    // Where a metric got worse over all requests, its slices are told in a sentence.
    let everywhere =
        |metric| all.iter().any(|one| one.metric == metric && one.slice == Slice::Overall && is_worse(one));
    let (shown, slices): (Vec<&GateComparison>, Vec<&GateComparison>) =
        all.iter().copied().partition(|one| one.slice == Slice::Overall);
    let slices: Vec<&GateComparison> = slices.into_iter().filter(|one| !everywhere(one.metric)).collect();
    let shown: Vec<&GateComparison> = shown.into_iter().chain(slices.iter().copied().take(MOST_SLICES)).collect();
    if !shown.is_empty() {
        let mut table = fresh(screen);
        table.set_header(["", "", "baseline", "candidate", "change", "90 % interval", "margin", "p"]);
        for one in &shown {
            table.add_row(row(one));
        }
        text += &format!("\n{}", trimmed(&table));
    }
    if slices.len() > MOST_SLICES {
        text += &format!("\n  … and {} more got worse\n", counted((slices.len() - MOST_SLICES) as u64, "slice"));
    }
    text += &detects(&shown).map_or_else(String::new, |line| format!("\n{}", indented("detects", &line, screen.width)));
    for each in report.one_sided.iter().take(5) {
        let side = if each.in_candidate { "candidate" } else { "baseline" };
        let line = format!("only the {side} has {} ({})", each.slice.label(), counted(each.requests, "request"));
        text += &indented("", &line, screen.width);
    }
    if !report.reasons.is_empty() {
        text += "\n";
        for reason in &report.reasons {
            let label = if reason.fails { "because" } else { "look at" };
            text += &indented(label, &reason.summary, screen.width);
        }
    }
    let rest = report.comparisons.len() - shown.len();
    if rest > 0 {
        text += &format!("\n{} more: `--format json` has them all.\n", counted(rest as u64, "comparison"));
    }
    text
}

/// Everything over all requests that guards, and what got worse or better of the rest.
fn is_telling(one: &GateComparison) -> bool {
    match one.verdict {
        GateVerdict::Regression => true,
        GateVerdict::Improvement | GateVerdict::Equivalent | GateVerdict::Inconclusive => {
            one.guards && one.slice == Slice::Overall
        }
    }
}

/// The smallest harm that what is open would have shown.
fn detects(shown: &[&GateComparison]) -> Option<String> {
    let open = shown.iter().filter(|one| one.guards && one.verdict == GateVerdict::Inconclusive && one.lack.is_none());
    let told = open.map(|one| match one.detectable {
        Some(harm) => format!("{} from {}", one.about(), figure(one.metric, harm)),
        None => format!("{} nothing", one.about()),
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| format!("of what is open, harm of: {} (four times in five)", told.join("; ")))
}

fn is_worse(one: &GateComparison) -> bool {
    one.verdict == GateVerdict::Regression
}

fn row(one: &GateComparison) -> Vec<Cell> {
    if let Some(lack) = &one.lack {
        return [verdict(one), &one.about(), "–", "–", lack, "", "", ""].map(Cell::new).into();
    }
    let [change, interval] = change(one);
    let margin = one.margin.map_or_else(String::new, |margin| figure(one.metric, margin));
    let [before, after] = [or_dash(one.metric, one.baseline), or_dash(one.metric, one.candidate)];
    [verdict(one).to_owned(), one.about(), before, after, change, interval, margin, p_value(one)].map(Cell::new).into()
}
