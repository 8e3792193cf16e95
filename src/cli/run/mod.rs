//! `optimizer run`: one whole tick. Observe, orient, decide, and take one safe step with everything under way.

mod going;
mod looking;
mod saved;
mod telling;
mod trace;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use self::telling::TellArgs;
use super::{
    Failure, files,
    governance::GovernanceArgs,
    halt,
    holder::{holder, tick_id},
    logging,
    plan::duration,
    rights,
    screen::{plain, screen},
    sink,
    sink_args::SinkArgs,
    source::SourceArgs,
    state::StateArgs,
    times::Times,
};
use crate::{
    act::{
        sink::Push,
        tick::{Heed, Setup, point},
    },
    domain::{
        Finding, Policy,
        fault::Exit,
        phase::Timed,
        plan::SourceSummary,
        run::{AlertKind, RunReport, SCHEMA_VERSION, Scope},
        tally::{Ending, Tally},
    },
    report,
    state::Open,
};

/// Rollouts that are over and still looked at: the last change of each service is what counts.
const ROLLOUTS: i64 = 1_000;

const EXAMPLES: &str = "\
Examples:
  optimizer run --dry-run --from postgres://reader@db/llm --sink https://orchestrator
                                                       what this run would do; reads, and writes nothing
  optimizer run --from postgres://reader@db/llm --sink https://orchestrator
                                                       one tick; put it on a schedule of 15 minutes
  optimizer run --scope safety --from … --sink …       every minute: only takes back what does harm
  optimizer run --scope deep --from … --sink …         every hour: keeps a history, sees trends, patterns, budgets of months
  optimizer status                                     what is under way, and what the last runs did
  optimizer stop --reason 'incident 812'               nothing is written any more until `optimizer resume`";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunArgs {
    /// Show what it would do and write nothing anywhere; source, store and sink are read
    #[arg(long)]
    dry_run: bool,
    /// How much of a tick is done
    #[arg(long, value_enum, default_value_t = ScopeArg::Standard)]
    scope: ScopeArg,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    sink: SinkArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// Policy file [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// What ran under which version, where the sink does not tell: YAML or JSON, one entry a version, the one in force last
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_CONFIGURATIONS")]
    configurations: Option<PathBuf>,
    /// What counts as now: its figures are held against the policy's thresholds
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    window: SignedDuration,
    /// How far back evidence about models and configurations reaches [default: 24h, at least two windows]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    lookback: Option<SignedDuration>,
    /// End of the window, RFC 3339 with a zone [default: the newest event]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Traffic that ends longer ago begins nothing new
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    max_age: SignedDuration,
    /// Take this for the present time, RFC 3339 with a zone: for replays and demonstrations
    #[arg(long, value_name = "TIME", env = "OPTIMIZER_NOW")]
    now: Option<Timestamp>,
    /// How long the right to act lasts if this run dies; every change prolongs it
    #[arg(long, value_name = "DURATION", env = "OPTIMIZER_LEASE", default_value = "5m", value_parser = duration)]
    lease: SignedDuration,
    /// How long this run may take: it begins nothing new in the last fifth of that, at most 15 seconds, and ends before it is over
    #[arg(long, value_name = "DURATION", env = "OPTIMIZER_DEADLINE", value_parser = duration)]
    deadline: Option<SignedDuration>,
    #[command(flatten)]
    governance: GovernanceArgs,
    #[command(flatten)]
    telling: TellArgs,
    /// How to print what was done
    #[arg(long, value_enum, default_value_t = RunFormat::Auto)]
    format: RunFormat,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScopeArg {
    /// Only what is under way, and only back: cheap enough for every minute
    Safety,
    /// Everything; every 15 minutes
    Standard,
    /// Everything, by the history too, which is caught up from the source; every hour
    Deep,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Safety => Self::Safety,
            ScopeArg::Standard => Self::Standard,
            ScopeArg::Deep => Self::Deep,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RunFormat {
    /// A table fitted to the terminal, or to 100 columns where there is none
    Auto,
    /// A plain table of 100 columns
    Table,
    /// Versioned JSON; `--schema` describes it
    Json,
}

/// A run that is over, for whoever is told of it.
struct Went {
    id: String,
    scope: Scope,
    dry_run: bool,
    now: Timestamp,
    ended_at: Timestamp,
    times: Vec<Timed>,
    policy: Option<Policy>,
    report: Option<RunReport>,
    /// Of the traffic; none where nothing was planned.
    findings: Option<Vec<Finding>>,
    source: Option<SourceSummary>,
    tally: Option<Tally>,
    /// Runs that died before this one.
    killed: Vec<String>,
    failure: Option<Failure>,
}

impl Went {
    /// None where another run acts, and this one did nothing.
    fn ending(&self) -> Option<Ending> {
        Ending::of(self.failure.as_ref().map_or(Exit::Fine, Failure::exit))
    }
}

pub(super) fn run(arguments: &RunArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::run_schema());
    }
    let _held = halt::hold();
    if let Some(length) = arguments.deadline {
        halt::within(length.unsigned_abs());
    }
    let voice = arguments.telling.voice()?;
    if voice.test {
        return voice.try_out();
    }
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let mut went = Went {
        id: tick_id(now),
        scope: arguments.scope.into(),
        dry_run: arguments.dry_run,
        now,
        ended_at: now,
        times: Vec::new(),
        policy: None,
        report: None,
        findings: None,
        source: None,
        tally: None,
        killed: Vec::new(),
        failure: None,
    };
    logging::run_is(&went.id);
    let (times, begun) = (Times::default(), Timestamp::now());
    went.failure = go(arguments, &times, &mut went).err();
    went.ended_at = Timestamp::now();
    went.times = times.all();
    voice.tell(&arguments.state, &went);
    trace::send(begun, &went);
    went.failure.map_or(Ok(()), Err)
}

/// Does it, and prints what was done.
fn go(arguments: &RunArgs, times: &Times, went: &mut Went) -> Result<(), Failure> {
    let policy = went.policy.insert(files::policy(arguments.policy.as_deref())?).clone();
    let target = arguments.sink.target()?;
    let setup = Setup {
        actor: format!("run {}", went.id),
        id: went.id.clone(),
        now: went.now,
        scope: went.scope,
        policy: &policy,
        sink: &*target.sink,
        push: Push { halt: halt::halt(), ..Push::default() },
        progression: target.progression,
        create: target.create,
        heed: Heed::Operators,
    };
    let done = if arguments.dry_run {
        going::dry(arguments, setup, times)?
    } else {
        let mut store = arguments.state.open(Open::Create)?;
        let setup = Setup { actor: rights::run_actor(&mut store, &setup.id)?, ..setup };
        let length = arguments.lease.unsigned_abs();
        let lease = store.acquire(&holder(&setup.id), length)?;
        point();
        let done = going::act(arguments, setup, &mut store, &lease, times);
        // Whatever went wrong, the next run need not wait.
        let released = store.release(lease);
        let done = done?;
        released?;
        done
    };
    (went.findings, went.source, went.tally, went.killed) = (done.findings, done.source, done.tally, done.killed);
    let report = went.report.insert(done.report);
    if done.shown {
        sink::print(&match arguments.format {
            RunFormat::Json => report::run_json(report),
            RunFormat::Table => report::run(report, plain()),
            RunFormat::Auto => report::run(report, screen()),
        })?;
    }
    done.failure.map_or(Ok(()), Err)
}

/// The worst of what happened.
pub(super) fn verdict(report: &RunReport) -> Result<(), Failure> {
    if report.dry_run {
        return Ok(());
    }
    let count = |kind| report.alerts.iter().filter(|alert| alert.kind == kind).count();
    let (doubt, sink, conflict) = (count(AlertKind::InDoubt), count(AlertKind::Sink), count(AlertKind::Conflict));
    if doubt > 0 {
        return Err(Failure::acted(
            Exit::InDoubt,
            format!("whether {doubt} of the changes arrived is not known"),
            "nothing: the next run finds out before it does anything else",
        ));
    }
    if let Some(why) = halt::asked() {
        return Err(why.acted());
    }
    if sink + conflict > 0 {
        return Err(Failure::acted(
            Exit::Sink,
            format!("the sink `{}` refused or failed, or others changed services meanwhile", report.sink),
            "look at the alerts above; what was not done is tried again by the next run",
        ));
    }
    Ok(())
}

fn empty(arguments: &RunArgs, setup: &Setup<'_>) -> RunReport {
    RunReport {
        schema_version: SCHEMA_VERSION.into(),
        id: setup.id.clone(),
        scope: setup.scope,
        dry_run: arguments.dry_run,
        started_at: setup.now,
        sink: setup.sink.shown(),
        plan: None,
        data_until: None,
        history: None,
        steps: Vec::new(),
        not_begun: Vec::new(),
        alerts: Vec::new(),
    }
}
