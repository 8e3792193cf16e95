//! One tick from its first record to its last.

use std::time::Instant;

use jiff::Timestamp;

use super::{
    RunArgs, empty,
    looking::{Followed, follow, look},
    verdict,
};
use crate::{
    act::tick::{Ended, Setup, Tick, point},
    cli::{Failure, halt, state, times::Times},
    domain::{
        Finding,
        fault::Exit,
        phase::Phase,
        plan::SourceSummary,
        run::RunReport,
        tally::{Ending, Tally},
    },
    state::{Commit, Lease, Open, StateError, Store},
};

/// A run, and what went wrong with it.
pub(super) struct Done {
    pub report: RunReport,
    pub findings: Option<Vec<Finding>>,
    pub source: Option<SourceSummary>,
    pub tally: Option<Tally>,
    /// Runs that died before this one.
    pub killed: Vec<String>,
    pub failure: Option<Failure>,
    /// Whether the report says more than the failure does.
    pub shown: bool,
}

pub(super) fn act(
    arguments: &RunArgs,
    setup: Setup<'_>,
    store: &mut Store,
    lease: &Lease,
    times: &Times,
) -> Result<Done, Failure> {
    let (begun, id) = (Instant::now(), setup.id.clone());
    let mut report = empty(arguments, &setup);
    let mut tick = Tick::open(setup, store)?;
    tick.record("running", &report);
    let killed = tick.count_killed()?;
    tick.commit(store, lease, Commit::default())?;
    point();
    let went = whole(arguments, &mut tick, store, lease, times, &mut report);
    let (followed, failure) = match went {
        Ok(followed) => {
            tick.tell(&mut report);
            (followed, None)
        }
        // What cannot be read cannot be written either.
        Err(failure) if failure.exit() == Exit::State => return Err(failure),
        Err(failure) => {
            tick.forget();
            (Followed::default(), Some(failure))
        }
    };
    let Followed { findings, source, saved_usd, failure: trouble } = followed;
    let shown = failure.is_none() || halt::asked().is_some();
    let failure = failure.or(trouble).or_else(|| verdict(&report).err());
    let exit = failure.as_ref().map_or(Exit::Fine, Failure::exit);
    let ending = Ending::of(exit).expect("a run that holds the lease was not held up");
    let ended = Ended { ending, took: begun.elapsed(), at: Timestamp::now(), saved_usd };
    let tally = tick.count(&report, &ended)?;
    tick.record("ended", &report);
    tick.commit(store, lease, Commit::default())?;
    point();
    tracing::info!(run = id, "done");
    Ok(Done { report, findings, source, tally: Some(tally), killed, failure, shown })
}

/// Everything between the two records.
fn whole(
    arguments: &RunArgs,
    tick: &mut Tick<'_>,
    store: &mut Store,
    lease: &Lease,
    times: &Times,
    report: &mut RunReport,
) -> Result<Followed, Failure> {
    acted(times, "reconcile", || tick.reconcile(store, lease))?;
    tick.tell(report);
    let known = state::known(store, report.started_at)?;
    let looked = look(arguments, tick, store, &known, times);
    let (commit, followed) = follow(arguments, tick, store, looked, &known, report)?;
    tick.commit(store, lease, commit)?;
    point();
    acted(times, "push", || tick.push(store, lease))?;
    Ok(followed)
}

fn acted<T>(times: &Times, part: &'static str, work: impl FnOnce() -> T) -> T {
    times.time(Phase::Act, None, || times.time(Phase::Act, Some(part), work))
}

pub(super) fn dry(arguments: &RunArgs, setup: Setup<'_>, times: &Times) -> Result<Done, Failure> {
    let mut store = match arguments.state.open(Open::AsItIs) {
        Err(StateError::Missing { .. }) => Store::nowhere()?,
        opened => opened?,
    };
    let mut report = empty(arguments, &setup);
    let mut tick = Tick::open(setup, &mut store)?;
    tick.foresee()?;
    let known = state::known(&mut store, report.started_at)?;
    let looked = look(arguments, &tick, &mut store, &known, times);
    let (_, followed) = follow(arguments, &mut tick, &mut store, looked, &known, &mut report)?;
    tick.tell(&mut report);
    let Followed { findings, source, failure, .. } = followed;
    Ok(Done { report, findings, source, tally: None, killed: Vec::new(), failure, shown: true })
}
