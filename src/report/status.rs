//! What is under way, for people and for programs.

use comfy_table::{Attribute, Cell, Color};
use jiff::Timestamp;

use super::{
    run::{readings, split},
    table::{Screen, fresh, indented},
    words,
};
use crate::domain::{
    format::{counted, percent},
    rollout::{Rollout, Stage},
    status::{RolloutStatus, StatusReport},
    verdict::Verdict,
};

/// JSON as `docs/schema/status.v1.json` describes it.
#[must_use]
pub fn status_json(report: &StatusReport) -> String {
    serde_json::to_string_pretty(report).expect("a report is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of [`status_json`].
#[must_use]
pub fn status_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(StatusReport)).expect("a schema is plain data") + "\n"
}

/// Everything that is under way.
#[must_use]
pub fn status(report: &StatusReport, screen: Screen) -> String {
    let mut text = format!("Status at {}\n\n", words::instant(report.at));
    text += &above(report, screen);
    if report.rollouts.is_empty() {
        text += "\nNothing is under way.\n";
    } else {
        text += "\n";
        let mut table = fresh(screen);
        table.set_header(["service", "timeline", "evidence"]);
        for each in &report.rollouts {
            let mut evidence = Cell::new(verdict(each));
            if screen.color {
                evidence = match each.judgement.as_ref().map(|judgement| judgement.verdict) {
                    Some(Verdict::Sound) => evidence.fg(Color::Green),
                    Some(Verdict::Breached) => evidence.fg(Color::Red).add_attribute(Attribute::Bold),
                    Some(Verdict::Inconclusive | Verdict::Error) | None => evidence,
                };
            }
            table.add_row([Cell::new(&each.rollout.service), Cell::new(timeline(&each.rollout)), evidence]);
        }
        text += &(table.trim_fmt() + "\n");
    }
    if !report.runs.is_empty() {
        text += "\nLast runs\n";
        for run in &report.runs {
            let end = if run.ended { "" } else { "; it did not come to its end" };
            let alerts = if run.alerts > 0 { format!(", {}", counted(run.alerts, "alert")) } else { String::new() };
            let line =
                format!("{} ({}, {}): {}{alerts}{end}", words::instant(run.at), run.scope.name(), run.id, run.did);
            text += &indented("", &line, screen.width);
        }
    }
    text
}

/// Everything about one service.
#[must_use]
pub fn status_of(report: &StatusReport, service: &str, screen: Screen) -> String {
    let mut text = format!("{service} at {}\n\n", words::instant(report.at));
    text += &above(report, screen);
    let mut line = |label: &str, line: &str| text += &indented(label, line, screen.width);
    for each in &report.rollouts {
        let rollout = &each.rollout;
        line("rollout", &format!("{}: {}", rollout.id, rollout.reason));
        line("", &timeline(rollout).replace('\n', ", "));
        line("", &format!("from {} to {}", rollout.from.id, rollout.to.id));
        for setting in rollout.from.configuration.changes_to(&rollout.to.configuration) {
            line("", &words::setting(&setting));
        }
        if let Some(because) = &rollout.restarted_because {
            line("", &format!("its evidence began anew {}: {because}", counted(rollout.restarts.into(), "time")));
        }
        if each.open_writes > 0 {
            line("", &format!("{} whose outcome is not known", counted(each.open_writes, "write")));
        }
        if let Some(judgement) = &each.judgement {
            let until = each
                .counted_until
                .map_or("nothing counted yet".to_owned(), |until| format!("requests up to {}", words::instant(until)));
            line("evidence", &format!("{}; {until}", judgement.verdict.name()));
            let lines = readings(judgement);
            if let (true, Some(missing)) =
                (lines.is_empty(), judgement.readings.first().and_then(|first| first.missing.clone()))
            {
                line("", &missing);
            }
            for (text, each) in lines.iter().zip(&judgement.readings) {
                line("", text);
                if let Some(effect) = each.design_effect.filter(|effect| *effect > 1.05) {
                    let worth = percent(1.0 / effect);
                    line("", &format!("  its requests tell as much as {worth} of as many independent ones"));
                }
            }
            if let Some(split) = split(judgement) {
                line("", &split);
            }
            if judgement.unmatched > 0.0 {
                line("", &format!("{} of its requests have no like beside them", percent(judgement.unmatched)));
            }
        }
    }
    if report.rollouts.is_empty() {
        line("rollout", "none lately");
    }
    for (place, known) in report.versions.iter().enumerate() {
        let label = if place == 0 { "versions" } else { "" };
        line(label, &format!("{} ({}, {})", known.version.id, known.state, known.changed_at));
    }
    text + "\nIntervals hold at every look of the whole rollout (docs/acting.md).\n"
}

fn above(report: &StatusReport, screen: Screen) -> String {
    let mut text = String::new();
    let mut line = |label: &str, line: &str| text += &indented(label, line, screen.width);
    if let Some(acting) = &report.acting {
        line("acting", &format!("{}; at most until {}", acting.holder, words::instant(acting.until)));
    }
    for frozen in &report.frozen {
        let about = frozen.service.as_deref().unwrap_or("all services");
        let what = if frozen.everything { "STOPPED" } else { "paused" };
        line(what, &format!("{about}, by {} at {}: {}", frozen.by, words::instant(frozen.at), frozen.reason));
    }
    for sink in &report.sinks {
        let state = match (sink.left_alone_until, sink.failures) {
            (Some(until), _) => format!("does not answer, and is left alone until {}", words::instant(until)),
            (None, 0) => "answers".to_owned(),
            (None, failures) => format!("left {} without an answer", counted(failures.into(), "write")),
        };
        line("sink", &format!("{}: {state}", sink.sink));
    }
    for resting in &report.resting {
        line("rests", &format!("{} until {}, after a rollback", resting.service, words::instant(resting.until)));
    }
    text
}

/// The steps of a rollout as a line: those behind it, the one it is at, and those to come.
fn timeline(rollout: &Rollout) -> String {
    let at = rollout.step();
    let over = !rollout.stage.is_open();
    let steps = rollout.steps.iter().enumerate().map(|(place, step)| {
        let mark = match (&rollout.stage, at) {
            (Stage::Full { .. }, _) => "●",
            (_, Some(at)) if place < at => "●",
            (_, Some(at)) if place == at => "◉",
            _ => "○",
        };
        format!("{mark} {} %", step.share_percent)
    });
    let steps: Vec<String> = steps.collect();
    let line = steps.join(" ─ ");
    let state = match &rollout.stage {
        Stage::Proposed => "not written yet".to_owned(),
        Stage::Canary { since, .. } if rollout.deadline == Timestamp::MAX => {
            format!("since {}", words::instant(*since))
        }
        Stage::Canary { since, .. } => {
            format!("since {}, given up {}", words::instant(*since), words::instant(rollout.deadline))
        }
        Stage::Full { since } => format!("serves everything since {}", words::instant(*since)),
        Stage::RolledBack { at, because } => format!("rolled back {}: {because}", words::instant(*at)),
        Stage::Overtaken { at, because } => format!("overtaken {}: {because}", words::instant(*at)),
        Stage::Dropped { at, because } => format!("dropped {}: {because}", words::instant(*at)),
    };
    if over { format!("{state}\n{line}") } else { format!("{line}\n{state}") }
}

/// The evidence in a few words.
fn verdict(each: &RolloutStatus) -> String {
    let Some(judgement) = &each.judgement else { return "none yet".to_owned() };
    let mut text = judgement.verdict.name().to_owned();
    let telling = judgement.readings.iter().filter(|reading| reading.verdict == judgement.verdict);
    let names: Vec<&str> = telling.map(|reading| reading.measure.name()).collect();
    if judgement.verdict != Verdict::Sound && !names.is_empty() {
        text += &format!(": {}", names.join(", "));
    }
    let needed = judgement.readings.iter().filter_map(|reading| reading.still_needed).fold(0.0_f64, f64::max);
    if judgement.verdict == Verdict::Inconclusive && needed >= 1.0 {
        text += &format!("; about {} more", counted(needed as u64, "request"));
    }
    text
}
