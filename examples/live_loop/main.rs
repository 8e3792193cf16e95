//! A live loop on a laptop: `make loop`.
//!
//! The example Orchestrator serves on loopback. A traffic generator draws real requests of `testdata/helpdesk.csv.gz`, as many to each
//! configuration as the Orchestrator says, and appends them to a log. The real `optimizer run` looks at that log every quarter of an hour of
//! simulated time. Two services do the same work; the new model of the second one is slow, which the generator makes up.
//!
//! Everything is on loopback and in a temporary folder. The exit code says whether one canary was promoted, one taken back, and a pause
//! heard, so this is a test as well.

mod orchestrator;
mod pool;
mod program;
mod story;
mod traffic;
mod transcript;

#[path = "../orchestrator/peer/mod.rs"]
mod peer;

use std::{
    io::{IsTerminal as _, stdout},
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};

use orchestrator::Orchestrator;
use pool::Pool;
use program::Program;
use story::Story;
use traffic::{Fault, Service, Traffic};
use transcript::Transcript;

/// Where the real requests end and the loop begins.
const START: &str = "2023-11-17T18:00:00Z";
const QUARTER: i64 = 15;
/// Runs after which it is given up.
const MOST: usize = 48;
/// Requests of a service in a minute.
const RATE: u32 = 300;
/// Somebody who watches wants to read along.
const PACE: Duration = Duration::from_millis(1_200);
const GOOD: &str = "helpdesk";
const BAD: &str = "returns-desk";

fn main() -> ExitCode {
    match tell() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// True where everything was seen.
pub(crate) fn tell() -> anyhow::Result<bool> {
    let folder = tempfile::Builder::new().prefix("live-loop-").tempdir().context("cannot make a temporary folder")?;
    let pool = Pool::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/helpdesk.csv.gz"))?;
    let orchestrator = Orchestrator::start(folder.path().to_owned())?;
    let services = [
        Service { name: GOOD, fault: None },
        Service { name: BAD, fault: Some(Fault { model: pool::CHEAP, slower: 2.0 }) },
    ];
    for service in &services {
        orchestrator.create(service.name, [("model", pool::DEAR), ("provider", pool::PROVIDER)]);
    }
    let mut traffic = Traffic::new(folder.path(), &pool, &services)?;
    let program = Program::new(folder.path(), &orchestrator.url)?;
    print!("{}", transcript::opening(&orchestrator.url, &pool, RATE));

    let begun = Instant::now();
    let mut now: Timestamp = START.parse().expect("a time");
    let mut story = Story::new(GOOD, BAD);
    let (mut runs, mut transcript) = (0, Transcript::default());
    while runs < MOST && !story.is_over() {
        if let Some(word) = story.operator() {
            program.operator(now, &word)?;
            println!("\n       >>> an operator: {}", word.shown());
        }
        let quarter = Instant::now();
        let report = program.tick(now)?;
        print!("{}", transcript.tick(now, &report));
        story.heard(&report);
        runs += 1;
        traffic.goes_by(&orchestrator, now, QUARTER, RATE)?;
        now += SignedDuration::from_mins(QUARTER);
        if stdout().is_terminal() {
            thread::sleep(PACE.saturating_sub(quarter.elapsed()));
        }
    }
    println!("\n$ optimizer status\n{}", program.shown(now, &["status", "--format", "table"])?);
    println!("$ optimizer history\n{}", program.shown(now, &["history", "--format", "table"])?);
    println!("$ optimizer history --verify\n{}", program.shown(now, &["history", "--verify"])?);
    println!("{}", story.ending(runs, QUARTER, traffic.written(), begun.elapsed()));
    Ok(story.is_over())
}
