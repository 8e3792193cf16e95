//! An Orchestrator that is away for a day, and back: nothing is lost, and nothing comes all at once.

mod peer_world;
mod support;

use jiff::SignedDuration;
use peer_world::{
    accepted,
    peer::{Rule, Settings},
    world,
};
use support::canary::{BROKEN, GOOD};

#[test]
fn a_day_without_the_sink_loses_nothing_and_bursts_nothing() {
    for candidate in [GOOD, BROKEN] {
        let (mut world, peer) = world(candidate, Settings::default());
        world.tick(&[]);
        let begun = accepted(&peer);
        assert_eq!(begun, [("cheap".to_owned(), 5)]);
        peer.misbehave(vec![Rule::read("down").unwrap()]);
        for _ in 0..8 {
            world.now += SignedDuration::from_mins(165);
            world.goes_by(15);
            let run = world.run(&[]);
            assert!([Some(5), Some(6)].contains(&run.code), "{:?} {}", run.code, run.stderr);
            assert_eq!(accepted(&peer), begun);
        }
        peer.misbehave(Vec::new());
        for tick in 1..=3 {
            world.goes_by(15);
            world.tick(&[]);
            assert!(accepted(&peer).len() <= begun.len() + tick, "one step a tick");
        }
        let after = accepted(&peer);
        if candidate.error_rate > 0.1 {
            assert_eq!(after[1], ("dear".to_owned(), 100), "what did harm went back as soon as it could");
        } else {
            let shares: Vec<u8> = after.iter().map(|(_, share)| *share).collect();
            assert_eq!(shares, [5, 25, 50, 100][..shares.len()], "no step was skipped");
        }
        assert_eq!(world.command(&["history", "--verify"]).code, Some(0));
    }
}
