//! `replay`: every tick says what a run at that time would have said, whatever comes after it.

mod support;

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;
use support::{
    expect, plan_json, root, run,
    traffic::{END, HOUR, Row, Traffic, log},
};
use tempfile::tempdir;

#[track_caller]
fn ticks(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["replay"];
    all.extend(arguments);
    let run = run(folder, &all);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    run.stdout.lines().map(str::to_owned).collect()
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn at(tick: &Value) -> i64 {
    tick["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

/// Kind, service and severity of findings.
fn kinds(findings: &Value) -> BTreeSet<[String; 3]> {
    let of = |finding: &Value| ["kind", "service", "severity"].map(|name| finding[name].to_string());
    findings.as_array().unwrap().iter().map(of).collect()
}

/// Service, segment, action and where to.
fn changes(decisions: &Value) -> BTreeSet<[String; 5]> {
    let all = decisions.as_array().unwrap().iter();
    let changes = all.filter(|decision| decision["action"] == "change" || decision["action"] == "revert");
    changes
        .map(|one| {
            let names = ["service", "segment", "action", "confidence"].map(|name| one[name].to_string());
            let [service, segment, action, confidence] = names;
            [service, segment, action, confidence, one["proposed"].to_string()]
        })
        .collect()
}

#[test]
fn the_last_tick_is_the_plan_and_the_analysis() {
    // The log ends two seconds before 18:00, where the last tick ends. The plan is asked for the same instant. What analyze and
    // replay add (anomalies, drift, trends, levels) needs days; the test data is of one day.
    let plan = plan_json(&root(), &["--until", "2023-11-17T18:00:00Z"]);
    let analysis = run(&root(), &["analyze", "--format", "json"]);
    let analysis = parsed(&analysis.stdout);
    for every in ["5m", "15m", "1h"] {
        let lines = ticks(&root(), &["--every", every]);
        let last = parsed(lines.last().unwrap());
        assert_eq!(last["at"], "2023-11-17T18:00:00Z");
        assert_eq!(kinds(&last["findings"]), kinds(&plan["findings"]), "{every}");
        assert_eq!(changes(&last["decisions"]), changes(&plan["decisions"]), "{every}");
        assert!(changes(&last["decisions"]).len() >= 3, "there is something to agree on");
        assert_eq!(kinds(&last["findings"]), kinds(&analysis["findings"]), "{every}");
    }
}

#[test]
fn ticks_ascend_in_steps_and_quiet_ones_can_be_left_out() {
    let lines = ticks(&root(), &["--every", "1h"]);
    let all: Vec<Value> = lines.iter().map(|line| parsed(line)).collect();
    assert_eq!(all.len(), 24);
    assert!(all.windows(2).all(|pair| at(&pair[1]) - at(&pair[0]) == HOUR));
    let loud = |line: &&String| {
        let tick = parsed(line);
        !tick["findings"].as_array().unwrap().is_empty() || !tick["decisions"].as_array().unwrap().is_empty()
    };
    let expected: Vec<&String> = lines.iter().filter(loud).collect();
    let quiet = ticks(&root(), &["--every", "1h", "--quiet"]);
    assert_eq!(quiet.iter().collect::<Vec<_>>(), expected);
    assert!(quiet.len() < lines.len() && !quiet.is_empty());

    let span = ticks(&root(), &["--every", "1h", "--span", "5h"]);
    assert_eq!(span.len(), 5);
    // What lies before is remembered all the same.
    assert_eq!(span, lines[lines.len() - 5..]);
}

/// A service with a spike and one that falls silent, in slots that are full to the end.
fn eventful() -> Vec<Row> {
    let mut rows = Traffic { service: "chat", seed: 31, days: 7, per_hour: 60.0 }.with(|row| {
        if (20 * HOUR..22 * HOUR).contains(&row.before_end()) && row.model == "gpt-4o" {
            row.latency_ms *= 6.0;
        }
    });
    let silent = |row: &Row| row.before_end() > 3 * HOUR;
    rows.extend(Traffic { service: "mail", seed: 32, days: 7, per_hour: 60.0 }.rows().into_iter().filter(silent));
    rows
}

#[test]
fn what_comes_later_changes_nothing_before() {
    let folder = tempdir().unwrap();
    let rows = eventful();
    let file = log(folder.path(), "whole.csv", &rows);
    let whole = ticks(folder.path(), &["--from", &file]);
    for cut in [5, 19 * 4 + 1] {
        let end = END - cut * 900;
        let earlier: Vec<Row> = rows.iter().filter(|row| row.at < end * 1_000).cloned().collect();
        let file = log(folder.path(), &format!("cut{cut}.csv"), &earlier);
        // The end is told: a log by itself does not say whether its last slot is over.
        let until = jiff::Timestamp::from_second(end).unwrap().to_string();
        let lines = ticks(folder.path(), &["--from", &file, "--until", &until]);
        assert_eq!(lines.len() + cut as usize, whole.len());
        for (number, (line, expected)) in lines.iter().zip(&whole).enumerate() {
            assert_eq!(line, expected, "tick {number} of the log without its last {cut} slots");
        }
    }
}

#[test]
fn an_alarm_is_told_once_and_when_it_begins() {
    let folder = tempdir().unwrap();
    let file = log(folder.path(), "a.csv", &eventful());
    let all: Vec<Value> = ticks(folder.path(), &["--from", &file]).iter().map(|line| parsed(line)).collect();
    let told = |service: &str, metric: &str| -> Vec<i64> {
        let of = |tick: &&Value| {
            let mut findings = tick["findings"].as_array().unwrap().iter();
            findings.any(|one| one["kind"] == "anomaly" && one["service"] == service && one["metric"] == metric)
        };
        all.iter().filter(of).map(|tick| END - at(tick)).collect()
    };
    let spike = told("chat", "latency");
    assert_eq!(spike.len(), 1, "{spike:?}");
    assert!((20 * HOUR..22 * HOUR).contains(&spike[0]), "while it was there: {spike:?}");
    let silence = told("mail", "requests");
    assert_eq!(silence, [3 * HOUR - 900], "at the first tick without a request");
    // What lasts is told as long as it lasts: from the first window on that has no request.
    let no_traffic = all.iter().filter(|tick| tick["findings"].to_string().contains("no_traffic")).count();
    assert_eq!(no_traffic, 2 * 4 + 1);
    assert_eq!(all.len(), 7 * 96);
}

#[test]
fn figures_of_others_are_known_when_they_came_and_are_no_log() {
    let folder = tempdir().unwrap();
    // One in five failed in each of the last minutes.
    let minute = |number: i64| {
        let at = jiff::Timestamp::from_second(END - 60 * number - 30).unwrap();
        format!("{at},error_rate,0.2,helpdesk,,gpt-4o,openai,eu,\n")
    };
    let rows: String = (0..10).map(minute).collect();
    let figures = folder.path().join("figures.csv");
    std::fs::write(&figures, format!("time,metric_name,value,service,endpoint,model,provider,region,tags\n{rows}"))
        .unwrap();
    let figures = figures.to_string_lossy().into_owned();
    let alone = run(folder.path(), &["replay", "--from", &figures]);
    expect(&alone, 2, &["nothing to step through", "optimizer analyze"]);
    let said = |tick: &Value| tick["findings"].to_string().contains("say nothing about single models");
    let newest = parsed(&run(folder.path(), &["analyze", "--format", "json", "--from", &figures]).stdout);
    assert!(said(&newest), "{newest:#}");
    let rows = Traffic { service: "chat", seed: 33, days: 2, per_hour: 30.0 }.rows();
    let file = log(folder.path(), "a.csv", &rows);
    let ticks = ticks(folder.path(), &["--from", &file, "--from", &figures]);
    let knowing: Vec<usize> = (0..ticks.len()).filter(|tick| said(&parsed(&ticks[*tick]))).collect();
    assert_eq!(knowing, [ticks.len() - 1]);
}
