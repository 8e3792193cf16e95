//! What failed, how, and what was made again, from rows to the sentence.

mod support;

use serde_json::Value;
use support::{run, write_lines};
use tempfile::tempdir;

const HEADER: &str = "ts,request_id,service,model,provider,latency_ms,cost_usd,outcome,status_code,retry_count";

/// 400 requests of an hour: one in ten times out, one in twenty is refused to its caller, one in four is a second attempt.
fn log() -> Vec<String> {
    let rows = (0..400).map(|index| {
        let (minute, second) = (index * 9 / 60, index * 9 % 60);
        let outcome = match index % 20 {
            3 | 13 => ",timeout,,",
            7 => ",error,400,",
            _ => "0.01,success,200,",
        };
        let retries = u8::from(index % 4 == 0);
        format!("2026-03-04T12:{minute:02}:{second:02}Z,r{index},chat,gpt-4o,openai,900,{outcome}{retries}")
    });
    std::iter::once(HEADER.to_owned()).chain(rows).collect()
}

fn findings(folder: &std::path::Path, from: &str) -> Vec<Value> {
    let run = run(folder, &["analyze", "--from", from, "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let analysis: Value = serde_json::from_str(&run.stdout).unwrap();
    analysis["findings"].as_array().unwrap().clone()
}

#[test]
fn time_outs_refusals_and_second_attempts_are_told_apart() {
    let folder = tempdir().unwrap();
    let csv = write_lines(folder.path(), "log.csv", &log());
    let found = findings(folder.path(), &csv);
    let of_kind = |kind: &str| found.iter().find(|finding| finding["kind"] == kind).expect(kind);
    let errors = of_kind("error_rate_high");
    assert!((errors["observed"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{errors}");
    let summary = errors["summary"].as_str().unwrap();
    assert!(
        summary.contains("100 % of these are time-outs") && summary.contains("5.0 % more are refused"),
        "{summary}"
    );
    let waste = of_kind("waste");
    assert!((waste["observed"].as_f64().unwrap() - 0.25).abs() < 1e-9, "{waste}");
    // A hundred attempts of a cent in the window of an hour.
    assert!(waste["summary"].as_str().unwrap().contains("about $24.0 a day"), "{waste}");
}

#[test]
fn rows_that_are_judged_as_they_are_decoded_count_alike() {
    let folder = tempdir().unwrap();
    let csv = write_lines(folder.path(), "log.csv", &log());
    let parquet = folder.path().join("log.parquet").to_string_lossy().into_owned();
    let copy = format!(
        "COPY (SELECT * REPLACE (CAST(ts AS TIMESTAMPTZ) AS ts) FROM read_csv('{csv}')) TO '{parquet}' (FORMAT parquet)"
    );
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&copy).unwrap();
    let told = |findings: &[Value]| findings.iter().map(|finding| finding["summary"].to_string()).collect::<Vec<_>>();
    assert_eq!(told(&findings(folder.path(), &parquet)), told(&findings(folder.path(), &csv)));
    // And the same once more from what was kept.
    let rollup = run(folder.path(), &["rollup", "--from", &parquet, "--every", "1h", "--format", "ndjson"]);
    let line: Value = serde_json::from_str(rollup.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(line["sums"][8], "40000", "40 time-outs in thousandths: {}", rollup.stdout);
    assert_eq!(line["sums"][9], "100000", "100 attempts after others");
}
