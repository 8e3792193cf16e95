//! `optimizer inspect`: what is in this data?

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure, files,
    plan::duration,
    progress::Progress,
    screen::{plain, screen},
    sink,
    source::{SourceArgs, interruptible},
};
use crate::{observe, report};

const EXAMPLES: &str = "\
Examples:
  optimizer inspect --from requests.csv                    layout, coverage of each field, rejects, suspicious facts
  optimizer inspect --from 'traces/*.jsonl' --format json  the same for programs; --schema describes it
  optimizer inspect --from postgres://reader@db/llm        the last day of a database
  optimizer inspect --from odd.csv --mapping odd.sql       does the mapping do what it should?";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Policy file, for the scales of scores [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// How far back a database is asked; files are read whole
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    lookback: SignedDuration,
    /// End of what a database is asked for, RFC 3339 with a zone [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Auto)]
    format: InspectFormat,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InspectFormat {
    /// Text fitted to the terminal, or to 100 columns where there is none
    Auto,
    /// Plain text of 100 columns
    Table,
    /// Versioned JSON; `--schema` describes it
    Json,
}

pub(super) fn run(arguments: &InspectArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::inspection_schema());
    }
    let policy = files::policy(arguments.policy.as_deref())?;
    let named = arguments.source.named()?;
    let (lookback, until) = (arguments.lookback, arguments.until);
    let found = interruptible(arguments.source.memory_limit(), move |engine, downloads| {
        let progress = Progress::start();
        progress.says("looking at the sources");
        let sources = named.find(downloads)?;
        progress.says("inspecting");
        let request = sources.load(&policy, Timestamp::now());
        Ok(observe::inspect(engine, &request, lookback, until, sources.rejects())?)
    })?;
    sink::print(&match arguments.format {
        InspectFormat::Json => report::inspection_json(&found),
        InspectFormat::Table => report::inspection(&found, plain()),
        InspectFormat::Auto => report::inspection(&found, screen()),
    })
}
