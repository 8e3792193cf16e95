//! Ways to production other than a plain canary, through the binary.

mod support;

use std::fs;

use serde_json::Value;
use support::canary::{BROKEN, Candidate, GOOD, World};

/// Moves of a rollout until it is over or `ticks` have passed: what was done and the share after it.
fn moves(world: &mut World, policy: &str, ticks: u32) -> Vec<(String, u64)> {
    fs::write(world.folder.path().join("policy.yaml"), policy).unwrap();
    let mut moves = Vec::new();
    for _ in 0..ticks {
        let report = world.tick(&["--policy", "policy.yaml"]);
        let Some(step) = report["steps"].get(0) else { break };
        let (did, share) = (step["did"].as_str().unwrap().to_owned(), step["share_after"].as_u64().unwrap());
        if did != "held" {
            moves.push((did.clone(), share));
        }
        if ["completed", "rolled_back"].contains(&did.as_str()) {
            break;
        }
        world.goes_by(15);
    }
    moves
}

fn shown(moves: &[(String, u64)]) -> Vec<(&str, u64)> {
    moves.iter().map(|(did, share)| (did.as_str(), *share)).collect()
}

fn history(world: &World) -> Vec<Value> {
    let run = world.command(&["history", "--format", "json"]);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const QUICK: &str = "evidence: {min_scored: 100}\n";

#[test]
fn a_shadow_is_judged_before_anybody_is_served_by_it() {
    let policy = format!(
        "extends: balanced\nrollout: {{strategy: shadow, steps_percent: [20, 100], bake_minutes: [5]}}\n{QUICK}"
    );
    let mut world = World::new(GOOD);
    let went = moves(&mut world, &policy, 40);
    assert_eq!(shown(&went), [("began", 0), ("advanced", 20), ("advanced", 100), ("completed", 100)]);
    let mut world = World::new(BROKEN);
    let went = moves(&mut world, &policy, 12);
    assert_eq!(shown(&went), [("began", 0), ("rolled_back", 0)], "nobody was ever served by it");
    assert_eq!(world.model(), "dear");
}

#[test]
fn blue_green_is_made_ready_first_and_then_serves_everything() {
    let policy = "extends: balanced\nrollout: {strategy: blue_green}\n";
    let mut world = World::new(GOOD);
    let went = moves(&mut world, policy, 8);
    assert_eq!(shown(&went), [("began", 0), ("advanced", 100), ("completed", 100)]);
    let mut world = World::new(BROKEN);
    let went = moves(&mut world, policy, 8);
    assert_eq!(shown(&went), [("began", 0), ("advanced", 100), ("rolled_back", 0)]);
    assert_eq!(world.model(), "dear");
}

#[test]
fn immediate_serves_everything_at_once_and_is_watched() {
    let policy = "extends: balanced\nrollout: {strategy: immediate}\n";
    let mut world = World::new(GOOD);
    assert_eq!(shown(&moves(&mut world, policy, 8)), [("began", 100), ("completed", 100)]);
    let mut world = World::new(BROKEN);
    assert_eq!(shown(&moves(&mut world, policy, 8)), [("began", 100), ("rolled_back", 0)]);
    assert_eq!(world.model(), "dear");
}

#[test]
fn a_winner_keeps_a_small_control_in_which_drift_still_takes_it_back() {
    let policy = format!(
        "extends: balanced\nrollout: {{steps_percent: [25, 100], bake_minutes: [5], holdout_percent: 10, holdout_hours: 2}}\n{QUICK}"
    );
    let mut world = World::new(GOOD);
    let went = moves(&mut world, &policy, 60);
    assert_eq!(shown(&went), [("began", 25), ("advanced", 90), ("advanced", 100), ("completed", 100)]);
    let mut world = World::new(GOOD);
    let begun = moves(&mut world, &policy, 1);
    assert_eq!(shown(&begun), [("began", 25)]);
    for _ in 0..40 {
        if world.share() == 90 {
            break;
        }
        moves(&mut world, &policy, 1);
    }
    assert_eq!(world.share(), 90);
    world.candidate = BROKEN;
    world.goes_by(15);
    let went = moves(&mut world, &policy, 12);
    assert_eq!(shown(&went), [("rolled_back", 0)]);
}

#[test]
fn a_trial_that_the_plan_chooses_goes_on_as_a_canary() {
    // What is known beforehand does not do, and a rule says what to try.
    let unsure = "extends: balanced\nevidence: {min_requests: 100000}\n\
                  rules: [{id: try, when: error_rate < 0.5, then: {experiment: openai/cheap}}]\n";
    let sure = format!("extends: balanced\nrollout: {{steps_percent: [25, 100], bake_minutes: [5]}}\n{QUICK}");
    let mut world = World::new(Candidate { slower: 1.0, ..GOOD });
    let went = moves(&mut world, unsure, 3);
    assert_eq!(went.len(), 1, "{went:?}");
    let (trial, share) = (&went[0].0, went[0].1);
    assert!(trial == "began" && share > 0 && share <= 10, "{went:?}");
    let before = world.share();
    let went = moves(&mut world, &sure, 60);
    assert_eq!(shown(&went), [("advanced", 25), ("advanced", 100), ("completed", 100)]);
    assert!(before <= 10);
    let deeds = history(&world);
    assert!(deeds.iter().any(|deed| deed["action"] == "chosen"), "{deeds:?}");
}
