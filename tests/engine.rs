//! What is said about an engine before any is called.

mod support;

use support::{expect, good_rows, optimizer, refused, run, write_csv};
use tempfile::tempdir;

const SPARK: bool = cfg!(feature = "spark");

#[test]
fn addresses_that_are_none_are_refused_and_no_secret_is_repeated() {
    let folder = tempdir().unwrap();
    for (engine, words) in [
        ("spark", "it is no `sc://host:port/`"),
        ("http://host", "begins with `sc://`"),
        ("sc://host/folder", "follow `/;`"),
        ("sc://host/;use_ssl=maybe", "the settings known are"),
        ("sc://host/;token=hidden", "OPTIMIZER_ENGINE_TOKEN"),
        ("sc://me:hidden@host", "nothing else"),
    ] {
        let run = run(folder.path(), &["plan", "--dry-run", "--engine", engine, "--from", "/lake"]);
        expect(&run, 2, &["`--engine` cannot be used", words]);
        assert!(!run.stderr.contains("hidden"), "{}", run.stderr);
    }
}

#[test]
fn a_program_built_without_it_says_so() {
    let folder = tempdir().unwrap();
    let arguments = ["--engine", "sc://127.0.0.1:1", "--engine-retries", "0", "--from", "/lake"];
    if SPARK {
        refused(folder.path(), &arguments, 3, &["sc://127.0.0.1:1", "nothing answers there"]);
    } else {
        refused(folder.path(), &arguments, 2, &["built without the feature `spark`", "--features spark"]);
    }
}

#[test]
fn an_engine_is_named_or_its_flags_are_left_out() {
    let folder = tempdir().unwrap();
    let log = write_csv(folder.path(), "log.csv", &good_rows(50));
    refused(
        folder.path(),
        &["--from", &log, "--engine-out", "out"],
        2,
        &["requests are reduced here", "--engine sc://"],
    );
    refused(folder.path(), &["--from", &log, "--engine-token-file", "token"], 2, &["requests are reduced here"]);
    // What is the default may be said.
    let plan = run(folder.path(), &["plan", "--dry-run", "--engine", "duckdb", "--from", &log]);
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
}

#[test]
fn sources_that_no_engine_reads_are_refused_before_it_is_called() {
    if !SPARK {
        return; // the feature is what is missing then, and a test above says so
    }
    let folder = tempdir().unwrap();
    let engine = ["--engine", "sc://127.0.0.1:1", "--engine-retries", "0"];
    for (rest, words) in [
        (&["--from", "-"][..], "not something that an engine reads"),
        (&["--from", "postgres://db/llm"], "not something that an engine reads"),
        (&["--from", "day/log.parquet"], "an engine is somewhere else"),
        (&["--from", "/lake", "--from", "/lake"], "named twice"),
        (&["--from", "/lake", "--scores", "scores.csv"], "joined to requests one by one"),
        (&[], "no source given for the engine"),
    ] {
        let arguments: Vec<&str> = engine.iter().chain(rest).copied().collect();
        let run = run(folder.path(), &[&["plan", "--dry-run"], &arguments[..]].concat());
        assert!(matches!(run.code, Some(2 | 3)), "{rest:?}: {:?}", run.code);
        assert!(run.stderr.contains(words) && run.stderr.contains("to fix:"), "{rest:?}: {}", run.stderr);
        assert!(!run.stderr.contains("nothing answers"), "{rest:?}: {}", run.stderr);
    }
}

#[test]
fn a_token_stays_on_this_machine_or_is_encrypted() {
    if !SPARK {
        return; // as above
    }
    let folder = tempdir().unwrap();
    let plan = |engine: &str| {
        let mut command = optimizer(folder.path());
        command.env("OPTIMIZER_ENGINE_TOKEN", "hidden").args(["plan", "--dry-run", "--from", "/lake"]);
        command.args(["--engine", engine, "--engine-retries", "0"]).output().unwrap().into()
    };
    expect(&plan("sc://spark.example"), 2, &["a token would travel in the clear", "use_ssl=true"]);
    let local: support::Run = plan("sc://127.0.0.1:1");
    expect(&local, 3, &["nothing answers there"]);
    assert!(!local.stderr.contains("hidden"), "{}", local.stderr);
    let missing = ["--engine", "sc://127.0.0.1:1", "--engine-token-file", "none", "--from", "/lake"];
    refused(folder.path(), &missing, 2, &["cannot read the token in `none`"]);
}
