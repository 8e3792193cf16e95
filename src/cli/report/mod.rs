//! `optimizer report`: everything that was found, decided and done, as one page to forward.

mod documents;
mod output;
mod source;
mod store;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use super::{Failure, analyze::slot, files, plan::duration, sink, source::SourceArgs};
use crate::{
    domain::{Grain, material::Material},
    report,
};

const EXAMPLES: &str = "\
Examples:
  optimizer report -o report.html                                      over testdata/ in this repository
  optimizer report --from 'logs/**/*.parquet' -o report.html           what `plan --dry-run` decides, and the course of it
  optimizer report --from day.csv --state sqlite:optimizer.db -o report.html   with rollouts and their evidence
  optimizer report plan.json gate.json --format markdown               of documents that other commands wrote
  optimizer replay --from day.csv --quiet >ticks.ndjson; optimizer report ticks.ndjson -o replay.html

One HTML file, without network and script: it can be mailed, printed and read on a phone. Nothing is stored or changed.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReportArgs {
    /// Documents of `plan`, `analyze`, `evaluate`, `run` and `status --format json`, of `gate --json`, and lines of `replay`; told
    /// apart by their `schema_version`
    #[arg(value_name = "DOCUMENT")]
    documents: Vec<PathBuf>,
    #[command(flatten)]
    source: SourceArgs,
    /// Rollouts, runs and deeds of this store, and its newest plan where there is no other: `sqlite:FILE` or
    /// `postgres://user@host/database`
    #[arg(long, value_name = "ADDRESS")]
    state: Option<String>,
    /// Policy file [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// What services are configured to do: YAML or JSON [default: unknown]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_CONFIGURATIONS")]
    configurations: Option<PathBuf>,
    /// What counts as now: its figures are held against the policy's thresholds
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    window: SignedDuration,
    /// How far back evidence and plots reach [default: 24h, at least two windows]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    lookback: Option<SignedDuration>,
    /// Length of the slots of plots: 1m, 5m, 15m or 1h [default: 15m, of more than two days 1h]
    #[arg(long, value_name = "LENGTH", value_parser = slot)]
    every: Option<Grain>,
    /// End of the window, RFC 3339 with a zone [default: the newest event]
    #[arg(long, value_name = "TIME")]
    until: Option<jiff::Timestamp>,
    /// What to write
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    format: ReportFormat,
    /// File to write, whole or not at all [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// One self-contained file with plots
    Html,
    /// GitHub-flavoured Markdown, with short lines in the place of plots
    Markdown,
    /// Versioned JSON with everything that the other two show; `--schema` describes it
    Json,
}

pub(super) fn run(arguments: &ReportArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::page_schema());
    }
    // Before anything is read: nobody wants to wait for a page that cannot be kept.
    arguments.output.as_deref().map(output::check).transpose()?;
    let policy = files::policy(arguments.policy.as_deref())?;
    let mut material = Material::default();
    documents::read(&arguments.documents, &mut material)?;
    let mut store = arguments.state.as_deref().map(store::open).transpose()?;
    if let Some(store) = &mut store {
        store::read(store, &policy, &mut material)?;
    }
    let nothing_else = arguments.documents.is_empty() && store.is_none();
    if arguments.source.is_named() || nothing_else {
        source::read(arguments, policy, store.as_mut(), &mut material)?;
    }
    if let (Some(store), None) = (&mut store, &material.plan) {
        store::newest_plan(store, &mut material)?;
    }
    let page = report::page(&material);
    let text = match arguments.format {
        ReportFormat::Html => report::page_html(&page),
        ReportFormat::Markdown => report::page_markdown(&page),
        ReportFormat::Json => report::page_json(&page),
    };
    match &arguments.output {
        Some(path) => output::write(path, &text),
        None => sink::print(&text),
    }
}
