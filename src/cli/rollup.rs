//! `optimizer rollup`: the requests of tumbling windows.

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
use crate::{
    domain::{Grain, rollup::By},
    observe::{self, Request, Series},
    report,
};

const EXAMPLES: &str = "\
Examples:
  optimizer rollup --every 1h                                      what each service did hour by hour over the last day
  optimizer rollup --every 24h --lookback 30d --by model --from 'logs/*.parquet'
  optimizer rollup --every 5m --format ndjson > monday.ndjson      sums and sketches of every cell, to be kept
  optimizer rollup --every 7d --stored monday.ndjson --stored tuesday.ndjson";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RollupArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Length of a window: 1m, 5m, 15m, 1h, 24h or 7d. Days begin at midnight UTC, weeks on Monday
    #[arg(long, value_name = "LENGTH", default_value = "1h")]
    every: Grain,
    /// What a line of the table is about
    #[arg(long, value_enum, default_value_t = Lines::Service)]
    by: Lines,
    /// How far back
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    lookback: SignedDuration,
    /// End of the last window, RFC 3339 with a zone [default: the newest event]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Policy file, for the scales of scores [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// Add up rollups that were written before, instead of reading a source; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "scores", "layout", "mapping"])]
    stored: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = RollupFormat::Auto)]
    format: RollupFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lines {
    Service,
    Model,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RollupFormat {
    /// A table fitted to the terminal, or to 100 columns where there is none
    Auto,
    /// A plain table of 100 columns
    Table,
    /// One window of one cell a line, with everything needed to add windows up
    Ndjson,
}

pub(super) fn run(arguments: &RollupArgs) -> Result<(), Failure> {
    let series = if arguments.stored.is_empty() {
        counted(arguments)?
    } else {
        Series::read(&arguments.stored, arguments.every)?
    };
    let by = if arguments.by == Lines::Model { By::Model } else { By::Service };
    let table = |screen| report::rollups(&series.lines(by), arguments.every.name(), screen);
    sink::print(&match arguments.format {
        RollupFormat::Auto => table(screen()),
        RollupFormat::Table => table(plain()),
        RollupFormat::Ndjson => {
            let lines =
                series.stored().map(|line| serde_json::to_string(&line).expect("a rollup is plain data") + "\n");
            lines.collect::<String>()
        }
    })
}

/// Rollups of the requests of a source.
fn counted(arguments: &RollupArgs) -> Result<Series, Failure> {
    let policy = files::policy(arguments.policy.as_deref())?;
    let models = files::models(arguments.models.as_deref())?;
    let named = arguments.source.named()?;
    let (lookback, until, every) = (arguments.lookback, arguments.until, arguments.every);
    interruptible(arguments.source.memory_limit(), move |engine, downloads| {
        let progress = Progress::start();
        progress.says("rolling up");
        let sources = named.find(downloads)?;
        let request = Request {
            load: sources.load(&policy, Timestamp::now()),
            // Half the lookback is the longest window that may be compared with one before.
            window: lookback / 2,
            lookback,
            until,
            prices: &models,
            rejects: sources.rejects(),
        };
        Ok(observe::rollups(engine, &request, every)?)
    })
}
