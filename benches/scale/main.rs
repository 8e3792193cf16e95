//! Measures what is left to do here once an engine has reduced the requests: findings, decisions and the plan as JSON, over synthetic
//! rollups of services with a billion requests a day, by the number of services.
//!
//! ```text
//! make bench                              # 100, 1,000 and 10,000 services
//! cargo bench --bench scale -- 3000       # one size beside the smallest
//! ```
//! The rollups are made, not read: every bin within five standard deviations holds what a billion draws would put there. Each size is a process of
//! its own, so that its peak of memory is its own. The ratio is the time a service takes against that in the smallest size. `cargo test`
//! runs it once, small, to keep it alive.

use std::{
    collections::BTreeMap,
    process::{Command, ExitCode},
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};
use optimizer::{
    decide::{self, Inputs, policy},
    domain::{
        Arm, Memory, ModelTable, Segment, Window,
        plan::{SourceSummary, UntilSource, Windows},
    },
    orient,
    stats::{
        ArmEvidence, Bucket, Observation, Requests, Rollup, ServiceEvidence, Sketch,
        sketch::{Bin, bin_of, middle_of},
    },
};

/// Of one service.
const REQUESTS_A_DAY: f64 = 1e9;
const SMALLEST: u64 = 100;
const MODELS: [&str; 3] = ["gpt-4o", "gpt-4o-mini", "gpt-4.1"];
/// Time buckets of a window and of a lookback.
const BUCKETS: [usize; 2] = [12, 288];

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` says so; without it this is a test run.
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| argument != "--bench");
    if arguments.first().is_some_and(|first| first == "--one") {
        one(arguments[1].parse().expect("a number of services"));
        return ExitCode::SUCCESS;
    }
    let sizes = match arguments.first().and_then(|text| text.parse().ok()) {
        Some(size) => vec![SMALLEST, size],
        None if measuring => vec![SMALLEST, 1_000, 10_000],
        None => vec![2, 4],
    };
    let mut smallest = None;
    for services in sizes {
        let own = std::env::current_exe().expect("this process has a path");
        let told = Command::new(own).args(["--one", &services.to_string()]).output().expect("a process");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let told: Vec<f64> = String::from_utf8_lossy(&told.stdout)
            .split_whitespace()
            .map(|word| word.parse().expect("a number"))
            .collect();
        let [orient, decide, json, mib, bins, mb] = told[..] else { panic!("six numbers: {told:?}") };
        let each = (orient + decide + json) / services as f64;
        let ratio = each / *smallest.get_or_insert(each);
        println!(
            "{{\"bench\":\"scale\",\"services\":{services},\"orient_s\":{orient:.3},\"decide_s\":{decide:.3},\"json_s\":{json:.3},\"ms_a_service\":{:.3},\"ratio\":{ratio:.2},\"peak_mib\":{mib:.0},\"bins\":{bins:.0},\"plan_mb\":{mb:.1}}}",
            1e3 * each
        );
        println!(
            "{services} services: findings {orient:.2} s, decisions {decide:.2} s, JSON {json:.2} s ({mb:.0} MB); {:.2} ms a service, ratio {ratio:.2}; peak memory {mib:.0} MiB for {bins:.0} bins",
            1e3 * each
        );
    }
    ExitCode::SUCCESS
}

/// Prints seconds of findings, decisions and JSON, peak mebibytes, bins, and megabytes of JSON.
fn one(services: u64) {
    let observation = observation(services);
    let source = policy::Source::profile("balanced").expect("a profile");
    let policy = policy::parse(source, &|_| Err(String::new())).expect("the profile is fine");
    let start = Instant::now();
    let findings = orient::findings(&observation, None, &policy).findings;
    let oriented = start.elapsed().as_secs_f64();
    let plan = decide::plan(&Inputs {
        observation: &observation,
        findings: &findings,
        policy: &policy,
        models: &ModelTable::default(),
        configurations: &BTreeMap::new(),
        memory: &Memory::default(),
        followed: false,
    })
    .plan;
    let decided = start.elapsed().as_secs_f64();
    let json = serde_json::to_string(&plan).expect("a plan is JSON");
    let written = start.elapsed().as_secs_f64();
    let bins: usize = observation.services.values().map(bins).sum();
    println!(
        "{oriented} {} {} {} {bins} {}",
        decided - oriented,
        written - decided,
        high_water() as f64 / 1024.0,
        json.len() as f64 / 1e6
    );
}

fn bins(service: &ServiceEvidence) -> usize {
    let arms = service.segments.values().flat_map(BTreeMap::values).flat_map(|arm| [&arm.window, &arm.lookback]);
    let rollups = [&service.window, &service.before, &service.lookback].into_iter().chain(arms);
    let sketches = rollups.flat_map(|rollup| {
        [&rollup.latency, &rollup.ttft, &rollup.input_tokens, &rollup.output_tokens, &rollup.cost, &rollup.quality]
    });
    sketches.map(|sketch| sketch.bins().len()).sum()
}

fn observation(services: u64) -> Observation {
    let end: Timestamp = "2026-01-02T12:00:00Z".parse().expect("a time");
    let window = Window::ending_at(end, SignedDuration::from_hours(1)).expect("it fits");
    let windows = Windows {
        window,
        before: window.before().expect("it fits"),
        lookback: Window::ending_at(end, SignedDuration::from_hours(24)).expect("it fits"),
        until: UntilSource::Flag,
    };
    let made = (0..services).map(|number| (format!("service-{number:05}"), service(number))).collect();
    Observation { windows, source: SourceSummary::default(), services: made, figures: BTreeMap::new() }
}

fn service(number: u64) -> ServiceEvidence {
    // No two services are alike, and no chance is needed for that.
    let slower = 1.0 + (number % 97) as f64 / 200.0;
    let arms: BTreeMap<Arm, ArmEvidence> = MODELS
        .iter()
        .enumerate()
        .map(|(place, model)| {
            let (share, dear) = ([0.8, 0.15, 0.05][place], [1.0, 0.2, 0.8][place]);
            let of = |day: f64, buckets| rollup(share * day * REQUESTS_A_DAY, slower, dear, buckets);
            let arm =
                Arm { provider: Some("openai".into()), model: (*model).into(), config_version: Some("v1".into()) };
            (arm, ArmEvidence { window: of(1.0 / 24.0, BUCKETS[0]), lookback: of(1.0, BUCKETS[1]) })
        })
        .collect();
    let sum = |of: fn(&ArmEvidence) -> &Rollup| arms.values().fold(Rollup::default(), |sum, arm| sum.merged(of(arm)));
    let first = 29_455_200;
    ServiceEvidence {
        window: sum(|arm| &arm.window),
        before: sum(|arm| &arm.window),
        lookback: sum(|arm| &arm.lookback),
        segments: BTreeMap::from([(Segment::Unlabelled, arms)]),
        spend_by_minute: (0..1_440).map(|minute| (first + minute, REQUESTS_A_DAY * 2e-3 / 1_440.0)).collect(),
        version_since: BTreeMap::from([("v1".to_owned(), first)]),
        reference: None,
    }
}

fn rollup(requests: f64, slower: f64, dear: f64, buckets: usize) -> Rollup {
    let failed = (0.002 * requests).round();
    let latency = log_normal(requests - failed, 900.0 * slower, 0.5);
    let cost = log_normal(requests, 2e-3 * dear, 0.6);
    let quality =
        Sketch::from_bins(vec![bin(bin_of(1.0), 0.93 * requests, 1.0), bin(bin_of(0.5), 0.07 * requests, 0.5)]);
    let even = |sketch: &Sketch| {
        // A little up and down, as traffic is.
        let share = |at: usize| 1.0 + 0.01 * (at as f64).sin();
        let (weight, sum) = (sketch.weight() / buckets as f64, sketch.sum() / buckets as f64);
        (0..buckets).map(|at| Bucket { weight, sum: sum * share(at) }).collect::<Vec<_>>()
    };
    Rollup {
        latency_buckets: even(&latency),
        quality_buckets: even(&quality),
        cost_buckets: even(&cost),
        ttft: log_normal(requests - failed, 200.0 * slower, 0.5),
        input_tokens: log_normal(requests, 600.0, 0.9),
        output_tokens: log_normal(requests, 180.0, 0.8),
        requests: Requests {
            rows: requests as u64,
            weight: requests,
            weight_squared: requests,
            served: requests,
            succeeded: requests - failed,
            provider_errors: failed,
            ..Requests::default()
        },
        latency,
        cost,
        quality,
    }
}

/// What so many draws put into each bin, on average.
fn log_normal(requests: f64, middle: f64, spread: f64) -> Sketch {
    let (first, last) = (bin_of(middle * (-5.0 * spread).exp()), bin_of(middle * (5.0 * spread).exp()));
    let width = middle_of(1).ln() - middle_of(0).ln();
    let density = |value: f64| {
        let z = (value / middle).ln() / spread;
        (-0.5 * z * z).exp() / (spread * (2.0 * std::f64::consts::PI).sqrt())
    };
    let rows = |index: i16| (requests * width * density(middle_of(index))).round().max(1.0);
    Sketch::from_bins((first..=last).map(|index| bin(index, rows(index), middle_of(index))).collect())
}

fn bin(index: i16, rows: f64, value: f64) -> Bin {
    let rows = rows.round();
    Bin { index, rows: rows as u32, weight: rows, sum: rows * value }
}

fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|text| text.parse().ok()).unwrap_or(0)
}
