//! What commands share that write to a sink because somebody said so: the lease, a tick of one's own, and the report.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure, files, halt,
    holder::{holder, tick_id},
    logging,
    plan::duration,
    run::verdict,
    screen::screen,
    sink,
    sink_args::SinkArgs,
    state::StateArgs,
};
use crate::{
    act::{
        sink::Push,
        tick::{Heed, Setup, Tick},
    },
    domain::run::{RunReport, SCHEMA_VERSION, Scope},
    report,
    state::{Commit, Lease, Open, StateError, Store},
};

#[derive(Debug, Args)]
pub(super) struct ActingArgs {
    #[command(flatten)]
    pub state: StateArgs,
    #[command(flatten)]
    sink: SinkArgs,
    /// Policy file [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// How long to wait for a run that acts at the moment
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    wait: SignedDuration,
    /// Take this for the present time, RFC 3339 with a zone: for replays and demonstrations
    #[arg(long, value_name = "TIME", env = "OPTIMIZER_NOW")]
    now: Option<Timestamp>,
}

/// A tick under way, and the store it is in.
pub(super) struct Acting<'a, 'b> {
    pub tick: &'a mut Tick<'b>,
    pub store: &'a mut Store,
    pub policy: &'a crate::domain::Policy,
    pub now: Timestamp,
}

/// The right to act if the process dies.
const LEASE: Duration = Duration::from_mins(5);

impl ActingArgs {
    pub(super) fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    /// Settles what is open, lets `decide` record what is to be done, does it, and shows what became of it.
    pub(super) fn act<T>(
        &self,
        by: &str,
        heed: Heed,
        decide: impl FnOnce(&mut Acting<'_, '_>) -> Result<T, Failure>,
    ) -> Result<(), Failure> {
        // A signal ends nothing half done from here on.
        let _held = halt::hold();
        let now = self.now();
        let policy = files::policy(self.policy.as_deref())?;
        let target = self.sink.target()?;
        let id = tick_id(now);
        logging::run_is(&id);
        let mut store = self.state.open(Open::Create)?;
        let lease = acquire(&mut store, &id, self.wait)?;
        let setup = Setup {
            actor: by.to_owned(),
            id,
            now,
            scope: Scope::Standard,
            policy: &policy,
            sink: &*target.sink,
            push: Push { halt: halt::halt(), ..Push::default() },
            progression: target.progression,
            create: target.create,
            heed,
        };
        let done = one(setup, &mut store, &lease, decide);
        let released = store.release(lease);
        let report = done?;
        released?;
        sink::print(&report::run(&report, screen()))?;
        verdict(&report)
    }
}

/// Takes the lease, and waits so long for whoever has it.
pub(super) fn acquire(store: &mut Store, id: &str, wait: SignedDuration) -> Result<Lease, Failure> {
    let end = std::time::Instant::now() + wait.unsigned_abs();
    loop {
        match store.acquire(&holder(id), LEASE) {
            Err(StateError::Held { .. }) if std::time::Instant::now() < end => match halt::asked() {
                Some(why) => return Err(why.failure()),
                None => std::thread::sleep(Duration::from_millis(200)),
            },
            taken => return Ok(taken?),
        }
    }
}

fn one<T>(
    setup: Setup<'_>,
    store: &mut Store,
    lease: &Lease,
    decide: impl FnOnce(&mut Acting<'_, '_>) -> Result<T, Failure>,
) -> Result<RunReport, Failure> {
    let mut report = RunReport {
        schema_version: SCHEMA_VERSION.into(),
        id: setup.id.clone(),
        scope: setup.scope,
        dry_run: false,
        started_at: setup.now,
        sink: setup.sink.shown(),
        plan: None,
        data_until: None,
        history: None,
        steps: Vec::new(),
        not_begun: Vec::new(),
        alerts: Vec::new(),
    };
    let (policy, now) = (setup.policy, setup.now);
    let mut tick = Tick::open(setup, store)?;
    tick.reconcile(store, lease)?;
    decide(&mut Acting { tick: &mut tick, store, policy, now })?;
    tick.commit(store, lease, Commit::default())?;
    tick.push(store, lease)?;
    tick.tell(&mut report);
    tick.count_deeds(&report)?;
    tick.record("ended", &report);
    tick.commit(store, lease, Commit::default())?;
    Ok(report)
}
