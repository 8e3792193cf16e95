//! `optimizer gate`: is the candidate worse than the baseline? For pipelines.

mod doubts;
mod files;
mod kept;
mod past;
mod reading;
mod sides;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Failure,
    files::{models, policy},
    screen::{plain, screen},
    sink,
    source::interruptible,
    state::StateArgs,
};
use crate::{
    decide::{
        self,
        gate::{Gated, Inputs, figures, gate},
    },
    domain::{
        ModelTable, Policy,
        gate::{GateOutcome, GateReport, HISTORY_VERSION, PastGate, SCHEMA_VERSION},
        policy::Mode,
    },
    observe::{Downloads, Engine},
    report,
};
use doubts::{different_layouts, suspicion};
use files::FileArgs;
use reading::Read;
use sides::{SideArgs, Source};

const EXAMPLES: &str = "\
Examples:
  optimizer gate --baseline main.parquet --candidate pr.parquet
  optimizer gate --baseline main.parquet --candidate pr.parquet --policy gate.yaml --junit gate.xml
  optimizer gate --baseline 'main/*.csv' --baseline more.csv --candidate pr1.csv --candidate pr2.csv    run by run
  optimizer gate --from day.parquet --arm-column model --baseline-arm gpt-4o --candidate-arm gpt-4o-mini
  optimizer gate --from postgres://reader@db/llm \\
    --baseline-time 2026-03-01T00:00:00Z..2026-03-02T00:00:00Z --candidate-time 2026-03-02T00:00:00Z..2026-03-03T00:00:00Z
  optimizer gate --baseline baseline:march --candidate today.parquet      as `optimizer baseline set march` keeps it

Exit code 1 where the candidate got worse.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct GateArgs {
    #[command(flatten)]
    sides: SideArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Policy file; its `gate` says what passes [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// Figures of former runs, a line each, for the policy's `gate.history`
    #[arg(long, value_name = "FILE.ndjson")]
    history: Option<PathBuf>,
    /// Add the candidate's figures to that file: on the branch whose history it is
    #[arg(long, requires = "history")]
    append: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = GateFormat::Auto)]
    format: GateFormat,
    #[command(flatten)]
    files: FileArgs,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GateFormat {
    /// A table fitted to the terminal, or to 100 columns where there is none
    Auto,
    /// A plain table of 100 columns
    Table,
    /// Versioned JSON; `--schema` describes it
    Json,
    /// GitHub-flavoured Markdown
    Markdown,
}

pub(super) fn run(arguments: &GateArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::gate_schema());
    }
    let policy = policy(arguments.policy.as_deref())?;
    let models = models(arguments.models.as_deref())?;
    let source = arguments.sides.source(&arguments.state)?;
    let history = arguments.history.as_deref();
    let past = history.map(|path| past::past(path, arguments.append)).transpose()?.unwrap_or_default();
    let now = Timestamp::now();
    let (limit, different_layouts) = (arguments.sides.memory_limit(), arguments.sides.different_layouts());
    let work = Work { policy, models, now, past, memory_limit: limit.map(str::to_owned), different_layouts };
    let report = interruptible(limit, move |engine, downloads| work.report(engine, downloads, source))?;
    sink::print(&match arguments.format {
        GateFormat::Auto => report::gate(&report, screen()),
        GateFormat::Table => report::gate(&report, plain()),
        GateFormat::Json => report::gate_json(&report),
        GateFormat::Markdown => report::gate_markdown(&report),
    })?;
    arguments.files.write(&report)?;
    if let Some(path) = history.filter(|_| arguments.append) {
        let figures = figures(&report.comparisons);
        past::append(path, &PastGate { schema_version: HISTORY_VERSION.into(), at: now, figures })?;
    }
    if report.outcome == GateOutcome::Failed && report.enforced {
        return Err(Failure::unmet(
            "the candidate does not pass the gate",
            "standard output says what got worse, by how much and how sure; a regression that is meant is named under `gate.suppress` \
             of the policy, with a reason and a day",
        ));
    }
    Ok(())
}

struct Work {
    policy: Policy,
    models: ModelTable,
    now: Timestamp,
    past: Vec<PastGate>,
    memory_limit: Option<String>,
    different_layouts: bool,
}

impl Work {
    fn report(&self, engine: &Engine, downloads: &Downloads, source: Source) -> Result<GateReport, Failure> {
        let Read { requests: [baseline, candidate], sides: [before, after], notes } =
            source.read(engine, downloads, self)?;
        let rules = &self.policy.gate;
        if let (Some(most), Some(until)) = (rules.max_baseline_age_days, before.until) {
            let days = self.now.duration_since(until).as_secs_f64() / 86_400.0;
            if days > most {
                return Err(Failure::usage(
                    format!("the baseline `{}` ended {days:.1} days ago, and the policy allows {most}", before.name),
                    "make a new one, or raise `gate.max_baseline_age_days`",
                ));
            }
        }
        if let Some(suspicion) = different_layouts(&before, &after).filter(|_| !self.different_layouts) {
            return Err(Failure::usage(
                format!("{suspicion}: what each measures may differ"),
                "read both from the same kind of log, or say `--different-layouts` where they measure the same",
            ));
        }
        if let Some(suspicion) = suspicion(&baseline, &candidate) {
            return Err(Failure::usage(
                suspicion,
                "bring both to the same units, or name the layout of each with `--layout` or `--mapping`",
            ));
        }
        let today = self.now.to_zoned(TimeZone::UTC).date();
        let found = gate(&Inputs { baseline: &baseline, candidate: &candidate, rules, past: &self.past, today });
        let Gated { outcome, reasons, unit, mix, comparisons, limits, trends, one_sided } = found;
        Ok(GateReport {
            schema_version: SCHEMA_VERSION.into(),
            outcome,
            reasons,
            policy: decide::policy_ref(&self.policy),
            enforced: rules.mode == Mode::Enforce,
            alpha: rules.alpha,
            baseline: before,
            candidate: after,
            unit,
            mix,
            comparisons,
            limits,
            trends,
            one_sided,
            notes,
        })
    }
}
