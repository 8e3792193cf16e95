//! Where rollouts go, over everything that may be known of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Found, Freeze, Look, Reach, ServiceState, Shown, Transition, Why, advance, compare};
use crate::{
    decide::policy::{self, Source},
    domain::{
        Configuration,
        plan::Measure,
        policy::{Mode, RolloutStrategy, Rules},
        rollout::{Pause, Purpose, Rollout, RolloutStep, Stage, Version},
        verdict::{Judgement, Reading, SplitReading, Verdict},
    },
};

fn rules() -> Rules {
    let source = Source::profile("balanced").expect("it is built in");
    policy::parse(source, &|path: &str| Err(path.to_owned())).expect("it is sound").default
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minute).expect("within time")
}

fn configuration(model: &str) -> Configuration {
    Configuration(BTreeMap::from([("model".to_owned(), model.to_owned())]))
}

fn rollout(stage: Stage) -> Rollout {
    let version =
        |model: &str, name: &str| Version { in_sink: Some(name.to_owned()), ..Version::of(configuration(model)) };
    let steps = [(5, 5), (25, 10), (50, 15), (100, 30)];
    Rollout {
        id: "a1".to_owned(),
        service: "chat".to_owned(),
        reason: "cheaper".to_owned(),
        purpose: Purpose::Change,
        strategy: RolloutStrategy::Canary,
        subjects: Vec::new(),
        from: version("old", "v1"),
        to: version("new", "v2"),
        steps: steps
            .map(|(share_percent, bake_minutes)| RolloutStep { share_percent, mirrored_percent: 0, bake_minutes })
            .to_vec(),
        started_at: at(0),
        deadline: at(72 * 60),
        stage,
        deployed: Some("v2".to_owned()),
        labels: Vec::new(),
        effects: BTreeMap::new(),
        restarts: 0,
        restarted_because: None,
        rollback_refused: None,
    }
}

fn canary(step: usize) -> Rollout {
    rollout(Stage::Canary { step, since: at(0) })
}

fn reading(measure: Measure, verdict: Verdict) -> Reading {
    Reading {
        measure,
        mode: Mode::Enforce,
        verdict,
        effect: Some(0.01),
        low: Some(-0.1),
        high: Some(0.1),
        margin: 0.2,
        harm_shown: false,
        candidate_requests: 1_000.0,
        control_requests: 9_000.0,
        still_needed: None,
        design_effect: None,
        missing: None,
    }
}

fn judgement(verdict: Verdict) -> Judgement {
    Judgement {
        verdict,
        readings: vec![reading(Measure::ErrorRate, verdict), reading(Measure::Quality, Verdict::Sound)],
        split: None,
        unmatched: 0.0,
        critical: Vec::new(),
    }
}

fn look<'a>(rules: &'a Rules, judgement: Option<&'a Judgement>, now: Timestamp) -> Look<'a> {
    Look { rules, judgement, freeze: None, now }
}

fn said(reach: Reach) -> Freeze {
    Freeze { said: Pause { at: at(0), by: "ada".to_owned(), reason: "sale".to_owned() }, reach }
}

#[test]
fn sound_steps_go_on_when_their_time_is_up_and_one_at_a_time() {
    let (rules, sound) = (rules(), judgement(Verdict::Sound));
    let next = |step, minute| advance(&canary(step), &look(&rules, Some(&sound), at(minute)));
    assert_eq!(next(0, 4), Transition::Hold(Why::Baking { until: at(5) }));
    assert_eq!(next(0, 5), Transition::Expose { step: 1 });
    assert_eq!(next(1, 10), Transition::Expose { step: 2 });
    assert_eq!(
        next(2, 10_000),
        Transition::RollBack { because: "its deadline passed before the evidence sufficed".into() }
    );
    assert_eq!(next(2, 15), Transition::Expose { step: 3 });
    assert_eq!(next(3, 29), Transition::Hold(Why::Baking { until: at(30) }), "what serves everything is watched");
    assert_eq!(next(3, 30), Transition::Complete);
    // A clock that was set back makes a step young, never old.
    assert_eq!(next(0, -500), Transition::Hold(Why::Baking { until: at(5) }));
}

#[test]
fn what_is_not_known_never_goes_on() {
    let rules = rules();
    let later = at(60);
    assert_eq!(advance(&canary(0), &look(&rules, None, later)), Transition::Hold(Why::NothingRead));
    for verdict in [Verdict::Inconclusive, Verdict::Error] {
        let known = judgement(verdict);
        let held = advance(&canary(0), &look(&rules, Some(&known), later));
        assert!(matches!(held, Transition::Hold(Why::Inconclusive { .. } | Why::NoUsableData { .. })), "{held:?}");
    }
    let none = Judgement { readings: Vec::new(), ..judgement(Verdict::Error) };
    let held = advance(&canary(0), &look(&rules, Some(&none), later));
    assert_eq!(held, Transition::Hold(Why::NoUsableData { missing: Vec::new() }));
}

#[test]
fn harm_goes_back_and_a_signal_only_holds() {
    let rules = rules();
    let breached = judgement(Verdict::Breached);
    let back = advance(&canary(2), &look(&rules, Some(&breached), at(1)));
    assert!(matches!(&back, Transition::RollBack { because } if because.contains("error rate")), "{back:?}");
    let mut by_hand = rules.clone();
    by_hand.rollback.automatic = false;
    let held = advance(&canary(2), &look(&by_hand, Some(&breached), at(1)));
    assert!(matches!(held, Transition::Hold(Why::BreachedByHand { .. })), "{held:?}");
    let mut signal = judgement(Verdict::Inconclusive);
    signal.readings[0].harm_shown = true;
    let held = advance(&canary(0), &look(&rules, Some(&signal), at(60)));
    assert!(matches!(held, Transition::Hold(Why::HarmShown { .. })), "{held:?}");
    // Harm that is shown to stay within the margin is what the policy puts up with.
    let mut within = judgement(Verdict::Sound);
    within.readings[0].harm_shown = true;
    assert_eq!(advance(&canary(0), &look(&rules, Some(&within), at(60))), Transition::Expose { step: 1 });
    within.readings[0].effect = Some(0.15);
    let held = advance(&canary(0), &look(&rules, Some(&within), at(60)));
    assert!(
        matches!(held, Transition::Hold(Why::HarmShown { .. })),
        "close to the margin a verdict may be chance: {held:?}"
    );
    // A guard that only observes has no power.
    let mut observed = judgement(Verdict::Breached);
    observed.readings[0].mode = Mode::Observe;
    observed.verdict = Verdict::Sound;
    assert_eq!(advance(&canary(0), &look(&rules, Some(&observed), at(60))), Transition::Expose { step: 1 });
}

#[test]
fn critical_limits_wait_for_no_proof() {
    let rules = rules();
    let critical = Judgement { critical: vec!["40 % failed".to_owned()], ..judgement(Verdict::Inconclusive) };
    for step in 0..4 {
        let back = advance(&canary(step), &look(&rules, Some(&critical), at(1)));
        assert_eq!(back, Transition::RollBack { because: "40 % failed".to_owned() });
    }
}

#[test]
fn a_split_that_is_not_as_pushed_holds() {
    let rules = rules();
    let split = |mismatch, without_side| {
        let split = SplitReading { pushed: 0.05, seen: Some(0.2), mismatch, interval: [0.1, 0.3], without_side };
        let sound = Judgement { split: Some(split), ..judgement(Verdict::Sound) };
        advance(&canary(0), &look(&rules, Some(&sound), at(60)))
    };
    assert_eq!(split(false, 0.05), Transition::Expose { step: 1 });
    for held in [split(true, 0.0), split(false, 0.5)] {
        assert!(matches!(held, Transition::Hold(Why::SplitBroken { .. })), "{held:?}");
    }
}

#[test]
fn operators_are_heard_first() {
    let (rules, sound, breached) = (rules(), judgement(Verdict::Sound), judgement(Verdict::Breached));
    let (forward, everything) = (said(Reach::Forward), said(Reach::Everything));
    let next = |freeze, judgement| {
        advance(&canary(0), &Look { rules: &rules, judgement: Some(judgement), freeze: Some(freeze), now: at(60) })
    };
    assert!(matches!(next(&forward, &sound), Transition::Hold(Why::Paused { .. })));
    assert!(matches!(next(&forward, &breached), Transition::RollBack { .. }), "a pause keeps nobody in danger");
    assert!(matches!(next(&everything, &sound), Transition::Hold(Why::Stopped { .. })));
    assert!(matches!(next(&everything, &breached), Transition::Hold(Why::Stopped { .. })));
    let restore = Rollout { purpose: Purpose::Restore, ..rollout(Stage::Proposed) };
    let begin = |freeze| advance(&restore, &Look { rules: &rules, judgement: None, freeze: Some(freeze), now: at(0) });
    assert_eq!(begin(&forward), Transition::Expose { step: 0 }, "going back is always possible");
    assert!(matches!(begin(&everything), Transition::Hold(Why::Stopped { .. })));
    let mut observed = rules.clone();
    observed.mode = Mode::Observe;
    assert_eq!(advance(&canary(0), &look(&observed, Some(&sound), at(60))), Transition::Hold(Why::NotEnforced));
}

#[test]
fn trials_end_and_never_grow() {
    let (rules, sound) = (rules(), judgement(Verdict::Sound));
    let steps = vec![RolloutStep { share_percent: 5, mirrored_percent: 0, bake_minutes: 0 }];
    let trial = Rollout { purpose: Purpose::Trial, steps, ..canary(0) };
    assert!(matches!(advance(&trial, &look(&rules, Some(&sound), at(60))), Transition::Hold(Why::Trial { .. })));
    let ended = advance(&trial, &look(&rules, Some(&sound), at(72 * 60)));
    assert_eq!(ended, Transition::RollBack { because: "the time of the trial is up".to_owned() });
}

#[test]
fn a_policy_may_accept_what_is_not_proven_but_not_what_was_not_seen() {
    let mut rules = rules();
    rules.rollout.accept_unproven = true;
    let open = judgement(Verdict::Inconclusive);
    assert_eq!(advance(&canary(0), &look(&rules, Some(&open), at(60))), Transition::Expose { step: 1 });
    let mut few = open.clone();
    few.readings[1].candidate_requests = 10.0;
    assert!(matches!(
        advance(&canary(0), &look(&rules, Some(&few), at(60))),
        Transition::Hold(Why::Inconclusive { .. })
    ));
    let mut harm = open;
    harm.readings[0].harm_shown = true;
    assert!(matches!(advance(&canary(0), &look(&rules, Some(&harm), at(60))), Transition::Hold(Why::HarmShown { .. })));
    let unknown = judgement(Verdict::Error);
    assert!(matches!(
        advance(&canary(0), &look(&rules, Some(&unknown), at(60))),
        Transition::Hold(Why::NoUsableData { .. })
    ));
}

#[test]
fn rests_double_and_what_failed_is_barred_for_a_while() {
    let hours = |hours: i64| at(60 * hours);
    let once = ServiceState::default().after_rollback("bad", "slow", hours(0));
    assert_eq!(once.rests_until(6.0, hours(1)), Some(hours(6)));
    assert_eq!(once.rests_until(6.0, hours(6)), None);
    let twice = once.after_rollback("worse", "errors", hours(10));
    assert_eq!(twice.rests_until(6.0, hours(11)), Some(hours(22)));
    let often = (0..9).fold(twice, |state, more| state.after_rollback("bad", "slow", hours(20 + more)));
    assert_eq!(often.rests_until(6.0, hours(30)), Some(hours(28 + 168)), "never longer than a week");
    assert!(often.bars("worse", hours(40)).is_some());
    assert!(often.bars("worse", hours(10 + 24 * 14)).is_none());
    assert!(often.bars("other", hours(40)).is_none());
    // A clock that was set back does not make a rollback unhappen.
    assert!(often.rests_until(6.0, hours(-1000)).is_some());
}

#[test]
fn what_the_sink_shows_is_held_against_what_was_written() {
    let rollout = canary(1);
    let (old, new, other) = (configuration("old"), configuration("new"), configuration("other"));
    let shown = |version, configuration, percentage| {
        let shown = Shown { version, configuration, baseline: Some(&old), percentage, updated_by: "bob" };
        compare(&rollout, Some(shown))
    };
    assert_eq!(shown("v2", &new, 25), Found::AsWritten);
    assert!(matches!(shown("v3", &new, 25), Found::Touched { step: 1, .. }));
    assert!(matches!(shown("v3", &new, 50), Found::Touched { step: 2, .. }));
    assert!(matches!(shown("v3", &new, 100), Found::Theirs { .. }), "it went all the way without anybody's evidence");
    assert!(matches!(shown("v3", &new, 33), Found::Theirs { .. }));
    assert!(matches!(shown("v3", &other, 25), Found::Theirs { .. }));
    assert!(matches!(compare(&rollout, None), Found::Theirs { .. }));
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let verdict =
        prop_oneof![Just(Verdict::Sound), Just(Verdict::Breached), Just(Verdict::Inconclusive), Just(Verdict::Error)];
    let mode = prop_oneof![3 => Just(Mode::Enforce), 1 => Just(Mode::Observe)];
    (verdict, mode, any::<bool>()).prop_map(|(verdict, mode, harm_shown)| Reading {
        mode,
        harm_shown,
        ..reading(Measure::Quality, verdict)
    })
}

proptest! {
    /// Whatever is known: one step at most, never forward without proof, never anything but back on a breach.
    #[test]
    fn no_step_is_skipped_and_none_is_taken_without_proof(
        step in 0..4_usize,
        minute in -100..6_000_i64,
        readings in prop::collection::vec(any_reading(), 0..5),
        freeze in prop::option::of(prop_oneof![Just(Reach::Forward), Just(Reach::Everything)]),
        read in any::<bool>(),
        critical in any::<bool>(),
    ) {
        let rules = rules();
        let enforced: Vec<Verdict> =
            readings.iter().filter(|reading| reading.mode == Mode::Enforce).map(|reading| reading.verdict).collect();
        let worst = [Verdict::Breached, Verdict::Error, Verdict::Inconclusive, Verdict::Sound];
        let verdict = worst.into_iter().find(|worst| enforced.contains(worst)).unwrap_or(Verdict::Error);
        let critical = if critical { vec!["critical".to_owned()] } else { Vec::new() };
        let judgement = Judgement { verdict, readings, split: None, unmatched: 0.0, critical };
        let freeze = freeze.map(said);
        let look = Look { rules: &rules, judgement: read.then_some(&judgement), freeze: freeze.as_ref(), now: at(minute) };
        let stopped = freeze.as_ref().is_some_and(|freeze| freeze.reach == Reach::Everything);
        let harm = read && (verdict == Verdict::Breached || !judgement.critical.is_empty());
        match advance(&canary(step), &look) {
            Transition::Expose { step: next } => {
                prop_assert_eq!(next, step + 1);
                prop_assert!(read && verdict == Verdict::Sound && freeze.is_none() && !harm);
                prop_assert!(at(minute) >= at(0) + SignedDuration::from_mins([5, 10, 15, 30][step]));
            }
            Transition::Complete => prop_assert!(step == 3 && freeze.is_none() && read && !harm),
            Transition::RollBack { .. } => prop_assert!(!stopped && (harm || minute >= 72 * 60)),
            Transition::Hold(_) => prop_assert!(stopped || !harm),
        }
    }
}
