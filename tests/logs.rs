//! Standard error as text for people, or as one JSON object a line for machines.

#[path = "support/scripted.rs"]
#[allow(dead_code, reason = "no answer is cut off here")]
mod scripted;
mod support;

use scripted::{Answer, Scripted};
use serde_json::Value;
use support::{optimizer, root};

/// What goes wrong before anything is read.
const WRONG: [&str; 4] = ["plan", "--dry-run", "--from", "nowhere/none.csv"];

/// The lines of standard error, and the exit code.
fn said(arguments: &[&str], variables: &[(&str, &str)]) -> (Vec<String>, Option<i32>) {
    let mut command = optimizer(&root());
    let output = command.args(arguments).envs(variables.iter().copied()).output().unwrap();
    let lines = String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect();
    (lines, output.status.code())
}

#[test]
fn an_error_is_one_object_where_logs_are_for_machines() {
    let flag = ["--log-format", "json"];
    for (arguments, variables) in [
        ([&WRONG[..], &flag].concat(), &[][..]),
        ([&flag[..], &WRONG].concat(), &[("OPTIMIZER_LOG_FORMAT", "text")]),
        (WRONG.to_vec(), &[("OPTIMIZER_LOG_FORMAT", "json")]),
    ] {
        let (lines, code) = said(&arguments, variables);
        assert_eq!((lines.len(), code), (1, Some(3)), "{lines:?}");
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!((&line["level"], &line["fields"]["exit_code"]), (&"ERROR".into(), &3.into()), "{line}");
        assert!(line["message"].as_str().unwrap().contains("nowhere/none.csv"), "{line}");
        assert!(line["fields"]["to_fix"].is_string(), "{line}");
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
    }
}

#[test]
fn text_is_for_people_and_comes_without_being_asked_for() {
    let (lines, code) = said(&WRONG, &[]);
    assert_eq!(code, Some(3));
    assert!(lines[0].starts_with("error: ") && lines.last().unwrap().starts_with("   to fix: "), "{lines:?}");
}

#[test]
fn lines_of_a_run_say_which_one_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let state = format!("sqlite:{}", folder.path().join("o.db").display());
    let sink = format!("file:{}", folder.path().display());
    let run = ["run", "--from", "nowhere/none.csv", "--state", &state, "--sink", &sink, "--log-format"];
    let (lines, code) = said(&[&run[..], &["json"]].concat(), &[("OPTIMIZER_LOG", "optimizer=info")]);
    assert_eq!(code, Some(3), "{lines:?}");
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let id = lines.last().unwrap()["run"].as_str().unwrap().to_owned();
    // 20260101T000000Z-abcd
    assert!(id.len() == 21 && id.contains("Z-"), "{id}");
    assert!(lines.iter().all(|line| line["run"] == id.as_str()), "{lines:?}");
    assert!(lines.iter().any(|line| line["level"] == "INFO" && line["message"] == "done"), "{lines:?}");
}

#[test]
fn the_trace_of_a_run_has_the_id_that_its_log_has() {
    let collector = Scripted::start(|_, _| Answer::new(200, "{}"));
    let folder = tempfile::tempdir().unwrap();
    let state = format!("sqlite:{}", folder.path().join("o.db").display());
    let sink = format!("file:{}", folder.path().display());
    let run = ["run", "--from", "nowhere/none.csv", "--state", &state, "--sink", &sink, "--log-format", "json"];
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str());
    let (lines, code) = said(&run, &[endpoint]);
    assert_eq!((lines.len(), code), (1, Some(3)), "{lines:?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    let asked = collector.asked();
    assert_eq!(asked.len(), 1);
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let of_tick = |name: &str| {
        let found = spans[0]["attributes"].as_array().unwrap().iter().find(|one| one["key"] == name);
        found.map(|one| one["value"].clone())
    };
    assert_eq!(spans[0]["name"], "tick");
    assert_eq!(of_tick("optimizer.run.id").unwrap()["stringValue"], line["run"]);
    assert_eq!(of_tick("process.exit.code").unwrap()["intValue"], "3");
    assert_eq!(spans[0]["status"]["message"], line["message"]);
    assert!(spans.iter().any(|span| span["name"] == "act"), "it settled what was open");
    // Nothing is sent of what does nothing.
    let (_, code) = said(&[&run[..], &["--dry-run"]].concat(), &[endpoint]);
    assert_eq!((code, collector.asked().len()), (Some(3), 1));
}
