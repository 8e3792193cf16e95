//! Every source layout from its file to the figures a plan prints, held against the rows that were worked out by hand.

mod support;

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;
use support::{plan_json, refused, rejected, root, write_lines};
use tempfile::tempdir;

/// Prices nobody uses, so that a cost the source does not tell stays unknown.
const NO_PRICES: &str = "models:\n  - {provider: none, model: none, input_usd_per_mtok: 1, output_usd_per_mtok: 1}\n";

/// What the rows of one service come to, exactly.
#[derive(Debug, Default)]
struct Exact {
    requests: f64,
    served: f64,
    failed: f64,
    latencies: Vec<(f64, f64)>,
    cost: f64,
    costed: f64,
    unpriced: bool,
    quality: f64,
    scored: f64,
}

fn exact(folder: &str) -> (usize, BTreeMap<String, Exact>) {
    let text = fs::read_to_string(fixture(folder).join("expected.ndjson")).unwrap();
    let rows: BTreeMap<String, Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| (row["request_id"].as_str().unwrap().to_owned(), row))
        .collect();
    let mut services: BTreeMap<String, Exact> = BTreeMap::new();
    for row in rows.values() {
        let exact = services.entry(row["service"].as_str().unwrap_or("fallback").to_owned()).or_default();
        let weight = row["weight"].as_f64().unwrap_or(1.0);
        exact.requests += weight;
        let success = row["outcome"] == "success";
        if let (true, Some(quality)) = (success, row["quality"].as_f64()) {
            exact.quality += quality * weight;
            exact.scored += weight;
        }
        if row["cache_hit"] == true {
            continue;
        }
        let status = row["status_code"].as_f64().unwrap_or(0.0) as u64;
        let caller = row["outcome"] == "cancelled"
            || row["outcome"] == "error" && (400..500).contains(&status) && ![408, 429].contains(&status);
        exact.served += weight;
        exact.failed += if success || caller { 0.0 } else { weight };
        if let Some(cost) = row["cost_usd"].as_f64() {
            exact.cost += cost * weight;
            exact.costed += weight;
        } else {
            exact.unpriced |= success;
        }
        if success {
            exact.latencies.extend(row["latency_ms"].as_f64().map(|latency| (latency, weight)));
        }
    }
    (rows.len(), services)
}

fn fixture(folder: &str) -> PathBuf {
    root().join("testdata/sources").join(folder)
}

/// The data files of a fixture.
fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(fixture(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = entries
        .filter(|path| !path.ends_with("expected.ndjson"))
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[track_caller]
fn close(found: &Value, wanted: Option<f64>, tolerance: f64, what: &str) {
    match (found.as_f64(), wanted) {
        (None, None) => {}
        (Some(found), Some(wanted)) if (found - wanted).abs() <= tolerance * wanted.abs() + 1e-12 => {}
        (found, wanted) => panic!("{what}: {found:?}, not {wanted:?}"),
    }
}

#[test]
fn figures_of_every_layout_are_those_worked_out_by_hand() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("prices.yaml"), NO_PRICES).unwrap();
    let mapping = root().join("examples/mapping.sql").to_string_lossy().into_owned();
    let cases = [
        ("metric_event", None),
        ("metric_record", None),
        ("sentinel", None),
        ("litellm", None),
        ("langfuse_observations", Some(["--layout", "langfuse_observations"])),
        ("langfuse_observations_ms", Some(["--layout", "langfuse_observations_ms"])),
        ("helicone", None),
        ("tensorzero", None),
        ("observatory", None),
        ("otlp_spans", None),
        ("trace_spans", None),
        ("otlp_spans", None),
        ("mapping", Some(["--mapping", mapping.as_str()])),
    ];
    for (layout, flags) in cases {
        let (rows, services) = exact(layout);
        for file in files(layout) {
            let mut arguments = vec!["--from", &file, "--models", "prices.yaml", "--default-service", "fallback"];
            arguments.extend(["--until", "2026-03-01T13:00:00Z"]);
            arguments.extend(flags.into_iter().flatten());
            let plan = plan_json(folder.path(), &arguments);
            assert_eq!(rejected(&plan), [], "{file}");
            assert_eq!(plan["source"]["rows_used"], rows, "{file}");
            if flags.is_none() {
                assert!(plan["source"]["layouts"].as_array().unwrap().contains(&layout.into()), "{file}");
            }
            let found: BTreeMap<&str, &Value> = plan["services"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| (one["service"].as_str().unwrap(), one))
                .collect();
            assert_eq!(found.keys().copied().collect::<Vec<_>>(), services.keys().collect::<Vec<_>>(), "{file}");
            for (service, exact) in &services {
                let found = found[service.as_str()];
                let what = |name: &str| format!("{name} of {service} in {file}");
                close(&found["requests"], Some(exact.requests), 1e-9, &what("requests"));
                let rate = (exact.served > 0.0).then(|| exact.failed / exact.served);
                let rate = if layout == "tensorzero" { None } else { rate };
                close(&found["error_rate"], rate, 1e-9, &what("error rate"));
                let cost = (exact.costed > 0.0 && !exact.unpriced).then(|| exact.cost / exact.costed);
                close(&found["cost_per_request_usd"], cost, 1e-6, &what("cost"));
                let quality = (exact.scored > 0.0).then(|| exact.quality / exact.scored);
                close(&found["quality"], quality, 1e-6, &what("quality"));
                // With so few rows the 99th percentile is the slowest one.
                let slowest = exact
                    .latencies
                    .iter()
                    .map(|(latency, _)| *latency)
                    .fold(None, |most: Option<f64>, next| Some(most.map_or(next, |most| most.max(next))));
                close(&found["latency_p99_ms"], slowest, 0.01, &what("latency"));
            }
        }
    }
}

#[test]
fn a_layout_that_nothing_in_the_file_tells_is_asked_for() {
    let folder = tempdir().unwrap();
    let file = &files("langfuse_observations")[0];
    refused(folder.path(), &["--from", file], 2, &["seconds", "langfuse_observations_ms", "`--layout`"]);
    refused(
        folder.path(),
        &["--from", file, "--layout", "langfuse"],
        2,
        &["no layout is called `langfuse`", "canonical"],
    );
    refused(
        folder.path(),
        &[
            "--from",
            file,
            "--from",
            &files("litellm")[0],
            "--layout",
            "litellm",
            "--layout",
            "litellm",
            "--layout",
            "canonical",
        ],
        2,
        &["3 layouts for 2 sources", "once for each `--from`"],
    );
}

#[test]
fn one_signal_of_three_is_enough() {
    let folder = tempdir().unwrap();
    let all = fs::read_to_string(fixture("otlp_spans").join("rows.ndjson")).unwrap();
    let spans: Vec<String> = all.lines().filter(|line| line.contains("resourceSpans")).map(str::to_owned).collect();
    assert!(spans.len() < all.lines().count(), "the fixture holds other signals");
    let file = write_lines(folder.path(), "traces.jsonl", &spans);
    let plan = plan_json(folder.path(), &["--from", &file, "--until", "2026-03-01T13:00:00Z"]);
    assert_eq!(plan["source"]["rows_used"], exact("otlp_spans").0);
    // Nothing but spans that are no calls of a model: no requests, and that is said.
    let tools = [r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"GET /","startTimeUnixNano":"1772366400000000000","endTimeUnixNano":"1772366400100000000"}]}]}]}"#.to_owned()];
    let file = write_lines(folder.path(), "tools.jsonl", &tools);
    refused(folder.path(), &["--from", &file], 3, &["no usable row", "1  passed over: no call of a model"]);
}

#[test]
fn several_layouts_are_read_together_and_deduplicated_each() {
    let folder = tempdir().unwrap();
    let (litellm, sentinel) = (files("litellm"), files("sentinel"));
    let plan =
        plan_json(folder.path(), &["--from", &litellm[0], "--from", &sentinel[0], "--until", "2026-03-01T13:00:00Z"]);
    assert_eq!(plan["source"]["rows_used"], exact("litellm").0 + exact("sentinel").0);
    assert_eq!(plan["source"]["layouts"], serde_json::json!(["litellm", "sentinel"]));
    // One directory of different exports: each file is what it is.
    for (name, file) in [("a.ndjson", &files("metric_event")[0]), ("b.ndjson", &sentinel[0])] {
        fs::copy(file, folder.path().join(name)).unwrap();
    }
    let plan = plan_json(folder.path(), &["--from", ".", "--until", "2026-03-01T13:00:00Z"]);
    assert_eq!(plan["source"]["layouts"], serde_json::json!(["metric_event", "sentinel"]));
    assert_eq!(plan["source"]["rows_used"], exact("metric_event").0 + exact("sentinel").0);
}

#[test]
fn rows_that_are_no_requests_are_passed_over_and_counted() {
    let folder = tempdir().unwrap();
    let file = &files("langfuse_observations")[0];
    let plan = plan_json(folder.path(), &["--from", file, "--layout", "langfuse_observations"]);
    let passed = plan["source"]["passed_over"].as_object().unwrap();
    assert!(passed.keys().any(|what| what.contains("SPAN")), "{passed:?}");
}

#[test]
fn a_mapping_with_a_mistake_is_the_users_to_mend() {
    let folder = tempdir().unwrap();
    let log = &files("mapping")[0];
    for (sql, words) in [
        ("SELECT \"when\" AS ts FROM", "Parser Error"),
        ("SELECT nothing AS ts FROM raw", "nothing"),
        ("-- Yields: rows\nSELECT 1", "`Yields: rows`"),
        ("DROP TABLE raw", "not one SELECT"),
        ("SELECT 1; COPY (SELECT 1) TO 'written.csv'", "not one SELECT"),
        // Ends the statement that it becomes a part of, and begins others.
        ("SELECT 1) SELECT 1; COPY (SELECT 1) TO 'written.csv'; SELECT * FROM (SELECT 1", "Parser Error"),
    ] {
        fs::write(folder.path().join("m.sql"), sql).unwrap();
        refused(folder.path(), &["--from", log, "--mapping", "m.sql"], 2, &[words, "examples/mapping.sql"]);
        assert!(!folder.path().join("written.csv").exists(), "{sql}");
    }
    fs::write(
        folder.path().join("m.sql"),
        "SELECT id AS request_id, 1 AS latency_ms, llm AS model, app AS service, ok AS outcome, 5 AS ts FROM raw",
    )
    .unwrap();
    refused(folder.path(), &["--from", log, "--mapping", "m.sql"], 3, &["`ts`", "INTEGER"]);
    fs::write(folder.path().join("m.sql"), "SELECT utc(\"when\") AS ts, id AS request_id FROM raw").unwrap();
    refused(folder.path(), &["--from", log, "--mapping", "m.sql"], 3, &["lacks", "`latency_ms`"]);
    refused(folder.path(), &["--from", log, "--mapping", "none.sql"], 2, &["`none.sql`"]);
}

/// Requests a, b and c of one trace, and d of another; `more` is the policy beyond `extends`.
fn scored(more: &str, scores: &[&str]) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempdir().unwrap();
    let mut rows =
        vec!["ts,request_id,trace_id,span_id,response_id,service,model,latency_ms,outcome,quality".to_owned()];
    for (id, trace, outcome) in
        [("a", "t1", "success"), ("b", "t1", "success"), ("c", "t1", "error"), ("d", "t2", "success")]
    {
        rows.push(format!("2026-03-01T12:00:00Z,{id},{trace},s-{id},resp-{id},{id},m,100,{outcome},0.5"));
    }
    let from = write_lines(folder.path(), "rows.csv", &rows);
    let scores: Vec<String> = scores.iter().map(|line| (*line).to_owned()).collect();
    let scores = write_lines(folder.path(), "scores.ndjson", &scores);
    let policy = write_lines(folder.path(), "policy.yaml", &["extends: balanced".to_owned(), more.to_owned()]);
    let arguments = ["--from", &from, "--scores", &scores, "--policy", &policy];
    (folder, arguments.map(str::to_owned).into())
}

fn qualities(folder: &tempfile::TempDir, arguments: &[String]) -> Vec<(String, Option<f64>)> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let plan = plan_json(folder.path(), &arguments);
    let services = plan["services"].as_array().unwrap().iter();
    services.map(|one| (one["service"].as_str().unwrap().to_owned(), one["quality"].as_f64())).collect()
}

fn is(found: &[(String, Option<f64>)], wanted: [Option<f64>; 4]) {
    for ((service, found), wanted) in found.iter().zip(wanted) {
        match (found, wanted) {
            (None, None) => {}
            (Some(found), Some(wanted)) if (found - wanted).abs() < 1e-6 => {}
            _ => panic!("{service}: {found:?}, not {wanted:?}"),
        }
    }
}

#[test]
fn the_most_exact_and_latest_score_counts() {
    let (folder, arguments) = scored(
        "scores: {stars: {worst: 1, best: 5}}",
        &[
            r#"{"ts":"2026-03-01T12:00:05Z","request_id":"a","name":"stars","raw_value":2,"id":"1"}"#,
            r#"{"ts":"2026-03-01T12:00:06Z","request_id":"a","name":"stars","raw_value":4,"id":"2"}"#,
            r#"{"ts":"2026-03-01T12:00:06Z","request_id":"a","name":"stars","raw_value":1,"id":"1"}"#,
            // For the whole trace: b has no other, a has one of its own, c failed.
            r#"{"ts":"2026-03-01T12:00:09Z","trace_id":"t1","name":"stars","raw_value":2}"#,
            // By span, and by response, which goes before the trace.
            r#"{"ts":"2026-03-01T12:00:09Z","trace_id":"t2","span_id":"s-d","name":"stars","raw_value":5}"#,
            r#"{"ts":"2026-03-01T12:00:09Z","name":"stars","raw_value":5,"response_id":"resp-nobody"}"#,
            // A span of the trace that is no request of ours judges none of them.
            r#"{"ts":"2026-03-01T12:00:10Z","trace_id":"t1","span_id":"s-tool","name":"stars","raw_value":1}"#,
        ],
    );
    is(&qualities(&folder, &arguments), [Some(0.75), Some(0.25), None, Some(1.0)]);
}

#[test]
fn quality_is_made_of_every_declared_score_or_unknown() {
    let lines = [
        r#"{"ts":"2026-03-01T12:00:05Z","request_id":"a","name":"stars","raw_value":5}"#,
        r#"{"ts":"2026-03-01T12:00:05Z","request_id":"a","name":"edits","raw_value":0.2}"#,
        r#"{"ts":"2026-03-01T12:00:05Z","request_id":"b","name":"stars","raw_value":5}"#,
        r#"{"ts":"2026-03-01T12:00:05Z","response_id":"resp-d","name":"stars","raw_value":3}"#,
        r#"{"ts":"2026-03-01T12:00:05Z","request_id":"d","name":"edits","raw_value":1}"#,
    ];
    // Fewer edits are better, and they count a third of the stars.
    let (folder, arguments) =
        scored("scores: {stars: {worst: 1, best: 5, weight: 3}, edits: {worst: 1, best: 0}}", &lines);
    is(&qualities(&folder, &arguments), [Some((3.0 + 0.8) / 4.0), None, None, Some(1.5 / 4.0)]);
    // What the source itself calls quality can be one of them.
    let (folder, arguments) = scored("scores: {stars: {worst: 1, best: 5}, quality: {worst: 0, best: 1}}", &lines);
    is(&qualities(&folder, &arguments), [Some(0.75), Some(0.75), None, Some(0.5)]);
}

#[test]
fn scores_nobody_declared_or_that_leave_their_scale_are_told() {
    let lines = [
        r#"{"ts":"2026-03-01T12:00:05Z","request_id":"a","name":"stars","raw_value":5}"#,
        r#"{"ts":"2026-03-01T12:00:05Z","request_id":"b","name":"mood","raw_value":5}"#,
    ];
    let (folder, arguments) = scored("mode: observe", &lines);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(
        folder.path(),
        &arguments,
        3,
        &["none of the 2 scores can be used", "`mood` without a scale", "under `scores` in the policy"],
    );
    let mut lines: Vec<String> = (0..20)
        .map(|_| r#"{"ts":"2026-03-01T12:00:05Z","request_id":"a","name":"stars","raw_value":5}"#.to_owned())
        .collect();
    lines.push(r#"{"ts":"2026-03-01T12:00:05Z","request_id":"a","name":"stars","raw_value":50}"#.to_owned());
    lines.push(r#"{"ts":"2026-03-01T12:00:05Z","request_id":"a","name":"mood","raw_value":5}"#.to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (folder, arguments) = scored("scores: {stars: {worst: 1, best: 5}}", &lines);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let plan = plan_json(folder.path(), &arguments);
    let scores = &plan["source"]["scores"];
    assert_eq!(scores["rows_used"], 20);
    assert_eq!(scores["rejected"]["score: outside the scale of `stars`"], 1);
    assert_eq!(scores["passed_over"]["score `mood` without a scale in the policy"], 1);
    // Half of them broken is no basis for anything.
    let (folder, arguments) = scored(
        "scores: {stars: {worst: 1, best: 5}}",
        &[lines[0], r#"{"ts":"2026-03-01T12:00:05Z","request_id":"b","name":"stars","raw_value":"many"}"#],
    );
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(folder.path(), &arguments, 3, &["1 of 2 rows were rejected", "score: not a finite number"]);
}

#[test]
fn scores_are_not_requests() {
    let folder = tempdir().unwrap();
    let scores = &files("quality_event")[0];
    refused(folder.path(), &["--from", scores], 3, &["holds scores and no requests", "`--scores`"]);
    refused(
        folder.path(),
        &["--from", &files("sentinel")[0], "--scores", &files("litellm")[0]],
        3,
        &["no scores in a known layout", "quality_event"],
    );
}

#[test]
fn figures_computed_elsewhere_serve_for_thresholds_alone() {
    let folder = tempdir().unwrap();
    let event = |minute: usize, p95: f64| {
        format!(
            r#"{{"specversion":"1.0","type":"com.llmdevops.observatory.metric.v1","time":"2026-03-01T12:{minute:02}:00Z","data":{{"metric_name":"llm.request.duration","unit":"s","attributes":{{"service":"helpdesk","model":"m"}},"aggregation":{{"count":10,"sum":20,"p95":{p95}}}}}}}"#
        )
    };
    let findings = |slow: usize| {
        let lines: Vec<String> = (0..60).map(|minute| event(minute, if minute < slow { 7.5 } else { 1.5 })).collect();
        let file = write_lines(folder.path(), "metrics.ndjson", &lines);
        let plan = plan_json(folder.path(), &["--from", &file]);
        assert_eq!(plan["decisions"], serde_json::json!([]), "nothing is decided without requests");
        assert_eq!(plan["source"]["layouts"], serde_json::json!(["metric_cloudevent"]));
        plan["findings"].as_array().unwrap().clone()
    };
    let found = findings(31);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["kind"], "latency_high");
    assert_eq!(found[0]["observed"], 7500.0);
    assert_eq!(
        found[0]["summary"],
        "latency p95 7,500 ms is above the limit of 5,000 ms in 31 of 60 figures; these say nothing about single models"
    );
    // Half of the figures is not most of them.
    assert_eq!(findings(30).len(), 0);
    // Single measurements come to one figure.
    let line = |at: usize, latency: f64| {
        format!(
            r#"{{"time":"2026-03-01T12:00:{at:02}Z","metric_name":"latency_ms","value":{latency},"service":"helpdesk"}}"#
        )
    };
    let lines: Vec<String> = (0..40).map(|at| line(at, if at < 3 { 9000.0 } else { 100.0 })).collect();
    let file = write_lines(folder.path(), "table.ndjson", &lines);
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!(plan["findings"][0]["observed"], 9000.0);
    assert_eq!(plan["findings"][0]["requests"], 40);
}
