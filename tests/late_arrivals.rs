//! Writes that come late, are not wanted any more, are asked for twice, or are refused on the way back.

mod peer_world;
mod support;

use std::sync::Arc;

use jiff::SignedDuration;
use optimizer::state::{Address, Open, Store, Table, Wanted};
use peer_world::{
    accepted,
    peer::{Rule, Settings, configuration::Configuration, documents::ConfigWrite, serve::Peer},
    world,
};
use serde_json::{Value, json};
use support::canary::{BROKEN, GOOD, World};

fn rule(text: &str) -> Vec<Rule> {
    vec![Rule::read(text).unwrap()]
}

/// A world whose first step was sent, and neither answered nor carried out.
fn unanswered() -> (World, Arc<Peer>) {
    let (world, peer) = world(GOOD, Settings::default());
    peer.misbehave(rule(r#"{"match": {"method": "PUT"}, "fault": "drop_before_apply"}"#));
    let run = world.run(&[]);
    assert_eq!(run.code, Some(6), "{} {}", run.stdout, run.stderr);
    peer.misbehave(Vec::new());
    assert_eq!(accepted(&peer), []);
    (world, peer)
}

/// What was sent then arrives now.
fn arrives(world: &World, peer: &Peer) {
    let mut store = Store::open(&world.state.parse::<Address>().unwrap(), Open::Existing).unwrap();
    let open = Wanted { state: Some("open"), ..Wanted::default() };
    let intents = store.documents(Table::Intents, open).unwrap();
    let intent: Value = serde_json::from_str(&intents[0].body).unwrap();
    let write = &intent["job"]["write"];
    let sent = json!({
        "service_id": "chat", "configuration": write["configuration"],
        "deployment": {"strategy": "canary", "initial_percentage": write["percentage"], "progression": write["progression"]},
        "metadata": {"decision_id": write["decision_id"], "config_version": write["config_version"]},
    });
    let write = ConfigWrite::read(sent.to_string().as_bytes()).unwrap();
    peer.with(|store| {
        let version = store.kept.next_version();
        let before = store.kept.current("chat", 60_000).cloned();
        store.kept.put(Configuration::following(before.as_ref(), &write, version));
    });
}

fn did(report: &Value) -> (&str, u64) {
    let step = &report["steps"][0];
    (step["did"].as_str().unwrap(), step["share_after"].as_u64().unwrap())
}

#[test]
fn a_first_step_that_comes_after_a_pause_is_known_as_ours() {
    let (mut world, peer) = unanswered();
    let paused = world.command(&["pause", "--reason", "incident 812", "--yes"]);
    assert_eq!(paused.code, Some(0), "{}", paused.stderr);
    world.goes_by(15);
    let waits = world.tick(&[]);
    assert_eq!(did(&waits).0, "pending", "{waits}");
    assert_eq!(accepted(&peer), [], "what is paused is not sent again");
    arrives(&world, &peer);
    world.goes_by(15);
    let known = world.tick(&[]);
    assert_eq!(did(&known), ("began", 5), "{known}");
    let status = world.command(&["status", "--format", "json"]).stdout;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["rollouts"][0]["rollout"]["stage"]["state"], "canary", "it is watched from here on");
}

#[test]
fn a_first_step_that_never_comes_is_given_up_and_stays_so() {
    let (mut world, peer) = unanswered();
    let paused = world.command(&["pause", "--reason", "incident 812", "--yes"]);
    assert_eq!(paused.code, Some(0), "{}", paused.stderr);
    world.goes_by(61);
    let given_up = world.tick(&[]);
    assert_eq!(did(&given_up), ("failed", 0), "{given_up}");
    assert_eq!(accepted(&peer), []);
    let status: Value = serde_json::from_str(&world.command(&["status", "--format", "json"]).stdout).unwrap();
    assert_eq!(status["rollouts"], json!([]));
}

#[test]
fn the_safety_scope_sends_nothing_forward_that_was_left_open() {
    let (mut world, peer) = unanswered();
    world.goes_by(1);
    let safety = world.tick(&["--scope", "safety"]);
    assert_eq!((did(&safety).0, accepted(&peer)), ("pending", Vec::new()), "{safety}");
    world.goes_by(1);
    let standard = world.tick(&[]);
    assert_eq!(did(&standard), ("began", 5), "{standard}");
    assert_eq!(accepted(&peer), [("cheap".to_owned(), 5)]);
}

#[test]
fn a_later_step_without_an_answer_keeps_nobody_in_danger() {
    let (mut world, peer) = world(GOOD, Settings::default());
    let policy =
        "extends: balanced\nrollout: {accept_unproven: true, bake_minutes: [0, 0, 0]}\nevidence: {min_scored: 100}\n";
    std::fs::write(world.folder.path().join("policy.yaml"), policy).unwrap();
    world.tick(&["--policy", "policy.yaml"]);
    peer.misbehave(rule(r#"{"match": {"method": "PUT"}, "fault": "drop_before_apply"}"#));
    let tries_a_step = |world: &mut World| {
        world.goes_by(15);
        world.run(&["--policy", "policy.yaml"]).code == Some(6)
    };
    assert!((0..8).any(|_| tries_a_step(&mut world)), "it wanted to go on");
    peer.misbehave(Vec::new());
    world.candidate = BROKEN;
    world.goes_by(15);
    let safety = world.tick(&["--policy", "policy.yaml", "--scope", "safety"]);
    assert_eq!(did(&safety), ("rolled_back", 0), "{safety}");
    assert_eq!(accepted(&peer), [("cheap".to_owned(), 5), ("dear".to_owned(), 100)]);
}

#[test]
fn what_was_overtaken_and_is_decided_again_is_another_write() {
    let (mut world, peer) = world(GOOD, Settings::default());
    std::fs::write(world.folder.path().join("policy.yaml"), "extends: balanced\nrollout: {cooldown_hours: 0}\n")
        .unwrap();
    let tick = ["--policy", "policy.yaml"];
    let first = world.tick(&tick);
    let body = br#"{"service_id": "chat", "configuration": {"model": "dear", "provider": "openai", "top_p": "0.9"}}"#;
    let theirs = ConfigWrite::read(body).unwrap();
    peer.with(|store| {
        let version = store.kept.next_version();
        let before = store.kept.current("chat", 60_000).cloned();
        store.kept.put(Configuration::following(before.as_ref(), &theirs, version));
    });
    world.now += SignedDuration::from_mins(5);
    let rests: Value = serde_json::from_str(&world.run(&["--dry-run"]).stdout).unwrap();
    let why = rests["not_begun"][0]["why"].as_str().unwrap();
    assert!(why.contains("rests until") && why.contains("after somebody else changed it"), "nobody is fought: {why}");
    let run = world.run(&tick);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    // The log has nothing new, so it is the same decision; a server that knew its key would answer, and do nothing.
    let again: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(again["plan"]["id"], first["plan"]["id"]);
    assert_eq!(did(&again), ("began", 5), "{again}");
    let shares: Vec<u8> = accepted(&peer).iter().map(|(_, share)| *share).collect();
    assert_eq!(shares, [5, 100, 5]);
}

#[test]
fn a_sink_that_will_not_go_back_is_given_the_old_configuration() {
    for code in [404, 409, 422] {
        let (mut world, peer) = world(BROKEN, Settings::default());
        world.tick(&[]);
        let no_way_back =
            format!(r#"{{"match": {{"operation": "rollback"}}, "fault": {{"status": {{"code": {code}}}}}}}"#);
        peer.misbehave(rule(&no_way_back));
        let mut refused = 0;
        for _ in 0..12 {
            world.goes_by(15);
            let run = world.run(&[]);
            let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
            match did(&report).0 {
                "failed" => {
                    refused += 1;
                    assert_eq!(run.code, Some(5), "{}", run.stderr);
                }
                "rolled_back" => break,
                _ => {}
            }
        }
        assert_eq!(refused, 1, "{code}: it is asked once, and then told");
        assert_eq!(accepted(&peer), [("cheap".to_owned(), 5), ("dear".to_owned(), 100)], "{code}");
        world.goes_by(15);
        let rests = world.tick(&[]);
        assert!(rests["not_begun"][0]["why"].as_str().unwrap().contains("rests until"), "{rests}");
    }
}
