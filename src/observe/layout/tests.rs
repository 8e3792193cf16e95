//! The headers, and every fixture under `testdata/sources/` against what was worked out by hand.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};

use super::*;
use crate::observe::{
    Downloads, Engine, resolve,
    tables::{describe, tables},
    typed,
};

#[test]
fn every_shipped_layout_is_well_formed() {
    for (name, sql) in SHIPPED {
        let layout = Layout::parse(name, sql).unwrap();
        assert!(!layout.what.is_empty() && layout.reads.is_some(), "{name}");
    }
}

#[test]
fn headers_are_read_and_checked() {
    let layout = Layout::parse("x", "-- A log.\n-- Recognised by: a, b; c\n-- Reads: a, b, c\nSELECT 1;\n").unwrap();
    assert_eq!(layout.what, "A log");
    assert_eq!(layout.recognised_by, [vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]]);
    assert!(layout.recognises(&["c".to_owned()]) && !layout.recognises(&["a".to_owned()]));
    assert!(layout.sql().ends_with("SELECT 1"));
    assert!(Layout::parse("x", "-- A log.\n-- Yields: rows\nSELECT 1").unwrap_err().contains("rows"));
}

/// Columns that hold numbers, whatever a source writes them as.
const NUMBERS: &[&str] = &[
    "latency_ms",
    "ttft_ms",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
    "quality",
    "status_code",
    "retry_count",
    "weight",
    "value",
    "n",
];

/// Columns that are no part of what a row says.
const PROVENANCE: &[&str] = &["origin", "malformed", "source_row", "skipped", "environment"];

/// A row with its numbers as numbers, its time as a time, and nothing that is unknown.
fn plain(row: &Map<String, Value>) -> BTreeMap<String, Value> {
    let mut plain = BTreeMap::new();
    for (name, value) in row.iter().filter(|(name, _)| !PROVENANCE.contains(&name.as_str())) {
        let text = match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value = match name.as_str() {
            "ts" => {
                let zoned = text.replace(' ', "T");
                let at = zoned.parse::<jiff::Timestamp>();
                let at = at.or_else(|_| format!("{zoned}Z").parse()).unwrap_or_else(|_| panic!("`{text}` is no time"));
                Value::from(at.as_microsecond())
            }
            number if NUMBERS.contains(&number) => {
                let number: f64 = text.parse().unwrap_or_else(|_| panic!("{name}: `{text}` is no number"));
                Value::from(format!("{number:.9}"))
            }
            "cache_hit" => Value::from(matches!(text.as_str(), "t" | "true" | "True" | "1")),
            _ => Value::from(text),
        };
        plain.insert(name.clone(), value);
    }
    plain
}

fn lines(text: &str) -> Vec<BTreeMap<String, Value>> {
    let mut rows: Vec<_> =
        text.lines().map(|line| plain(serde_json::from_str::<Value>(line).unwrap().as_object().unwrap())).collect();
    rows.sort_by_key(|row| serde_json::to_string(row).unwrap());
    rows
}

/// What the layout makes of a file, one JSON object a line, with the outcome that the rules for all layouts come to.
fn mapped(file: &Path, layout: &Layout) -> String {
    let engine = Engine::open(None).unwrap();
    for limit in ["default_service = 'default'", "future_limit_us = 4102444800000000"] {
        engine.connection().execute_batch(&format!("SET VARIABLE {limit}")).unwrap();
    }
    let groups = resolve(&[file.to_string_lossy().into_owned()], &Downloads::default()).unwrap();
    let tables = tables(&engine, &groups[0]).unwrap();
    assert_eq!(tables.len(), 1);
    let mapping = format!("WITH raw AS ({}), mapped AS (\n{}\n)", tables[0].raw_select(layout), layout.sql());
    let all = |sql: &str| -> Vec<Value> {
        let mut statement = engine.connection().prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        // Some rows that are passed over hold numbers that are none, which JSON cannot say.
        rows.map(|row| serde_json::from_str(&row.unwrap().replace(":NaN", ":null").replace(":nan", ":null")).unwrap())
            .collect()
    };
    let mut rows = all(&format!("{mapping} SELECT CAST(to_json(m) AS VARCHAR) FROM mapped AS m"));
    if layout.yields == Yields::Requests {
        let columns = describe(&engine, &format!("DESCRIBE {mapping} FROM mapped")).unwrap();
        let judged = all(&format!(
            "{mapping}, typed AS ({}) SELECT CAST(to_json(j) AS VARCHAR) FROM (SELECT outcome, reject FROM (\n{}\n)) AS j",
            typed::requests(0, &columns, layout, true),
            include_str!("../../../queries/judge.sql").trim_end()
        ));
        for (row, judged) in rows.iter_mut().zip(judged) {
            let reject = judged["reject"].as_str().unwrap_or("passed over");
            assert!(reject.starts_with("passed over"), "{}: {reject} in {row}", file.display());
            row["outcome"] = judged["outcome"].clone();
        }
    }
    for row in &mut rows {
        if let Some(provider) = row["provider"].as_str() {
            let sql = format!("SELECT canonical_provider(lower('{provider}'))");
            row["provider"] = engine.connection().query_row(&sql, [], |row| row.get::<_, String>(0)).unwrap().into();
        }
    }
    rows.retain(|row| row["skipped"].is_null());
    rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_fixture_is_mapped_as_worked_out_by_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sources");
    let mut tried = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        let layout = match built_in(&name) {
            Some(layout) => layout.clone(),
            None if name == "mapping" => {
                read_mapping(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mapping.sql")).unwrap()
            }
            None => panic!("no layout is called `{name}`"),
        };
        let expected = fs::read_to_string(entry.path().join("expected.ndjson")).unwrap();
        for file in fs::read_dir(entry.path()).unwrap().map(|file| file.unwrap().path()) {
            if file.file_name().unwrap() == "expected.ndjson" {
                continue;
            }
            let found = mapped(&file, &layout);
            assert_eq!(lines(&found), lines(&expected), "{}", file.display());
            tried.push(name.clone());
        }
    }
    for (name, _) in SHIPPED.iter().filter(|(name, _)| *name != "canonical") {
        assert!(tried.contains(&(*name).to_owned()), "{name} has no fixture");
    }
}

#[test]
fn every_fixture_is_recognised_as_what_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sources");
    for layout in BUILT_IN.iter().filter(|layout| layout.name != "canonical") {
        let engine = Engine::open(None).unwrap();
        let folder = folder.join(&layout.name);
        for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.file_name().unwrap() == "expected.ndjson" || layout.recognised_by.is_empty() {
                continue;
            }
            let groups = resolve(&[file.to_string_lossy().into_owned()], &Downloads::default()).unwrap();
            let found = known(&tables(&engine, &groups[0]).unwrap()[0].names());
            let names: Vec<&str> =
                found.iter().filter(|other| other.yields == layout.yields).map(|other| &*other.name).collect();
            assert_eq!(names, [layout.name.as_str()], "{}", file.display());
        }
    }
}
