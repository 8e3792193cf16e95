//! `optimizer status`: what is under way, who said what, and what the last runs did.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{
    Failure, files,
    screen::{plain, screen},
    sink,
    state::StateArgs,
};
use crate::{act, report, state::Open};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer status                        rollouts as a timeline, pauses and stops, sinks, the last runs
  optimizer status --explain checkout     the evidence of one service in numbers, and versions to go back to
  optimizer status --format json          for programs")]
pub(super) struct StatusArgs {
    /// Everything about one service
    #[arg(long, value_name = "SERVICE")]
    explain: Option<String>,
    #[command(flatten)]
    state: StateArgs,
    /// Policy file, whose limits the evidence is held against [default: policies/balanced.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Take this for the present time, RFC 3339 with a zone: for replays and demonstrations
    #[arg(long, value_name = "TIME", env = "OPTIMIZER_NOW")]
    now: Option<Timestamp>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = StatusFormat::Auto)]
    format: StatusFormat,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StatusFormat {
    /// Text fitted to the terminal
    Auto,
    /// Plain text of 100 columns
    Table,
    /// Versioned JSON; `--schema` describes it
    Json,
}

pub(super) fn run(arguments: &StatusArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::status_schema());
    }
    let policy = files::policy(arguments.policy.as_deref())?;
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let mut store = arguments.state.open(Open::AsItIs)?;
    let service = arguments.explain.as_deref();
    let status = act::status(&mut store, service, &policy, now)?;
    let screen = if arguments.format == StatusFormat::Auto { screen() } else { plain() };
    sink::print(&match (arguments.format, service) {
        (StatusFormat::Json, _) => report::status_json(&status),
        (_, Some(service)) => report::status_of(&status, service, screen),
        (_, None) => report::status(&status, screen),
    })
}
