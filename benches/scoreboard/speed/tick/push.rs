//! Configurations pushed to many services, round after round, each read back.

use std::{fs, time::Instant};

use jiff::Timestamp;
use optimizer::{
    act::sink::{
        Base, Breaker, Expected, Job, Operation, Options, Orchestrator, Outcome, Push, Report, Strategy, Write,
        idempotency_key, push_all,
    },
    domain::{configuration::Configuration, service_id::ServiceId},
};
use serde_json::json;

use super::{super::median, orchestrator::Remote};
use crate::table::{Table, rounded};

/// Characters of a system prompt.
const PROMPT: usize = 2_000;

/// Rounds of a push to so many services: median and slowest, and what memory the first and the last round leave.
pub fn of_pushes(services: usize, rounds: u32, as_json: bool) {
    let remote = Remote::start();
    let base = Base::new(&remote.url, false).expect("an address of loopback");
    let sink = Orchestrator::new(base, None, Options::default()).expect("it needs nothing");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut versions: Vec<Option<String>> = vec![None; services];
    let (mut seconds, mut memory, mut done) = (Vec::new(), Vec::new(), 0);
    for round in 0..rounds {
        let jobs = versions.iter().enumerate().map(|(at, version)| job(at, round, version.clone()));
        let jobs: Vec<Job> = jobs.collect();
        let begun = Instant::now();
        let mut breaker = Breaker::default();
        let reports = runtime.block_on(push_all(&sink, &jobs, &mut breaker, Push::default(), Timestamp::now));
        seconds.push(begun.elapsed().as_secs_f64());
        versions = reports.iter().map(version).collect();
        done += versions.iter().flatten().count();
        memory.push(resident_mb("VmRSS:"));
    }
    let columns = [
        "services",
        "rounds",
        "at_once",
        "done",
        "seconds",
        "slowest_s",
        "us_a_service",
        "first_mb",
        "last_mb",
        "peak_mb",
    ];
    let mut table = Table::new("speed of a push", &columns);
    let slowest = seconds.iter().copied().fold(0.0, f64::max);
    let middle = median(seconds);
    let mb = |memory: Option<f64>| memory.map_or(json!(null), |memory| rounded(memory, 1));
    table.push(vec![
        json!(services),
        json!(rounds),
        json!(Push::default().concurrency),
        json!(done),
        rounded(middle, 2),
        rounded(slowest, 2),
        rounded(1e6 * middle / services as f64, 0),
        mb(memory.first().copied().flatten()),
        mb(memory.last().copied().flatten()),
        mb(resident_mb("VmHWM:")),
    ]);
    table.print(as_json);
}

/// The first round makes the service; those after it are steps of canaries.
fn job(service: usize, round: u32, version: Option<String>) -> Job {
    let service: ServiceId = format!("service-{service:04}").parse().expect("a name");
    let percentage = if round == 0 { 100 } else { [5, 25, 50, 100][(round as usize - 1) % 4] };
    let operation = if version.is_some() { Operation::Replace } else { Operation::Create };
    let decision_id = format!("decision-{}", round.div_ceil(4));
    let settings = [
        ("model".to_owned(), format!("model-{}", round.div_ceil(4))),
        ("system_prompt".to_owned(), "x".repeat(PROMPT)),
    ];
    Job::Write(Write {
        key: idempotency_key(&service, &decision_id, round, operation),
        service,
        expected: version.map_or(Expected::Absent, Expected::Version),
        configuration: Configuration(settings.into()),
        baseline: None,
        percentage,
        strategy: Strategy::Canary,
        progression: vec![percentage],
        interval_minutes: 0,
        rollback_on_error_rate: None,
        decision_id,
        rationale: "to see how fast it is".into(),
        requested_by: "scoreboard".into(),
        config_version: format!("hash-{}", round.div_ceil(4)),
    })
}

fn version(report: &Report) -> Option<String> {
    let Outcome::Done { deployed, .. } = &report.outcome else { return None };
    Some(deployed.version.clone())
}

/// Of this process; none where the system does not tell.
fn resident_mb(key: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}
