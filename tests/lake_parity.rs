//! One log through DuckDB, PostgreSQL and a real Sail: the same statistics, to the last count, and so the same of everything.
//! `OPTIMIZER_TEST_ENGINE=sc://host:port` names another engine that sees the temporary folder, for example Spark (`make test-spark`).

#[path = "support/sail.rs"]
mod sail;
mod support;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use sail::Sail;
use serde_json::Value;
use support::{
    canary::{BROKEN, GOOD, World},
    messy::{COLUMNS, messy_rows},
    optimizer, plan_json,
    postgres::Server,
    root, run,
};
use tempfile::{TempDir, tempdir};

static SHARED: Mutex<Weak<Sail>> = Mutex::new(Weak::new());

/// The engine that all tests share; it ends with the last of them.
struct Shared {
    flags: [String; 2],
    _sail: Option<Arc<Sail>>,
}

fn engine() -> Shared {
    let flags = |url: String| ["--engine".to_owned(), url];
    if let Ok(named) = std::env::var("OPTIMIZER_TEST_ENGINE") {
        return Shared { flags: flags(named), _sail: None };
    }
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let sail = shared.upgrade().unwrap_or_else(|| Arc::new(Sail::start()));
    *shared = Arc::downgrade(&sail);
    Shared { flags: flags(sail.url()), _sail: Some(sail) }
}

impl Shared {
    fn flags(&self) -> [&str; 2] {
        self.flags.each_ref().map(String::as_str)
    }

    fn address(&self) -> &str {
        self.flags[1].trim_end_matches('/')
    }
}

const UNTIL: [&str; 2] = ["--until", "2026-03-01T13:00:00Z"];

/// Writes what a query of DuckDB gives to a Parquet file of the folder.
fn parquet(folder: &Path, name: &str, before: &str, query: &str) -> PathBuf {
    let path = folder.join(name);
    let connection = duckdb::Connection::open_in_memory().unwrap();
    connection.execute_batch(before).unwrap();
    connection.execute_batch(&format!("COPY ({query}) TO '{}' (FORMAT parquet)", path.display())).unwrap();
    path
}

fn messy(folder: &Path, ts: &str, rows: usize) -> PathBuf {
    let table = format!("CREATE TABLE requests ({}); {}", COLUMNS.replace("{TS}", ts), messy_rows(rows));
    parquet(folder, "messy.parquet", &table, "FROM requests")
}

/// What must not depend on who reduced.
fn essence(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for place in ["engines", "files", "ignored_columns", "plan_id", "created_at"] {
                    fields.remove(place);
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document
}

#[track_caller]
fn same(one: &Value, other: &Value, what: &str) {
    if one == other {
        return;
    }
    for (name, value) in one.as_object().expect("a document") {
        assert_eq!(value, &other[name], "{what}: `{name}`");
    }
    panic!("{what}: not the same parts");
}

/// The plan over a file here, and over the same file on the engine.
#[track_caller]
fn both(folder: &TempDir, file: &Path, more: &[&str]) -> (Value, Value) {
    let engine = engine();
    let file = file.to_str().unwrap();
    let here = plan_json(folder.path(), &[&["--from", file], more].concat());
    let there = plan_json(folder.path(), &[&["--from", file], &engine.flags()[..], more].concat());
    assert!(here["source"].get("engines").is_none());
    let reduced = &there["source"]["engines"][0];
    assert_eq!(reduced["address"], engine.address(), "{reduced}");
    (here, there)
}

#[test]
fn a_log_with_every_fault_gives_the_same_plan_by_duckdb_postgres_and_an_engine() {
    let folder = tempdir().unwrap();
    let server = Server::shared();
    server.database("lake");
    let table = format!("CREATE TABLE requests ({})", COLUMNS.replace("{TS}", "timestamptz"));
    server.run("lake", &table.replace("double precision, quality", "numeric, quality"));
    server.run("lake", &messy_rows(3_000));
    let url = server.url("lake");
    for ts in ["TIMESTAMPTZ", "TIMESTAMP"] {
        let file = messy(folder.path(), ts, 3_000);
        for lengths in [["1h", "6h"], ["15m", "90m"]] {
            let more =
                ["--window", lengths[0], "--lookback", lengths[1], "--default-service", "fallback", UNTIL[0], UNTIL[1]];
            let (here, there) = both(&folder, &file, &more);
            let reduced = &there["source"]["engines"][0];
            let (rows, rows_here) = (reduced["rows"].as_u64().unwrap(), reduced["rows_here"].as_u64().unwrap());
            assert!(rows_here > 0 && rows_here < rows / 3, "{rows_here} of {rows} came here");
            let part = if lengths[1] == "6h" { essence } else { part };
            same(&part(here), &part(there.clone()), "the engine");
            let pushed = plan_json(folder.path(), &[&["--from", &url, "--pushdown", "always"], &more[..]].concat());
            same(&essence(there), &essence(pushed), "PostgreSQL");
        }
    }
}

/// A file is read whole, an engine and a database over the lookback alone: so they tell of other rows, and of nothing else.
fn part(plan: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // Both depend on what was told of the source.
                fields.retain(|name, _| name != "id" && name != "data_sha256");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut plan = essence(plan);
    let source = plan["source"].as_object_mut().unwrap();
    for outside in ["rows_read", "rows_outside", "rejected", "oldest_event", "newest_event"] {
        source.remove(outside);
    }
    strip(&mut plan);
    plan
}

#[test]
fn values_at_the_edges_of_bins_and_of_belief_fall_where_they_fall_here() {
    let folder = tempdir().unwrap();
    // Around every edge γ^k, rounded to whole microseconds and nano-dollars; and what no log should hold.
    let file = parquet(
        folder.path(),
        "edges.parquet",
        "CREATE TABLE odd (value DOUBLE); INSERT INTO odd VALUES ('NaN'), ('inf'), ('-inf'), (-0.0), (0.0), (1e308), (1e-320), (-1), (604800000), (604800001), (0.0005), (0.00049999)",
        "WITH edges AS (
             SELECT k, d, pow(1.01 / 0.99, k) AS edge FROM range(-300, 700) AS t(k), (VALUES (-1), (0), (1)) AS u(d)
         ),
         numbers AS (
             SELECT CAST('2026-03-01 12:00:00' AS TIMESTAMP) + to_microseconds(k * 1000 + d) AS ts,
                 'e' || k || '/' || d AS request_id, round(edge * 1e3 + d) / 1e3 AS latency_ms, greatest(0, round(edge + d)) AS tokens,
                 round(edge * 1e9 + d) / 1e9 AS cost_usd, least(1, greatest(0, round(edge * 1e6 + d) / 1e6)) AS quality
             FROM edges
             UNION ALL
             SELECT TIMESTAMP '2026-03-01 12:10:00', 'o' || value, value, value, value, value FROM odd
             UNION ALL
             SELECT TIMESTAMP '2026-03-01 12:11:00', 'p' || value, 500, 100, value, value FROM odd
             UNION ALL
             SELECT CAST(ts AS TIMESTAMP), 't' || ts, 100, 100, 0.1, 0.5 FROM (VALUES ('1969-12-31 23:59:59.999999'), ('2200-01-01'), ('2026-03-01 10:00:00'), ('2026-03-01 09:59:59.999999'), ('2026-03-01 12:59:59.999999'), ('2026-03-01 13:00:00')) AS v(ts)
         )
         SELECT ts, request_id, 'chat' AS service, 'gpt-4o' AS model, latency_ms, latency_ms / 3 AS ttft_ms,
             tokens AS input_tokens, tokens AS output_tokens, CASE WHEN latency_ms > 1e5 THEN NULL ELSE cost_usd END AS cost_usd, quality, 'success' AS outcome
         FROM numbers",
    );
    let (here, there) =
        both(&folder, &file, &["--window", "1h", "--lookback", "3h", UNTIL[0], UNTIL[1], "--default-service", "x"]);
    same(&part(here), &part(there), "edges");
}

#[test]
fn names_in_any_script_and_between_any_spaces_are_the_same_names() {
    let folder = tempdir().unwrap();
    let file = parquet(
        folder.path(),
        "names.parquet",
        "CREATE TABLE names (name TEXT); INSERT INTO names VALUES ('plain'), (' spaced '), (chr(160) || 'nbsp' || chr(12288)), ('İstanbul'), ('ΑΣ'), ('it''s'), ('back\\slash'), ('\"quoted\"'), ('`tick`'), ('{{brace}}'), ('a' || chr(9) || 'b'), (chr(9)), (''), (NULL), ('zürich'), ('Plain'), ('💸'), (repeat('x', 200)), (repeat('é', 128))",
        "SELECT CAST('2026-03-01 12:00:00' AS TIMESTAMP) + to_microseconds(i * 1000000) AS ts, 'r' || i AS request_id,
             s.name AS service, coalesce(nullif(trim(m.name), ''), 'gpt-4o') AS model, p.name AS provider, m.name AS config_version, p.name AS variant, p.name AS endpoint,
             100.0 + i % 7 AS latency_ms, 10 AS input_tokens, 20 AS output_tokens, CAST(NULL AS DOUBLE) AS cost_usd,
             CASE i % 5 WHEN 0 THEN ' Success ' WHEN 1 THEN 'ERROR' WHEN 2 THEN 'success' WHEN 3 THEN NULL ELSE 'tımeout' END AS outcome,
             CASE i % 3 WHEN 0 THEN 'Read TimeOut' WHEN 1 THEN NULL ELSE '' END AS error_type,
             CASE i % 4 WHEN 0 THEN ' Simple' WHEN 1 THEN 'COMPLEX' WHEN 2 THEN '' ELSE NULL END AS complexity, CAST(200 AS INTEGER) AS status_code
         FROM range(4000) AS t(i)
         JOIN (SELECT name, row_number() OVER () - 1 AS at FROM names) AS s ON s.at = i % 19
         JOIN (SELECT name, row_number() OVER () - 1 AS at FROM names) AS m ON m.at = i // 19 % 19
         JOIN (SELECT name, row_number() OVER () - 1 AS at FROM names) AS p ON p.at = i // 361 % 19",
    );
    // Most rows are odd on purpose: what is judged is who is told apart, not whether a decision may rest on it.
    let rollups = |more: &[&str]| {
        let arguments = [
            &[
                "rollup",
                "--from",
                file.to_str().unwrap(),
                "--window",
                "1h",
                "--lookback",
                "3h",
                "--format",
                "ndjson",
                "--default-service",
                "x",
                UNTIL[0],
                UNTIL[1],
            ],
            more,
        ]
        .concat();
        run(folder.path(), &arguments)
    };
    let (here, there) = (rollups(&[]), rollups(&engine().flags()));
    assert_eq!((here.code, &here.stdout), (there.code, &there.stdout), "{}\n{}", here.stderr, there.stderr);
}

#[test]
fn every_command_that_reads_says_the_same() {
    let (folder, engine) = (tempdir().unwrap(), engine());
    let all = root().join("testdata");
    // The example data as one lake of Parquet, in types a careful owner would choose. A row without a time is in no range.
    let file = parquet(
        folder.path(),
        "requests.parquet",
        "",
        &format!(
            "SELECT * REPLACE (TRY_CAST(ts AS TIMESTAMPTZ) AS ts, TRY_CAST(latency_ms AS DOUBLE) AS latency_ms, TRY_CAST(ttft_ms AS DOUBLE) AS ttft_ms,
                 TRY_CAST(input_tokens AS BIGINT) AS input_tokens, TRY_CAST(output_tokens AS BIGINT) AS output_tokens, TRY_CAST(cost_usd AS DOUBLE) AS cost_usd,
                 TRY_CAST(quality AS DOUBLE) AS quality, TRY_CAST(status_code AS INTEGER) AS status_code, TRY_CAST(retry_count AS INTEGER) AS retry_count)
             FROM read_csv('{}/*.csv.gz', union_by_name = true, all_varchar = true) WHERE TRY_CAST(ts AS TIMESTAMPTZ) IS NOT NULL",
            all.display()
        ),
    );
    let file = file.to_str().unwrap();
    for command in [
        &["plan", "--dry-run", "--format", "json"][..],
        &["analyze", "--format", "json"],
        &["replay", "--every", "1h", "--format", "ndjson"],
        &["rollup", "--format", "ndjson"],
        &["evaluate", "--format", "json"],
        &[
            "gate",
            "--baseline-arm",
            "sm-41",
            "--candidate-arm",
            "sm-42",
            "--arm-column",
            "config_version",
            "--format",
            "json",
        ],
    ] {
        let of = |more: &[&str]| {
            let output = run(folder.path(), &[command, &["--from", file], more].concat());
            let lines: Vec<Value> = match serde_json::from_str(&output.stdout) {
                Ok(document) => vec![document],
                Err(_) => output.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect(),
            };
            (output.code, lines.into_iter().map(essence).collect::<Vec<_>>(), output.stderr)
        };
        let (here, there) = (of(&[]), of(&engine.flags()));
        assert_eq!(here.0, there.0, "{command:?}: {}", there.2);
        assert!(!here.1.is_empty() || here.0 != Some(0), "{command:?} says nothing");
        assert_eq!(here.1.len(), there.1.len(), "{command:?}");
        for (one, other) in here.1.iter().zip(&there.1) {
            same(one, other, command[0]);
        }
    }
}

#[test]
fn a_plan_tells_who_reduced_and_explains_it() {
    let (folder, engine) = (tempdir().unwrap(), engine());
    let file = messy(folder.path(), "TIMESTAMPTZ", 500);
    let arguments =
        ["plan", "--dry-run", "--from", file.to_str().unwrap(), "--default-service", "f", "--format", "table"];
    let plan = run(folder.path(), &[&arguments[..], &engine.flags()].concat());
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    let line = plan.stdout.lines().find(|line| line.trim_start().starts_with("engine ")).expect("a line about it");
    assert!(line.contains("reduced") && line.contains(engine.address()), "{line}");
    let json = plan_json(folder.path(), &[&arguments[2..6], &engine.flags()].concat());
    let statements = json["source"]["engines"][0]["statements"].as_object().unwrap();
    for what in ["count", "repeated", "minutes", "bins", "rows"] {
        assert_eq!(statements[what].as_str().map(str::len), Some(64), "{what} of {statements:?}");
    }
}

#[test]
fn what_an_engine_writes_is_read_once_and_taken_away() {
    let (folder, engine, shared) = (tempdir().unwrap(), engine(), tempdir().unwrap());
    let file = messy(folder.path(), "TIMESTAMPTZ", 2_000);
    // What a run that was killed left behind.
    let left = shared.path().join("run=0/minutes/attempt=0");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("part-0.parquet"), "PAR1 half a fi").unwrap();
    let plan = |more: &[&str]| {
        let from = ["--from", file.to_str().unwrap(), "--default-service", "x", UNTIL[0], UNTIL[1]];
        essence(plan_json(folder.path(), &[&from, more].concat()))
    };
    let out = ["--engine-out", shared.path().to_str().unwrap()];
    same(&plan(&[]), &plan(&[&engine.flags()[..], &out].concat()), "written");
    let names: Vec<_> = std::fs::read_dir(shared.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["run=0"], "what is not its own stays, and what is goes");
    // Where nothing can be written, nothing is planned.
    let away = shared.path().join("away");
    let flags = ["plan", "--dry-run", "--from", file.to_str().unwrap(), "--engine-out", away.to_str().unwrap()];
    support::expect(
        &run(folder.path(), &[&flags[..], &engine.flags()].concat()),
        2,
        &["is no folder", "a folder that exists"],
    );
}

#[test]
fn a_range_without_rows_names_the_newest() {
    let (folder, engine) = (tempdir().unwrap(), engine());
    let file = messy(folder.path(), "TIMESTAMPTZ", 200);
    let mut command = optimizer(folder.path());
    command
        .args(["plan", "--dry-run", "--from", file.to_str().unwrap(), "--until", "2026-05-01T00:00:00Z"])
        .args(engine.flags());
    let run: support::Run = command.output().unwrap().into();
    support::expect(&run, 3, &["no row of", "the newest is of 2026-03-01T12:5"]);
}

/// One tick of a world whose traffic lies where an engine reads it.
fn tick_on_engine(world: &World) -> Value {
    let table = "SELECT * FROM read_csv('{}', types = {'ts': 'TIMESTAMPTZ', 'config_version': 'VARCHAR', 'variant': 'VARCHAR', 'status_code': 'INTEGER'})";
    let log = world.folder.path().join("log.csv");
    let file = parquet(world.folder.path(), "log.parquet", "", &table.replace("{}", log.to_str().unwrap()));
    let engine = engine();
    let from = ["run", "--from", file.to_str().unwrap(), "--format", "json"];
    let run = world.command(&[&from, &engine.flags()[..]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn a_canary_goes_the_same_way_when_an_engine_reads_the_traffic() {
    let _open = engine();
    for (candidate, expected) in [(GOOD, &[5, 25, 50, 0][..]), (BROKEN, &[5, 0])] {
        let (mut here, mut there) = (World::new(candidate), World::new(candidate));
        let mut shares = Vec::new();
        for tick in 0..expected.len() {
            if tick > 0 {
                here.goes_by(30);
                there.goes_by(30);
            }
            let (one, other) = (here.tick(&[]), tick_on_engine(&there));
            let (one, other) = (evidence(&one), evidence(&other));
            // What rollouts are judged by are sums of doubles, in the order of the rows.
            assert!(close(&one, &other), "tick {tick} of {candidate:?}:\n{one}\n{other}");
            assert_eq!(
                here.document().as_ref().map(settled),
                there.document().as_ref().map(settled),
                "tick {tick} of {candidate:?}"
            );
            shares.push(here.share());
        }
        assert_eq!(shares, expected);
    }
}

fn close(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| close(a, b)))
        }
        _ => one == other,
    }
}

/// What a tick saw and did, without what names a run.
fn evidence(report: &Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| {
                    ![
                        "run",
                        "sink",
                        "run_id",
                        "id",
                        "decision",
                        "plan",
                        "source",
                        "seconds",
                        "started_at",
                        "ended_at",
                        "phases",
                    ]
                    .contains(&name.as_str())
                });
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut report = report.clone();
    strip(&mut report);
    report
}

fn settled(document: &Value) -> Value {
    Value::from([&document["active"]["configuration"], &document["candidate_percentage"]].map(Clone::clone).to_vec())
}
