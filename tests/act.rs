//! Changes on their way to production, through the binary: what goes forward, what goes back, and who is heard.

mod support;

use std::fs;

use optimizer::state::{Address, Open, Store};
use serde_json::Value;
use support::canary::{BROKEN, GOOD, SLOW, World};

fn did(report: &Value) -> Vec<(&str, u64, u64)> {
    let number = |value: &Value| value.as_u64().unwrap();
    report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["did"].as_str().unwrap(), number(&step["share_before"]), number(&step["share_after"])))
        .collect()
}

fn why(report: &Value) -> &str {
    report["steps"][0]["why"].as_str().unwrap()
}

#[test]
fn a_good_candidate_comes_to_everything_one_step_at_a_time_and_is_proven() {
    let mut world = World::new(GOOD);
    let dry = world.run(&["--dry-run"]);
    assert_eq!((dry.code, world.document()), (Some(0), None));
    assert_eq!(did(&world.tick(&[])), [("began", 0, 5)]);
    assert_eq!(world.share(), 5);
    assert_eq!(did(&world.tick(&[])), [("held", 5, 5)], "at the same moment nothing more can be known");
    let mut shares = vec![5];
    for _ in 0..40 {
        world.goes_by(15);
        let report = world.tick(&[]);
        let (what, before, after) = did(&report)[0];
        assert!(["held", "advanced", "completed"].contains(&what), "{report}");
        if what == "advanced" {
            assert_eq!(before, *shares.last().unwrap());
            shares.push(after);
        }
        if what == "completed" {
            break;
        }
    }
    assert_eq!(shares, [5, 25, 50, 100]);
    assert_eq!(world.model(), "cheap");
    let status = world.command(&["status", "--explain", "chat"]);
    assert!(status.stdout.contains("serves everything since"), "{}", status.stdout);
    assert!(status.stdout.contains("(proven, "), "{}", status.stdout);
    let history = world.command(&["history", "--format", "json"]);
    let actions: Vec<Value> = history.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<&str> = actions.iter().map(|deed| deed["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["complete", "expose", "expose", "expose", "expose"]);
    assert_eq!(world.command(&["history", "--verify"]).code, Some(0));
    // Undone by hand: nothing is under way, so what is proven counts, and what served before it is known.
    let back = world.command(&["rollback", "chat", "--reason", "users complain", "--yes"]);
    assert_eq!((back.code, back.stderr.as_str(), world.model().as_str()), (Some(0), "", "dear"));
    // And it stays undone, however good the change still looks.
    for (hours, why) in [(1, "rests until"), (8, "was taken back")] {
        world.rate = 20;
        world.goes_by(60 * hours);
        let report = world.tick(&[]);
        assert!(report["not_begun"][0]["why"].as_str().is_some_and(|said| said.contains(why)), "{report}");
        assert_eq!((world.share(), world.model().as_str()), (0, "dear"));
    }
}

#[test]
fn a_bad_candidate_goes_back_rests_and_is_not_tried_again() {
    for candidate in [BROKEN, SLOW] {
        let mut world = World::new(candidate);
        world.tick(&[]);
        let mut report = Value::Null;
        for _ in 0..12 {
            world.goes_by(15);
            report = world.tick(&[]);
            if did(&report)[0].0 == "rolled_back" {
                break;
            }
        }
        assert_eq!(did(&report), [("rolled_back", 5, 0)], "{candidate:?} {report}");
        assert_eq!((world.share(), world.model().as_str()), (0, "dear"));
        assert_eq!(report["alerts"][0]["kind"], "rolled_back");
        world.goes_by(15);
        let rests = world.tick(&[]);
        assert!(rests["not_begun"][0]["why"].as_str().unwrap().contains("rests until"), "{rests}");
        world.goes_by(1);
        world.now += jiff::SignedDuration::from_hours(7);
        let stale = world.tick(&[]);
        assert!(stale["not_begun"][0]["why"].as_str().unwrap().contains("newest traffic is"), "{stale}");
        world.goes_by(5);
        let barred = world.tick(&[]);
        assert!(barred["not_begun"][0]["why"].as_str().unwrap().contains("was taken back"), "{barred}");
    }
}

#[test]
fn what_breaks_when_it_serves_everything_still_goes_back() {
    let mut world = World::new(GOOD);
    let policy =
        "extends: balanced\nrollout: {accept_unproven: true, bake_minutes: [0, 0, 0]}\nevidence: {min_scored: 100}\n";
    fs::write(world.folder.path().join("policy.yaml"), policy).unwrap();
    let mut shares = Vec::new();
    while shares.last() != Some(&100) {
        assert!(shares.len() < 12, "{shares:?}");
        shares.push(did(&world.tick(&["--policy", "policy.yaml"]))[0].2);
        world.goes_by(15);
    }
    world.candidate = BROKEN;
    world.goes_by(5);
    let report = world.tick(&["--policy", "policy.yaml", "--scope", "safety"]);
    assert_eq!((did(&report), world.model().as_str()), (vec![("rolled_back", 100, 0)], "dear"));
    assert!(why(&report).contains("above the critical limit"), "{report}");
}

#[test]
fn operators_are_heard_by_every_run() {
    let mut world = World::new(BROKEN);
    let said = |world: &World, arguments: &[&str]| {
        let run = world.command(&[arguments, &["--reason", "incident 812", "--yes"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    };
    said(&world, &["pause"]);
    let paused = world.tick(&[]);
    assert!(paused["not_begun"][0]["why"].as_str().unwrap().contains("incident 812"), "{paused}");
    said(&world, &["resume"]);
    world.tick(&[]);
    said(&world, &["stop"]);
    world.goes_by(15);
    let stopped = world.tick(&[]);
    assert_eq!((did(&stopped), world.share()), (vec![("held", 5, 5)], 5), "people have the wheel");
    assert!(why(&stopped).contains("incident 812"));
    said(&world, &["resume"]);
    said(&world, &["pause", "chat"]);
    world.goes_by(15);
    let back = world.tick(&[]);
    assert_eq!((did(&back), world.share()), (vec![("rolled_back", 5, 0)], 0), "a pause keeps nobody in danger");
    let status = world.command(&["status"]);
    assert!(status.stdout.contains("paused") && status.stdout.contains("incident 812"), "{}", status.stdout);
    // Without a reason, and without anybody to ask, nothing is done.
    for (arguments, says) in [
        (vec!["stop", "--yes"], "--reason"),
        (vec!["stop", "--reason", " ", "--yes"], "is empty"),
        (vec!["stop", "--reason", "x"], "nobody is there to be asked"),
        (vec!["resume", "nowhere", "--reason", "x", "--yes"], "nothing was said"),
    ] {
        let run = world.command(&arguments);
        assert!(run.code == Some(2) && run.stderr.contains(says), "{arguments:?} {}", run.stderr);
    }
}

#[test]
fn stop_takes_back_what_is_under_way_if_wanted() {
    let mut world = World::new(GOOD);
    world.tick(&[]);
    let stop = world.command(&["stop", "--roll-back", "--reason", "incident", "--yes"]);
    assert_eq!((stop.code, world.share()), (Some(0), 0), "{} {}", stop.stdout, stop.stderr);
    world.goes_by(15);
    assert_eq!(world.tick(&[])["steps"].as_array().unwrap().len(), 0);
}

#[test]
fn what_somebody_else_wrote_stays() {
    let mut world = World::new(GOOD);
    world.tick(&[]);
    let path = world.folder.path().join("configurations/chat.json");
    let mine = fs::read_to_string(&path).unwrap().replace("\"dear\"", "\"theirs\"");
    fs::write(&path, &mine).unwrap();
    world.goes_by(15);
    let run = world.run(&[]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(did(&report)[0].0, "overtaken");
    assert_eq!(fs::read_to_string(&path).unwrap(), mine, "nothing of theirs is undone");
    assert_eq!(report["alerts"][0]["kind"], "conflict");
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_a_run_then_does() {
    let mut world = World::new(BROKEN);
    for _ in 0..3 {
        let before = world.files();
        let dry: Value = serde_json::from_str(&world.run(&["--dry-run"]).stdout).unwrap();
        assert_eq!(world.files(), before);
        let real = world.tick(&[]);
        assert_eq!(dry["steps"], real["steps"]);
        world.goes_by(15);
    }
}

#[test]
fn one_run_acts_at_a_time() {
    let world = World::new(GOOD);
    let mut store = Store::open(&world.state.parse::<Address>().unwrap(), Open::Create).unwrap();
    let lease = store.acquire("somebody", std::time::Duration::from_mins(1)).unwrap();
    let held = world.run(&[]);
    assert_eq!((held.code, held.stdout.as_str(), world.document()), (Some(75), "", None));
    assert!(held.stderr.contains("somebody"), "{}", held.stderr);
    store.release(lease).unwrap();
    world.tick(&[]);
}

#[test]
fn the_safety_scope_only_goes_back() {
    let mut world = World::new(GOOD);
    assert_eq!(did(&world.tick(&["--scope", "safety"])), []);
    world.tick(&[]);
    for _ in 0..8 {
        world.goes_by(15);
        let report = world.tick(&["--scope", "safety"]);
        assert_eq!((did(&report), &report["plan"]), (vec![("held", 5, 5)], &Value::Null));
    }
    world.candidate = BROKEN;
    world.goes_by(15);
    assert_eq!(did(&world.tick(&["--scope", "safety"])), [("rolled_back", 5, 0)]);
}

#[test]
fn a_source_that_is_gone_holds_everything_and_loses_nothing() {
    let mut world = World::new(GOOD);
    world.tick(&[]);
    world.goes_by(15);
    let log = world.folder.path().join("log.csv");
    let away = world.folder.path().join("log.away");
    fs::rename(&log, &away).unwrap();
    let run = world.run(&[]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((did(&report), why(&report)), (vec![("held", 5, 5)], "no traffic could be read"));
    fs::rename(&away, &log).unwrap();
    let next = world.tick(&[]);
    let seen = next["steps"][0]["judgement"]["readings"][0]["candidate_requests"].as_f64().unwrap();
    assert!(seen > 100.0, "what came meanwhile is counted: {seen}");
}

#[test]
fn a_history_that_is_damaged_keeps_nobody_in_danger() {
    let mut world = World::new(BROKEN);
    world.tick(&["--scope", "deep"]);
    let mut store = optimizer::state::Store::open(&world.state.parse::<Address>().unwrap(), Open::Existing).unwrap();
    let mut slots = store.slot_heads().unwrap();
    slots.retain(|head| head.grain == "1h");
    assert!(!slots.is_empty());
    let damaged = |head| optimizer::state::SlotRow { head, figures: "gz1:AAAA".into(), body: "gz1:AAAA".into() };
    let slots = slots.into_iter().map(damaged).collect();
    store.commit(None, &optimizer::state::Commit { slots, ..Default::default() }).unwrap();
    drop(store);
    let mut run = world.run(&["--scope", "deep"]);
    for _ in 0..12 {
        world.goes_by(15);
        run = world.run(&["--scope", "deep"]);
        assert_eq!(run.code, Some(4), "{} {}", run.stdout, run.stderr);
        assert!(run.stderr.contains("the history"), "{}", run.stderr);
        if world.share() == 0 {
            break;
        }
    }
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((did(&report), world.model().as_str()), (vec![("rolled_back", 5, 0)], "dear"));
}

#[test]
fn a_plan_is_applied_while_nothing_has_moved() {
    let mut world = World::new(GOOD);
    let plan = world.command(&["plan", "--from", "log.csv", "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let id = plan["id"].as_str().unwrap();
    let apply = |world: &World, more: &[&str]| {
        world.command(&[&["apply", id, "--reason", "as discussed", "--yes"], more].concat())
    };
    let other = apply(&world, &["--policy", "policy.yaml"]);
    assert_eq!(other.code, Some(2), "there is no such policy");
    fs::write(world.folder.path().join("policy.yaml"), "extends: conservative\n").unwrap();
    let stale = apply(&world, &["--policy", "policy.yaml"]);
    assert!(stale.code == Some(2) && stale.stderr.contains("the policy is another one"), "{}", stale.stderr);
    assert_eq!(world.document(), None);
    let done = apply(&world, &[]);
    assert_eq!((done.code, world.share()), (Some(0), 5), "{}", done.stderr);
    let again = apply(&world, &[]);
    assert!(again.code == Some(2) && again.stderr.contains("has moved since"), "{}", again.stderr);
    world.goes_by(120);
    let late = apply(&world, &[]);
    assert!(late.stderr.contains("its traffic ended"), "{}", late.stderr);
    let history = world.command(&["history", "chat", "--format", "json"]).stdout;
    let deeds: Vec<Value> = history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = deeds.iter().find(|deed| deed["action"] == "apply").expect("whoever applied it is known");
    assert!(said["because"].as_str().unwrap().ends_with("as discussed"), "{said}");
    assert_eq!(said["actor"], deeds[0]["actor"]);
    let unknown = world.command(&["apply", "ffff", "--reason", "x", "--yes"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("no plan has this id"), "{}", unknown.stderr);
}

fn valid(schema: &str, json: &str) -> Value {
    let schema = fs::read_to_string(support::root().join("docs/schema").join(schema)).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let value: Value = serde_json::from_str(json).unwrap();
    let errors: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {json}");
    value
}

#[test]
fn reports_keep_to_their_schemas() {
    let mut world = World::new(BROKEN);
    for _ in 0..4 {
        let run = world.run(&[]);
        valid("run.v1.json", &run.stdout);
        valid("status.v1.json", &world.command(&["status", "--format", "json"]).stdout);
        valid("status.v1.json", &world.command(&["status", "--explain", "chat", "--format", "json"]).stdout);
        world.goes_by(15);
    }
    for (command, schema) in [("run", "run.v1.json"), ("status", "status.v1.json")] {
        let printed = world.command(&[command, "--schema"]).stdout;
        let published = fs::read_to_string(support::root().join("docs/schema").join(schema)).unwrap();
        assert!(printed == published, "`optimizer {command} --schema > docs/schema/{schema}`");
    }
    let wide = world.command(&["status"]).stdout + &world.command(&["history"]).stdout;
    assert!(wide.lines().all(|line| line.chars().count() <= 100), "{wide}");
}
