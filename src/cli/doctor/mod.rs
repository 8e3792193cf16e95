//! `optimizer doctor`: everything a run needs, each with what was found and what to do. Nothing is written anywhere.

mod area;
mod machine;
mod policy;
mod sink;
mod source;
mod state;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure,
    governance::GovernanceArgs,
    halt,
    plan::duration,
    screen::{plain, screen},
    sink as output,
    sink_args::SinkArgs,
    source::SourceArgs,
    state::StateArgs,
};
use crate::{
    domain::{
        doctor::{self, Asked, Diagnosis, Outcome, SCHEMA_VERSION},
        fault::Exit,
        format::counted,
    },
    observe::Downloads,
    report,
};
use area::Area;

const EXAMPLES: &str = "\
Examples:
  optimizer doctor --from postgres://reader@db/llm --sink https://orchestrator
                                          the flags and variables of `run`: would it work, and if not, why not?
  optimizer doctor --every 15m …          and has it run as often as it should?
  optimizer doctor --strict …             after installing: warnings end with 1
  optimizer doctor --before-run …         before each run: fails only where the run could not even begin";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    sink: SinkArgs,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    governance: GovernanceArgs,
    /// Policy file [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// How far back a database is asked; files are read whole
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    window: SignedDuration,
    /// Traffic that ends longer ago begins nothing new
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    max_age: SignedDuration,
    /// How often runs are to come; more than two of them missed is a warning
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    every: Option<SignedDuration>,
    /// How long each check may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    timeout: SignedDuration,
    /// Warnings fail too
    #[arg(long, conflicts_with = "before_run")]
    strict: bool,
    /// Fail only where a run could not begin (policy, configuration, state); it copes with the rest better than its absence does
    #[arg(long)]
    before_run: bool,
    /// Take this for the present time, RFC 3339 with a zone: for replays and demonstrations; clocks are compared as they are
    #[arg(long, value_name = "TIME", env = "OPTIMIZER_NOW")]
    now: Option<Timestamp>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = DoctorFormat::Auto)]
    format: DoctorFormat,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DoctorFormat {
    /// A table fitted to the terminal, or to 100 columns where there is none
    Auto,
    /// A plain table of 100 columns
    Table,
    /// Versioned JSON; `--schema` describes it
    Json,
}

/// What all checks know.
struct Ward {
    arguments: DoctorArgs,
    now: Timestamp,
    downloads: Downloads,
    /// The busiest services of the source, once it was read: what the sink is asked about.
    services: Mutex<Vec<String>>,
}

impl Ward {
    fn services(&self) -> Vec<String> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn found(&self, services: Vec<String>) {
        *self.services.lock().unwrap_or_else(PoisonError::into_inner) = services;
    }
}

pub(super) fn run(arguments: DoctorArgs) -> Result<(), Failure> {
    if arguments.schema {
        return output::print(&report::doctor_schema());
    }
    let (format, limit) = (arguments.format, arguments.timeout.unsigned_abs());
    let asked = match (arguments.strict, arguments.before_run) {
        (true, _) => Asked::Strictly,
        (_, true) => Asked::BeforeARun,
        (false, false) => Asked::Everything,
    };
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let ward = Arc::new(Ward { arguments, now, downloads: Downloads::default(), services: Mutex::default() });
    let kept = Arc::clone(&ward);
    halt::before_the_end(move || kept.downloads.remove());
    let policy = Area::start(&ward, limit, policy::SUBJECTS, policy::check);
    let state = Area::start(&ward, limit, state::SUBJECTS, state::check);
    let source = Area::start(&ward, limit, source::SUBJECTS, source::check);
    let governance = Area::start(&ward, limit, sink::GOVERNANCE, sink::governance);
    let machine = Area::start(&ward, limit, machine::SUBJECTS, machine::check);
    let mut checks = policy.checks();
    checks.extend(state.checks());
    checks.extend(source.checks());
    // It is asked about services that the source has.
    checks.extend(Area::start(&ward, limit, sink::SUBJECTS, sink::check).checks());
    checks.extend(governance.checks());
    checks.extend(machine.checks());
    // Whoever still reads is ended with the process.
    ward.downloads.remove();

    let diagnosis =
        Diagnosis { schema_version: SCHEMA_VERSION.into(), at: now, exit_code: doctor::exit(&checks, asked), checks };
    output::print(&match format {
        DoctorFormat::Json => report::doctor_json(&diagnosis),
        DoctorFormat::Table => report::doctor(&diagnosis, plain()),
        DoctorFormat::Auto => report::doctor(&diagnosis, screen()),
    })?;
    verdict(&diagnosis)
}

/// What failed, as the process ends.
fn verdict(diagnosis: &Diagnosis) -> Result<(), Failure> {
    let exit = match diagnosis.exit_code {
        0 => return Ok(()),
        code if code == Exit::Unmet as u8 => Exit::Unmet,
        code if code == Exit::Usage as u8 => Exit::Usage,
        code if code == Exit::Source as u8 => Exit::Source,
        code if code == Exit::State as u8 => Exit::State,
        _ => Exit::Sink,
    };
    let wanted = if exit == Exit::Unmet { Outcome::Warning } else { Outcome::Failed };
    let names: Vec<&str> =
        diagnosis.checks.iter().filter(|check| check.outcome == wanted).map(|check| check.subject.name()).collect();
    let what = if exit == Exit::Unmet { "warning" } else { "failed check" };
    Err(Failure::acted(
        exit,
        format!("{}: {}", counted(names.len() as u64, what), names.join("; ")),
        "standard output says what to do about each",
    ))
}
