//! The flags of commands that follow figures through time, and the record they read.

use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure, files,
    plan::duration,
    progress::Progress,
    source::{Named, SourceArgs, interruptible},
};
use crate::{
    domain::{Grain, ModelTable, Policy},
    observe::{self, Record, Request, Stage},
};

#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Policy file [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// What counts as now: its figures are held against thresholds and against the same hours of the days before
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    pub window: SignedDuration,
    /// End of the time that is read, RFC 3339 with a zone [default: the newest event]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// Everything that names what is to be read.
pub(super) struct Reading {
    pub policy: Policy,
    models: ModelTable,
    named: Named,
    window: SignedDuration,
    until: Option<Timestamp>,
}

impl HistoryArgs {
    pub(super) fn reading(&self) -> Result<Reading, Failure> {
        Ok(Reading {
            policy: files::policy(self.policy.as_deref())?,
            models: files::models(self.models.as_deref())?,
            named: self.source.named()?,
            window: self.window,
            until: self.until,
        })
    }

    /// Said before anything is read: a month of data may take its time.
    pub(super) fn whole_slots(&self, slot: Grain) -> Result<(), Failure> {
        if self.window.as_secs() % (slot.minutes() * 60) == 0 {
            return Ok(());
        }
        let name = slot.name();
        Err(Failure::usage(
            format!("`--window` is no whole number of slots of {name}"),
            format!("choose a multiple of {name}, or shorter slots with `--every` where the command has it"),
        ))
    }

    /// Reads so much of the source, cut into slots.
    pub(super) fn record(
        &self,
        reading: Reading,
        span: SignedDuration,
        slot: Grain,
    ) -> Result<(Record, Policy, ModelTable), Failure> {
        interruptible(self.source.memory_limit(), move |engine, downloads| {
            let progress = Progress::start();
            progress.says("looking at the sources");
            let sources = reading.named.find(downloads)?;
            let request = Request {
                load: sources.load(&reading.policy, Timestamp::now()),
                window: reading.window,
                lookback: span.max(reading.window * 2),
                until: reading.until,
                prices: &reading.models,
                rejects: sources.rejects(),
            };
            let record = observe::record(engine, &request, slot, &|stage| {
                progress.says(match stage {
                    Stage::Reading => "reading",
                    Stage::Deduplicating => "looking for duplicates",
                    Stage::Reducing => "reducing to slots",
                    Stage::Merging => "merging slots",
                });
            })?;
            Ok((record, reading.policy, reading.models))
        })
    }
}

/// Evidence about models and configurations reaches a day back, as in a plan, and at least two windows.
pub(super) fn evidence(window: SignedDuration) -> SignedDuration {
    SignedDuration::from_hours(24).max(window * 2)
}
