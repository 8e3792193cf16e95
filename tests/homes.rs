//! Machines that are not as they should be: a full disk, one that cannot be written, no folder for temporary files, a clock that is wrong.

#![cfg(unix)]

mod support;

use std::{
    fs,
    process::{Command, Stdio},
};

use jiff::SignedDuration;
use serde_json::Value;
use support::{
    Run,
    canary::{GOOD, World},
    optimizer,
};

/// Runs a script in which `$DISK` is a small disk of its own, that nobody else sees and that is gone afterwards, and `run NAME ARGUMENTS`
/// runs the binary and keeps what it said.
fn on_a_small_disk(world: &World, script: &str) -> impl Fn(&str) -> Run + use<> {
    const BEFORE: &str = "set -e; mkdir -p disk said; mount -t tmpfs -o size=3m tmpfs disk; DISK=disk; mkdir disk/configurations
        run() { name=$1; shift; code=0; \"$OPTIMIZER\" \"$@\" >said/$name.out 2>said/$name.err </dev/null || code=$?; echo $code >said/$name.code; }
        fill() { dd if=/dev/zero of=disk/filler bs=4k 2>/dev/null || true; }
        ";
    let folder = world.folder.path().to_owned();
    let binary = optimizer(&folder);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "bash", "-c", &format!("{BEFORE}{script}")]);
    for (name, value) in binary.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let done = command
        .current_dir(&folder)
        .env("OPTIMIZER", binary.get_program())
        .env("OPTIMIZER_NOW", world.now.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("util-linux");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    move |name| {
        let read = |ending: &str| fs::read_to_string(folder.join(format!("said/{name}.{ending}"))).unwrap();
        Run { code: read("code").trim().parse().ok(), stdout: read("out"), stderr: read("err") }
    }
}

#[track_caller]
fn ended(run: &Run, code: i32, says: &str) {
    assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(says), "{}", run.stderr);
}

#[test]
fn a_store_on_a_full_disk_is_used_again_when_there_is_room() {
    let world = World::new(GOOD);
    let run = "run --from log.csv --sink file:configurations --format json";
    let said = on_a_small_disk(
        &world,
        &format!(
            "export OPTIMIZER_STATE=sqlite:disk/s.db
             run first {run}; fill; run full {run}; run stop stop --reason x --yes; rm disk/filler
             run again {run}; run verify state verify"
        ),
    );
    ended(&said("first"), 0, "");
    assert_eq!(world.share(), 5);
    for name in ["full", "stop"] {
        ended(&said(name), 4, "disk is full");
        assert_eq!(said(name).stdout, "", "nothing was done");
        assert!(said(name).stderr.contains("to fix:"), "{}", said(name).stderr);
    }
    ended(&said("again"), 0, "");
    let again: Value = serde_json::from_str(&said("again").stdout).unwrap();
    assert_eq!(again["steps"][0]["share_after"], 5, "{again}");
    ended(&said("verify"), 0, "");
}

#[test]
fn a_sink_on_a_full_disk_gets_its_change_when_there_is_room() {
    let world = World::new(GOOD);
    let run = "run --from log.csv --sink file:disk/configurations --format json";
    let said = on_a_small_disk(
        &world,
        &format!(
            "export OPTIMIZER_STATE=sqlite:s.db; fill; run full {run}; rm disk/filler; run again {run}; cp -r disk/configurations kept"
        ),
    );
    ended(&said("full"), 5, "refused or failed");
    let full: Value = serde_json::from_str(&said("full").stdout).unwrap();
    assert_eq!(full["steps"][0]["did"], "failed", "{full}");
    ended(&said("again"), 0, "");
    let again: Value = serde_json::from_str(&said("again").stdout).unwrap();
    assert_eq!((&again["steps"][0]["did"], &again["steps"][0]["share_after"]), (&"began".into(), &5.into()), "{again}");
    let kept: Vec<_> =
        fs::read_dir(world.folder.path().join("kept")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(kept.iter().any(|name| name == "chat.json"), "{kept:?}");
}

#[test]
fn a_disk_that_cannot_be_written_can_be_read() {
    let world = World::new(GOOD);
    let said = on_a_small_disk(
        &world,
        "export OPTIMIZER_STATE=sqlite:disk/s.db OPTIMIZER_SINK=file:configurations
         run first run --from log.csv; mount -o remount,ro disk
         run run run --from log.csv; run status status; run dry run --dry-run --from log.csv; run plan plan --dry-run --from log.csv
         TMPDIR=$PWD/nowhere run homeless plan --dry-run --from log.csv",
    );
    ended(&said("first"), 0, "");
    ended(&said("run"), 4, "Read-only file system");
    assert_eq!(world.share(), 5, "and nothing was changed");
    for name in ["status", "dry", "plan", "homeless"] {
        ended(&said(name), 0, "");
        assert!(!said(name).stdout.is_empty());
    }
}

/// Traffic looks an hour older or younger than it is.
#[test]
fn a_clock_that_is_an_hour_wrong_begins_nothing_and_loses_nothing() {
    let mut world = World::new(GOOD);
    let right = world.now;
    for (skew, why) in [(61, "the newest traffic is"), (-60, "from the future: a clock is wrong")] {
        world.now = right + SignedDuration::from_mins(skew);
        let run = world.run(&[]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
        assert_eq!(world.document(), None, "{skew}: {report} {}", run.stderr);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(report["not_begun"][0]["why"].as_str().unwrap().contains(why), "{report}");
    }
    // Right again: as if nothing had been.
    world.now = right;
    assert_eq!(world.tick(&[])["steps"][0]["did"], "began");
    // Under way, and the clock goes back an hour and forth again: no step is made by it, and none is lost.
    world.goes_by(15);
    world.now -= SignedDuration::from_hours(1);
    let run = world.run(&[]);
    assert!(matches!(run.code, Some(0 | 3)), "{}", run.stderr);
    assert_eq!(world.share(), 5);
    world.now += SignedDuration::from_hours(1);
    world.tick(&[]);
    assert_eq!(world.command(&["state", "verify"]).code, Some(0));
}

/// As a resolver that is broken has it for every name.
#[test]
fn a_name_that_nobody_knows_ends_with_the_code_of_what_it_names() {
    let mut world = World::new(GOOD);
    let sink = std::mem::replace(&mut world.sink, "https://nobody.invalid".to_owned());
    let run = world.run(&[]);
    ended(&run, 5, "https://nobody.invalid");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["alerts"][0]["kind"], "sink", "{report}");
    world.sink = sink;
    ended(&world.command(&["run", "--from", "postgres://me@nobody.invalid/db"]), 3, "lookup");
    ended(&world.command(&["status", "--state", "postgres://me@nobody.invalid/db"]), 4, "lookup");
    assert_eq!(world.document(), None);
    assert_eq!(world.tick(&[])["steps"][0]["did"], "began", "and it begins when names are known again");
}
