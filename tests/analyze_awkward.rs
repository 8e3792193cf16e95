//! `analyze` over logs that nobody would wish for: it says something sensible or nothing, and never breaks.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{
    expect, root, run,
    traffic::{DAY, END, HOUR, Row, Traffic, log},
};
use tempfile::{TempDir, tempdir};

const CHAT: Traffic = Traffic { service: "chat", seed: 8, days: 6, per_hour: 30.0 };

fn written(rows: &[Row]) -> (TempDir, String) {
    let folder = tempdir().unwrap();
    let file = log(folder.path(), "a.csv", rows);
    (folder, file)
}

/// Runs every form of output; the JSON keeps to its schema, and no number is missing or beyond measure.
#[track_caller]
fn analysis(folder: &Path, arguments: &[&str]) -> Value {
    let of = |format: &str| {
        let mut all = vec!["analyze", "--format", format];
        all.extend(arguments);
        let run = run(folder, &all);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout
    };
    for format in ["table", "markdown"] {
        let text = of(format);
        for word in ["NaN", "inf ", "inf%", "null", "None"] {
            assert!(!text.contains(word), "`{word}` in\n{text}");
        }
    }
    let analysis: Value = serde_json::from_str(&of("json")).unwrap();
    let schema = std::fs::read_to_string(root().join("docs/schema/analysis.v1.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(&analysis).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert_eq!(problems, Vec::<String>::new(), "{:#}", analysis["findings"]);
    finite(&analysis);
    analysis
}

fn finite(value: &Value) {
    match value {
        Value::Number(number) => assert!(number.as_f64().is_some_and(|number| number.abs() < 1e300), "{number}"),
        Value::Array(all) => all.iter().for_each(finite),
        Value::Object(all) => all.values().for_each(finite),
        _ => {}
    }
}

fn kinds(analysis: &Value, service: &str) -> Vec<String> {
    let findings = analysis["findings"].as_array().unwrap();
    let of_service = findings.iter().filter(|finding| finding["service"] == service);
    of_service.map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn no_row_one_row_two_rows() {
    let rows = CHAT.with(|row| row.quality = Some(1.0));
    let (folder, file) = written(&[]);
    expect(&run(folder.path(), &["analyze", "--from", &file]), 3, &["header without rows"]);
    for count in [1, 2] {
        let (folder, file) = written(&rows[..count]);
        let analysis = analysis(folder.path(), &["--from", &file, "--forecast"]);
        assert_eq!(analysis["source"]["rows_used"], count);
        assert_eq!(kinds(&analysis, "chat"), Vec::<String>::new(), "{analysis:#}");
        let replay = run(folder.path(), &["replay", "--from", &file]);
        assert_eq!((replay.code, replay.stdout.lines().count()), (Some(0), 1), "{}", replay.stderr);
    }
}

#[test]
fn values_that_never_vary_and_the_first_that_does() {
    let constant = |row: &mut Row| {
        (row.latency_ms, row.input_tokens, row.output_tokens, row.cost_usd) = (1_234.0, 700, 50, 0.01);
        (row.quality, row.failed, row.model) = (Some(0.9), false, "gpt-4o");
    };
    let (folder, file) = written(&CHAT.with(constant));
    let analysis_of_constants = analysis(folder.path(), &["--from", &file]);
    assert_eq!(kinds(&analysis_of_constants, "chat"), Vec::<String>::new());
    let (folder, file) = written(&CHAT.with(|row| {
        constant(row);
        if row.before_end() <= 900 {
            row.latency_ms = 1_334.0;
        }
    }));
    let news = analysis(folder.path(), &["--from", &file]);
    let findings = news["findings"].as_array().unwrap();
    let anomaly = findings.iter().find(|finding| finding["kind"] == "anomaly").expect("it was constant for days");
    assert_eq!(anomaly["metric"], "latency");
    assert!(anomaly["summary"].as_str().unwrap().contains("it has always been 1,234 ms"), "{}", anomaly["summary"]);
}

#[test]
fn unknown_is_not_good_and_broken_rows_are_counted() {
    let mut number = 0;
    let (folder, file) = written(&CHAT.with(|row| {
        (row.quality, row.failed) = (None, false);
        number += 1;
        // Fewer than one in ten, or the whole source would be refused.
        match number % 60 {
            0 => row.latency_ms = f64::NAN,
            20 => row.cost_usd = -0.01,
            40 => row.latency_ms = f64::INFINITY,
            _ => {}
        }
    }));
    let analysis = analysis(folder.path(), &["--from", &file]);
    let rejected = analysis["source"]["rejected"].as_object().unwrap();
    let counts: u64 = rejected.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(counts, number / 60 + (number + 40) / 60 + (number + 20) / 60, "{rejected:?}");
    assert!(kinds(&analysis, "chat").iter().all(|kind| !kind.starts_with("quality_low") && kind != "quality_drop"));
    let metrics: Vec<&str> =
        analysis["outlooks"].as_array().unwrap().iter().map(|outlook| outlook["metric"].as_str().unwrap()).collect();
    assert!(metrics.contains(&"latency") && !metrics.contains(&"quality"), "{metrics:?}");
}

#[test]
fn a_service_beside_one_of_ten_thousand_times_its_traffic() {
    let mut rows = Traffic { per_hour: 140.0, ..CHAT }.rows();
    let mut one = CHAT.rows()[0].clone();
    for (number, ago) in [5 * DAY, 30 * HOUR, 600].into_iter().enumerate() {
        one.service = "tiny".to_owned();
        one.at = (END - ago) * 1_000;
        (one.quality, one.failed) = (Some(1.0), false);
        one.latency_ms = 500.0 + 300.0 * number as f64;
        rows.push(one.clone());
    }
    let (folder, file) = written(&rows);
    let analysis = analysis(folder.path(), &["--from", &file]);
    assert_eq!(kinds(&analysis, "tiny"), Vec::<String>::new(), "three requests say nothing");
    assert_eq!(kinds(&analysis, "chat"), Vec::<String>::new(), "nor do they disturb the others");
}

#[test]
fn a_gap_of_two_days_and_a_figure_that_is_new() {
    let gap = |row: &Row| !(2 * DAY..4 * DAY).contains(&row.before_end());
    let rows: Vec<Row> = Traffic { days: 8, ..CHAT }.rows().into_iter().filter(gap).collect();
    let (folder, file) = written(&rows);
    let found = analysis(folder.path(), &["--from", &file]);
    assert_eq!(kinds(&found, "chat"), Vec::<String>::new());

    let (folder, file) = written(&CHAT.with(|row| {
        if row.before_end() > DAY {
            row.quality = None;
        }
    }));
    let found = analysis(folder.path(), &["--from", &file]);
    assert_eq!(kinds(&found, "chat"), Vec::<String>::new(), "a first day has nothing to differ from");
}

#[test]
fn an_hour_that_happens_twice() {
    // Somebody's clock was set back two days ago: what was logged after it lies on what was logged before.
    let (folder, file) = written(&CHAT.with(|row| {
        if (2 * DAY..2 * DAY + HOUR).contains(&row.before_end()) {
            row.at -= HOUR * 1_000;
        }
    }));
    let found = analysis(folder.path(), &["--from", &file]);
    assert_eq!(kinds(&found, "chat"), Vec::<String>::new());
    let replay = run(folder.path(), &["replay", "--from", &file, "--every", "1h", "--span", "3d"]);
    assert_eq!(replay.code, Some(0), "{}", replay.stderr);
    let at: Vec<String> = replay.stdout.lines().map(|line| line[..60].to_owned()).collect();
    assert!(at.len() >= 72 && at.windows(2).all(|pair| pair[0] < pair[1]), "ticks ascend");
}

#[test]
fn names_of_any_kind() {
    let long = "n".repeat(128);
    let odd = "a\u{7}b\u{1b}[31mc\u{85}d";
    let mut rows = CHAT.rows();
    for (number, row) in rows.iter_mut().enumerate() {
        row.service = if number % 2 == 0 { long.clone() } else { odd.to_owned() };
        if row.before_end() <= HOUR {
            row.latency_ms *= 9.0;
        }
    }
    let (folder, file) = written(&rows);
    let found = analysis(folder.path(), &["--from", &file]);
    let names: Vec<&str> =
        found["findings"].as_array().unwrap().iter().filter_map(|finding| finding["service"].as_str()).collect();
    assert!(names.contains(&long.as_str()) && names.iter().any(|name| name.starts_with('a')), "{names:?}");
    assert!(names.iter().all(|name| !name.contains(['\u{7}', '\u{1b}'])), "{names:?}");
    let table = run(folder.path(), &["analyze", "--from", &file, "--forecast"]).stdout;
    for line in table.lines() {
        assert!(line.chars().count() <= 100 && !line.contains(['\u{7}', '\u{1b}']), "{line:?}");
    }
}

#[test]
fn spans_that_do_not_fit_are_refused_with_the_way_out() {
    let (folder, file) = written(&CHAT.rows()[..400]);
    let refused = |arguments: &[&str], words: &[&str]| {
        let mut all = arguments[..1].to_vec();
        all.extend(["--from", file.as_str()]);
        all.extend(&arguments[1..]);
        let run = run(folder.path(), &all);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "`{word}` is missing in\n{}", run.stderr);
        }
    };
    for command in ["analyze", "replay"] {
        refused(&[command, "--every", "24h"], &["too long for a slot", "15m"]);
        refused(&[command, "--every", "7m"], &["1m, 5m, 15m"]);
        refused(&[command, "--window", "7m"], &["no whole number of slots of 15m", "--every"]);
        refused(&[command, "--window", "99999999d"], &["reaches past recorded time"]);
        refused(&[command, "--window", "15"], &["lacks a unit"]);
    }
    refused(&["analyze", "--lookback", "0s"], &["0s"]);
    // Refused before anything is read: the log is not even there.
    let early = run(folder.path(), &["analyze", "--from", "nowhere.csv", "--window", "7m"]);
    assert_eq!(early.code, Some(2), "{}", early.stderr);
    // The shortest lookback there can be is two windows.
    let found = analysis(folder.path(), &["--from", &file, "--lookback", "5m", "--forecast"]);
    assert_eq!(found["slot_minutes"], 15);
    let minutes = analysis(folder.path(), &["--from", &file, "--every", "1m", "--window", "7m"]);
    assert_eq!(minutes["slot_minutes"], 1);
}
