//! A run that is killed anywhere, or ended by SIGTERM, is put right by the next one: no rollout is lost, no step is skipped or made twice, store and
//! Orchestrator agree, and the audit log holds.
//!
//! `OPTIMIZER_KILLS=2000 cargo test --test crash` kills more often than CI has time for.

mod peer_world;
mod support;

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use optimizer::{
    domain::rollout::{Rollout, Stage},
    state::{Address, Open, Store, Table, Wanted},
};
use peer_world::peer::{Rule, Settings, serve::Peer};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use support::{
    canary::{BROKEN, GOOD, World},
    optimizer,
    postgres::Server,
};

/// Steps need no proof here, so that a life is short: what is tried is whether they are made once each.
const POLICY: &str = "\
extends: balanced
experiments: {mode: off}
evidence: {min_requests: 150, min_scored: 100}
rollout: {steps_percent: [30, 60, 90, 100], accept_unproven: true, bake_minutes: [0, 0, 0], cooldown_hours: 0}
rollback: {critical_min_requests: 5}
";

/// What the server does to writes of some of the runs that are killed.
const LIES: [&str; 7] = [
    r#"{"match": {"method": "PUT"}, "fault": "apply_and_drop"}"#,
    r#"{"match": {"method": "PUT"}, "fault": "drop_before_apply"}"#,
    r#"{"match": {"method": "PUT"}, "fault": {"status": {"code": 503}}}"#,
    r#"{"match": {"method": "PUT"}, "fault": {"garbage": "not_json"}}"#,
    r#"{"match": {"operation": "rollback"}, "fault": "apply_and_drop"}"#,
    r#"{"match": {"operation": "rollback"}, "fault": {"status": {"code": 500}}}"#,
    "answer_twice",
];

struct Life {
    world: World,
    peer: Arc<Peer>,
    random: ChaCha8Rng,
    killed: u32,
    policy: String,
}

impl Life {
    fn new(seed: u64, state: Option<String>) -> Self {
        let candidate = if seed.is_multiple_of(3) { BROKEN } else { GOOD };
        let (mut world, peer) = peer_world::world(candidate, Settings::default());
        let policy = world.folder.path().join("policy.yaml");
        std::fs::write(&policy, POLICY).unwrap();
        world.rate = 40;
        if let Some(state) = state {
            world.state = state;
        }
        let policy = policy.display().to_string();
        Self { world, peer, random: ChaCha8Rng::seed_from_u64(seed), killed: 0, policy }
    }

    fn command(&self) -> Command {
        let mut command = optimizer(self.world.folder.path());
        command
            .args(["run", "--from", "log.csv", "--format", "json", "--policy", &self.policy])
            .env("OPTIMIZER_LEASE", "1s")
            .env("OPTIMIZER_STATE", &self.world.state)
            .env("OPTIMIZER_SINK", &self.world.sink)
            .env("OPTIMIZER_NOW", self.world.now.to_string());
        command
    }

    /// A run that is killed at one of its points, or at any time at all, half of them beside a server that misbehaves. True if it was.
    fn killed(&mut self) -> bool {
        let lie = self.random.random_range(0..2 * LIES.len());
        self.peer.misbehave(LIES.get(lie).map(|lie| Rule::read(lie).unwrap()).into_iter().collect());
        let mut command = self.command();
        let status = if self.random.random_bool(0.7) {
            let point = self.random.random_range(1..=12_u32);
            command.env("OPTIMIZER_TEST_KILL_AT", point.to_string());
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
        } else {
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(self.random.random_range(5..250)));
            if self.random.random_bool(0.5) {
                let _ = child.kill();
            } else {
                // As Kubernetes begins.
                let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).stderr(Stdio::null()).status();
            }
            child.wait().unwrap()
        };
        self.peer.misbehave(Vec::new());
        let died = matches!(status.signal(), Some(9 | 15)) || status.code() == Some(143);
        self.killed += u32::from(died);
        died
    }

    /// The run after it, which finds the lease of the dead one and waits for its end where nobody can know that it died.
    fn put_right(&self) {
        for _ in 0..40 {
            let run = support::Run::from(self.command().output().unwrap());
            match run.code {
                Some(75) => thread::sleep(Duration::from_millis(100)),
                Some(0) => {
                    if std::env::var_os("OPTIMIZER_SHOW").is_some() {
                        println!("{}", run.stdout);
                    }
                    return;
                }
                _ => panic!("{:?} {} {}", run.code, run.stdout, run.stderr),
            }
        }
        panic!("the lease of a dead run does not end");
    }

    /// Everything that has to hold whenever a run came to its end.
    fn check(&self) {
        let mut store = Store::open(&self.world.state.parse::<Address>().unwrap(), Open::Existing).unwrap();
        let open = Wanted { state: Some("open"), ..Wanted::default() };
        assert_eq!(store.documents(Table::Intents, open).unwrap(), [], "every write is settled");
        let mut rollouts: Vec<Rollout> = store
            .documents(Table::Rollouts, Wanted::default())
            .unwrap()
            .iter()
            .map(|row| serde_json::from_str(&row.body).unwrap())
            .collect();
        rollouts.retain(|rollout: &Rollout| !matches!(rollout.stage, Stage::Dropped { .. }));
        rollouts.sort_by_key(|rollout| rollout.started_at);
        let history = self.peer.with(|store| store.kept.history("chat").to_vec());
        let accepted = peer_world::accepted(&self.peer);
        // Each rollout went through its steps in order, and back at most once: as the Orchestrator saw it.
        let mut expected = Vec::new();
        for rollout in &rollouts {
            let reached = match rollout.stage {
                Stage::Canary { step, .. } => step,
                Stage::Full { .. } => rollout.steps.len() - 1,
                Stage::RolledBack { .. } => {
                    let back = accepted[expected.len()..].iter().position(|(model, _)| model == "dear");
                    back.expect("it went back").checked_sub(1).expect("after its first step")
                }
                _ => panic!("{rollout:?}"),
            };
            let model = rollout.to.configuration.get("model").unwrap().to_owned();
            expected.extend(rollout.steps[..=reached].iter().map(|step| (model.clone(), step.share_percent)));
            if matches!(rollout.stage, Stage::RolledBack { .. }) {
                expected.push(("dear".to_owned(), 100));
            }
        }
        assert_eq!(accepted, expected);
        if let Some(last) = rollouts.last() {
            let now = history.last().unwrap();
            assert_eq!(last.deployed.as_deref(), Some(now.version.as_str()), "store and Orchestrator agree");
        }
        let deeds = store.deeds(None, None, 10_000).unwrap();
        let writes = deeds.iter().filter(|row| ["expose", "roll_back"].contains(&row.deed.action.as_str())).count();
        assert_eq!(writes, accepted.len(), "every write has its deed, and every deed its write");
        assert_eq!(store.verify().unwrap(), Ok(i64::try_from(deeds.len()).unwrap()));
    }
}

/// Lives until so many runs were killed.
fn lives(kills: u32, first: u64, state: impl Fn(u64) -> Option<String>) {
    let (mut killed, mut seed, mut whole) = (0, first, 0);
    while killed < kills {
        let mut life = Life::new(seed, state(seed));
        for _ in 0..9 {
            while life.killed() && life.random.random_bool(0.3) {}
            life.put_right();
            life.check();
            life.world.goes_by(15);
        }
        let accepted = peer_world::accepted(&life.peer);
        assert!(accepted.len() >= 2, "something happened in life {seed}: {accepted:?}");
        whole += u32::from(accepted.contains(&("cheap".to_owned(), 100)));
        killed += life.killed;
        seed += 1;
    }
    println!("{killed} runs killed in {} lives, {whole} of which came to everything", seed - first);
}

/// However many start at once, and whatever their clocks say: one of them writes.
#[test]
fn of_many_at_once_one_acts() {
    let server = Server::shared();
    server.database("crowd");
    for state in [None, Some(server.url("crowd"))] {
        let mut life = Life::new(1, state);
        drop(Store::open(&life.world.state.parse::<Address>().unwrap(), Open::Create).unwrap());
        for round in 0..4_i64 {
            let before = life.peer.with(|store| store.kept.history("chat").len());
            let children: Vec<_> = (0..8)
                .map(|number| {
                    let mut command = life.command();
                    // Some clocks are hours off; the traffic is what it is.
                    let off = jiff::SignedDuration::from_secs(number * 7);
                    command.env("OPTIMIZER_NOW", (life.world.now + off).to_string()).env("OPTIMIZER_LEASE", "60s");
                    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
                })
                .collect();
            let runs: Vec<support::Run> =
                children.into_iter().map(|child| support::Run::from(child.wait_with_output().unwrap())).collect();
            let acted = runs.iter().filter(|run| run.code == Some(0)).count();
            let held = runs.iter().filter(|run| run.code == Some(75)).count();
            assert!(acted >= 1 && acted + held == 8, "round {round}: {runs:?}");
            let after = life.peer.with(|store| store.kept.history("chat").len());
            assert!(after - before <= acted, "no two of them wrote the same");
            life.check();
            life.world.goes_by(15);
        }
    }
}

fn kills(default: u32) -> u32 {
    std::env::var("OPTIMIZER_KILLS").ok().and_then(|text| text.parse().ok()).map_or(default, |all: u32| all.div_ceil(2))
}

#[test]
fn killed_anywhere_with_a_file_as_store() {
    lives(kills(40), 1, |_| None);
}

#[test]
fn killed_anywhere_with_postgres_as_store() {
    let server = Server::shared();
    lives(kills(20), 1_000, |seed| {
        let name = format!("crash_{seed}");
        server.database(&name);
        Some(server.url(&name))
    });
}
