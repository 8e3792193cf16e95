//! Traffic of one service that does as its configuration document says, written to a log that the binary reads.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::{Run, optimizer};

/// How the cheap model does once it is the candidate.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    pub error_rate: f64,
    pub slower: f64,
}

pub const GOOD: Candidate = Candidate { error_rate: 0.01, slower: 0.9 };
pub const BROKEN: Candidate = Candidate { error_rate: 0.4, slower: 0.9 };
pub const SLOW: Candidate = Candidate { error_rate: 0.01, slower: 2.5 };

/// A folder with a log, a store and a sink of files.
pub struct World {
    pub folder: TempDir,
    pub state: String,
    pub sink: String,
    random: ChaCha8Rng,
    requests: u64,
    pub now: Timestamp,
    pub candidate: Candidate,
    /// Requests a minute.
    pub rate: u32,
    /// Who serves at the moment; none before anything was configured.
    arms: Box<dyn Fn() -> Option<Vec<Arm>> + Send>,
}

/// One configuration that serves.
#[derive(Debug, Clone)]
pub struct Arm {
    pub model: String,
    pub version: String,
    pub variant: &'static str,
    /// In percent.
    pub weight: f64,
}

/// As the document of a folder of files says.
fn arms_of_file(path: &Path) -> Option<Vec<Arm>> {
    let document: Value = serde_json::from_str(&fs::read_to_string(path).ok()?).expect("the sink writes JSON");
    let share = document["candidate_percentage"].as_f64().unwrap_or(0.0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let arm = |name: &str, variant, weight| {
        let arm = &document[name];
        Arm { model: text(&arm["configuration"]["model"]), version: text(&arm["config_version"]), variant, weight }
    };
    Some(if share > 0.0 {
        vec![arm("active", "baseline", 100.0 - share), arm("candidate", "candidate", share)]
    } else {
        // As some routers have it: what serves alone is the baseline.
        vec![arm("active", "baseline", 100.0)]
    })
}

const HEADER: &str = "ts,request_id,service,provider,model,config_version,variant,latency_ms,input_tokens,output_tokens,cost_usd,quality,outcome,status_code\n";

impl World {
    /// A day of traffic in which a cheap model did as well as the dear one, and a sink of files.
    pub fn new(candidate: Candidate) -> Self {
        let folder = tempdir().unwrap();
        let document = folder.path().join("configurations/chat.json");
        Self::with(candidate, folder, Box::new(move || arms_of_file(&document)))
    }

    /// The same with somebody else to say who serves.
    pub fn with(candidate: Candidate, folder: TempDir, arms: Box<dyn Fn() -> Option<Vec<Arm>> + Send>) -> Self {
        let sink = folder.path().join("configurations");
        fs::create_dir(&sink).unwrap();
        fs::write(folder.path().join("log.csv"), HEADER).unwrap();
        let now: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
        let mut world = Self {
            state: format!("sqlite:{}", folder.path().join("s.db").display()),
            sink: format!("file:{}", sink.display()),
            folder,
            random: ChaCha8Rng::seed_from_u64(7),
            requests: 0,
            now: now - SignedDuration::from_hours(24),
            candidate,
            rate: 10,
            arms,
        };
        world.goes_by(24 * 60);
        world.rate = 400;
        world
    }

    /// What services read.
    pub fn document(&self) -> Option<Value> {
        let text = fs::read_to_string(self.folder.path().join("configurations/chat.json")).ok()?;
        Some(serde_json::from_str(&text).expect("the sink writes JSON"))
    }

    /// Share of traffic on the candidate, in percent; 0 where there is none.
    pub fn share(&self) -> u64 {
        self.document().map_or(0, |document| document["candidate_percentage"].as_u64().unwrap_or(0))
    }

    pub fn model(&self) -> String {
        let document = self.document().expect("the service is there");
        document["active"]["configuration"]["model"].as_str().expect("a model").to_owned()
    }

    /// Minutes of traffic, as the document says.
    pub fn goes_by(&mut self, minutes: i64) {
        let arms = (self.arms)();
        let mut log = String::new();
        for minute in 0..minutes {
            for _ in 0..self.rate {
                let at = self.now + SignedDuration::from_millis(60_000 * minute + self.random.random_range(0..60_000));
                self.request(&mut log, at, arms.as_deref());
            }
        }
        self.now += SignedDuration::from_mins(minutes);
        let path = self.folder.path().join("log.csv");
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, log.as_bytes()).unwrap();
    }

    fn request(&mut self, log: &mut String, at: Timestamp, arms: Option<&[Arm]>) {
        let (model, version, variant) = match arms {
            None => (if self.random.random_bool(0.05) { "cheap" } else { "dear" }, "", ""),
            Some(arms) => {
                let mut left = self.random.random_range(0.0..100.0);
                let chosen = arms.iter().find(|arm| {
                    left -= arm.weight;
                    left < 0.0
                });
                let Arm { model, version, variant, .. } = chosen.unwrap_or(&arms[0]);
                (model.as_str(), version.as_str(), *variant)
            }
        };
        let cheap = model == "cheap";
        let candidate = cheap && arms.is_some();
        let slower = if candidate { self.candidate.slower } else { 1.0 };
        let failed = self.random.random_bool(if candidate { self.candidate.error_rate } else { 0.01 });
        let latency = slower * 500.0 * (self.random.random_range(-1.0..1.0_f64)).exp();
        let cost = if cheap { 0.002 } else { 0.010 } * self.random.random_range(0.8..1.2);
        let quality = self.random.random_range(0.78..0.92);
        self.requests += 1;
        let (outcome, status) = if failed { ("error", 500) } else { ("success", 200) };
        let (cost, quality) =
            if failed { (String::new(), String::new()) } else { (format!("{cost:.6}"), format!("{quality:.3}")) };
        let tokens = self.random.random_range(100..900);
        writeln!(
            log,
            "{at},r{},chat,openai,{model},{version},{variant},{latency:.1},{tokens},80,{cost},{quality},{outcome},{status}",
            self.requests
        )
        .unwrap();
    }

    /// Runs a command of the binary with source, store, sink and time filled in where it takes them.
    pub fn command(&self, arguments: &[&str]) -> Run {
        let mut command = optimizer(self.folder.path());
        command.env("OPTIMIZER_STATE", &self.state).env("OPTIMIZER_SINK", &self.sink);
        command.env("OPTIMIZER_NOW", self.now.to_string());
        command.args(arguments).output().expect("the binary starts").into()
    }

    /// One tick, which has to end well.
    #[track_caller]
    pub fn tick(&self, more: &[&str]) -> Value {
        let run = self.run(more);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
        serde_json::from_str(&run.stdout).unwrap()
    }

    pub fn run(&self, more: &[&str]) -> Run {
        self.command(&[&["run", "--from", "log.csv", "--format", "json"], more].concat())
    }

    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for folder in [self.folder.path().to_owned(), self.folder.path().join("configurations")] {
            for entry in fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file()) {
                files.push((entry.path(), fs::read(entry.path()).unwrap()));
            }
        }
        files.sort();
        files
    }
}
