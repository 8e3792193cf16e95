//! `analyze` over made logs, each with one planted fault: it is found, dated and sized, and without it nothing is.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{
    postgres::Server,
    run,
    traffic::{DAY, END, HOUR, Row, Traffic, log},
};
use tempfile::tempdir;

const CHAT: Traffic = Traffic { service: "chat", seed: 1, days: 8, per_hour: 60.0 };

/// The analysis as JSON. Everything about its form is checked along: no analysis may break it.
#[track_caller]
fn analysis(folder: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["analyze", "--format", "json"];
    all.extend(arguments);
    let run = run(folder, &all);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stderr, "");
    serde_json::from_str(&run.stdout).expect("JSON on standard output")
}

#[track_caller]
fn of_rows(rows: &[Row], arguments: &[&str]) -> Value {
    let folder = tempdir().unwrap();
    let file = log(folder.path(), "a.csv", rows);
    let mut all = vec!["--from", file.as_str()];
    all.extend(arguments);
    analysis(folder.path(), &all)
}

fn findings(analysis: &Value) -> &Vec<Value> {
    analysis["findings"].as_array().expect("findings")
}

fn find<'a>(analysis: &'a Value, service: &str, kind: &str, metric: Option<&str>) -> Option<&'a Value> {
    findings(analysis).iter().find(|finding| {
        finding["service"] == service
            && finding["kind"] == kind
            && metric.is_none_or(|metric| finding["metric"] == metric)
    })
}

#[track_caller]
fn expect_one<'a>(analysis: &'a Value, service: &str, kind: &str, metric: Option<&str>) -> &'a Value {
    find(analysis, service, kind, metric)
        .unwrap_or_else(|| panic!("no {kind} {metric:?} in {:#}", analysis["findings"]))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

#[track_caller]
fn near(value: &Value, expected: f64, share: f64) {
    let value = number(value);
    assert!((value / expected - 1.0).abs() <= share, "{value} is not within {share} of {expected}");
}

fn seconds(value: &Value) -> i64 {
    value.as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time").as_second()
}

fn p_values(finding: &Value) -> Vec<f64> {
    finding["tests"].as_array().unwrap().iter().filter_map(|test| test["p_value"].as_f64()).collect()
}

#[test]
fn days_without_a_fault_give_no_finding() {
    // Three services, each with its own chance, and a log that ends in the middle of a slot: no reason to say anything.
    for (first, cut) in [(1, 0), (11, 14), (21, 7)] {
        let services = ["chat", "search", "mail"];
        let mut rows = Vec::new();
        for (seed, service) in (first..).zip(services) {
            rows.extend(Traffic { service, seed, per_hour: 40.0, ..CHAT }.rows());
        }
        rows.retain(|row| row.before_end() > cut * 60);
        let analysis = of_rows(&rows, &[]);
        assert_eq!(analysis["findings"], serde_json::json!([]), "seed {first}");
        assert_eq!(analysis["looked_at"]["services"], 3);
        assert!(number(&analysis["looked_at"]["tests"]) > 10.0, "it did look: {}", analysis["looked_at"]);
    }
}

#[test]
fn a_new_level_of_latency_is_dated_and_sized() {
    let rows = Traffic { seed: 2, ..CHAT }.with(|row| {
        if row.before_end() <= 30 * HOUR {
            row.latency_ms *= 1.5;
        }
    });
    let analysis = of_rows(&rows, &[]);
    let shift = expect_one(&analysis, "chat", "level_shift", Some("latency"));
    let off = seconds(&shift["since"]) - (END - 30 * HOUR);
    assert!(off.abs() <= 2 * HOUR, "{off} s off");
    // In milliseconds, and by half more.
    near(&shift["limit"], 1_300.0, 0.1);
    let ratio = number(&shift["observed"]) / number(&shift["limit"]);
    assert!((1.35..1.7).contains(&ratio), "{ratio}");
    assert_eq!((&shift["unit"], &shift["severity"]), (&"ms".into(), &"medium".into()));
    assert!(p_values(shift).iter().all(|p| *p < 1e-6));
    let recent: Vec<f64> = shift["recent"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!(recent.len() > 30 && recent.last().unwrap() > &(1.2 * recent[0]), "{recent:?}");
    assert!(find(&analysis, "chat", "level_shift", Some("input_tokens")).is_none(), "only latency moved");
}

#[test]
fn a_spike_names_the_model_that_did_it() {
    let rows = Traffic { seed: 3, ..CHAT }.with(|row| {
        if row.before_end() <= HOUR && row.model == "gpt-4o" {
            row.latency_ms *= 4.0;
        }
    });
    let analysis = of_rows(&rows, &[]);
    let spike = expect_one(&analysis, "chat", "anomaly", Some("latency"));
    assert_eq!((&spike["cause"]["model"], &spike["cause"]["provider"]), (&"gpt-4o".into(), &"openai".into()));
    let [low, high] = [0, 1].map(|place| number(&spike["expected"][place]));
    assert!(low < 1_234.0 && 1_234.0 < high && high < number(&spike["observed"]), "{spike:#}");
    assert_eq!(number(&spike["limit"]).to_bits(), high.to_bits());
    assert_eq!(seconds(&spike["since"]), END - HOUR, "in the first slot of it");
    assert!(spike["summary"].as_str().unwrap().contains("openai/gpt-4o alone"), "{}", spike["summary"]);
    let anomalies = findings(&analysis).iter().filter(|finding| finding["kind"] == "anomaly").count();
    assert_eq!(anomalies, 1, "told once, and of nothing else");
}

#[test]
fn a_slow_rise_of_cost_is_a_trend() {
    let rise = |row: &mut Row| row.cost_usd *= 1.0 + 0.05 * (10.0 - row.before_end() as f64 / DAY as f64);
    let services = ["chat", "mail", "search"];
    let service = |(seed, service)| Traffic { service, seed, days: 10, per_hour: 25.0 }.with(rise);
    let rows: Vec<Row> = (4..).zip(services).flat_map(service).collect();
    let analysis = of_rows(&rows, &["--lookback", "10d"]);
    let slope = 0.0123 * 0.05;
    let mut held = 0;
    for service in services {
        let trend = expect_one(&analysis, service, "trend", Some("cost_per_request"));
        near(&trend["observed"], slope, 0.05);
        let [low, high] = [0, 1].map(|place| number(&trend["interval"][place]));
        assert!(high < 1.2 * low, "{low} {high}");
        held += i32::from(low < slope && slope < high);
        assert_eq!(trend["unit"], "usd");
        assert!(trend["summary"].as_str().unwrap().contains("rises steadily"), "{}", trend["summary"]);
        assert!(p_values(trend)[0] < 1e-9);
    }
    assert!(held >= 2, "intervals of 90 % hold the truth, of three at least two");
    let others: Vec<&Value> = findings(&analysis).iter().filter(|finding| finding["kind"] != "trend").collect();
    assert_eq!(others, Vec::<&Value>::new());
}

#[test]
fn another_distribution_of_the_same_mean_is_drift() {
    let rows = Traffic { seed: 5, per_hour: 100.0, ..CHAT }.with(|row| {
        if row.before_end() <= HOUR {
            // As long on the average as before, and never of middle length.
            row.input_tokens = if row.input_tokens % 3 == 0 { 2_000 } else { 450 };
        }
    });
    let analysis = of_rows(&rows, &[]);
    let drift = expect_one(&analysis, "chat", "drift", Some("input_tokens"));
    let tests: Vec<&str> =
        drift["tests"].as_array().unwrap().iter().map(|test| test["name"].as_str().unwrap()).collect();
    assert_eq!(tests, ["two-sample Kolmogorov–Smirnov", "population stability index"]);
    assert!(p_values(drift)[0] < 1e-3 && number(&drift["observed"]) > 1.0, "{drift:#}");
    assert!(
        find(&analysis, "chat", "drift", Some("latency")).is_none()
            && find(&analysis, "chat", "drift", Some("output_tokens")).is_none()
    );
}

#[test]
fn traffic_that_stops_is_seen_whether_others_go_on_or_not() {
    let stops =
        || Traffic { service: "stops", seed: 7, ..CHAT }.rows().into_iter().filter(|row| row.before_end() > 2 * HOUR);
    let mut rows = CHAT.rows();
    rows.extend(stops());
    let silent = of_rows(&rows, &[]);
    let finding = expect_one(&silent, "stops", "no_traffic", None);
    assert!(number(&finding["limit"]) > 1_000.0);
    assert!(findings(&silent).iter().all(|finding| finding["service"] == "stops"), "{silent:#}");

    let wider = of_rows(&rows, &["--window", "3h"]);
    let sudden = expect_one(&wider, "stops", "anomaly", Some("requests"));
    assert_eq!((number(&sudden["observed"]), &sudden["severity"]), (0.0, &"high".into()));
    assert_eq!(seconds(&sudden["since"]), END - 2 * HOUR);
    assert!(number(&sudden["expected"][0]) > 0.0);

    // Alone, its last row would be the end of time; somebody who asks for now is told.
    let alone: Vec<Row> = stops().collect();
    let end = "2026-03-12T18:00:00Z";
    let asked = of_rows(&alone, &["--until", end]);
    assert_eq!(asked["windows"]["window"]["end"], end);
    expect_one(&asked, "stops", "no_traffic", None);
    let unasked = of_rows(&alone, &[]);
    assert_eq!(findings(&unasked), &Vec::<Value>::new(), "nobody knows what came after");
}

#[test]
fn spend_is_paced_by_the_same_hours_of_former_days() {
    // Cheap until noon, dear after: the morning's rate carried on would say that all is well.
    let folder = tempdir().unwrap();
    let rows = CHAT.with(|row| row.cost_usd *= if row.hour() < 12.0 { 0.2 } else { 2.0 });
    let noon = "2026-03-12T12:00:00Z";
    let file = log(folder.path(), "a.csv", &rows);
    let yesterday = |row: &&Row| row.at / 1_000 / DAY == END / DAY - 1 && !row.failed;
    let spent: f64 = rows.iter().filter(yesterday).map(|row| row.cost_usd).sum();
    std::fs::write(
        folder.path().join("policy.yaml"),
        format!("extends: balanced\nservices: {{chat: {{daily_budget_usd: {:.3}}}}}\n", spent * 0.7),
    )
    .unwrap();
    let asked = |until: &str| analysis(folder.path(), &["--from", &file, "--policy", "policy.yaml", "--until", until]);
    let found = asked(noon);
    let pace = expect_one(&found, "chat", "daily_budget", None);
    near(&pace["observed"], spent, 0.15);
    let [low, high] = [0, 1].map(|place| number(&pace["interval"][place]));
    assert!(low < spent && spent < high, "{low} {spent} {high}");
    assert!(pace["summary"].as_str().unwrap().contains("as in the same hours of"), "{}", pace["summary"]);
    assert_eq!(pace["unit"], "usd_per_day");
}

#[test]
fn a_database_whose_traffic_has_stopped_is_silent_now() {
    // Nobody says when: a database is read up to the clock.
    let server = Server::shared();
    server.database("silent");
    server.run(
        "silent",
        "CREATE TABLE requests (ts timestamptz NOT NULL, request_id text, service text, model text, latency_ms double precision,
            outcome text);
         INSERT INTO requests SELECT now() - n * interval '1 minute', 'r' || n, CASE n % 2 WHEN 0 THEN 'chat' ELSE 'mail' END, 'gpt-4o',
            1234 + n % 7, 'success' FROM generate_series(185, 3000) n",
    );
    let analysis =
        analysis(Path::new(env!("CARGO_TARGET_TMPDIR")), &["--from", &server.url("silent"), "--window", "1h"]);
    assert_eq!(analysis["windows"]["until"], "clock");
    for service in ["chat", "mail"] {
        expect_one(&analysis, service, "no_traffic", None);
    }
}
