//! The request logs under `testdata/` are what the composer writes, and each still tells the story its README claims.

use std::{collections::BTreeSet, fs, io::Read, path::PathBuf};

use flate2::read::GzDecoder;
use serde::{Deserialize, de::DeserializeOwned};

#[path = "../examples/compose_testdata/composer/mod.rs"]
mod composer;

const SERVICES: [&str; 5] = ["helpdesk", "assistant", "code-review", "summarizer", "translator"];
const FIRST: &str = "2023-11-16T18:00:00.000Z";
const END: &str = "2023-11-17T18:00:00.000Z";
const SLOWDOWN: &str = "2023-11-17T16:20:00.000Z";
const NEW_PROMPT: &str = "2023-11-17T14:00:00.000Z";

const GPT_4_TURBO_PREVIEW: &str = "openai/gpt-4-1106-preview";
const MIXTRAL: &str = "mistralai/mixtral-8x7b-instruct";

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct LogRow {
    ts: String,
    request_id: String,
    service: String,
    provider: String,
    model: String,
    config_version: String,
    latency_ms: Option<f64>,
    ttft_ms: Option<f64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cost_usd: Option<f64>,
    quality: Option<f64>,
    outcome: String,
    complexity: String,
}

impl LogRow {
    fn succeeded(&self) -> bool {
        self.outcome == "success"
    }

    /// Why the row must be rejected, if it must.
    fn damage(&self) -> Option<&'static str> {
        if !self.ts.ends_with('Z') {
            Some("time")
        } else if self.latency_ms.is_some_and(|latency| latency < 0.0) {
            Some("negative latency")
        } else if self.cost_usd.is_some_and(f64::is_nan) {
            Some("cost is not a number")
        } else if self.ttft_ms > self.latency_ms {
            Some("first token after the last")
        } else {
            None
        }
    }
}

#[derive(Debug, Deserialize)]
struct Prompt {
    domain: String,
    mixtral_8x7b_correct: f64,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut csv = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut csv).expect("committed logs are valid gzip");
    csv
}

fn rows<Row: DeserializeOwned>(csv: &[u8]) -> Vec<Row> {
    csv::Reader::from_reader(csv).into_deserialize().collect::<Result<_, _>>().expect("rows have the canonical columns")
}

fn log(service: &str) -> Vec<LogRow> {
    rows(&unpack(&fs::read(folder().join(format!("{service}.csv.gz"))).expect("the log is committed")))
}

/// The rows a reader should be left with: damaged ones and second deliveries dropped.
fn sound(service: &str) -> Vec<LogRow> {
    let mut seen = BTreeSet::new();
    let mut requests = log(service);
    requests.retain(|request| request.damage().is_none() && seen.insert(request.request_id.clone()));
    requests
}

fn mean_quality(requests: &[LogRow], of: impl Fn(&LogRow) -> bool) -> (f64, usize) {
    let scores: Vec<f64> =
        requests.iter().filter(|request| of(request)).filter_map(|request| request.quality).collect();
    (scores.iter().sum::<f64>() / scores.len() as f64, scores.len())
}

/// Nearest rank, over successes.
fn p95_latency_ms(requests: &[LogRow], of: impl Fn(&LogRow) -> bool) -> f64 {
    let answered = requests.iter().filter(|request| request.succeeded() && of(request));
    let mut latencies: Vec<f64> = answered.filter_map(|request| request.latency_ms).collect();
    latencies.sort_by(f64::total_cmp);
    latencies[(latencies.len() * 95).div_ceil(100) - 1]
}

/// Relative fall of quality from the first mean to the second.
fn fall(from: f64, to: f64) -> f64 {
    1.0 - to / from
}

#[test]
fn the_composer_writes_the_committed_logs_byte_for_byte() {
    let composed = composer::compose(&folder().join("public")).expect("the sources are complete");
    let names: Vec<&str> = composed.iter().filter_map(|file| file.name.strip_suffix(".csv.gz")).collect();
    assert_eq!(names, SERVICES);
    for file in &composed {
        let committed = fs::read(folder().join(&file.name)).expect("the log is committed");
        // Two steps, so that a failure tells a changed log from the same log packed by a changed compressor.
        assert!(
            unpack(&committed) == file.csv,
            "`{}` has other rows: run the composer and look at the diff",
            file.name
        );
        assert!(composer::pack(&file.csv).unwrap() == committed, "`{}` is packed differently", file.name);
        assert_eq!(rows::<LogRow>(&file.csv).len(), file.rows);
    }
}

#[test]
fn every_log_covers_its_day_in_order_to_the_last_minute() {
    for service in SERVICES {
        let requests: Vec<LogRow> =
            log(service).into_iter().filter(|request| request.damage() != Some("time")).collect();
        assert!(requests.iter().all(|request| request.service == service));
        assert!(requests.is_sorted_by_key(|request| &request.ts), "{service}");
        assert!(requests.iter().all(|request| (FIRST..END).contains(&request.ts.as_str())), "{service}");
        assert!(requests.iter().any(|request| request.ts.as_str() > "2023-11-17T17:59:30.000Z"), "{service}");
        let lately = requests.iter().filter(|request| request.ts.as_str() >= "2023-11-17T17:45:00.000Z").count();
        assert!(lately >= 100, "{service}: {lately} requests in the last quarter of an hour");
    }
}

#[test]
fn failures_are_few_and_only_one_service_logs_them_as_zero_latency() {
    for service in SERVICES {
        let requests = sound(service);
        let failed: Vec<&LogRow> = requests.iter().filter(|request| !request.succeeded()).collect();
        let share = failed.len() as f64 / requests.len() as f64;
        assert!((0.004..0.010).contains(&share), "{service}: {share}");
        let latency = if service == "assistant" { Some(0.0) } else { None };
        assert!(failed.iter().all(|request| request.latency_ms == latency && request.quality.is_none()), "{service}");
    }
}

#[test]
fn only_helpdesk_has_damaged_rows_and_only_assistant_has_duplicates() {
    for service in SERVICES {
        let requests = log(service);
        let damages: Vec<&str> = requests.iter().filter_map(LogRow::damage).collect();
        let broken = ["negative latency", "cost is not a number", "first token after the last", "time"];
        assert_eq!(damages, if service == "helpdesk" { broken.as_slice() } else { &[] }, "{service}");

        let again = requests.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let ids: BTreeSet<&str> = requests.iter().map(|request| request.request_id.as_str()).collect();
        assert_eq!(again, requests.len() - ids.len(), "{service}: an id is repeated by an exact duplicate only");
        assert_eq!(again, if service == "assistant" { 3 } else { 0 }, "{service}");
    }
}

#[test]
fn only_assistant_is_ever_slow() {
    for service in ["helpdesk", "code-review", "summarizer", "translator"] {
        let requests = sound(service);
        let hours: BTreeSet<&str> = requests.iter().map(|request| &request.ts[..13]).collect();
        assert_eq!(hours.len(), 24);
        for hour in hours {
            let p95 = p95_latency_ms(&requests, |request| request.ts.starts_with(hour));
            assert!(p95 < 4_600.0, "{service} in the hour of {hour}: {p95} ms");
        }
    }
}

#[test]
fn helpdesk_the_cheap_model_nearly_keeps_up_on_simple_questions_only() {
    let requests = sound("helpdesk");
    let quality = |complexity: &str, model: &str| {
        mean_quality(&requests, |request| request.complexity == complexity && request.model == model)
    };
    let loss = |complexity: &str| fall(quality(complexity, GPT_4_TURBO_PREVIEW).0, quality(complexity, MIXTRAL).0);
    assert!((0.02..0.04).contains(&loss("simple")), "{}", loss("simple"));
    assert!((0.08..0.13).contains(&loss("medium")), "{}", loss("medium"));
    assert!((0.25..0.35).contains(&loss("complex")), "{}", loss("complex"));

    let measured = rows::<Prompt>(&fs::read(folder().join("public/routellm-mmlu.csv")).unwrap());
    let sociology: Vec<f64> = measured
        .iter()
        .filter(|prompt| prompt.domain == "sociology")
        .map(|prompt| prompt.mixtral_8x7b_correct)
        .collect();
    let population = sociology.iter().sum::<f64>() / sociology.len() as f64;
    let (sample, scored) = quality("simple", MIXTRAL);
    assert!(scored >= 1_000, "{scored}");
    assert!((sample - population).abs() < 0.015, "sample {sample}, all prompts {population}");
}

#[test]
fn assistant_one_provider_becomes_slow_and_the_other_is_as_good() {
    let requests = sound("assistant");
    let p95 = |provider: &str, late: bool| {
        p95_latency_ms(&requests, |request| request.provider == provider && (request.ts.as_str() >= SLOWDOWN) == late)
    };
    assert!(p95("together", false) < 4_000.0);
    assert!(p95("together", true) > 15_000.0);
    assert!(p95("openrouter", false) < 4_600.0);
    assert!(p95("openrouter", true) < 4_600.0);

    let quality = |provider: &str| mean_quality(&requests, |request| request.provider == provider);
    let ((slow, slow_scored), (steady, steady_scored)) = (quality("together"), quality("openrouter"));
    assert!((slow - steady).abs() < 0.01, "{slow} and {steady}");
    assert!(slow_scored > 1_000 && steady_scored > 1_000);
}

#[test]
fn code_review_will_overspend_and_the_cheap_model_is_no_way_out() {
    let requests = sound("code-review");
    let spend_since = |ts: &str| -> f64 {
        requests.iter().filter(|request| request.ts.as_str() >= ts).filter_map(|request| request.cost_usd).sum()
    };
    let today = spend_since("2023-11-17T00:00:00.000Z");
    let by_midnight = today + 6.0 * spend_since("2023-11-17T17:00:00.000Z");
    assert!((820.0..930.0).contains(&today), "{today}");
    assert!((1_150.0..1_350.0).contains(&by_midnight), "{by_midnight}");

    for request in requests.iter().filter(|request| request.succeeded()) {
        let (input, output) = if request.model == "gpt-4" { (30.0, 60.0) } else { (0.24, 0.24) };
        let tokens = |count: Option<u64>| count.expect("a success has token counts") as f64;
        let priced = (tokens(request.input_tokens) * input + tokens(request.output_tokens) * output) / 1e6;
        assert!(request.cost_usd.is_some_and(|cost| (cost - priced).abs() < 1e-9), "{request:?}");
    }

    let quality = |model: &str| mean_quality(&requests, |request| request.model == model);
    let ((expensive, _), (cheap, scored)) = (quality("gpt-4"), quality(MIXTRAL));
    assert!(fall(expensive, cheap) > 0.20, "{expensive} to {cheap}");
    assert!(scored > 500, "{scored}");
}

#[test]
fn summarizer_answers_worse_since_the_new_configuration() {
    let requests = sound("summarizer");
    for request in &requests {
        let expected = if request.ts.as_str() < NEW_PROMPT { "sm-41" } else { "sm-42" };
        assert_eq!(request.config_version, expected);
    }
    let quality = |version: &str| mean_quality(&requests, |request| request.config_version == version);
    let ((before, scored_before), (after, scored_after)) = (quality("sm-41"), quality("sm-42"));
    assert!(fall(before, after) > 0.08, "{before} to {after}");
    assert!(scored_before >= 2_000 && scored_after >= 1_000, "{scored_before}, {scored_after}");
    assert_eq!(requests.iter().map(|request| &request.model).collect::<BTreeSet<_>>().len(), 1);
}

#[test]
fn translator_gains_nothing_from_the_expensive_model() {
    let requests = sound("translator");
    let quality = |model: &str| mean_quality(&requests, |request| request.model == model);
    let ((current, many), (expensive, few)) = (quality("gpt-3.5-turbo"), quality("gpt-4-turbo"));
    let spread = (current * (1.0 - current) * (1.0 / many as f64 + 1.0 / few as f64)).sqrt();
    assert!((expensive - current).abs() < 2.0 * spread, "{current} and {expensive}");
}

#[test]
fn every_source_is_named_with_a_licence_and_all_stay_small() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut bytes = 0;
    let public = ["public", "public/licences", "public/nab", "public/tcpd"].map(|name| folder().join(name));
    for folder in public.into_iter().chain([folder()]) {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            bytes += entry.metadata().unwrap().len();
        }
    }
    assert!(bytes <= 4_000_000, "{bytes} bytes");

    for entry in fs::read_dir(folder().join("public")).unwrap().map(Result::unwrap) {
        let slash = if entry.path().is_dir() { "/" } else { "" };
        let name = format!("`public/{}{slash}`", entry.file_name().display());
        if name == "`public/licences/`" {
            continue;
        }
        let line = readme.lines().find(|line| line.starts_with('|') && line.contains(&name));
        let line = line.unwrap_or_else(|| panic!("{name} is missing from the README's table of sources"));
        let licence = line.split("](").nth(1).and_then(|rest| rest.split(')').next()).expect("the row links a licence");
        assert!(folder().join(licence).is_file(), "{name}: no licence text at `{licence}`");
    }
}
