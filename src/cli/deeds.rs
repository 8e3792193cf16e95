//! `optimizer history`: who did what, why, and what came of it.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{
    Failure,
    screen::{plain, screen},
    sink,
    state::StateArgs,
};
use crate::{
    domain::deed::DeedDetail,
    report,
    state::{AuditRow, Open, StateError},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer history                   the last 20 deeds, newest first
  optimizer history checkout          those of one service
  optimizer history --verify          whether any of them was changed, removed or added by somebody else
  optimizer history --format json --limit 1000")]
pub(super) struct HistoryArgs {
    /// Only deeds that concern this service
    service: Option<String>,
    #[command(flatten)]
    state: StateArgs,
    /// Check the hash of every deed, and that none is missing
    #[arg(long)]
    verify: bool,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// How to print them
    #[arg(long, value_enum, default_value_t = HistoryFormat::Auto)]
    format: HistoryFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HistoryFormat {
    /// A table fitted to the terminal
    Auto,
    /// A plain table of 100 columns
    Table,
    /// One JSON object a line
    Json,
}

/// A deed as programs get it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    seq: i64,
    at: &'a str,
    actor: &'a str,
    action: &'a str,
    service: &'a str,
    #[serde(flatten)]
    detail: DeedDetail,
    hash: &'a str,
}

pub(super) fn run(arguments: &HistoryArgs) -> Result<(), Failure> {
    let mut store = arguments.state.open(Open::AsItIs)?;
    if arguments.verify {
        return match store.verify()? {
            Ok(number) => sink::print(&format!("All {number} deeds are as they were written, and none is missing.\n")),
            Err(broken) => Err(Failure::unmet(
                format!("the audit log does not hold: {broken}"),
                "somebody changed the store by other means than this program; compare it with a backup",
            )),
        };
    }
    let rows = store.deeds(arguments.service.as_deref(), None, i64::from(arguments.limit))?;
    let details = rows.iter().map(detail).collect::<Result<Vec<_>, _>>()?;
    if arguments.format == HistoryFormat::Json {
        let lines = rows.iter().zip(details).map(|(row, detail)| {
            let AuditRow { seq, deed, hash, .. } = row;
            let (at, actor, action, service) = (&deed.at, &deed.actor, &deed.action, &deed.service);
            let line = Line { seq: *seq, at, actor, action, service, detail, hash };
            serde_json::to_string(&line).expect("a deed is plain data") + "\n"
        });
        return sink::print(&lines.collect::<String>());
    }
    let screen = if arguments.format == HistoryFormat::Auto { screen() } else { plain() };
    let deeds: Vec<report::DeedLine<'_>> = rows
        .iter()
        .zip(&details)
        .map(|(row, detail)| report::DeedLine {
            at: &row.deed.at,
            actor: &row.deed.actor,
            action: &row.deed.action,
            service: &row.deed.service,
            detail,
        })
        .collect();
    sink::print(&report::deeds(&deeds, screen))
}

fn detail(row: &AuditRow) -> Result<DeedDetail, StateError> {
    serde_json::from_str(&row.deed.body)
        .map_err(|cause| StateError::Unreadable { what: format!("deed {}", row.seq), cause })
}
