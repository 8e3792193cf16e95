//! Alerts of another watcher beside a log: `testdata/alerts/alerts.ndjson` has every wrapper and every way to be no alert.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{
    expect, root, run,
    traffic::{Traffic, log},
};
use tempfile::{TempDir, tempdir};

fn log_of_two() -> (TempDir, String) {
    let folder = tempdir().unwrap();
    let service =
        |(seed, service)| Traffic { service, seed, days: 1, per_hour: 30.0 }.with(|row| row.quality = Some(1.0));
    let rows: Vec<_> = (1..).zip(["chat", "mail"]).flat_map(service).collect();
    let file = log(folder.path(), "a.csv", &rows);
    (folder, file)
}

fn fixture() -> String {
    root().join("testdata/alerts/alerts.ndjson").to_string_lossy().into_owned()
}

/// The alerts among the findings, and what was said on standard error.
#[track_caller]
fn alerts(folder: &Path, arguments: &[&str]) -> (Vec<Value>, String) {
    let mut all = vec!["analyze", "--format", "ndjson"];
    all.extend(arguments);
    let run = run(folder, &all);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let findings = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (findings.filter(|finding| finding["kind"] == "alert").collect(), run.stderr)
}

#[test]
fn three_wrappers_give_findings_once_each_and_only_of_the_window() {
    let (folder, file) = log_of_two();
    let (found, stderr) = alerts(folder.path(), &["--from", &file, "--alerts", &fixture()]);
    let brief: Vec<(Option<&str>, &str, &str)> = found
        .iter()
        .map(|alert| (alert["service"].as_str(), alert["severity"].as_str().unwrap(), alert["since"].as_str().unwrap()))
        .collect();
    // Worst first. Of the three told as `bare-2`, the last told of the newest counts; the +01:00 one is an hour too old.
    let expected = [
        (Some("chat"), "critical", "2026-03-12T17:30:00Z"),
        (Some("chat"), "high", "2026-03-12T17:45:00Z"),
        (Some("chat"), "high", "2026-03-12T17:20:00Z"),
        (Some("mail"), "high", "2026-03-12T17:20:00Z"),
        (None, "medium", "2026-03-12T17:50:00Z"),
    ];
    assert_eq!(brief, expected);
    let number = |alert: &Value, name: &str| alert[name].as_f64().unwrap();
    assert!(
        (number(&found[0], "observed") - 0.0456).abs() < 1e-12 && (number(&found[0], "limit") - 0.0123).abs() < 1e-12
    );
    let summary = |place: usize| found[place]["summary"].as_str().unwrap();
    assert!(
        summary(0).starts_with("Sentinel reports cost anomaly: cost_usd 0.0456, usually 0.0123, 7.1 σ away"),
        "{}",
        summary(0)
    );
    assert!(!summary(0).contains('\n') && summary(0).contains("prompt template | doubled"), "{}", summary(0));
    assert!(summary(1).contains("agent loop"), "{}", summary(1));
    assert!(summary(2).contains("it suspects: provider throttles"), "{}", summary(2));
    assert!(summary(4).contains("com.llmdevops.sentinel.security.alert.v1"), "an unknown type is kept: {}", summary(4));
    assert!(found.iter().all(|alert| alert["unit"] == "as reported"));

    assert_eq!(stderr.lines().count(), 1, "one line, however many lines are none:\n{stderr}");
    for words in [
        "7 lines of the alerts left out",
        "3 not a JSON object",
        "2 severity is none of",
        "1 no timestamp",
        "1 no alert: none of specversion",
    ] {
        assert!(stderr.contains(words), "`{words}` is missing in {stderr}");
    }
}

#[test]
fn a_wider_window_has_the_older_ones_and_two_files_the_same_alerts_once() {
    let (folder, file) = log_of_two();
    let (wide, _) = alerts(folder.path(), &["--from", &file, "--alerts", &fixture(), "--window", "2h"]);
    assert_eq!(wide.len(), 7, "{wide:#?}");
    let (twice, stderr) = alerts(folder.path(), &["--from", &file, "--alerts", &fixture(), "--alerts", &fixture()]);
    assert_eq!(twice.len(), 5);
    assert!(stderr.contains("14 lines"), "{stderr}");
    let markdown = run(folder.path(), &["analyze", "--from", &file, "--alerts", &fixture(), "--format", "markdown"]);
    let row = markdown.stdout.lines().find(|line| line.contains("cost anomaly")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
}

#[test]
fn services_that_are_off_stay_silent_and_nothing_is_decided() {
    let (folder, file) = log_of_two();
    std::fs::write(folder.path().join("off.yaml"), "extends: balanced\nservices: {chat: {mode: off}}\n").unwrap();
    let (found, _) = alerts(folder.path(), &["--from", &file, "--alerts", &fixture(), "--policy", "off.yaml"]);
    let services: Vec<Option<&str>> = found.iter().map(|alert| alert["service"].as_str()).collect();
    assert_eq!(services, [Some("mail"), None]);
}

#[test]
fn files_that_are_none() {
    let (folder, file) = log_of_two();
    let said = |alerts: &str| run(folder.path(), &["analyze", "--from", &file, "--alerts", alerts]);
    expect(&said("nowhere.ndjson"), 3, &["cannot read `nowhere.ndjson`", "check the path"]);
    expect(&said("."), 3, &["cannot read `.`", "directory"]);
    let odd = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    odd("empty.ndjson", b"");
    assert_eq!((said("empty.ndjson").code, said("empty.ndjson").stderr), (Some(0), String::new()));
    odd("binary.ndjson", b"\xff\xfe\0\n\0{}\n");
    assert!(said("binary.ndjson").stderr.contains("2 lines"), "{}", said("binary.ndjson").stderr);
    // CRLF, no end of line, and a figure beyond every number.
    let line = r#"{"alert_id":"a","timestamp":"2026-03-12T17:45:00Z","severity":"low","anomaly_type":"x","details":{"metric":"m","value":1e308,"baseline":1e999}}"#;
    odd("crlf.ndjson", format!("{}\r\n{}", line.replace("1e999", "5"), line.replace("\"a\"", "\"b\"")).as_bytes());
    let (found, stderr) = alerts(folder.path(), &["--from", &file, "--alerts", "crlf.ndjson"]);
    assert_eq!((found.len(), stderr.contains("1 line of the alerts")), (1, true), "{stderr}");
}

#[test]
fn alerts_after_the_log_has_ended_are_not_lost_in_silence() {
    let (folder, file) = log_of_two();
    let told = |more: &[&str]| {
        let mut all = vec!["analyze", "--from", &file];
        all.extend(more);
        run(folder.path(), &all).stdout
    };
    let alerts = fixture();
    assert!(told(&["--alerts", &alerts]).contains("1 alert newer than the window"), "{}", told(&["--alerts", &alerts]));
    let later = told(&["--alerts", &alerts, "--until", "2026-03-12T18:15:00Z"]);
    assert!(!later.contains("newer than the window"), "{later}");
    assert!(!told(&[]).contains("newer than the window"));
}

#[test]
fn a_line_without_an_end_in_sight_is_one_reject() {
    let (folder, file) = log_of_two();
    let good = r#"{"alert_id":"a","timestamp":"2026-03-12T17:45:00Z","severity":"low","anomaly_type":"x"}"#;
    let text = format!("{good}\n{}\n{}\n", "x".repeat(5 << 20), good.replace("\"a\"", "\"b\""));
    std::fs::write(folder.path().join("long.ndjson"), text).unwrap();
    let (found, stderr) = alerts(folder.path(), &["--from", &file, "--alerts", "long.ndjson"]);
    assert_eq!(found.len(), 2, "what stands around it is read");
    assert!(stderr.contains("1 longer than a megabyte"), "{stderr}");
}
