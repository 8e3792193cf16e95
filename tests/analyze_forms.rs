//! How analyses and replays are written, and that nothing but the rows decides what they say.

mod support;

use std::{collections::BTreeMap, path::Path};

use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use support::{
    root, run,
    traffic::{HOUR, Row, Traffic, lines, log, write},
};
use tempfile::tempdir;

/// Two services with something to say about each.
fn rows() -> Vec<Row> {
    let mut rows = Traffic { service: "chat", seed: 3, days: 6, per_hour: 40.0 }.with(|row| {
        if row.before_end() <= HOUR && row.model == "gpt-4o" {
            row.latency_ms *= 6.0;
        }
    });
    rows.extend(Traffic { service: "a|b *c* <d>", seed: 4, days: 6, per_hour: 40.0 }.with(|row| {
        if row.before_end() <= 30 * HOUR {
            row.cost_usd *= 1.7;
        }
    }));
    rows
}

#[track_caller]
fn shown(folder: &Path, arguments: &[&str]) -> String {
    let mut all = vec!["analyze"];
    all.extend(arguments);
    let run = run(folder, &all);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    run.stdout
}

#[test]
fn the_same_rows_give_the_same_bytes_in_whatever_order_they_lie() {
    let folder = tempdir().unwrap();
    let mut lines = lines(&rows());
    let one = write(folder.path(), "one.csv", &lines);
    let said = |from: &[&str], format: &str| {
        let mut arguments: Vec<&str> = from.iter().flat_map(|from| ["--from", from]).collect();
        arguments.extend(["--format", format]);
        shown(folder.path(), &arguments)
    };
    let first = said(&[&one], "json");
    assert_eq!(first, said(&[&one], "json"));
    assert!(
        first.contains("\"anomaly\"") && first.contains("\"level_shift\""),
        "there is something to differ in\n{first}"
    );

    lines.shuffle(&mut ChaCha8Rng::seed_from_u64(5));
    let shuffled = write(folder.path(), "shuffled.csv", &lines);
    assert_eq!(said(&[&shuffled], "json"), first, "the order of rows");

    // Request ids are unique in one source, so both of these are two sources.
    let (left, right) = lines.split_at(lines.len() / 3);
    let left = write(folder.path(), "left.csv", left);
    let right = write(folder.path(), "right.csv", right);
    let forth = said(&[&left, &right], "json");
    assert_eq!(forth, said(&[&right, &left], "json"), "the order of files");
    assert_eq!(said(&[&left, &right], "ndjson"), said(&[&one], "ndjson"), "the number of files");
}

#[test]
fn json_matches_the_published_schema() {
    for (command, file) in [("analyze", "analysis.v1.json"), ("replay", "tick.v1.json")] {
        let printed: Value = serde_json::from_str(&run(&root(), &[command, "--schema"]).stdout).unwrap();
        let published = std::fs::read_to_string(root().join("docs/schema").join(file)).unwrap();
        let published: Value = serde_json::from_str(&published).unwrap();
        assert!(published == printed, "regenerate it: optimizer {command} --schema > docs/schema/{file}");
    }
    let schema: Value = serde_json::from_str(&run(&root(), &["analyze", "--schema"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = tempdir().unwrap();
    let file = log(folder.path(), "a.csv", &rows());
    let mut analysis: Value =
        serde_json::from_str(&shown(folder.path(), &["--from", &file, "--format", "json"])).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(&analysis).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert!(analysis["outlooks"].as_array().unwrap().len() >= 10, "forecasts are part of it");
    let outlook = &analysis["outlooks"][0];
    let ahead = outlook["ahead"].as_array().unwrap();
    assert!(ahead.iter().all(|one| one["interval"][0].as_f64() <= one["value"].as_f64()), "{outlook:#}");

    // One finding a line, each as in the whole.
    let ndjson = shown(folder.path(), &["--from", &file, "--format", "ndjson"]);
    let each: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&each, analysis["findings"].as_array().unwrap());
    analysis["findings"][0]["observed"] = Value::Null;
    assert!(!validator.is_valid(&analysis), "a figure that is not there is no figure");
}

#[test]
fn a_line_of_a_replay_matches_its_schema() {
    let schema: Value = serde_json::from_str(&run(&root(), &["replay", "--schema"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let run = run(&root(), &["replay", "--every", "1h", "--span", "8h"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut changes = 0;
    for line in run.stdout.lines() {
        let mut tick: Value = serde_json::from_str(line).unwrap();
        let problems: Vec<String> =
            validator.iter_errors(&tick).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert_eq!(problems, Vec::<String>::new());
        changes += tick["decisions"].as_array().unwrap().len();
        tick["requests"] = "many".into();
        assert!(!validator.is_valid(&tick));
    }
    assert!(changes > 0, "decisions were checked too");
}

#[test]
fn tables_fit_and_markdown_holds_whatever_names_there_are() {
    let folder = tempdir().unwrap();
    let file = log(folder.path(), "a.csv", &rows());
    for format in ["auto", "table"] {
        let table = shown(folder.path(), &["--from", &file, "--format", format, "--forecast"]);
        for line in table.lines() {
            assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
            assert!(!line.contains('\u{1b}'), "{line}");
        }
        let blocks = table.chars().filter(|character| ('▁'..='█').contains(character)).count();
        assert!(blocks >= 20, "the course of an anomaly is drawn:\n{table}");
        assert!(table.contains("in 24 h") && table.contains(" … "), "{table}");
    }
    let markdown = shown(folder.path(), &["--from", &file, "--format", "markdown"]);
    let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 3, "{markdown}");
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
        assert!(!row.contains("<d>"), "no tag of others: {row}");
    }
}

#[test]
fn worst_come_first_and_names_of_kinds_are_stable() {
    let folder = tempdir().unwrap();
    let file = log(folder.path(), "a.csv", &rows());
    let ndjson = shown(folder.path(), &["--from", &file, "--format", "ndjson"]);
    let findings: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rank = |finding: &Value| {
        let severity = finding["severity"].as_str().unwrap();
        ["critical", "high", "medium", "low"].iter().position(|known| *known == severity).unwrap()
    };
    assert!(findings.windows(2).all(|pair| rank(&pair[0]) <= rank(&pair[1])));
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for finding in &findings {
        *kinds.entry(finding["kind"].as_str().unwrap()).or_default() += 1;
    }
    for kind in ["anomaly", "level_shift", "worse_than_usual", "latency_increase"] {
        assert!(kinds.contains_key(kind), "{kind} in {kinds:?}");
    }
}
