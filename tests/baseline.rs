//! Baselines: the same in a SQLite file and in PostgreSQL, from setting to forgetting, and every way in which a store fails.

mod support;

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use sqlx::{AnyConnection, Connection as _, any::install_default_drivers};
use support::{
    Run, expect, optimizer,
    postgres::Server,
    run,
    traffic::{DAY, END, HOUR, Row, Traffic, log},
};
use tempfile::{TempDir, tempdir};

/// Eight days; the fifth from the end is the fastest, the newest version came in the middle of an hour 36 hours before the end.
fn history() -> Vec<Row> {
    let mut rows = Traffic { service: "chat", seed: 41, days: 8, per_hour: 40.0 }.with(|row| {
        row.version = Some(if row.before_end() > 36 * HOUR - 900 { "v1" } else { "v2" });
        if row.at.div_euclid(DAY * 1_000) == END / DAY - 5 {
            row.latency_ms *= 0.5;
        }
    });
    rows.extend(Traffic { service: "mail", seed: 42, days: 1, per_hour: 10.0 }.rows());
    rows
}

/// The hour before the end, changed in ways that are known.
fn today(change: impl FnMut(&mut Row)) -> Vec<Row> {
    let mut rows = Traffic { service: "chat", seed: 43, days: 1, per_hour: 120.0 }.rows();
    rows.retain(|row| row.before_end() <= 2 * HOUR);
    rows.iter_mut().for_each(change);
    rows
}

struct Store {
    folder: TempDir,
    state: String,
    log: String,
}

impl Store {
    fn new(state: &str) -> Self {
        let folder = tempdir().unwrap();
        let log = log(folder.path(), "history.csv", &history());
        Self { folder, state: state.to_owned(), log }
    }

    fn sqlite() -> Self {
        let mut store = Self::new("");
        store.state = format!("sqlite:{}", store.folder.path().join("s.db").display());
        store
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        optimizer(self.path())
            .env("OPTIMIZER_STATE", &self.state)
            .arg("baseline")
            .args(arguments)
            .output()
            .expect("the binary starts")
            .into()
    }

    #[track_caller]
    fn fine(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        run.stdout
    }

    #[track_caller]
    fn set(&self, name: &str, more: &[&str]) -> String {
        let mut all = vec!["set", name, "--from", &self.log];
        all.extend(more);
        self.fine(&all)
    }

    /// First and last hour of a service, and how many there are.
    #[track_caller]
    fn hours(&self, name: &str, service: &str) -> (i64, i64, usize) {
        let shown = self.fine(&["show", name]);
        let line = shown.lines().find(|line| line.trim_start().starts_with(service));
        let words: Vec<&str> = line.unwrap_or_else(|| panic!("{service} in\n{shown}")).split_whitespace().collect();
        let hour = |day: &str, time: &str| format!("{day}T{time}:00Z").parse::<jiff::Timestamp>().unwrap().as_second();
        (hour(words[3], words[4]), hour(words[6], words[7]), words[1].parse().unwrap())
    }

    fn compare(&self, name: &str, log: &str) -> Vec<Value> {
        let json = self.fine(&["compare", name, "--from", log, "--format", "json"]);
        serde_json::from_str(&json).unwrap()
    }
}

/// Everything that must be the same wherever it is kept.
fn suite(store: &Store) {
    expect(&store.run(&["show", "none"]), if store.state.starts_with("sqlite") { 4 } else { 2 }, &["baseline set"]);
    kinds(store);

    // Names are unique, and replacing is asked for.
    expect(&store.run(&["set", "golden", "--from", &store.log]), 2, &["`golden` exists already", "--replace"]);
    // That a name is taken is said before the log is read.
    expect(&store.run(&["set", "golden", "--from", "nowhere.csv"]), 2, &["exists already"]);
    let replaced = store.set("golden", &["--replace", "--span", "1d", "--kind", "rolling"]);
    assert!(replaced.contains("`golden` holds 2 services"), "{replaced}");
    assert_eq!(store.hours("golden", "chat"), (END - DAY, END - HOUR, 24));
    let list = store.fine(&["list"]);
    let names: Vec<&str> = list.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["before", "first", "golden", "o'clock;", "peak"]);
    assert!(list.contains("pre_change") && list.contains("rolling"), "{list}");

    expect(&store.run(&["show", "goldn"]), 2, &["no baseline `goldn`", "golden", "peak"]);
    expect(&store.run(&["delete", "goldn"]), 2, &["no baseline `goldn`"]);
    assert_eq!(store.fine(&["delete", "o'clock; -- \"x\""]), "Baseline `o'clock; -- \"x\"` is forgotten.\n");
    assert!(!store.fine(&["list"]).contains("o'clock"));
    for wrong in ["", " x", "a\nb", "a\u{1b}[31mb", &"n".repeat(129)] {
        expect(&store.run(&["set", wrong, "--from", &store.log]), 2, &["no name for a baseline"]);
    }
    differences(store);
}

fn kinds(store: &Store) {
    store.set("golden", &[]);
    assert_eq!(store.hours("golden", "chat"), (END - 7 * DAY, END - HOUR, 168));
    store.set("first", &["--kind", "initial", "--span", "2d"]);
    assert_eq!(store.hours("first", "chat"), (END - 8 * DAY, END - 6 * DAY - HOUR, 48));
    // Mail came a week later: its own first days count.
    assert_eq!(store.hours("first", "mail").0, END - DAY);
    let peak = store.set("peak", &["--kind", "peak"]);
    let best = (END / DAY - 5) * DAY;
    assert_eq!(store.hours("peak", "chat"), (best, best + 23 * HOUR, 24));
    assert!(peak.contains("`peak` holds 2 services"), "{peak}");
    let (first, last, _) = store.hours("peak", "mail");
    assert_eq!(first.div_euclid(DAY), last.div_euclid(DAY), "a peak is a day");
    let before = store.set("before", &["--kind", "pre-change", "--span", "1d"]);
    // The hour in which the version changed has requests of both.
    assert_eq!(store.hours("before", "chat").1, END - 37 * HOUR);
    assert!(
        before.contains("Left out, because it needs a second config version") && before.contains("mail"),
        "{before}"
    );
    // A name that wants to be more than a name.
    store.set("o'clock; -- \"x\"", &["--span", "1d"]);
    let nothing = run(
        store.path(),
        &["baseline", "set", "x", "--state", &store.state, "--kind", "pre-change", "--from", &today_log(store, |_| {})],
    );
    expect(&nothing, 2, &["no service has what a baseline of kind `pre_change` needs", "second config version"]);
}

fn today_log(store: &Store, change: impl FnMut(&mut Row)) -> String {
    log(store.path(), "today.csv", &today(change))
}

fn differences(store: &Store) {
    let mut flip = 0;
    let file = today_log(store, |row| {
        flip += 1;
        row.latency_ms *= 1.5;
        row.cost_usd *= 0.5;
        row.input_tokens *= 2;
        row.failed = flip % 4 == 0;
    });
    store.set("week", &["--until", "2026-03-12T00:00:00Z"]);
    let lines = store.compare("week", &file);
    let line = |metric: &str| lines.iter().find(|line| line["metric"] == metric).unwrap_or_else(|| panic!("{metric}"));
    let number = |metric: &str, name: &str| line(metric)[name].as_f64().unwrap();
    for (metric, verdict, ratio) in [
        ("latency", "worse", 1.5),
        ("cost_per_request", "better", 0.5),
        ("input_tokens", "different", 2.0),
        ("output_tokens", "not_shown", 1.0),
        ("quality", "not_shown", 1.0),
    ] {
        assert_eq!(line(metric)["verdict"], verdict, "{metric}: {}", line(metric));
        let found = number(metric, "now") / number(metric, "baseline");
        assert!((found / ratio - 1.0).abs() < 0.12, "{metric}: {found}");
        let [low, high] = [0, 1].map(|place| line(metric)["difference"][place].as_f64().unwrap());
        let difference = number(metric, "now") - number(metric, "baseline");
        assert!(low < difference && difference < high, "{metric}: {low} {difference} {high}");
        assert_eq!(verdict == "not_shown", low < 0.0 && 0.0 < high, "{metric}: test and interval agree");
    }
    assert_eq!(line("error_rate")["verdict"], "worse");
    assert!((number("error_rate", "now") - 0.25).abs() < 0.02 && number("error_rate", "baseline") < 0.03);
    assert!((1_100.0..1_800.0).contains(&number("latency", "baseline")), "milliseconds: {}", line("latency"));
    assert_eq!(line("latency")["against"], "the same hours of the same weekday", "Thursdays against Thursdays");
    let text = store.fine(&["compare", "week", "--from", &file]);
    assert!(text.contains("WORSE") && text.contains("no difference shown"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100 && !line.contains('\u{1b}')), "{text}");

    let worse = run(
        store.path(),
        &["analyze", "--from", &file, "--baseline", "week", "--state", &store.state, "--format", "ndjson"],
    );
    assert_eq!(worse.code, Some(0), "{}", worse.stderr);
    let findings: Vec<Value> = worse.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let worse: Vec<&Value> = findings.iter().filter(|one| one["kind"] == "worse_than_baseline").collect();
    let metrics: Vec<&str> = worse.iter().map(|one| one["metric"].as_str().unwrap()).collect();
    assert_eq!(metrics, ["error_rate", "latency"], "what is better or only different is no finding");
    assert!((worse[1]["observed"].as_f64().unwrap() / worse[1]["limit"].as_f64().unwrap() / 1.5 - 1.0).abs() < 0.12);
    assert!(worse[1]["summary"].as_str().unwrap().contains("baseline `week`"), "{}", worse[1]["summary"]);

    // Nothing is held against itself, and nothing against strangers.
    store.set("hour", &["--span", "1h"]);
    let own = ["compare", "hour", "--from", store.log.as_str()];
    expect(&store.run(&own), 2, &["nothing in the window can be held against", "no hour outside of the window"]);
    let mut strangers = today(|_| {});
    for row in &mut strangers {
        row.service = String::from("stranger");
    }
    let strangers = log(store.path(), "strangers.csv", &strangers);
    expect(&store.run(&["compare", "week", "--from", &strangers]), 2, &["no service of the log is in", "chat"]);
}

#[test]
fn in_a_sqlite_file() {
    suite(&Store::sqlite());
}

#[test]
fn in_postgresql() {
    let server = Server::shared();
    server.database("optimizer_baselines");
    suite(&Store::new(&server.url("optimizer_baselines")));
}

/// A statement on a store, from outside.
fn statement(address: &str, sql: &'static str) {
    install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(address).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn stores_that_cannot_be_used_say_why_and_end_with_four() {
    let store = Store::sqlite();
    let of = |state: &str, arguments: &[&str]| {
        let mut all = vec!["baseline"];
        all.extend(arguments);
        all.extend(["--state", state]);
        run(store.path(), &all)
    };
    let set = ["set", "x", "--from", store.log.as_str()];
    expect(&of("sqlite:none.db", &["list"]), 4, &["there is no state store", "baseline set"]);
    assert!(!store.path().join("none.db").exists(), "looking makes nothing");
    let analyze =
        run(store.path(), &["analyze", "--from", "nowhere.csv", "--baseline", "x", "--state", "sqlite:none.db"]);
    expect(&analyze, 4, &["there is no state store"]);
    expect(&of("sqlite:nowhere/x.db", &set), 4, &["opening it", "reached and written"]);
    expect(&of("sqlite:/proc/x.db", &set), 4, &["opening it"]);
    expect(&of(&format!("sqlite:{}", store.path().display()), &set), 4, &["opening it"]);
    for wrong in ["x.db", "mysql://me@host/x", "sqlite:", "postgres://me:secret@localhost/x"] {
        let refused = of(wrong, &set);
        expect(&refused, 2, &["state store"]);
        assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    }
    // Nobody listens on the port of discards.
    expect(&of("postgres://me@127.0.0.1:9/x", &["list"]), 4, &["opening it", "because"]);

    // A text file, half a database, one of a later version, and one whose content is no baseline.
    let text = std::fs::read(&store.log).unwrap();
    expect(&of(&format!("sqlite:{}", store.log), &["list"]), 4, &["is no SQLite database", "--state"]);
    assert_eq!(std::fs::read(&store.log).unwrap(), text, "and it is left alone");
    store.set("good", &["--span", "1d"]);
    let file = store.path().join("s.db");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(store.path().join("half.db"), &whole[..whole.len() / 2]).unwrap();
    let half = of("sqlite:half.db", &["show", "good"]);
    assert_eq!((half.code, half.stdout.as_str()), (Some(4), ""), "{}", half.stderr);
    statement(&store.state, "UPDATE optimizer_baselines SET body = '{\"schema_version\":'");
    expect(&store.run(&["show", "good"]), 4, &["baseline `good` cannot be read", "delete"]);
    store.fine(&["delete", "good"]);
    statement(
        &store.state,
        "INSERT INTO optimizer_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', TRUE, x'00', 1)",
    );
    for arguments in [&["list"][..], &set] {
        expect(&of(&store.state, arguments), 4, &["later version (step 99)", "at least the version"]);
    }
}

#[test]
fn several_at_once_and_one_that_is_killed() {
    let store = Store::sqlite();
    let small = log(store.path(), "small.csv", &today(|_| {}));
    let begin = |name: &str| {
        optimizer(store.path())
            .args(["baseline", "set", name, "--replace", "--from", &small, "--state", &store.state])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    // None of them finds a store: all make it. Two set the same name.
    let all: Vec<_> = ["a", "b", "c", "c"].iter().map(|name| begin(name)).collect();
    for child in all {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let names = |shown: &str| shown.lines().skip(1).map(|line| line[..1].to_owned()).collect::<String>();
    assert_eq!(names(&store.fine(&["list"])), "abc");

    // However far one came: what is there is whole, and the next goes on.
    let started = Instant::now();
    begin("t").wait_with_output().unwrap();
    let whole = started.elapsed();
    for part in 1..=8 {
        let mut child = begin("k");
        std::thread::sleep(whole.mul_f64(f64::from(part) / 8.0).min(Duration::from_secs(2)));
        child.kill().unwrap();
        child.wait().unwrap();
        let list = store.fine(&["list"]);
        assert!(matches!(names(&list).as_str(), "abct" | "abckt"), "{list}");
        if list.contains("\nk ") {
            assert!(store.fine(&["show", "k"]).contains("chat"));
        }
    }
    begin("k").wait_with_output().unwrap();
    assert_eq!(store.hours("k", "chat").2, 2);
}
