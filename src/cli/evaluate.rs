//! `optimizer evaluate`: what other routings would have been worth, where the log tells how likely the router's choices were.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure, files,
    plan::duration,
    progress::Progress,
    screen::{plain, screen},
    sink,
    source::{Named, SourceArgs, interruptible},
};
use crate::{
    decide::{self, Inputs},
    domain::{
        Memory, ModelTable, Policy,
        evaluation::{Evaluation, Propensities},
    },
    observe::{self, Downloads, Engine, Request, Stage},
    orient, report,
};

const EXAMPLES: &str = "\
Examples:
  optimizer evaluate --from 'routed/*.parquet'                 the plan's routing, and each arm, on the requests of a day
  optimizer evaluate --from routed.csv --lookback 7d           more requests, narrower intervals
  optimizer evaluate --from routed.csv --format json | jq '.segments[].arms[] | select(.measures[].confounded)'

Requests need the column `propensity`: the probability with which the router chose the arm that served. See docs/evaluation.md.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Policy file [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// What counts as now for the plan that is evaluated
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    window: SignedDuration,
    /// How far back requests are evaluated [default: 24h, at least two windows]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    lookback: Option<SignedDuration>,
    /// End of the window, RFC 3339 with a zone [default: the newest event]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = EvaluateFormat::Auto)]
    format: EvaluateFormat,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EvaluateFormat {
    /// A table fitted to the terminal, or to 100 columns where there is none
    Auto,
    /// A plain table of 100 columns
    Table,
    /// Versioned JSON; `--schema` describes it
    Json,
    /// GitHub-flavoured Markdown
    Markdown,
}

pub(super) fn run(arguments: &EvaluateArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::evaluation_schema());
    }
    let two_windows = arguments.window.checked_mul(2).unwrap_or(SignedDuration::MAX);
    let work = Work {
        policy: files::policy(arguments.policy.as_deref())?,
        models: files::models(arguments.models.as_deref())?,
        named: arguments.source.named()?,
        window: arguments.window,
        lookback: arguments.lookback.unwrap_or(SignedDuration::from_hours(24).max(two_windows)),
        until: arguments.until,
    };
    let evaluation =
        interruptible(arguments.source.memory_limit(), move |engine, downloads| work.evaluated(engine, downloads))?;
    sink::print(&match arguments.format {
        EvaluateFormat::Auto => report::evaluation(&evaluation, screen()),
        EvaluateFormat::Table => report::evaluation(&evaluation, plain()),
        EvaluateFormat::Json => report::evaluation_json(&evaluation),
        EvaluateFormat::Markdown => report::evaluation_markdown(&evaluation),
    })
}

/// Everything one evaluation is made from.
struct Work {
    named: Named,
    policy: Policy,
    models: ModelTable,
    window: SignedDuration,
    lookback: SignedDuration,
    until: Option<Timestamp>,
}

impl Work {
    fn evaluated(&self, engine: &Engine, downloads: &Downloads) -> Result<Evaluation, Failure> {
        let progress = Progress::start();
        progress.says("looking at the sources");
        let sources = self.named.find(downloads)?;
        let request = Request {
            load: sources.load(&self.policy, Timestamp::now()),
            window: self.window,
            lookback: self.lookback,
            until: self.until,
            prices: &self.models,
            rejects: sources.rejects(),
        };
        let observation = observe::observe_rows(engine, &request, &|stage| {
            progress.says(match stage {
                Stage::Reading => "reading",
                Stage::Deduplicating => "looking for duplicates",
                Stage::Reducing => "reducing to rollups",
                Stage::Merging => "merging rollups",
            });
        })?;
        let plan = decide::plan(&Inputs {
            observation: &observation,
            findings: &orient::findings(&observation, None, &self.policy).findings,
            policy: &self.policy,
            models: &self.models,
            configurations: &BTreeMap::new(),
            memory: &Memory::default(),
            followed: false,
        })
        .plan;
        progress.says("weighing requests");
        let (mut segments, mut propensities) = (Vec::new(), Propensities::default());
        observe::logged(engine, &request, &mut |log| {
            propensities.requests += log.rows;
            propensities.missing += log.missing;
            propensities.invalid += log.invalid;
            segments.extend(decide::evaluate_segment(&log, &observation, &plan));
        })?;
        Ok(decide::evaluation(&plan, segments, propensities))
    }
}
