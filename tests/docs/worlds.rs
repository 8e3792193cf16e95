//! The worlds that blocks of documentation run in. Each is named before its block, and made by what would make it in earnest.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use tempfile::{TempDir, tempdir};

use crate::{
    peer_world::{
        self,
        peer::{Rule, Settings, serve::Peer},
    },
    support::{
        Run,
        canary::{BROKEN, Candidate, GOOD, World},
        optimizer, root,
    },
};

/// A folder, what the commands in it see, and what stands in the documentation for what is another each time.
pub struct Place {
    world: Option<World>,
    folder: PathBuf,
    /// Serves as long as this is here.
    peer: Option<Arc<Peer>>,
    /// Removed with this, where no world does it.
    _folder: Option<TempDir>,
    /// As it was made: every block begins with this. A sink in another thread cannot be set back.
    files: Option<Vec<(PathBuf, Vec<u8>)>>,
    /// What is printed, and what stands for it.
    swaps: Vec<(String, &'static str)>,
}

/// Made when the first block asks for it.
pub fn make(name: &str) -> Place {
    match name {
        "repository" => repository(),
        "canary" => Place::of(canary(GOOD), None),
        "paused" => {
            let place = Place::of(canary(GOOD), None);
            assert_eq!(place.run("optimizer pause --reason 'sale until Sunday' --yes").code, Some(0));
            place.kept()
        }
        "stale" => {
            let mut world = fresh(GOOD);
            world.now += SignedDuration::from_mins(290);
            Place::of(world, None)
        }
        "rolled-back" => Place::of(rolled_back(), None),
        "completed" => Place::of(completed(), None),
        "killed" => Place::of(killed(), None),
        "conflict" => {
            let mut world = canary(GOOD);
            let path = world.folder.path().join("configurations/chat.json");
            let theirs = fs::read_to_string(&path).unwrap().replace("\"dear\"", "\"theirs\"");
            fs::write(path, theirs.replace("\"llm-auto-optimizer/0.1.0\"", "\"ann\"")).unwrap();
            world.goes_by(15);
            Place::of(world, None)
        }
        "sink-away" => at_orchestrator(true, "\"down\""),
        "sink-refuses" => at_orchestrator(true, r#"{"fault": {"status": {"code": 401}}}"#),
        "write-lost" => at_orchestrator(false, r#"{"match": {"method": "PUT"}, "fault": "drop_before_apply"}"#),
        _ => panic!("no world is called `{name}`"),
    }
}

/// Nothing but what is shipped.
fn repository() -> Place {
    let folder = tempdir().unwrap();
    for shipped in ["testdata", "policies", "examples"] {
        std::os::unix::fs::symlink(root().join(shipped), folder.path().join(shipped)).unwrap();
    }
    let path = folder.path().to_owned();
    Place { world: None, folder: path, peer: None, _folder: Some(folder), files: None, swaps: Vec::new() }
}

/// A day of traffic, and nothing was done yet. Addresses are those that commands take by themselves.
fn fresh(candidate: Candidate) -> World {
    let mut world = World::new(candidate);
    (world.state, world.sink) = ("sqlite:optimizer.db".into(), "file:configurations".into());
    world
}

/// A rollout that began a quarter of an hour ago.
fn canary(candidate: Candidate) -> World {
    let mut world = fresh(candidate);
    world.tick(&[]);
    world.goes_by(15);
    world.tick(&[]);
    people_come(world)
}

/// What they do is not at the same second as what the run before did, and is told after it.
fn people_come(mut world: World) -> World {
    world.now += SignedDuration::from_mins(5);
    world
}

fn rolled_back() -> World {
    let mut world = canary(BROKEN);
    for _ in 0..8 {
        if world.share() == 0 {
            return world;
        }
        world.goes_by(15);
        world.tick(&[]);
    }
    panic!("it is not taken back");
}

/// A change that all traffic got at once, and that is proven.
fn completed() -> World {
    let mut world = fresh(GOOD);
    world.rate = 40;
    fs::write(world.folder.path().join("policy.yaml"), "extends: balanced\nrollout: {strategy: immediate}\n").unwrap();
    world.tick(&["--policy", "policy.yaml"]);
    world.goes_by(45);
    assert_eq!(world.tick(&["--policy", "policy.yaml"])["steps"][0]["did"], "completed");
    people_come(world)
}

/// A run was killed while it read.
fn killed() -> World {
    let world = canary(GOOD);
    let mut run = optimizer(world.folder.path())
        .args(["run", "--from", "-"])
        .env("OPTIMIZER_NOW", world.now.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    run.stdin.as_mut().unwrap().write_all(b"{\"ts\":\"2026-01-01T00:00:00Z\"}\n").unwrap();
    let begun = Instant::now();
    while !world.command(&["status", "--format", "json"]).stdout.contains("\"ended\": false") {
        assert!(begun.elapsed() < Duration::from_secs(20), "the run does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    world
}

/// The sink is an Orchestrator that then misbehaves: with a rollout under way, or before it.
fn at_orchestrator(under_way: bool, rule: &str) -> Place {
    let (mut world, peer) = peer_world::world(GOOD, Settings::default());
    world.state = "sqlite:optimizer.db".into();
    if under_way {
        world.tick(&[]);
        world.goes_by(15);
    }
    peer.misbehave(vec![serde_json::from_str::<Rule>(rule).or_else(|_| Rule::read(rule.trim_matches('"'))).unwrap()]);
    Place::of(world, Some(peer))
}

impl Place {
    fn of(world: World, peer: Option<Arc<Peer>>) -> Self {
        let folder = world.folder.path().canonicalize().unwrap();
        let mut swaps = vec![(folder.display().to_string(), "/srv/optimizer"), (hostname(), "ops-1")];
        if peer.is_some() {
            swaps.push((format!("{}/", world.sink), "https://orchestrator/"));
        }
        swaps.extend(rollout(&world).map(|id| (id, ROLLOUT)));
        Self { world: Some(world), folder, peer, _folder: None, files: None, swaps }.kept()
    }

    /// The same, to come back to.
    fn kept(mut self) -> Self {
        self.files = self.peer.is_none().then(|| files(&self.folder));
        self
    }

    /// Whether the next block finds it as the first one did.
    pub fn set_back(&self) -> bool {
        let Some(kept) = &self.files else { return self.world.is_none() };
        for (path, _) in files(&self.folder) {
            fs::remove_file(path).unwrap();
        }
        for (path, bytes) in kept {
            fs::write(path, bytes).unwrap();
        }
        true
    }

    /// Runs a command line as it stands in the documentation, and shows what it printed as the documentation would.
    pub fn run(&self, line: &str) -> Run {
        let line = self
            .swaps
            .iter()
            .filter(|(_, shown)| *shown == ROLLOUT)
            .fold(line.to_owned(), |line, (real, shown)| line.replace(shown, real));
        let ours = Path::new(env!("CARGO_BIN_EXE_optimizer")).parent().unwrap();
        let mut command = Command::new("bash");
        command.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(&self.folder).stdin(Stdio::null()).env_clear();
        command.env("PATH", format!("{}:/usr/bin:/bin", ours.display())).env("USER", "ann");
        if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", path);
        }
        if let Some(world) = &self.world {
            command.env("OPTIMIZER_NOW", world.now.to_string()).env("OPTIMIZER_SINK", &world.sink);
        }
        let mut run = Run::from(command.output().expect("bash is there"));
        for (real, shown) in &self.swaps {
            run.stdout = run.stdout.replace(real, shown);
        }
        run
    }
}

/// What stands in the documentation for the id of the rollout under way.
const ROLLOUT: &str = "4c0f9a1b7d3e";

fn rollout(world: &World) -> Option<String> {
    let history = world.command(&["history", "--format", "json"]).stdout;
    let first: serde_json::Value = serde_json::from_str(history.lines().last()?).ok()?;
    Some(first["rollout"].as_str()?.to_owned())
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Everything in it, two levels deep.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in [folder.to_owned(), folder.join("configurations")] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_file()) {
            found.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    found
}
