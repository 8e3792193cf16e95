//! `optimizer run`: one whole tick. Observe, orient, decide, and take one safe step with everything under way.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure, configurations, files,
    governance::GovernanceArgs,
    holder::{holder, tick_id},
    past::{self, Past},
    plan::duration,
    planning::{Keep, Pushdown, Work},
    screen::{plain, screen},
    sink,
    sink_args::SinkArgs,
    source::{SourceArgs, interruptible},
    state::{self, StateArgs},
};
use crate::{
    act::{
        sink::Push,
        tick::{Heed, Known, Setup, Tick, point},
    },
    decide::Planned,
    domain::{
        Policy,
        fault::Exit,
        run::{AlertKind, PlanRef, RunReport, SCHEMA_VERSION, Scope},
    },
    observe, report,
    state::{Commit, Lease, Open, StateError, Store},
    stats::{
        Observation,
        evidence::{Seen, Watched},
    },
};

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
    #[command(flatten)]
    governance: GovernanceArgs,
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

/// What was read of the traffic.
struct Looked {
    planned: Option<Planned>,
    traffic: Vec<(String, Seen)>,
    past: Option<Past>,
    /// What went wrong with the history: nothing is planned then, and what is under way is judged all the same.
    trouble: Option<Failure>,
    reference_ms: BTreeMap<String, f64>,
    until: Timestamp,
}

pub(super) fn run(arguments: &RunArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::run_schema());
    }
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let policy = files::policy(arguments.policy.as_deref())?;
    let target = arguments.sink.target()?;
    let id = tick_id(now);
    let setup = Setup {
        actor: format!("run {id}"),
        id,
        now,
        scope: arguments.scope.into(),
        policy: &policy,
        sink: &*target.sink,
        push: Push::default(),
        progression: target.progression,
        create: target.create,
        heed: Heed::Operators,
    };
    let mut done = if arguments.dry_run {
        dry(arguments, setup)?
    } else {
        let mut store = arguments.state.open(Open::Create)?;
        let length = arguments.lease.unsigned_abs();
        let lease = store.acquire(&holder(&setup.id), length)?;
        point();
        let done = act(arguments, setup, &mut store, &lease);
        // Whatever went wrong, the next run need not wait.
        let released = store.release(lease);
        let done = done?;
        released?;
        done
    };
    let text = match arguments.format {
        RunFormat::Json => report::run_json(&done.report),
        RunFormat::Table => report::run(&done.report, plain()),
        RunFormat::Auto => report::run(&done.report, screen()),
    };
    sink::print(&text)?;
    match done.failure.take() {
        Some(failure) => Err(failure),
        None => verdict(&done.report),
    }
}

/// A run, and why its source could not be used.
struct Done {
    report: RunReport,
    failure: Option<Failure>,
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
    if sink + conflict > 0 {
        return Err(Failure::acted(
            Exit::Sink,
            format!("the sink `{}` refused or failed, or others changed services meanwhile", report.sink),
            "look at the alerts above; what was not done is tried again by the next run",
        ));
    }
    Ok(())
}

fn act(arguments: &RunArgs, setup: Setup<'_>, store: &mut Store, lease: &Lease) -> Result<Done, Failure> {
    let (id, now, policy) = (setup.id.clone(), setup.now, setup.policy);
    let mut report = empty(arguments, &setup);
    let mut tick = Tick::open(setup, store)?;
    tick.record("running", &report);
    tick.commit(store, lease, Commit::default())?;
    point();
    tick.reconcile(store, lease)?;
    let known = state::known(store, now)?;
    let looked = look(arguments, &tick, store, policy, &known, now);
    let (commit, failure) = follow(arguments, &mut tick, store, looked, &known, &mut report)?;
    tick.commit(store, lease, commit)?;
    point();
    tick.push(store, lease)?;
    tick.tell(&mut report);
    tick.record("ended", &report);
    tick.commit(store, lease, Commit::default())?;
    point();
    tracing::info!(run = id, "done");
    Ok(Done { report, failure })
}

fn dry(arguments: &RunArgs, setup: Setup<'_>) -> Result<Done, Failure> {
    let mut store = match arguments.state.open(Open::AsItIs) {
        Err(StateError::Missing { .. }) => Store::nowhere()?,
        opened => opened?,
    };
    let (now, policy) = (setup.now, setup.policy);
    let mut report = empty(arguments, &setup);
    let mut tick = Tick::open(setup, &mut store)?;
    tick.foresee()?;
    let known = state::known(&mut store, now)?;
    let looked = look(arguments, &tick, &mut store, policy, &known, now);
    let (_, failure) = follow(arguments, &mut tick, &mut store, looked, &known, &mut report)?;
    tick.tell(&mut report);
    Ok(Done { report, failure })
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

/// Judges, steps and begins by what was seen. A source that cannot be used holds everything, and the run goes on to say so.
fn follow(
    arguments: &RunArgs,
    tick: &mut Tick<'_>,
    store: &mut Store,
    looked: Result<Looked, Failure>,
    known: &state::Known,
    report: &mut RunReport,
) -> Result<(Commit, Option<Failure>), Failure> {
    let looked = match looked {
        Ok(looked) => looked,
        Err(failure) if failure.exit() == Exit::Source => {
            tick.look(None)?;
            return Ok((Commit::default(), Some(failure)));
        }
        Err(failure) => return Err(failure),
    };
    report.data_until = Some(looked.until);
    tick.look(Some(&looked.traffic))?;
    report.history = looked.past.as_ref().and_then(Past::held);
    let Some(Planned { plan, memory }) = looked.planned else { return Ok((Commit::default(), looked.trouble)) };
    report.plan = Some(PlanRef {
        id: plan.id.clone(),
        decisions: plan.decisions.len() as u64,
        moving: plan.decisions.iter().filter(|decision| decision.action.moves()).count() as u64,
    });
    let age = report.started_at.duration_since(looked.until);
    let stale = (age > arguments.max_age)
        .then(|| format!("the newest traffic is {} old", crate::domain::format::hours(age.as_secs_f64() / 3600.0)));
    let configurations = configurations::read(arguments.configurations.as_deref())?;
    let given = Known { configurations: &configurations, reference_ms: &looked.reference_ms, nothing_because: stale };
    tick.begin(store, &plan, &given)?;
    let services = plan.services.iter().map(|summary| summary.service.as_str());
    let next = known.remembered.clone().after(plan.windows.window.end(), services, &memory);
    let commit = state::commit(&plan, known, &next);
    Ok((looked.past.iter().fold(commit, |commit, past| past.commit(commit)), None))
}

/// Reads the traffic, and plans by it where the scope asks for that.
fn look(
    arguments: &RunArgs,
    tick: &Tick<'_>,
    store: &mut Store,
    policy: &Policy,
    known: &state::Known,
    now: Timestamp,
) -> Result<Looked, Failure> {
    let scope = Scope::from(arguments.scope);
    let wants = tick.wants()?;
    if wants.is_empty() && scope == Scope::Safety {
        return Ok(Looked {
            planned: None,
            traffic: Vec::new(),
            past: None,
            trouble: None,
            reference_ms: BTreeMap::new(),
            until: now,
        });
    }
    let two_windows = arguments.window.checked_mul(2).unwrap_or(SignedDuration::MAX);
    // Every minute that was not counted yet.
    let earliest = wants.iter().map(|wanted| wanted.minutes.start).min();
    let uncounted = earliest
        .map_or(SignedDuration::ZERO, |minute| SignedDuration::from_secs((now.as_second() - 60 * minute).max(0) + 600));
    let lookback = match scope {
        Scope::Safety => uncounted,
        Scope::Standard | Scope::Deep => arguments.lookback.unwrap_or(SignedDuration::from_hours(24)),
    };
    let work = Work {
        policy: policy.clone(),
        compare: None,
        models: files::models(arguments.models.as_deref())?,
        configurations: configurations::read(arguments.configurations.as_deref())?,
        named: arguments.source.named()?,
        window: arguments.window,
        lookback: lookback.max(two_windows),
        until: arguments.until,
        now,
        pushdown: Pushdown::Auto,
        remembered: known.remembered.clone(),
        governance: arguments.governance.service()?,
    };
    let missing = match scope {
        Scope::Deep => Some(past::missing(store, arguments.until.unwrap_or(now).min(now))?),
        Scope::Safety | Scope::Standard => None,
    };
    let limit = arguments.source.memory_limit().map(str::to_owned);
    let (looked, rest) = interruptible(arguments.source.memory_limit(), move |engine, downloads| {
        let keep = if wants.is_empty() { Keep::Rollups } else { Keep::Rows };
        let sources = work.found(downloads)?;
        let observation = work.observed_in(&sources, engine, keep)?;
        let until = observation.windows.window.end();
        // A minute that is not over yet is counted when it is.
        let until_minute = until.as_second().div_euclid(60);
        let watched = |wanted: Watched| {
            let minutes = wanted.minutes.start..until_minute;
            Watched { minutes, ..wanted }
        };
        let watched: Vec<Watched> = wants.into_iter().map(watched).collect();
        let seen = observe::sides(engine, &watched, &work.models)?;
        let traffic = watched.into_iter().map(|watched| watched.service).zip(seen);
        let planned = (scope == Scope::Standard).then(|| work.decided(&observation).0);
        let (traffic, reference_ms) = (traffic.collect(), references(&observation));
        let looked = Looked { planned, traffic, past: None, trouble: None, reference_ms, until };
        let fresh = missing.map(|lookback| work.fresh(&sources, limit.as_deref(), lookback));
        drop(sources);
        Ok((looked, fresh.map(|fresh| (work, observation, fresh))))
    })?;
    let Some((work, mut observation, fresh)) = rest else { return Ok(looked) };
    match fresh.and_then(|fresh| past::caught_up(store, fresh.as_ref(), &mut observation, policy)) {
        Ok(past) => {
            let planned = Some(work.decided_after(&observation, Some(&past)).0);
            Ok(Looked { planned, past: Some(past), ..looked })
        }
        Err(trouble) => Ok(Looked { trouble: Some(trouble), ..looked }),
    }
}

/// Latency p95 of each service as it is now.
fn references(observation: &Observation) -> BTreeMap<String, f64> {
    let p95 = |evidence: &crate::stats::ServiceEvidence| evidence.lookback.latency.quantile(0.95);
    observation.services.iter().filter_map(|(service, evidence)| Some((service.clone(), p95(evidence)?))).collect()
}
