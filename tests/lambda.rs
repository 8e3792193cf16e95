//! The binary as a function of AWS Lambda, against a Runtime API on this machine.

mod support;

#[path = "support/runtime_api.rs"]
mod runtime_api;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use optimizer::state::{Address, Open, Store};
use runtime_api::{Answer, Function, Scripted, ends_soon, of_lambda};
use serde_json::{Value, json};
use support::{
    canary::{GOOD, World},
    good_rows, optimizer, write_csv,
};
use tempfile::TempDir;

/// As `EventBridge` writes it for a rule with a rate.
fn scheduled() -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-03-02T00:00:00Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/optimizer"],
        "detail": {}
    })
}

/// A folder that is not under /tmp, where nothing of a function lasts.
fn lasting() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn sqlite(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("s.db").display())
}

/// A world whose function is set up to read its log and act on it.
fn acting(world: &World, state: &str) -> Function {
    let (from, now) = (world.folder.path().join("log.csv").display().to_string(), world.now.to_string());
    let variables = [
        ("OPTIMIZER_FROM", &*from),
        ("OPTIMIZER_STATE", state),
        ("OPTIMIZER_SINK", &world.sink),
        ("OPTIMIZER_NOW", &now),
    ];
    Function::start(world.folder.path(), &variables)
}

#[test]
fn a_schedule_takes_one_step_after_the_other() {
    let (mut world, kept) = (World::new(GOOD), lasting());
    let mut function = acting(&world, &sqlite(kept.path()));
    let first = function.ask(&scheduled()).response();
    assert_eq!((&first["exit_code"], &first["document"]["schema_version"]), (&json!(0), &json!("run/v1")), "{first}");
    assert_eq!(first["document"]["steps"][0]["did"], "began", "{first}");
    assert_eq!(world.share(), 5, "the sink has it");

    // The same process, the other kind of schedule, and nobody learned anything yet.
    world.goes_by(0);
    let mut second = scheduled();
    (second["source"], second["detail"]) = (json!("aws.scheduler"), json!("{}"));
    let second = function.ask(&second).response();
    assert_eq!(second["document"]["steps"][0]["did"], "held", "{second}");

    // What is under way can be looked at, and nothing of it is on the machine any more.
    let status = function.ask(&json!({"command": "status", "service": "chat"})).response();
    assert_eq!(status["document"]["schema_version"], "status/v1", "{status}");
    let history = function.ask(&json!({"command": "history", "service": "chat", "limit": 10})).response();
    assert_eq!(history["document"][0]["action"], "expose", "{history}");
    assert_eq!(function.children(), Vec::<String>::new());
    let asked: Vec<_> = function.api.asked().into_iter().filter(|asked| asked.method == "POST").collect();
    assert_eq!(asked.len(), 4);
    assert_eq!(function.end(), "", "nothing to log");
}

#[test]
fn an_event_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let log = write_csv(folder.path(), "log.csv", &good_rows(600));
    fs::create_dir(folder.path().join("configurations")).unwrap();
    let mut function = Function::start(folder.path(), &[("OPTIMIZER_FROM", &log)]);
    let before = fs::read_dir(folder.path()).unwrap().count();
    let run = json!({"command": "run", "dry_run": true, "scope": "safety"});
    let run = function.ask(&run).response();
    assert_eq!((&run["document"]["scope"], &run["document"]["dry_run"]), (&json!("safety"), &json!(true)), "{run}");
    let plan =
        json!({"command": "plan", "dry_run": true, "from": [log], "window": "2m", "until": "2026-01-01T11:55:00Z"});
    let plan = function.ask(&plan).response();
    assert_eq!(plan["document"]["windows"]["window"]["end"], "2026-01-01T11:55:00Z", "{plan}");
    assert_eq!(plan["document"]["windows"]["window"]["start"], "2026-01-01T11:53:00Z", "{plan}");
    let analyze = function.ask(&json!({"command": "analyze", "window": "30m"})).response();
    assert_eq!(analyze["document"]["schema_version"], "analysis/v1");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before, "nothing was written");
}

#[test]
fn what_is_not_understood_or_not_allowed_is_said_and_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut function = Function::start(folder.path(), &[("OPTIMIZER_FROM", "a.csv")]);
    let with = |name: &str, value: Value| {
        let mut event = scheduled();
        event[name] = value;
        event
    };
    for (event, kind, words) in [
        (json!([]), "Event", &["a list"][..]),
        (json!("run"), "Event", &["a text"]),
        (json!(null), "Event", &["nothing"]),
        (json!({}), "Event", &["names no `command`"]),
        (json!({"command": 5}), "Event", &["`command` is a text", "`5`"]),
        (
            json!({"command": "run", "dryrun": true}),
            "Event",
            &["unknown field `dryrun` for `run`", "`dry_run`, `scope`"],
        ),
        (json!({"command": "run", "args": ["--sink=https://elsewhere"]}), "Event", &["unknown field `args`"]),
        (json!({"command": "run", "sink": "https://elsewhere"}), "Event", &["unknown field `sink`"]),
        (json!({"command": "status", "state": "sqlite:x"}), "Event", &["unknown field `state`"]),
        (json!({"command": "run", "dry_run": "yes"}), "Event", &["`dry_run`: `true` or `false`"]),
        (json!({"command": "run", "dry_run": null}), "Event", &["`dry_run`: has no value"]),
        (json!({"command": "run", "scope": "all"}), "Event", &["`scope`: `all` is none of safety, standard, deep"]),
        (json!({"command": "run", "window": "15"}), "Event", &["`window`: `15` lacks a unit"]),
        (json!({"command": "run", "until": "today"}), "Event", &["`until`: `today` is no time"]),
        (json!({"command": "plan", "from": []}), "Event", &["`from`: 1 to 100"]),
        (json!({"command": "plan", "from": ["a\u{0}b"]}), "Event", &["`from`: holds a control"]),
        (json!({"command": "plan", "from": [5]}), "Event", &["`from`: a text is wanted, and here is `5`"]),
        (json!({"command": "history", "limit": 0}), "Event", &["`limit`: a number from 1"]),
        (json!({"command": "stop"}), "Refused", &["`stop` cannot be asked for", "for operators"]),
        (json!({"command": "apply"}), "Refused", &["`apply`"]),
        (json!({"command": "--help"}), "Refused", &["`--help`"]),
        (json!({"command": "run", "from": "mine.csv"}), "Refused", &["set up to read, not `from`"]),
        (json!({"command": "run"}), "Refused", &["OPTIMIZER_STATE names none"]),
        (json!({"command": "plan"}), "Refused", &["OPTIMIZER_STATE names none"]),
        (scheduled(), "Refused", &["`run` needs a state store", "postgres://"]),
        (with("source", json!("aws.s3")), "Event", &["`Scheduled Event` of `aws.s3`"]),
        (with("detail-type", json!("Object Created")), "Event", &["`Object Created` of `aws.events`"]),
        (with("detail", json!({"command": "stop"})), "Event", &["`detail`"]),
        (with("Records", json!([])), "Event", &["unknown field `Records`"]),
        (with("time", json!("yesterday")), "Event", &["no event of a schedule"]),
    ] {
        let outcome = function.ask(&event);
        let (found, message) = outcome.error();
        assert_eq!(found, kind, "{event}: {message}");
        assert!(message.starts_with("error: ") && message.contains("to fix:"), "{message}");
        for word in words {
            assert!(message.contains(word), "{event}: `{word}` is missing in\n{message}");
        }
    }
    function.invoke("no JSON", Duration::from_mins(1));
    assert!(function.outcome().error().1.contains("expected ident"));
    let log = function.end();
    assert!(log.contains("unknown field `dryrun`"), "the log has it, too: {log}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was done");
}

#[test]
fn a_store_that_goes_with_the_sandbox_is_none() {
    let folder = tempfile::tempdir().unwrap();
    for state in ["sqlite:/tmp/optimizer.db", "sqlite:optimizer.db", " "] {
        let mut function = Function::start(folder.path(), &[("OPTIMIZER_STATE", state)]);
        for event in [scheduled(), json!({"command": "status"})] {
            assert_eq!(function.ask(&event).error().0, "Refused", "{state}");
        }
    }
}

#[test]
fn values_do_not_become_flags() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), lasting());
    let log = write_csv(folder.path(), "log.csv", &good_rows(20));
    let state = sqlite(kept.path());
    drop(Store::open(&state.parse::<Address>().unwrap(), Open::Create).unwrap());
    let mut function = Function::start(folder.path(), &[("OPTIMIZER_STATE", &state), ("OPTIMIZER_FROM", &log)]);
    let history = function.ask(&json!({"command": "history", "service": "--verify"})).response();
    assert_eq!(history["document"], json!([]), "of a service with that name");
    let plan = function.ask(&json!({"command": "plan", "dry_run": true, "service": "--help"}));
    assert!(plan.error().1.contains("no service `--help`"), "{plan:?}");
    let plan = function.ask(&json!({"command": "plan", "dry_run": true, "from": "--rejects=x.csv"}));
    assert_eq!(plan.error().0, "Source", "{plan:?}");
    assert!(!folder.path().join("x.csv").exists());
}

/// Every field of every command is one that the command line knows: with a source that is not there, what is complained of is that.
#[test]
fn every_field_is_a_flag() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), lasting());
    let state = sqlite(kept.path());
    drop(Store::open(&state.parse::<Address>().unwrap(), Open::Create).unwrap());
    fs::create_dir(folder.path().join("configurations")).unwrap();
    let mut function = Function::start(folder.path(), &[("OPTIMIZER_STATE", &state)]);
    let source = json!({"from": ["x.csv", "y.csv"], "scores": "z.csv", "layout": ["canonical", "canonical"], "default_service": "a"});
    let window = json!({"window": "2h", "lookback": "1d", "until": "2026-01-01T00:00:00Z"});
    let inspected = json!({"lookback": "1d", "until": "2026-01-01T00:00:00Z"});
    let run = json!({"dry_run": true, "scope": "deep", "max_age": "3h"});
    let plan = json!({"dry_run": true, "service": "a"});
    let files = json!({"baseline": "x.csv", "candidate": ["y.csv"], "scores": "z.csv", "layout": "canonical", "default_service": "a"});
    let arms = json!({"from": "x.csv", "baseline_arm": "a", "candidate_arm": "b"});
    let times = json!({
        "from": "x.csv",
        "baseline_time": "2026-01-01T00:00:00Z..2026-01-02T00:00:00Z",
        "candidate_time": "2026-01-02T00:00:00Z..2026-01-03T00:00:00Z"
    });
    for (command, parts, kind) in [
        ("run", vec![vec![&run, &source, &window]], "Source"),
        ("plan", vec![vec![&plan, &source, &window]], "Source"),
        ("analyze", vec![vec![&source, &window]], "Source"),
        ("inspect", vec![vec![&source, &inspected]], "Source"),
        ("gate", vec![vec![&files], vec![&arms], vec![&times]], "Source"),
        ("status", vec![vec![&json!({"service": "a"})]], ""),
        ("history", vec![vec![&json!({"service": "a", "limit": 3})]], ""),
    ] {
        let mut fields = BTreeSet::new();
        for part in parts {
            let mut event = json!({"command": command});
            for (name, value) in part.iter().flat_map(|part| part.as_object().unwrap()) {
                event[name] = value.clone();
                fields.insert(format!("`{name}`"));
            }
            let outcome = function.ask(&event);
            match kind {
                "" => drop(outcome.response()),
                kind => assert_eq!(outcome.error().0, kind, "{event} {outcome:?}"),
            }
        }
        let strange = function.ask(&json!({"command": command, "strange": 1}));
        let known = strange.error().1.split("it takes ").nth(1).unwrap().split(", ").map(str::to_owned).collect();
        assert_eq!(fields, known, "{command}");
    }
}

#[test]
fn what_fails_has_a_type_and_says_why() {
    let (world, kept) = (World::new(GOOD), lasting());
    let log = world.folder.path().join("log.csv").display().to_string();
    let state = sqlite(kept.path());
    let good = [("OPTIMIZER_FROM", &*log), ("OPTIMIZER_STATE", &state), ("OPTIMIZER_SINK", &world.sink)];
    for (name, value, kind, word) in [
        ("OPTIMIZER_POLICY", "/nowhere.yaml", "Usage", "nowhere.yaml"),
        ("OPTIMIZER_FROM", "/nowhere.csv", "Source", "nowhere.csv"),
        ("OPTIMIZER_STATE", "sqlite:/proc/s.db", "State", "s.db"),
        ("OPTIMIZER_SINK", "http://127.0.0.1:1", "Sink", "refused or failed"),
    ] {
        let mut variables = good.to_vec();
        variables.retain(|(other, _)| *other != name);
        let now = world.now.to_string();
        variables.extend([(name, value), ("OPTIMIZER_NOW", &now)]);
        let mut function = Function::start(world.folder.path(), &variables);
        let outcome = function.ask(&scheduled());
        let (found, message) = outcome.error();
        assert_eq!(found, kind, "{message}");
        assert!(message.starts_with("error: ") && message.contains(word) && message.contains("to fix:"), "{message}");
        let message = message.to_owned();
        let log = function.end();
        assert_eq!(log.matches(&message).count(), 1, "the log has it once: {log}");
        // And what was done before: no error has room for that.
        assert_eq!(log.contains("{\"schema_version\": \"run/v1\""), matches!(kind, "Source" | "Sink"), "{log}");
    }
}

#[test]
fn somebody_else_acts() {
    let (world, kept) = (World::new(GOOD), lasting());
    let state = sqlite(kept.path());
    let mut store = Store::open(&state.parse::<Address>().unwrap(), Open::Create).unwrap();
    let _lease = store.acquire("somebody else", Duration::from_mins(5)).unwrap();
    let mut function = acting(&world, &state);
    assert_eq!(function.ask(&scheduled()).response(), json!({"exit_code": 75, "held": true}));
    assert!(function.end().contains("somebody else"), "the log says who");
}

/// A database that takes the connection and says nothing.
fn hanging() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("postgres://me@{}/db", listener.local_addr().unwrap());
    (listener, address)
}

#[test]
fn the_time_ends_before_the_work() {
    let (folder, (_listener, from)) = (tempfile::tempdir().unwrap(), hanging());
    let scratch = folder.path().join("tmp");
    fs::create_dir(&scratch).unwrap();
    let scratched = || fs::read_dir(&scratch).unwrap().count();
    let variables = [("OPTIMIZER_FROM", &*from), ("TMPDIR", scratch.to_str().unwrap())];
    let mut function = Function::start(folder.path(), &variables);
    let event = json!({"command": "plan", "dry_run": true}).to_string();
    for stopped in [false, true] {
        let began = Instant::now();
        function.invoke(&*event, Duration::from_secs(3));
        if stopped {
            // It cannot hear that it is to stop.
            let child = loop {
                match function.children().first() {
                    Some(child) => break child.clone(),
                    None => std::thread::sleep(Duration::from_millis(5)),
                }
            };
            assert!(Command::new("kill").args(["-STOP", &child]).status().unwrap().success());
            assert_eq!(scratched(), 1, "a folder of its own");
        }
        let outcome = function.outcome();
        let (kind, message) = outcome.error();
        assert_eq!(kind, "Deadline", "{message}");
        assert_eq!(message.contains("was killed"), stopped, "{message}");
        let took = began.elapsed();
        assert!(took > Duration::from_millis(1_900) && took < Duration::from_secs(3), "{took:?}");
        assert_eq!((function.children(), scratched()), (Vec::new(), 0), "nothing lives on");
    }
    // Too little to begin with.
    function.invoke(&*event, Duration::from_millis(2_500));
    let outcome = function.outcome();
    assert!(outcome.error().0 == "Deadline" && outcome.error().1.contains("are left"), "{outcome:?}");
    // And it goes on with the next one.
    let next = function.ask(&json!({"command": "plan", "dry_run": true, "from": "nowhere.csv"}));
    assert_eq!(next.error().0, "Source");
}

#[test]
fn a_tick_ends_by_its_own_clock_and_says_so() {
    let (folder, (_listener, from)) = (lasting(), hanging());
    let sink = folder.path().join("sink");
    fs::create_dir(&sink).unwrap();
    let (state, sink) = (sqlite(folder.path()), format!("file:{}", sink.display()));
    let variables = [("OPTIMIZER_FROM", &*from), ("OPTIMIZER_STATE", &*state), ("OPTIMIZER_SINK", &*sink)];
    let mut function = Function::start(folder.path(), &variables);
    let began = Instant::now();
    function.invoke(scheduled().to_string(), Duration::from_secs(6));
    let outcome = function.outcome();
    let (kind, message) = outcome.error();
    assert_eq!(kind, "Deadline", "{message}");
    assert!(message.contains("out of time"), "{message}");
    assert!(began.elapsed() < Duration::from_millis(5_500), "{:?}", began.elapsed());
    let text = fs::read(folder.path().join("s.db")).unwrap();
    assert!(String::from_utf8_lossy(&text).contains("\"overdue\":1"), "the store knows how it ended");
}

#[test]
fn a_document_that_no_response_can_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = good_rows(6_000);
    for (number, row) in rows.iter_mut().enumerate() {
        *row = row.replace(",chat,", &format!(",a-service-with-a-name-that-is-rather-long-{number},"));
    }
    let log = write_csv(folder.path(), "log.csv", &rows);
    let mut function = Function::start(folder.path(), &[("OPTIMIZER_FROM", &log)]);
    let answer =
        function.ask(&json!({"command": "plan", "dry_run": true, "window": "1h", "lookback": "3h"})).response();
    let left = &answer["left_out"];
    assert!(left["bytes"].as_u64().unwrap() > 6 * 1024 * 1024, "{answer}");
    assert!(left["why"].as_str().unwrap().contains("6,290,432 at most"), "{answer}");
    assert!(left["id"].as_str().is_some_and(|id| !id.is_empty()), "{answer}");
    assert_eq!((&answer["exit_code"], &answer["document"]), (&json!(0), &Value::Null));
}

#[test]
fn without_its_runtime_api_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = optimizer(folder.path());
    let run = support::Run::from(command.envs(of_lambda("127.0.0.1:1")).output().unwrap());
    support::expect(&run, 2, &["the Lambda Runtime API cannot be asked", "Connection refused"]);
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);

    // With a word it is the command line, wherever it runs.
    let mut command = optimizer(folder.path());
    let run = support::Run::from(command.envs(of_lambda("127.0.0.1:1")).arg("--version").output().unwrap());
    assert_eq!(run.code, Some(0));
}

#[test]
fn what_is_no_runtime_api_is_named_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let start = |api: &str| {
        let mut command = optimizer(folder.path());
        command.envs(of_lambda(api.trim_start_matches("http://"))).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let check = |mut process: std::process::Child, words: &[&str]| {
        assert_eq!(ends_soon(&mut process).code(), Some(2));
        let mut log = String::new();
        process.stderr.unwrap().read_to_string(&mut log).unwrap();
        let error = log.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{log}"));
        for word in words {
            assert!(error.contains(word), "`{word}` is missing in {log}");
        }
        assert!(!log.contains("panicked"), "{log}");
    };
    // Something else listens there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.write_all(b"220 mail.example ESMTP\r\n");
        }
    });
    check(start(&address), &["cannot be asked"]);
    // A web server that knows nothing of events.
    let page = Scripted::start(|_, _| Answer::new(200, "<html>"));
    check(start(&page.url), &["does not keep to its protocol", "request-id"]);
    let dated = Scripted::start(|_, _| {
        Answer::new(200, "{}").with("Lambda-Runtime-Aws-Request-Id", "1").with("Lambda-Runtime-Deadline-Ms", "soon")
    });
    check(start(&dated.url), &["invalid digit"]);
    let cut = Scripted::start(|_, _| Answer::new(200, "{\"command\": \"run\"}").cut());
    check(start(&cut.url), &["cannot be asked"]);
}
