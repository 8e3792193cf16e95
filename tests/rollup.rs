//! Tumbling windows: counted once by the minute, kept, and added up without a difference.

mod support;

use serde_json::Value;
use support::{expect, root, run};
use tempfile::tempdir;

fn rollup(folder: &std::path::Path, arguments: &[&str]) -> String {
    let mut all = vec!["rollup"];
    all.extend(arguments);
    let run = run(folder, &all);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run.stdout
}

const UNTIL: [&str; 2] = ["--until", "2023-11-17T18:00:00Z"];

#[test]
fn longer_windows_from_kept_rollups_are_those_from_the_rows() {
    let folder = tempdir().unwrap();
    let data = root().join("testdata").to_string_lossy().into_owned();
    let from = |every: &str| {
        rollup(folder.path(), &["--from", &data, "--every", every, "--format", "ndjson", UNTIL[0], UNTIL[1]])
    };
    let minutes = from("1m");
    std::fs::write(folder.path().join("minutes.ndjson"), &minutes).unwrap();
    for every in ["1m", "5m", "15m", "1h", "24h", "7d"] {
        let added = rollup(folder.path(), &["--stored", "minutes.ndjson", "--every", every, "--format", "ndjson"]);
        assert!(added == from(every), "{every}");
    }
    // Nothing is lost on the way: the plan counts as many.
    let rows: u64 =
        minutes.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["rows"].as_u64().unwrap()).sum();
    let plan = support::plan_json(folder.path(), &["--from", &data, UNTIL[0], UNTIL[1]]);
    assert_eq!(Value::from(rows), plan["source"]["rows_used"]);
    // Days of another file go beside them, and the same ones twice are refused.
    let run =
        run(folder.path(), &["rollup", "--stored", "minutes.ndjson", "--stored", "minutes.ndjson", "--every", "1h"]);
    expect(&run, 3, &["line 1 of `minutes.ndjson`", "told before"]);
}

#[test]
fn a_table_says_what_happened_hour_by_hour() {
    let folder = tempdir().unwrap();
    let data = root().join("testdata/summarizer.csv.gz").to_string_lossy().into_owned();
    let page = rollup(
        folder.path(),
        &["--from", &data, "--every", "24h", "--by", "model", "--format", "table", UNTIL[0], UNTIL[1]],
    );
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    assert!(page.contains("2023-11-16 00:00*") && page.contains("2023-11-17 00:00*"), "{page}");
    assert!(page.contains("summarizer …5-turbo-0613"), "{page}");
    assert!(page.contains("* reaches past the lookback"), "{page}");
}

#[test]
fn what_is_no_rollup_is_refused_with_its_line() {
    let folder = tempdir().unwrap();
    let data = root().join("testdata/translator.csv.gz").to_string_lossy().into_owned();
    let lines = rollup(folder.path(), &["--from", &data, "--every", "1h", "--format", "ndjson", UNTIL[0], UNTIL[1]]);
    let first = lines.lines().next().unwrap();
    let cases = [
        ("{}".to_owned(), "missing field"),
        (first.replace("rollup/v1", "rollup/v9"), "`rollup/v9` is not rollup/v1"),
        (first.replace("\"minutes\":60", "\"minutes\":61"), "no window is 61 minutes long"),
        (first.replacen("\"sums\":[\"", "\"sums\":[\"x", 1), "a sum is no number"),
    ];
    for (line, words) in cases {
        std::fs::write(folder.path().join("kept.ndjson"), format!("{line}\n")).unwrap();
        expect(&run(folder.path(), &["rollup", "--stored", "kept.ndjson"]), 3, &["line 1 of `kept.ndjson`", words]);
    }
    std::fs::write(folder.path().join("kept.ndjson"), &lines).unwrap();
    expect(&run(folder.path(), &["rollup", "--stored", "kept.ndjson", "--every", "5m"]), 3, &["cannot be cut into 5m"]);
    let wrong = run(folder.path(), &["rollup", "--every", "2h"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("is none of 1m, 5m"), "{}", wrong.stderr);
}
