//! The binary as a function, before an emulator of AWS Lambda that others wrote: cargo-lambda's.

mod support;

use std::{fs, process::Command};

use serde_json::{Value, json};
use support::{good_rows, root, write_csv};

#[test]
fn an_emulator_gets_answers_and_errors() {
    let folder = tempfile::tempdir().unwrap();
    let log = write_csv(folder.path(), "log.csv", &good_rows(300));
    let event = folder.path().join("event.json");
    fs::write(&event, json!({"command": "plan", "dry_run": true, "window": "2m"}).to_string()).unwrap();
    let output = Command::new(root().join("ci/lambda/try"))
        .arg(env!("CARGO_BIN_EXE_optimizer"))
        .arg(&event)
        .args([r#"{"command": "stop"}"#, r#"{"command": "inspect"}"#])
        .env("OPTIMIZER_FROM", &log)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (said, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "one of them is refused: scripts/ensure-cargo-lambda? {log}");
    let answers: Vec<Value> =
        serde_json::Deserializer::from_str(&said).into_iter().map(|answer| answer.unwrap()).collect();
    let versions: Vec<_> = answers.iter().map(|answer| &answer["document"]["schema_version"]).collect();
    assert_eq!(versions, [&json!("plan/v1"), &json!("inspection/v1")], "{said}");
    assert_eq!(answers[0]["document"]["source"]["rows_read"], 300, "{said}");
    assert!(log.contains("Refused") && log.contains("`stop` cannot be asked for by an event"), "{log}");
}
