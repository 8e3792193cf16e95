//! Rollouts under way, and ticks that move them.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use optimizer::{
    act::{
        self, Evidence, Progression, What,
        sink::{Base, Breaker, Job, Options, Orchestrator, Outcome, Push, push_all},
        stamp,
        tick::{Create, Heed, Setup, Tick},
    },
    decide::policy::{Source, parse},
    domain::{
        Policy,
        rollout::Rollout,
        run::{Did, PlanRef, Scope},
    },
    state::{Address, Commit, Document, Open, Store, Table},
    stats::evidence::{Seen, Watched},
};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{made, traffic};

/// Hours for which the first step has been looked at.
pub const SEEN_HOURS: i64 = 6;

pub struct Flight {
    pub store: Store,
    sink: Orchestrator,
    policy: Policy,
    pub now: Timestamp,
    random: ChaCha8Rng,
    started: usize,
    ticks: usize,
}

/// What the parts of a tick took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seconds {
    pub open: f64,
    pub reconcile: f64,
    pub past: f64,
    pub look: f64,
    pub commit: f64,
    pub push: f64,
    rest: f64,
}

impl Seconds {
    pub fn sum(&self) -> f64 {
        self.open + self.reconcile + self.past + self.look + self.commit + self.push + self.rest
    }
}

impl Flight {
    pub fn new(address: &str, url: &str) -> Self {
        let address: Address = address.parse().expect("an address");
        let base = Base::new(url, false).expect("an address of loopback");
        let source = Source::profile("balanced").expect("a profile");
        Self {
            store: Store::open(&address, Open::Create).expect("a new store"),
            sink: Orchestrator::new(base, None, Options::default()).expect("it needs nothing"),
            policy: parse(source, &|_| Err(String::new())).expect("the profile is fine"),
            now: "2026-06-01T00:00:00Z".parse().expect("a time"),
            random: ChaCha8Rng::seed_from_u64(13),
            started: 0,
            ticks: 0,
        }
    }

    /// So many canaries at their first step, each with hours of evidence that a good candidate gives.
    pub fn take_off(&mut self, number: usize) {
        let places: Vec<usize> = (self.started..self.started + number).collect();
        self.started += number;
        let mut rollouts: Vec<Rollout> = places.iter().map(|place| made::rollout(*place, self.now)).collect();
        let whole: Vec<Job> = rollouts.iter().map(made::create).collect();
        let versions = self.pushed(&whole);
        for (rollout, version) in rollouts.iter_mut().zip(&versions) {
            rollout.from.in_sink = Some(version.clone());
        }
        let step = What::Expose { step: 0 };
        let jobs = rollouts.iter().zip(&versions);
        let jobs = jobs.map(|(rollout, version)| act::job(rollout, &step, Some(version), Progression::Client, 0.1));
        let jobs: Vec<Job> = jobs.map(|job| job.expect("the name of a service")).collect();
        let versions = self.pushed(&jobs);
        let since = self.now - SignedDuration::from_hours(SEEN_HOURS);
        let mut commit = Commit::default();
        for (rollout, version) in rollouts.into_iter().zip(&versions) {
            let rollout = rollout.exposed(0, version, since);
            let mut evidence = Evidence::new(rollout.share_percent(), 800.0, since);
            let minutes = evidence.next_minute()..minute(self.now);
            let cells = traffic::cells(minutes, f64::from(rollout.share_percent()) / 100.0, &mut self.random);
            evidence.absorb(&cells, 0.0, false);
            for (table, body) in [
                (Table::Rollouts, serde_json::to_string(&rollout)),
                (Table::Evidence, serde_json::to_string(&evidence)),
            ] {
                let (id, service, changed_at) = (rollout.id.clone(), rollout.service.clone(), stamp(since));
                let body = body.expect("plain data");
                commit
                    .documents
                    .push((table, Document { id, service, state: "open".into(), generation: 0, changed_at, body }));
            }
        }
        self.store.commit(None, &commit).expect("nobody else writes");
    }

    fn pushed(&self, jobs: &[Job]) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut breaker = Breaker::default();
        let reports = runtime.block_on(push_all(&self.sink, jobs, &mut breaker, Push::default(), Timestamp::now));
        let version = |outcome: &Outcome| match outcome {
            Outcome::Done { deployed, .. } => deployed.version.clone(),
            other => panic!("the Orchestrator did not take it: {other:?}"),
        };
        reports.iter().map(|report| version(&report.outcome)).collect()
    }

    /// A quarter of an hour later, a whole tick. The traffic is there already.
    pub fn tick(&mut self) -> Seconds {
        self.now += SignedDuration::from_mins(15);
        self.ticks += 1;
        let mut seconds = Seconds::default();
        let mut clock = Instant::now();
        let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed().as_secs_f64();
        let (store, now) = (&mut self.store, self.now);
        let lease = store.acquire("scoreboard", std::time::Duration::from_mins(5)).expect("nobody else acts");
        let setup = Setup {
            actor: "run".to_owned(),
            id: format!("tick-{:04}", self.ticks),
            now,
            scope: Scope::Standard,
            policy: &self.policy,
            sink: &self.sink,
            push: Push::default(),
            progression: Progression::Client,
            create: Create::No,
            heed: Heed::Operators,
        };
        let mut report = made::report(&setup);
        let mut tick = Tick::open(setup, store).expect("a store");
        seconds.open = lap();
        tick.record("running", &report);
        tick.commit(store, &lease, Commit::default()).expect("the lease is ours");
        seconds.rest = lap();
        tick.reconcile(store, &lease).expect("the lease is ours");
        seconds.reconcile = lap();
        let _ = store.memory().expect("a store");
        let _ = act::past_changes(store, now).expect("a store");
        seconds.past = lap();
        let wants = tick.wants().expect("the evidence is there");
        let under_way = tick.rollouts().expect("they are there");
        let share = |service: &str| {
            let rollout = under_way.iter().find(|rollout| rollout.service == service).expect("it is wanted");
            f64::from(rollout.share_percent()) / 100.0
        };
        let read = |want: Watched| {
            let cells = traffic::cells(want.minutes.start..minute(now), share(&want.service), &mut self.random);
            (want.service, Seen { cells, without_side: 0.0, failures_unseen: false })
        };
        let seen: Vec<(String, Seen)> = wants.into_iter().map(read).collect();
        lap();
        tick.look(Some(&seen)).expect("the evidence is there");
        seconds.look = lap();
        let plan = made::plan(self.ticks, now);
        report.plan = Some(PlanRef { id: plan.0.id.clone(), decisions: plan.1.len() as u64, moving: 0 });
        lap();
        tick.commit(store, &lease, Commit { plan: Some(plan), ..Commit::default() }).expect("the lease is ours");
        seconds.commit = lap();
        tick.push(store, &lease).expect("the lease is ours");
        seconds.push = lap();
        tick.tell(&mut report);
        tick.record("ended", &report);
        tick.commit(store, &lease, Commit::default()).expect("the lease is ours");
        store.release(lease).expect("it is ours");
        seconds.rest += lap();
        assert!(report.alerts.is_empty(), "{:?}", report.alerts);
        let moves = report.steps.iter().filter(|step| step.did != Did::Held).count();
        assert!(moves == 0 || moves == under_way.len(), "{moves} of {}: {:?}", under_way.len(), report.steps[0].why);
        seconds
    }

    /// What `optimizer status` asks.
    pub fn status(&mut self) -> f64 {
        let begun = Instant::now();
        let status = act::status(&mut self.store, None, &self.policy, self.now).expect("a store");
        assert!(!status.rollouts.is_empty());
        begun.elapsed().as_secs_f64()
    }

    /// Ticks until nothing is under way.
    pub fn land(&mut self) {
        for _ in 0..8 {
            self.tick();
        }
        let left = act::status(&mut self.store, None, &self.policy, self.now).expect("a store").rollouts;
        assert!(left.is_empty(), "{} have not arrived", left.len());
    }
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}
