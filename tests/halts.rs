//! Being asked to end: by SIGTERM at any moment, twice, as the first process of a container, and by a deadline.

#![cfg(unix)]

mod support;

use std::{
    io::Write as _,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use optimizer::state::{Address, Open, Store, Table};
use serde_json::Value;
use support::{Run, canary::GOOD, canary::World, optimizer};

/// The binary at work in a world, with its standard input held open.
fn started(world: &World, arguments: &[&str]) -> Child {
    optimizer(world.folder.path())
        .args(arguments)
        .env("OPTIMIZER_STATE", &world.state)
        .env("OPTIMIZER_SINK", &world.sink)
        .env("OPTIMIZER_NOW", world.now.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A run whose source is standard input, which does not end.
fn reading(world: &World, more: &[&str]) -> Child {
    let mut child = started(world, &[&["run", "--from", "-", "--format", "json"], more].concat());
    child.stdin.as_mut().unwrap().write_all(b"{\"ts\":\"2026-01-01T00:00:00Z\"}\n").unwrap();
    child
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// The end of a process whose standard input is held open until then.
fn end(mut child: Child) -> (Run, Duration) {
    let (input, begun) = (child.stdin.take(), Instant::now());
    let run = Run::from(child.wait_with_output().unwrap());
    drop(input);
    (run, begun.elapsed())
}

/// Waits until the run holds the lease, so that what comes then finds it at work.
fn at_work(world: &World) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let held = store(world).is_some_and(|mut store| matches!(store.holder(), Ok(Some(_))));
        if held {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("the run does not begin");
}

fn store(world: &World) -> Option<Store> {
    Store::open(&world.state.parse::<Address>().unwrap(), Open::AsItIs).ok()
}

/// How many runs ended so, as the store counts them.
fn endings(world: &World) -> Value {
    let tally = store(world).unwrap().document(Table::Notes, "tally").unwrap().unwrap();
    serde_json::from_str::<Value>(&tally.body).unwrap()["endings"].clone()
}

#[track_caller]
fn ended(run: &Run, code: i32, says: &str) {
    assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(says), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 2, "one clear message: {}", run.stderr);
}

#[test]
fn sigterm_ends_a_run_at_a_safe_place_and_the_next_one_need_not_wait() {
    let world = World::new(GOOD);
    let child = reading(&world, &["--lease", "1h"]);
    at_work(&world);
    signal(child.id(), "-TERM");
    let (run, took) = end(child);
    ended(&run, 143, "stopped by SIGTERM");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(endings(&world), serde_json::json!({"interrupted": 1}));
    assert_eq!(world.command(&["status", "--format", "json"]).code, Some(0));
    world.tick(&[]);
    assert_eq!(endings(&world), serde_json::json!({"interrupted": 1, "fine": 1}));
}

#[test]
fn what_only_reads_ends_at_once() {
    let world = World::new(GOOD);
    for (name, code, says) in [("-TERM", 143, "stopped by SIGTERM"), ("-INT", 130, "stopped by Ctrl-C")] {
        let child = reading(&world, &["--dry-run"]);
        caught(child.id());
        signal(child.id(), name);
        let (run, took) = end(child);
        ended(&run, code, says);
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

/// Waits until SIGTERM is listened for.
fn caught(process: u32) {
    for _ in 0..200 {
        thread::sleep(Duration::from_millis(10));
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        if mask.is_none_or(|mask| mask & 1 << 14 != 0) {
            return;
        }
    }
    panic!("nobody listens");
}

#[test]
fn a_deadline_ends_a_run_before_it_is_over() {
    let world = World::new(GOOD);
    let begun = Instant::now();
    let child = reading(&world, &["--deadline", "3s"]);
    let (run, _) = end(child);
    let took = begun.elapsed();
    ended(&run, 124, "out of time");
    assert!(Duration::from_secs(2) < took && took < Duration::from_millis(4_500), "{took:?}");
    assert_eq!(endings(&world), serde_json::json!({"overdue": 1}));
    world.tick(&["--deadline", "1m"]);
}

/// Takes connections and says nothing.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn a_sink_that_does_not_answer_is_waited_for_until_the_deadline_and_no_longer() {
    let mut world = World::new(GOOD);
    let (_listener, url) = silent();
    world.sink = url;
    world.goes_by(15);
    let begun = Instant::now();
    let run = world.run(&["--deadline", "3s"]);
    let took = begun.elapsed();
    assert_eq!(run.code, Some(124), "{}{}", run.stdout, run.stderr);
    assert!(took < Duration::from_millis(4_500), "{took:?}");
    let report: Value = serde_json::from_str(&run.stdout).expect("how far it came is told");
    assert!(report["steps"].as_array().unwrap().is_empty(), "{report}");
    assert_eq!(endings(&world), serde_json::json!({"overdue": 1}));
}

#[test]
fn whoever_asks_twice_ends_it_where_it_stands() {
    let mut world = World::new(GOOD);
    let (_listener, url) = silent();
    world.sink = url;
    world.goes_by(15);
    let child = started(&world, &["run", "--from", "log.csv", "--lease", "2s"]);
    at_work(&world);
    // Long enough to be waiting for the sink.
    thread::sleep(Duration::from_millis(1_500));
    signal(child.id(), "-TERM");
    thread::sleep(Duration::from_millis(300));
    signal(child.id(), "-TERM");
    let (run, took) = end(child);
    ended(&run, 143, "the next run puts right");
    assert!(took < Duration::from_secs(3), "{took:?}");
    // The lease ends by itself, and then the dead run is counted.
    let sink = world.folder.path().join("configurations");
    world.sink = format!("file:{}", sink.display());
    thread::sleep(Duration::from_secs(2));
    world.tick(&[]);
    assert_eq!(endings(&world), serde_json::json!({"killed": 1, "fine": 1}));
}

/// Nothing has a default action there: who does not listen for SIGTERM is killed when the patience of Kubernetes ends.
#[test]
fn the_first_process_of_a_container_hears_sigterm() {
    let world = World::new(GOOD);
    let binary = optimizer(world.folder.path()).get_program().to_owned();
    let mut outer = Command::new("unshare")
        .args(["--pid", "--fork", "--kill-child"])
        .arg(binary)
        .args(["plan", "--dry-run", "--from", "-"])
        .current_dir(world.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("util-linux");
    outer.stdin.as_mut().unwrap().write_all(b"{\"ts\":\"2026-01-01T00:00:00Z\"}\n").unwrap();
    let Some(process) = inner(outer.id()) else {
        let (run, _) = end(outer);
        assert!(run.stderr.contains("Operation not permitted"), "{}", run.stderr);
        assert!(!is_root(), "root may make a namespace of processes");
        return;
    };
    caught(process);
    signal(process, "-TERM");
    let (run, took) = end(outer);
    ended(&run, 143, "stopped by SIGTERM");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// The process within, as it is called from without.
fn inner(outer: u32) -> Option<u32> {
    for _ in 0..200 {
        thread::sleep(Duration::from_millis(10));
        let children = std::fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap_or_default();
        if let Some(process) = children.split_whitespace().next() {
            return process.parse().ok();
        }
        if !Path::new(&format!("/proc/{outer}/exe")).exists() {
            return None;
        }
    }
    None
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

#[test]
fn a_store_that_takes_connections_and_says_nothing_is_given_up() {
    let world = World::new(GOOD);
    let (_listener, url) = silent();
    let state = url.replace("http://", "postgres://x@") + "/optimizer";
    let begun = Instant::now();
    let run = world.command(&["status", "--state", &state]);
    let took = begun.elapsed();
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("does not answer within 10 seconds"), "{}", run.stderr);
    assert!(took < Duration::from_secs(14), "{took:?}");
}

#[test]
fn an_operator_who_waits_for_a_run_need_not_wait_on() {
    let world = World::new(GOOD);
    world.tick(&[]);
    let mut store = Store::open(&world.state.parse::<Address>().unwrap(), Open::Existing).unwrap();
    let lease = store.acquire("a run", Duration::from_mins(5)).unwrap();
    let child = started(&world, &["rollback", "chat", "--reason", "a test", "--yes", "--wait", "2m"]);
    caught(child.id());
    thread::sleep(Duration::from_millis(500));
    signal(child.id(), "-INT");
    let (run, took) = end(child);
    ended(&run, 130, "nothing was changed");
    assert!(took < Duration::from_secs(5), "{took:?}");
    store.release(lease).unwrap();
    assert_eq!(world.share(), 5);
}
