//! Whoever is to hear of a run hears of it: Prometheus by a file, people by a signed webhook, and nobody makes a run fail.

mod support;

#[path = "support/prometheus.rs"]
#[allow(dead_code, reason = "what is pushed is looked at elsewhere")]
mod servers;

#[path = "support/scripted.rs"]
#[allow(dead_code, reason = "no answer is cut off here")]
mod scripted;

use std::{
    fs,
    net::TcpListener,
    time::{Duration, Instant},
};

use scripted::{Answer, Scripted};
use serde_json::Value;
use servers::promtool;
use support::{
    Run,
    canary::{BROKEN, GOOD, World},
    optimizer,
};

/// A run that tells a webhook.
fn telling(world: &World, hook: &str, more: &[&str]) -> Run {
    let mut command = optimizer(world.folder.path());
    command
        .args(["run", "--from", "log.csv", "--format", "json", "--notify", "webhook", "--notify-as", "eu"])
        .args(more)
        .env("OPTIMIZER_STATE", &world.state)
        .env("OPTIMIZER_SINK", &world.sink)
        .env("OPTIMIZER_NOW", world.now.to_string())
        .env("OPTIMIZER_WEBHOOK_URL", format!("{hook}/s3cret-path"))
        .env("OPTIMIZER_WEBHOOK_SECRET", "hmac-s3cret");
    command.output().unwrap().into()
}

fn hook() -> Scripted {
    Scripted::start(|_, _| Answer::new(200, "ok"))
}

/// Events that came since `seen`, with their state.
fn events(hook: &Scripted, seen: &mut usize) -> Vec<(String, String)> {
    let asked = hook.asked();
    let new = asked[*seen..].iter().map(|asked| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (text("event"), text("state"))
    });
    let new: Vec<(String, String)> = new.collect();
    *seen = asked.len();
    new
}

fn figures(world: &World) -> String {
    fs::read_to_string(world.folder.path().join("o.prom")).unwrap()
}

#[track_caller]
fn holds(text: &str, line: &str) {
    assert!(text.lines().any(|each| each == line), "`{line}` is not in\n{text}");
}

const FILE: [&str; 2] = ["--metrics", "textfile:o.prom"];

/// A run that dies in the middle, and the end of its lease.
fn kill(world: &World) {
    let killed = optimizer(world.folder.path())
        .args(["run", "--from", "log.csv", "--lease", "1s"])
        .args(FILE)
        .env("OPTIMIZER_STATE", &world.state)
        .env("OPTIMIZER_SINK", &world.sink)
        .env("OPTIMIZER_NOW", world.now.to_string())
        .env("OPTIMIZER_TEST_KILL_AT", "3")
        .output()
        .unwrap();
    assert_eq!(killed.status.code(), None);
    std::thread::sleep(Duration::from_millis(1_100));
}

#[test]
fn figures_of_a_rollback_and_of_a_run_that_was_killed() {
    let mut world = World::new(BROKEN);
    world.tick(&FILE);
    let begun = figures(&world);
    holds(&begun, "optimizer_config_changes_total{type=\"began\"} 1");
    holds(&begun, "optimizer_rollbacks_total 0");
    for phase in ["observe", "orient", "decide", "act"] {
        assert!(begun.contains(&format!("optimizer_phase_duration_seconds{{phase=\"{phase}\"}}")), "{begun}");
    }
    let mut back = false;
    for _ in 0..12 {
        world.goes_by(15);
        let report = world.tick(&FILE);
        back = report["steps"][0]["did"] == "rolled_back";
        if back {
            break;
        }
    }
    assert!(back);
    let text = figures(&world);
    holds(&text, "optimizer_rollbacks_total 1");
    holds(&text, "optimizer_alerts{kind=\"rolled_back\"} 1");
    let said = promtool(&text);
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    // Killed: its figures stay as they were, and the next run counts it and tells.
    kill(&world);
    assert_eq!(figures(&world), text);
    let hook = hook();
    let run = telling(&world, &hook.url, &FILE);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let text = figures(&world);
    holds(&text, "optimizer_attempts_total{result=\"killed\"} 1");
    holds(&text, "optimizer_rollbacks_total 1");
    // Of what happened before anybody was to be told, nobody hears.
    assert_eq!(events(&hook, &mut 0), [("run_failed".to_owned(), "once".to_owned())]);
    // An operator's way back counts as one, and the run after it shows that.
    let mut world = World::new(GOOD);
    world.tick(&FILE);
    let taken = world.command(&["rollback", "chat", "--reason", "a test", "--yes"]);
    assert_eq!(taken.code, Some(0), "{}", taken.stderr);
    world.goes_by(15);
    world.tick(&FILE);
    holds(&figures(&world), "optimizer_rollbacks_total 1");
    holds(&figures(&world), "optimizer_attempts_total{result=\"fine\"} 2");
}

#[test]
fn what_a_completed_change_spared_is_counted_once() {
    let mut world = World::new(GOOD);
    let mut done = false;
    for _ in 0..40 {
        world.goes_by(15);
        if world.tick(&[]).pointer("/steps/0/did").is_some_and(|did| did == "completed") {
            done = true;
            break;
        }
    }
    assert!(done);
    world.rate = 60;
    world.goes_by(150);
    let deep = [&FILE[..], &["--scope", "deep"]].concat();
    world.tick(&deep);
    let saved = |text: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with("optimizer_cost_saved_total{currency=\"usd\"}"));
        line.unwrap_or_else(|| panic!("{text}")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    let first = saved(&figures(&world));
    // One whole hour at 60 requests a minute, or two: each costs a fifth of a cent where it cost one.
    let an_hour = 60.0 * 60.0 * 0.99 * 0.008;
    assert!(0.9 * an_hour < first && first < 2.2 * an_hour, "{first} against {an_hour} an hour");
    world.tick(&deep);
    assert!((saved(&figures(&world)) - first).abs() < 1e-9, "the same hours count once");
    world.goes_by(60);
    world.tick(&deep);
    let more = saved(&figures(&world)) - first;
    assert!(0.9 * an_hour < more && more < 1.1 * an_hour, "{more} against {an_hour}");
}

#[test]
fn people_are_told_once_of_everything_that_happens() {
    let (mut world, hook) = (World::new(BROKEN), hook());
    let mut seen = 0;
    let told = |event: &str, state: &str| vec![(event.to_owned(), state.to_owned())];
    let fine = |world: &World, more: &[&str]| {
        let run = telling(world, &hook.url, more);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    };
    fine(&world, &["--dry-run"]);
    assert_eq!(events(&hook, &mut seen), [], "a dry run did nothing");
    fine(&world, &[]);
    assert_eq!(events(&hook, &mut seen), told("change_applied", "once"));
    fine(&world, &[]);
    assert_eq!(events(&hook, &mut seen), []);
    let mut back = Vec::new();
    for _ in 0..12 {
        world.goes_by(15);
        fine(&world, &[]);
        back = events(&hook, &mut seen);
        if !back.is_empty() {
            break;
        }
    }
    assert_eq!(back, told("rolled_back", "once"));
    let pause = |what: &str| {
        let said = world.command(&[what, "--reason", "incident 812", "--yes"]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
    };
    pause("pause");
    fine(&world, &[]);
    assert_eq!(events(&hook, &mut seen), told("frozen", "stands"));
    pause("resume");
    fine(&world, &[]);
    assert_eq!(events(&hook, &mut seen), told("frozen", "over"));
    // What fails stands until it goes well: a source that is away, and a policy that nobody can read.
    let log = world.folder.path().join("log.csv");
    fs::rename(&log, log.with_extension("away")).unwrap();
    for expected in [told("run_failed", "stands"), Vec::new()] {
        assert_eq!(telling(&world, &hook.url, &[]).code, Some(3));
        assert_eq!(events(&hook, &mut seen), expected);
    }
    fs::rename(log.with_extension("away"), &log).unwrap();
    fine(&world, &[]);
    assert_eq!(events(&hook, &mut seen), told("run_failed", "over"));
    fs::write(world.folder.path().join("broken.yaml"), "extends: [").unwrap();
    assert_eq!(telling(&world, &hook.url, &["--policy", "broken.yaml"]).code, Some(2));
    assert_eq!(events(&hook, &mut seen), told("run_failed", "stands"));
    // Whoever is kept from acting by another run has nothing to say.
    let mut store =
        optimizer::state::Store::open(&world.state.parse().unwrap(), optimizer::state::Open::Existing).unwrap();
    let lease = store.acquire("somebody else", Duration::from_mins(1)).unwrap();
    assert_eq!(telling(&world, &hook.url, &[]).code, Some(75));
    assert_eq!(events(&hook, &mut seen), []);
    store.release(lease).unwrap();
    // Everything was signed, and nothing of a secret is in a message.
    for asked in hook.asked() {
        assert!(asked.headers.contains_key("x-optimizer-signature"));
        assert!(!String::from_utf8_lossy(&asked.body).contains("s3cret"));
    }
}

#[test]
fn a_store_that_is_gone_is_told_too() {
    let (mut world, hook) = (World::new(GOOD), hook());
    world.state = "postgres://nobody@127.0.0.1:1/none".to_owned();
    let run = telling(&world, &hook.url, &FILE);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert_eq!(events(&hook, &mut 0), [("run_failed".to_owned(), "stands".to_owned())]);
    assert!(!world.folder.path().join("o.prom").exists(), "nothing was counted, and old figures tell by their age");
}

#[test]
fn who_does_not_listen_costs_seconds_and_changes_nothing() {
    let world = World::new(GOOD);
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let begun = Instant::now();
    let run = telling(&world, &url, &["--metrics", &format!("pushgateway:{url}")]);
    let took = begun.elapsed();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(took < Duration::from_secs(14), "{took:?}");
    assert_eq!(run.stderr.lines().count(), 2, "one line each: {}", run.stderr);
    assert!(run.stderr.contains("the figures of this run were not shown"), "{}", run.stderr);
    assert!(run.stderr.contains("did not reach"), "{}", run.stderr);
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
    assert_eq!(world.share(), 5, "the change was made");
    // It comes with the next run.
    let hook = hook();
    assert_eq!(telling(&world, &hook.url, &[]).code, Some(0));
    assert_eq!(events(&hook, &mut 0), [("change_applied".to_owned(), "once".to_owned())]);
    let lost = world.folder.path().join("lost");
    let run = telling(&world, &hook.url, &["--metrics", &format!("textfile:{}/o.prom", lost.display())]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("the figures of this run were not shown"), "{}", run.stderr);
}

#[test]
fn trying_it_out_does_nothing_else() {
    let (world, hook) = (World::new(GOOD), hook());
    let run = telling(&world, &hook.url, &["--notify-test"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert!(run.stdout.contains("told") && !run.stdout.contains("s3cret"), "{}", run.stdout);
    assert_eq!(hook.asked().len(), 1);
    assert!(!world.folder.path().join("s.db").exists() && world.document().is_none());
    let closed = Scripted::start(|_, _| Answer::new(403, "no s3cret-path here"));
    let run = telling(&world, &closed.url, &["--notify-test"]);
    assert_eq!(run.code, Some(5), "{}", run.stdout);
    assert!(run.stdout.contains("not told: it answered 403"), "{}", run.stdout);
    assert!(!run.stdout.contains("s3cret"), "{}", run.stdout);
}

#[test]
fn what_cannot_be_used_is_refused_before_anything_is_done() {
    let world = World::new(GOOD);
    for (arguments, says) in [
        (&["--metrics", "o.prom"][..], "textfile:"),
        (&["--metrics", "textfile:o.txt"], "textfile:o.prom"),
        (&["--metrics", "pushgateway:gateway"], "pushgateway"),
        (&["--notify", "slack"], "OPTIMIZER_SLACK_URL"),
        (&["--notify", "pagerduty"], "OPTIMIZER_PAGERDUTY_KEY"),
        (&["--notify", "smoke"], "slack"),
        (&["--notify-test"], "--notify"),
    ] {
        let run = world.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.to_lowercase().contains(&says.to_lowercase()), "{arguments:?}: {}", run.stderr);
    }
    let run = telling(&world, "http://127.0.0.1:1", &["--notify-template", "{who}"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("{who}") && run.stderr.contains("{service}"), "{}", run.stderr);
    assert!(!world.folder.path().join("s.db").exists());
}
