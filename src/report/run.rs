//! What one run did, as a table for people and as JSON for programs.

use comfy_table::{Attribute, Cell, Color};

use super::{
    table::{Screen, fresh, indented},
    words,
};
use crate::domain::{
    format::{self, percent, quantity},
    policy::Mode,
    run::{Did, HistoryHeld, RunReport, StepLine},
    verdict::{Judgement, Reading, Verdict},
};

/// JSON as `docs/schema/run.v1.json` describes it.
#[must_use]
pub fn run_json(report: &RunReport) -> String {
    serde_json::to_string_pretty(report).expect("a report is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of [`run_json`].
#[must_use]
pub fn run_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(RunReport)).expect("a schema is plain data") + "\n"
}

/// The run as lines of text.
#[must_use]
pub fn run(report: &RunReport, screen: Screen) -> String {
    let dry = if report.dry_run { "Dry run" } else { "Run" };
    let mut text =
        format!("{dry} {} ({}) at {}\n\n", report.id, report.scope.name(), words::instant(report.started_at));
    let mut line = |label: &str, line: &str| text += &indented(label, line, screen.width);
    line("sink", &report.sink);
    let until =
        report.data_until.map_or("none could be read".to_owned(), |until| format!("until {}", words::instant(until)));
    line("traffic", &until);
    if let Some(history) = &report.history {
        line("history", &held(history));
    }
    if let Some(plan) = &report.plan {
        let decisions = format::counted(plan.decisions, "decision");
        line("plan", &format!("{}: {decisions}, {} to change something", plan.id, plan.moving));
    }
    text += "\n";
    if report.steps.is_empty() {
        text += "Nothing is under way.\n";
    } else {
        text += &steps(&report.steps, report.dry_run, screen);
    }
    if !report.not_begun.is_empty() {
        text += "\nNot begun\n";
        for each in &report.not_begun {
            text += &indented("", &format!("{} ({}): {}", each.service, each.decision, each.why), screen.width);
        }
    }
    if !report.alerts.is_empty() {
        text += "\nAlerts\n";
        for alert in &report.alerts {
            let about = alert.service.as_deref().unwrap_or("all services");
            text += &indented("", &format!("{about}: {}", alert.message), screen.width);
        }
    }
    if report.dry_run {
        text += "\nDry run: nothing was written.\n";
    }
    text
}

fn held(history: &HistoryHeld) -> String {
    let slots = [
        format::counted(history.quarter_hours, "quarter hour"),
        format::counted(history.hours, "hour"),
        format::counted(history.days, "day"),
    ];
    let lost = match history.kept {
        0 => String::new(),
        kept => format!("; {} stay, of which the source has lost rows", format::counted(kept, "slot")),
    };
    format!("{} … {}: {}{lost}", words::instant(history.from), words::instant(history.until), slots.join(", "))
}

fn steps(lines: &[StepLine], dry_run: bool, screen: Screen) -> String {
    let mut table = fresh(screen);
    table.set_header(["rollout", "service", "share", "what and why"]);
    for line in lines {
        let color = match line.did {
            Did::Began | Did::Advanced | Did::Completed => Some(Color::Green),
            Did::RolledBack | Did::Overtaken | Did::Failed | Did::InDoubt => Some(Color::Red),
            Did::Held | Did::Restarted | Did::Pending => None,
        };
        let mut did = Cell::new(if dry_run { would(line.did) } else { line.did.name() });
        if let (Some(color), true) = (color, screen.color) {
            did = did.fg(color).add_attribute(Attribute::Bold);
        }
        let share = if line.share_before == line.share_after {
            format!("{} %", line.share_after)
        } else {
            format!("{} → {} %", line.share_before, line.share_after)
        };
        let mut what = format!("{} → {} ({})", line.from, line.to, line.rollout);
        if !line.why.is_empty() {
            what += &format!("\n{}", line.why);
        }
        for line in line.judgement.iter().flat_map(readings) {
            what += &format!("\n{line}");
        }
        table.add_row([did, Cell::new(&line.service), Cell::new(share), Cell::new(what)]);
    }
    table.trim_fmt() + "\n"
}

fn would(did: Did) -> &'static str {
    match did {
        Did::Began => "would begin",
        Did::Advanced => "would advance",
        Did::Held => "would hold",
        Did::Completed => "would complete",
        Did::RolledBack => "would roll back",
        Did::Restarted => "would restart",
        Did::Overtaken => "overtaken",
        Did::InDoubt => "in doubt",
        Did::Pending => "pending",
        Did::Failed => "failed",
    }
}

/// Every measure on a line of its own; one line where nothing is known of any, for the same reason.
#[must_use]
pub fn readings(judgement: &Judgement) -> Vec<String> {
    let mut missing: Vec<Option<&str>> = judgement.readings.iter().map(|reading| reading.missing.as_deref()).collect();
    missing.dedup();
    match missing.as_slice() {
        [Some(_)] => Vec::new(),
        _ => judgement.readings.iter().map(reading).collect(),
    }
}

/// One measure with its numbers, on a line.
#[must_use]
pub fn reading(reading: &Reading) -> String {
    let name = reading.measure.name();
    let mode = match reading.mode {
        Mode::Enforce => "",
        Mode::Observe => ", only observed",
        Mode::Off => ", off",
    };
    if let Some(missing) = &reading.missing {
        return format!("{name}: {missing}{mode}");
    }
    let number = |value: Option<f64>| value.map_or("?".to_owned(), |value| reading.shown(value));
    let mut text = format!(
        "{name}: {} ({} to {}), limit {}: {}{mode}",
        number(reading.effect),
        number(reading.low),
        number(reading.high),
        reading.shown(reading.margin),
        reading.verdict.name(),
    );
    if reading.harm_shown && reading.verdict == Verdict::Inconclusive {
        text += ", harm shown";
    }
    text += &format!("; {} requests", quantity(reading.candidate_requests.round()));
    if let Some(needed) =
        reading.still_needed.filter(|needed| *needed >= 1.0 && reading.verdict == Verdict::Inconclusive)
    {
        text += &format!(", about {} more needed", quantity(needed.round()));
    }
    text
}

/// What is known of the split, on a line; none where nothing is split.
#[must_use]
pub fn split(judgement: &Judgement) -> Option<String> {
    let split = judgement.split.as_ref()?;
    let seen = split.seen.map_or("none".to_owned(), percent);
    let verdict = if split.mismatch { "a mismatch" } else { "as pushed" };
    Some(format!(
        "split: {seen} of the requests, {} pushed ({} to {}): {verdict}; {} name neither side",
        percent(split.pushed),
        percent(split.interval[0]),
        percent(split.interval[1]),
        percent(split.without_side)
    ))
}
