//! Measures what the slower sources cost: OpenTelemetry lines, and a table in PostgreSQL, streamed and reduced in place. Whole
//! plans as whole processes; the database is a real server of the benchmark's own, on loopback, with its default settings but
//! no fsync.
//!
//! ```text
//! cargo bench --bench sources -- 1000000 5    # rows in the table, runs; a tenth as many spans
//! ```

#[path = "../plan/generate.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod generate;
#[path = "../../tests/support/postgres.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod postgres;

use std::{
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use generate::Shape;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` says so; without it this is a test run.
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| argument != "--bench");
    let number = |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rows, runs) = if measuring { (number(0, 1_000_000), number(1, 5).max(1)) } else { (2_000, 1) };
    spans((rows / 10).max(400), 1, runs);
    spans((rows / 10).max(400), 200, runs);
    tables(rows, runs);
}

/// Spans a second of a plan over OTLP lines, with so many spans a line.
fn spans(count: u64, a_line: u64, runs: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("traces.jsonl");
    let mut file = BufWriter::new(File::create(&path).expect("the file can be written"));
    for first in (0..count).step_by(usize::try_from(a_line).expect("few")) {
        let spans: Vec<String> = (first..count.min(first + a_line)).map(span).collect();
        writeln!(
            file,
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"service-{}"}}}},{{"key":"deployment.environment.name","value":{{"stringValue":"production"}}}}]}},"scopeSpans":[{{"scope":{{"name":"genai"}},"spans":[{}]}}]}}]}}"#,
            first % 100,
            spans.join(",")
        )
        .expect("the file can be written");
    }
    file.flush().expect("the file can be written");
    let bytes = path.metadata().expect("the file is there").len();
    let seconds = plans(&[&path.to_string_lossy()], runs);
    tell("otlp", &format!("{a_line} a line, {} bytes a span", bytes / count), count, runs, seconds);
}

/// A call of a model as an SDK describes it.
fn span(number: u64) -> String {
    let mut text = String::new();
    let start = 1_767_268_800_000_000_000_u64 + number * 1_000_000;
    let latency = 400_000_000 + number * 7_919 % 3_000_000_000;
    let _ = write!(
        text,
        r#"{{"traceId":"{number:032x}","spanId":"{:016x}","parentSpanId":"00f067aa0ba902b7","name":"chat gpt-4o","kind":3,"startTimeUnixNano":"{start}","endTimeUnixNano":"{}","status":{{}},"attributes":["#,
        number + 1,
        start + latency
    );
    let texts = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.response.model", "gpt-4o-2024-08-06"),
        ("gen_ai.response.id", "chatcmpl-9J3uQkWc"),
        ("server.address", "api.openai.example"),
        ("llmopt.config_version", "v1"),
    ];
    for (key, value) in texts {
        let _ = write!(text, r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}},"#);
    }
    for (key, value) in
        [("gen_ai.usage.input_tokens", 100 + number % 900), ("gen_ai.usage.output_tokens", 20 + number % 300)]
    {
        let _ = write!(text, r#"{{"key":"{key}","value":{{"intValue":"{value}"}}}},"#);
    }
    text + r#"{"key":"gen_ai.request.temperature","value":{"doubleValue":0.2}}]}"#
}

/// Rows a second of a plan over a table.
fn tables(rows: u64, runs: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    generate::write(&path("rows.parquet"), Shape::Plain, rows, 1_000, 15).expect("the file can be written");
    generate::convert(&path("rows.parquet"), "csv, HEADER", &path("rows.csv")).expect("the file can be written");
    let server = postgres::Server::shared();
    server.database("bench");
    server.run(
        "bench",
        "CREATE TABLE requests (ts timestamptz, request_id text, service text, endpoint text, provider text, model text, variant text,
             config_version text, outcome text, status_code integer, latency_ms double precision, ttft_ms double precision,
             input_tokens bigint, output_tokens bigint, cost_usd double precision, quality double precision)",
    );
    server.load("bench", "requests", path("rows.csv").as_ref());
    server.run("bench", "CREATE INDEX ON requests (ts); ANALYZE requests");
    let from = server.url("bench");
    for (place, how) in [("never", "streamed"), ("always", "reduced in the database")] {
        tell("postgres", how, rows, runs, plans(&[&from, "--pushdown", place], runs));
    }
}

/// Median seconds of a plan.
fn plans(from: &[&str], runs: u64) -> f64 {
    let mut seconds: Vec<f64> = (0..=runs)
        .map(|_| {
            let start = Instant::now();
            let status = Command::new(Path::new(env!("CARGO_BIN_EXE_optimizer")))
                .args(["plan", "--dry-run", "--window", "15m", "--lookback", "30m", "--format", "json"])
                .args(["--until", "2026-01-01T12:15:00Z", "--from"])
                .args(from)
                .stdout(Stdio::null())
                .status()
                .expect("the program starts");
            assert!(status.success(), "the plan over {from:?} failed");
            start.elapsed().as_secs_f64()
        })
        // The first warms the caches.
        .skip(1)
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn tell(source: &str, how: &str, rows: u64, runs: u64, seconds: f64) {
    let rate = rows as f64 / seconds;
    println!(
        "{{\"bench\":\"source\",\"source\":\"{source}\",\"how\":\"{how}\",\"rows\":{rows},\"runs\":{runs},\"plan_s\":{seconds:.3},\"rows_per_s\":{rate:.0}}}"
    );
    println!("{source}, {how}: {rate:.0} rows/s (median of {runs} plans over {rows} rows, {seconds:.3} s)");
}
