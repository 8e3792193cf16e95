//! Measures what a start costs: `optimizer --version`, and whole ticks over a tiny window, against the start of a program that does nothing.
//!
//! ```text
//! make bench                          # 21 runs of each
//! cargo bench --bench start -- 101
//! ```
//! Processes are started in turn, so that what else the machine does falls on all of them alike. `cargo test` runs it once, to keep it
//! alive.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};

/// What is started, and how long it may take, in milliseconds.
struct Case {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    aim_ms: Option<f64>,
}

const OPTIMIZER: &str = env!("CARGO_BIN_EXE_optimizer");

/// The first is what the others are held against.
const CASES: [Case; 4] = [
    Case { name: "true", program: "true", arguments: &[], aim_ms: None },
    Case { name: "optimizer --version", program: OPTIMIZER, arguments: &["--version"], aim_ms: Some(20.0) },
    Case {
        name: "plan, 120 requests",
        program: OPTIMIZER,
        arguments: &["plan", "--dry-run", "--from", "log.ndjson", "--window", "15m", "--lookback", "30m"],
        aim_ms: Some(150.0),
    },
    Case {
        name: "run, 120 requests",
        program: OPTIMIZER,
        arguments: &["run", "--from", "log.ndjson", "--window", "15m", "--lookback", "30m", "--sink", "file:sink"],
        aim_ms: Some(150.0),
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` says so; without it this is a test run.
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let wanted = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(21_usize).max(1);
    let runs = if measuring { wanted } else { 1 };
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("sink")).expect("a folder");
    std::fs::write(folder.path().join("log.ndjson"), log()).expect("a file");
    let mut times = CASES.map(|_| Vec::new());
    // The first of each makes the store and warms the page cache.
    for _ in 0..runs + usize::from(measuring) {
        for (case, times) in CASES.iter().zip(&mut times) {
            times.push(timed(case, folder.path()));
        }
    }
    let mut medians = times.iter_mut().map(|times| {
        times.drain(..usize::from(measuring));
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let nothing = medians.next().expect("the baseline is there");
    println!("start {}: {nothing:.1} ms (median of {runs}; what a process costs here)", CASES[0].name);
    for (case, ms) in CASES[1..].iter().zip(medians) {
        let (name, ratio) = (case.name, ms / nothing);
        let aim = case.aim_ms.map(|aim| format!("aim {aim:.0} ms: {}", if ms <= aim { "held" } else { "missed" }));
        println!("{{\"bench\":\"start\",\"case\":\"{name}\",\"runs\":{runs},\"ms\":{ms:.2},\"ratio\":{ratio:.2}}}");
        println!("start {name}: {ms:.1} ms, {ratio:.1} × `true` ({})", aim.unwrap_or_default());
    }
}

/// Two services of an hour's end each, one request a quarter of a minute.
fn log() -> String {
    let end = Timestamp::now();
    (0..120_i64).fold(String::new(), |mut log, at| {
        let ts = end - SignedDuration::from_secs(15 * (120 - at));
        let (service, model) = if at % 2 == 0 { ("chat", "gpt-4o") } else { ("search", "gpt-4o-mini") };
        let latency = 300 + 7 * (at * 37 % 100);
        let _ = writeln!(
            log,
            "{{\"ts\":\"{ts}\",\"request_id\":\"r{at}\",\"service\":\"{service}\",\"provider\":\"openai\",\"model\":\"{model}\",\
             \"latency_ms\":{latency},\"input_tokens\":500,\"output_tokens\":80,\"cost_usd\":0.002,\"outcome\":\"success\"}}"
        );
        log
    })
}

/// Milliseconds from start to end.
fn timed(case: &Case, folder: &Path) -> f64 {
    let mut command = Command::new(case.program);
    command.args(case.arguments).current_dir(folder).env("OPTIMIZER_STATE", "sqlite:s.db");
    let begun = Instant::now();
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output().expect("it starts");
    let ms = begun.elapsed().as_secs_f64() * 1000.0;
    assert!(done.status.success(), "{}: {}", case.name, String::from_utf8_lossy(&done.stderr));
    ms
}
