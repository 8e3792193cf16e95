//! One tick of what is under way: find out what became of the last one's writes, look, decide on a step each, record, write, check.
//!
//! Everything is recorded before it is sent. A run that dies at any point leaves either nothing, or intents that the next run settles
//! before it does anything else; sinks are asked under keys that stay the same, so what arrived twice is done once.

mod begin;
mod count;
mod look;
mod point;
mod push;
mod reconcile;
mod restore;
mod settle;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Book, Course, Evidence, Intent, Place, Progression, What,
    rollout::{Freeze, ServiceState},
    sink::{Breaker, Deployed, Push, Sink, SinkError},
};
use crate::{
    domain::{
        Policy,
        deed::DeedDetail,
        rollout::Rollout,
        run::{Alert, AlertKind, Did, NotBegunLine, RunReport, Scope, StepLine},
        service_id::ServiceId,
    },
    state::{Commit, Lease, StateError, Store, Table, Wanted},
};

pub use begin::Known;
pub use count::{Ended, TALLY};
pub use point::point;

/// The entry of [`Table::Services`] that holds for all of them.
pub const ALL_SERVICES: &str = "*";

/// What a tick is made with.
#[derive(Debug)]
pub struct Setup<'a> {
    pub id: String,
    /// Who acts, as the audit log has it.
    pub actor: String,
    pub now: Timestamp,
    pub scope: Scope,
    pub policy: &'a Policy,
    pub sink: &'a dyn Sink,
    pub push: Push,
    pub progression: Progression,
    pub create: Create,
    pub heed: Heed,
}

/// What becomes of a service that the sink does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    No,
    /// It may be made with one configuration for all of its traffic: nothing is there that the rest could keep.
    Whole,
    /// It may be made at any share, because a write brings along what the rest keeps.
    AnyShare,
}

/// Whose word stops a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heed {
    Operators,
    /// An operator acts.
    Nobody,
}

/// A tick under way.
#[derive(Debug)]
pub struct Tick<'a> {
    setup: Setup<'a>,
    runtime: tokio::runtime::Runtime,
    book: Book,
    /// What the sink shows, by service.
    shown: BTreeMap<String, Result<Option<Deployed>, SinkError>>,
    lines: BTreeMap<String, StepLine>,
    not_begun: Vec<NotBegunLine>,
    alerts: Vec<Alert>,
    /// Keys of what was recorded in this tick and is to be written.
    to_push: Vec<String>,
}

impl<'a> Tick<'a> {
    /// Reads everything that is under way.
    pub fn open(setup: Setup<'a>, store: &mut Store) -> Result<Self, StateError> {
        let mut book = Book::default();
        let open = Wanted { state: Some("open"), ..Wanted::default() };
        for table in [Table::Rollouts, Table::Evidence, Table::Intents] {
            book.read(store, table, open)?;
        }
        for table in [Table::Services, Table::Breakers] {
            book.read(store, table, Wanted::default())?;
        }
        // What an outcome changes has to be known before.
        for rollout in book.all::<Rollout>(Table::Rollouts)? {
            for version in [&rollout.from, &rollout.to] {
                book.look_up(store, Table::Configurations, &format!("{}@{}", rollout.service, version.id))?;
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime of one thread needs nothing that could be missing");
        let mut tick = Self {
            setup,
            runtime,
            book,
            shown: BTreeMap::new(),
            lines: BTreeMap::new(),
            not_begun: Vec::new(),
            alerts: Vec::new(),
            to_push: Vec::new(),
        };
        tick.read_sums(store)?;
        Ok(tick)
    }

    /// Lets go of everything that was decided and not written down yet.
    pub fn forget(&mut self) {
        self.book.forget();
        self.to_push.clear();
    }

    #[must_use]
    pub fn policy(&self) -> &'a Policy {
        self.setup.policy
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.setup.now
    }

    /// Rollouts that are not over, by service.
    pub fn rollouts(&self) -> Result<Vec<Rollout>, StateError> {
        let mut open: Vec<Rollout> = self.book.all(Table::Rollouts)?;
        open.retain(|rollout| rollout.stage.is_open());
        open.sort_by(|a, b| a.service.cmp(&b.service));
        Ok(open)
    }

    /// Writes what became of everything into the report.
    pub fn tell(&self, report: &mut RunReport) {
        report.steps = self.lines.values().cloned().collect();
        report.not_begun.clone_from(&self.not_begun);
        report.alerts.clone_from(&self.alerts);
    }

    /// Keeps the report: `running` before anything is done, so that a run that was killed is seen, and `ended`.
    pub fn record(&mut self, state: &str, report: &RunReport) {
        let place = Place { service: "", state, now: report.started_at };
        self.book.put(Table::Ticks, &report.id, place, report);
    }

    /// Writes down what has changed, and the rest of `commit` with it.
    pub fn commit(&mut self, store: &mut Store, lease: &Lease, commit: Commit) -> Result<(), StateError> {
        // A write that failed before is made again under its old key.
        for key in &self.to_push {
            self.book.replace_stored(store, Table::Intents, key)?;
        }
        self.book.commit(store, Some(lease), commit)
    }

    /// Intents whose outcome is open, oldest first.
    fn open_intents(&self) -> Result<Vec<Intent>, StateError> {
        let mut intents: Vec<Intent> = self.book.all(Table::Intents)?;
        intents.retain(|intent| !intent.outcome.is_settled());
        intents.sort_by(|a, b| (a.made_at, &a.key).cmp(&(b.made_at, &b.key)));
        Ok(intents)
    }

    fn service(&self, service: &str) -> Result<ServiceState, StateError> {
        Ok(self.book.get(Table::Services, service)?.unwrap_or_default())
    }

    /// What an operator said of all services, or of this one; the farther reach goes first.
    fn freeze(&self, service: &str) -> Result<Option<Freeze>, StateError> {
        if self.setup.heed == Heed::Nobody {
            return Ok(None);
        }
        let (all, own) = (self.service(ALL_SERVICES)?.freeze, self.service(service)?.freeze);
        Ok(match (all, own) {
            (Some(all), Some(own)) => Some(if own.reach == super::rollout::Reach::Everything { own } else { all }),
            (all, own) => all.or(own),
        })
    }

    fn breaker(&self) -> Result<Breaker, StateError> {
        Ok(self.book.get(Table::Breakers, &self.setup.sink.shown())?.unwrap_or_default())
    }

    fn put_breaker(&mut self, breaker: Breaker) {
        let shown = self.setup.sink.shown();
        let place = Place { service: "", state: "known", now: self.setup.now };
        self.book.put(Table::Breakers, &shown, place, &breaker);
    }

    fn put_rollout(&mut self, rollout: &Rollout) {
        let state = if rollout.stage.is_open() { "open" } else { "closed" };
        let place = Place { service: &rollout.service, state, now: self.setup.now };
        self.book.put(Table::Rollouts, &rollout.id, place, rollout);
    }

    fn put_evidence(&mut self, rollout: &Rollout, evidence: &Evidence) {
        let state = if rollout.stage.is_open() { "open" } else { "closed" };
        let place = Place { service: &rollout.service, state, now: self.setup.now };
        self.book.put(Table::Evidence, &rollout.id, place, evidence);
    }

    fn put_intent(&mut self, intent: &Intent) {
        let state = if intent.outcome.is_settled() { "settled" } else { "open" };
        let place = Place { service: &intent.service, state, now: self.setup.now };
        self.book.put(Table::Intents, &intent.key, place, intent);
    }

    fn put_service(&mut self, service: &str, state: &ServiceState) {
        let place = Place { service, state: "known", now: self.setup.now };
        self.book.put(Table::Services, service, place, state);
    }

    /// The line of a rollout as it stands.
    fn line(&mut self, rollout: &Rollout, share_before: u8, did: Did, why: impl Into<String>) {
        let judgement = self.lines.get(&rollout.service).and_then(|line| line.judgement.clone());
        self.lines.insert(
            rollout.service.clone(),
            StepLine {
                service: rollout.service.clone(),
                rollout: rollout.id.clone(),
                purpose: rollout.purpose,
                from: rollout.from.id.clone(),
                to: rollout.to.id.clone(),
                share_before,
                share_after: rollout.share_percent(),
                did,
                why: why.into(),
                judgement,
            },
        );
    }

    fn alert(&mut self, kind: AlertKind, service: Option<&str>, message: impl Into<String>) {
        let alert = Alert { kind, service: service.map(str::to_owned), message: message.into() };
        if !self.alerts.contains(&alert) {
            self.alerts.push(alert);
        }
    }

    /// Keeps an operator's word in the audit log, with the next commit.
    pub fn said(&mut self, action: &str, service: &str, because: &str) {
        self.did(action, service, &DeedDetail { because: Some(because.to_owned()), ..DeedDetail::default() });
    }

    fn did(&mut self, action: &str, service: &str, detail: &DeedDetail) {
        self.book.did(self.setup.now, &self.setup.actor, action, service, detail);
    }

    /// Reads what the sink shows of services that were not looked at yet.
    fn look_up(&mut self, services: impl IntoIterator<Item = String>) {
        use futures_util::{StreamExt as _, stream};
        let wanted: Vec<String> = services.into_iter().filter(|service| !self.shown.contains_key(service)).collect();
        let (sink, halt) = (self.setup.sink, self.setup.push.halt);
        let read = |service: String| async move {
            if let Some(why) = halt.why() {
                return (service, Err(SinkError { why, stop_all: true }));
            }
            let found = match ServiceId::new(&service) {
                Ok(id) => tokio::select! {
                    biased;
                    found = sink.read(&id) => found,
                    () = halt.over() => {
                        Err(SinkError { why: "this run had to end before the sink answered".to_owned(), stop_all: true })
                    }
                },
                Err(error) => Err(SinkError { why: error.to_string(), stop_all: false }),
            };
            (service, found)
        };
        let found: Vec<_> = self
            .runtime
            .block_on(stream::iter(wanted).map(read).buffer_unordered(self.setup.push.concurrency).collect());
        self.shown.extend(found);
    }
}

/// What is recorded of a write that is to be made.
fn intent(setup: &Setup<'_>, rollout: &Rollout, what: What, job: super::sink::Job) -> Intent {
    Intent {
        key: match &job {
            super::sink::Job::Write(write) => write.key.to_string(),
            super::sink::Job::Rollback(rollback) => rollback.key.to_string(),
        },
        rollout: rollout.id.clone(),
        service: rollout.service.clone(),
        what,
        job,
        made_at: setup.now,
        tick: setup.id.clone(),
        outcome: Course::Open,
    }
}
