//! What the process tests share: the binary, run in a folder of its own with an empty environment.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod canary;
pub mod gated;
pub mod messy;
pub mod postgres;
pub mod public;
pub mod traffic;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary with nothing inherited but what it needs to start; `NO_COLOR` and terminal sizes of the tester do not count.
pub fn optimizer(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optimizer"));
    command.current_dir(folder).env_clear();
    if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", path);
    }
    command
}

/// Standard output, standard error and exit code.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
            code: output.status.code(),
        }
    }
}

pub fn run(folder: &Path, arguments: &[&str]) -> Run {
    optimizer(folder).args(arguments).output().expect("the binary starts").into()
}

/// The plan over the test data as JSON.
pub fn plan_json(folder: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["plan", "--dry-run", "--format", "json"];
    all.extend(arguments);
    let run = run(folder, &all);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON on standard output")
}

/// A CSV of canonical rows.
pub const HEADER: &str =
    "ts,request_id,service,model,provider,latency_ms,input_tokens,output_tokens,cost_usd,quality,outcome,complexity";

/// `count` good rows, a second apart, ending at 2026-01-01T12:00:00Z.
pub fn good_rows(count: u32) -> Vec<String> {
    let noon = jiff::Timestamp::from_second(1_767_268_800).expect("a valid time").as_second();
    (0..count)
        .map(|index| {
            let at = jiff::Timestamp::from_second(noon - i64::from(count - 1 - index)).expect("a valid time");
            format!("{at},r{index},chat,gpt-4o,openai,{},100,50,0.001,1,success,simple", 800 + index % 400)
        })
        .collect()
}

/// Writes lines to a file of the folder and returns its path as text.
pub fn write_lines(folder: &Path, name: &str, lines: &[String]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, lines.join("\n") + "\n").expect("a temporary folder can be written");
    path.to_string_lossy().into_owned()
}

/// A CSV with the canonical header.
pub fn write_csv(folder: &Path, name: &str, rows: &[String]) -> String {
    let mut lines = vec![HEADER.to_owned()];
    lines.extend_from_slice(rows);
    write_lines(folder, name, &lines)
}

/// Plans over `from` and expects a failure: nothing on standard output, this exit code, these words on standard error.
#[track_caller]
pub fn refused(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let mut all = vec!["plan", "--dry-run"];
    all.extend(arguments);
    expect(&run(folder, &all), code, words);
}

#[track_caller]
pub fn expect(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    assert_eq!(run.stdout, "", "a failure prints no data");
    for word in words {
        assert!(run.stderr.contains(word), "`{word}` is missing in\n{}", run.stderr);
    }
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    assert!(run.stderr.contains("to fix:") || code == 130, "an error teaches:\n{}", run.stderr);
}

pub fn rejected(plan: &Value) -> Vec<(String, u64)> {
    let reasons = plan["source"]["rejected"].as_object().expect("a map");
    reasons.iter().map(|(reason, count)| (reason.clone(), count.as_u64().expect("a count"))).collect()
}
