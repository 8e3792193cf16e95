use proptest::prelude::*;

use super::*;
use crate::stats::bandit::StudentMean;

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn arm(place: usize, share: u16, mean: f64, scale: f64) -> ArmState<'static> {
    let posterior = Posterior::Student(StudentMean::new(mean, scale, 40.0).unwrap());
    ArmState { name: NAMES[place], share, requests: 100.0, posterior, incumbent: place == 0 }
}

fn free() -> Limits {
    Limits { max_points_per_day: 100.0, days_since_last_change: 1.0, ..Limits::default() }
}

#[test]
fn a_clear_winner_gets_all_at_five_points_a_day() {
    let arms = [arm(0, 950, 0.5, 0.01), arm(1, 50, 0.7, 0.01)];
    assert_eq!(allocate(&arms, &free()).shares, [0, 1000]);
    let at = allocate(&arms, &Limits { days_since_last_change: 1.0, ..Limits::default() });
    assert_eq!((at.shares, at.why), (vec![900, 100], Why::Moved { points: 5.0, wanted_points: 95.0 }));
    assert_eq!(at.roles, [Role::RuledOut, Role::Leader]);
    let month = Limits { days_since_last_change: 30.0, ..Limits::default() };
    assert_eq!(allocate(&arms, &month).shares, [900, 100], "a quiet month saves up no more than a day");
    let after = Limits { points_moved_last_day: 4.7, ..month };
    assert_eq!(allocate(&arms, &after).shares, [947, 53]);
    let soon = Limits { days_since_last_change: 0.01, ..Limits::default() };
    assert_eq!(allocate(&arms, &soon).why, Why::Waiting { wanted_points: 95.0, allowed_points: 0.05 });
    assert_eq!(
        allocate(&[arm(0, 0, 0.5, 0.01), arm(1, 1000, 0.7, 0.01)], &free()).why,
        Why::Settled { wanted_points: 0.0 }
    );
}

#[test]
fn equal_arms_share_and_the_incumbent_has_the_odd_tenth() {
    let arms: Vec<ArmState<'_>> = (0..3).map(|place| arm(place, if place == 2 { 1000 } else { 0 }, 0.5, 0.1)).collect();
    assert_eq!(allocate(&arms, &free()).shares, [334, 333, 333]);
}

#[test]
fn ties_go_to_the_incumbent_then_to_the_first_name() {
    for count in 2..8 {
        let even = |incumbent: usize| -> Vec<ArmState<'_>> {
            let twin = |place: usize| ArmState { incumbent: place == incumbent, ..arm(place, 0, 0.5, 0.1) };
            let mut arms: Vec<ArmState<'_>> = (0..count).map(twin).collect();
            arms[0].share = WHOLE;
            arms
        };
        let shares = allocate(&even(count - 1), &free()).shares;
        assert!(shares[..count - 1].iter().all(|share| *share <= shares[count - 1]), "{shares:?}");
        assert_eq!(allocate(&even(count - 1), &free()).roles[count - 1], Role::Leader);
        assert_eq!(allocate(&even(99), &free()).roles[0], Role::Leader);
    }
    // Of two bad twins the one that is not the incumbent gives first; without an incumbent, the later name.
    let day = Limits { days_since_last_change: 1.0, ..Limits::default() };
    let twins = |incumbent: usize| {
        let bad = |place: usize| ArmState { incumbent: place == incumbent, ..arm(place, 400, 0.3, 0.001) };
        allocate(&[bad(0), bad(1), arm(2, 200, 0.5, 0.001)], &day).shares
    };
    assert_eq!((twins(0), twins(1), twins(9)), (vec![400, 350, 250], vec![350, 400, 250], vec![400, 350, 250]));
}

#[test]
fn small_moves_wait() {
    let arms = [arm(0, 995, 0.5, 0.01), arm(1, 5, 0.7, 0.01)];
    let limits = Limits { days_since_last_change: 0.1, smallest_move: 10, ..Limits::default() };
    assert_eq!(allocate(&arms, &limits).why, Why::Waiting { wanted_points: 99.5, allowed_points: 0.5 });
    assert_eq!(allocate(&arms, &Limits { days_since_last_change: 0.2, ..limits }).shares, [985, 15]);
    let nearly = [arm(0, 5, 0.5, 0.01), arm(1, 995, 0.7, 0.01)];
    let at = allocate(&nearly, &Limits { days_since_last_change: 9.0, ..limits });
    assert_eq!((at.shares, at.why), (vec![5, 995], Why::Settled { wanted_points: 0.5 }));
}

#[test]
fn challengers_get_more_on_request() {
    let arms = [arm(0, 500, 0.6, 0.02), arm(1, 300, 0.56, 0.02), arm(2, 200, 0.55, 0.03)];
    let plain = allocate(&arms, &free());
    let two = allocate(&arms, &Limits { challenger: 0.5, ..free() });
    let p: Vec<f64> = plain.probability_best.iter().map(|p| p.unwrap()).collect();
    for place in [1, 2] {
        assert!((f64::from(plain.shares[place]) - (10.0 + 970.0 * p[place])).abs() < 1.0);
        // First with probability p; or else second, after some other arm came first and its repeats were thrown away.
        let second: f64 =
            (0..3).filter(|first| *first != place).map(|first| p[first] * p[place] / (1.0 - p[first])).sum();
        let wanted = 10.0 + 970.0 * (0.5 * p[place] + 0.5 * second);
        assert!((f64::from(two.shares[place]) - wanted).abs() < 1.0, "{two:?} {wanted}");
    }
}

#[test]
fn arms_without_evidence_are_explored_or_held() {
    let unmeasured = |share| ArmState { requests: 3.0, ..arm(1, share, 0.9, 0.3) };
    let arms = [arm(0, 1000, 0.5, 0.01), unmeasured(0)];
    let explored = allocate(&arms, &free());
    assert_eq!((explored.shares, &explored.roles[1]), (vec![990, 10], &Role::Unmeasured));
    let held = allocate(&arms, &Limits { unmeasured: Unmeasured::Hold, ..free() });
    let reason = Abstention::TooFewRequests { measured: 1, arms: 2, have: 3.0, need: 30.0 };
    assert_eq!((held.shares, held.why), (vec![1000, 0], Why::Abstained(reason.clone())));
    assert!(reason.to_string().contains("1 of 2 arms have the 30 requests"), "{reason}");
    // However good it looks, it gets no more than it has.
    let arms = [arm(0, 800, 0.5, 0.01), unmeasured(200)];
    assert_eq!(allocate(&arms, &free()).shares, [800, 200]);
    let nobody = [ArmState { requests: 0.0, ..arm(0, 1000, 0.5, 0.1) }, unmeasured(0)];
    assert!(matches!(allocate(&nobody, &free()).why, Why::Abstained(Abstention::TooFewRequests { measured: 0, .. })));
    let full = [arm(0, 0, 0.5, 0.01), unmeasured(1000)];
    assert_eq!(allocate(&full, &free()).why, Why::Abstained(Abstention::NoRoom));
}

#[test]
fn what_makes_no_sense_has_a_name() {
    let why = |arms: &[ArmState<'_>], limits: &Limits| match allocate(arms, limits).why {
        Why::Abstained(reason) => reason,
        other => panic!("{other:?}"),
    };
    let two = [arm(0, 500, 0.5, 0.1), arm(1, 500, 0.5, 0.1)];
    assert_eq!(why(&two[..1], &free()), Abstention::TooFewArms);
    assert_eq!(why(&[two[0].clone(), two[0].clone()], &free()), Abstention::SameName { name: "a".into() });
    let short = [arm(0, 500, 0.5, 0.1), arm(1, 499, 0.5, 0.1)];
    assert_eq!(why(&short, &free()), Abstention::SharesDoNotAddUp { tenths: 999 });
    assert_eq!(why(&short, &free()).to_string(), "present shares come to 99.9 %, not to 100");
    for (limit, limits) in [
        ("floor", Limits { floor: 251, ..free() }),
        ("max_points_per_day", Limits { max_points_per_day: f64::NAN, ..free() }),
        ("days_since_last_change", Limits { days_since_last_change: -0.1, ..free() }),
        ("days_since_last_change", Limits { days_since_last_change: f64::NAN, ..free() }),
        ("points_moved_last_day", Limits { points_moved_last_day: -1.0, ..free() }),
        ("challenger", Limits { challenger: 1.5, ..free() }),
        ("minimum_requests", Limits { minimum_requests: f64::INFINITY, ..free() }),
        ("ruled_out_below", Limits { ruled_out_below: 0.5, ..free() }),
    ] {
        assert_eq!(why(&two, &limits), Abstention::BadLimit { limit });
    }
    let names: Vec<String> = (0..40).map(|place| format!("{place:02}")).collect();
    let crowd: Vec<ArmState<'_>> = names.iter().map(|name| ArmState { name, share: 25, ..two[0].clone() }).collect();
    assert_eq!(why(&crowd, &Limits { floor: 1, ..free() }), Abstention::TooManyArms { arms: 40 });
    let nan = [ArmState { requests: f64::NAN, ..two[0].clone() }, two[1].clone()];
    assert_eq!(allocate(&nan, &free()).roles[0], Role::Unmeasured, "an unknown number is none");
}

/// Whole tenths that make 1000.
fn whole(parts: &[u16]) -> Vec<u16> {
    let total: u32 = parts.iter().map(|part| u32::from(*part)).sum::<u32>().max(1);
    let mut shares: Vec<u16> = parts.iter().map(|part| (u32::from(*part) * 1000 / total) as u16).collect();
    let rest = 1000 - shares.iter().sum::<u16>();
    shares[0] += rest;
    shares
}

prop_compose! {
    fn some_arms()(raw in prop::collection::vec((0_u16..100, 0.0..1.0_f64, -9.0..1.0_f64, prop::bool::weighted(0.2)), 2..8))
    -> Vec<ArmState<'static>> {
        let shares = whole(&raw.iter().map(|arm| arm.0).collect::<Vec<_>>());
        raw.iter().enumerate().map(|(place, (_, mean, ln_scale, unmeasured))| ArmState {
            requests: if *unmeasured { 5.0 } else { 500.0 },
            ..arm(place, shares[place], *mean, ln_scale.exp())
        }).collect()
    }
}

prop_compose! {
    fn some_limits()(floor in 0_u16..60, points in 0.0..20.0_f64, days in 0.0..3.0_f64, spent in 0.0..8.0_f64,
                     challenger in 0.0..0.5_f64, explore in any::<bool>()) -> Limits {
        Limits {
            floor, max_points_per_day: points, days_since_last_change: days, points_moved_last_day: spent, challenger,
            unmeasured: if explore { Unmeasured::Explore } else { Unmeasured::Hold }, ..Limits::default()
        }
    }
}

proptest! {
    #[test]
    fn sums_caps_floors(arms in some_arms(), limits in some_limits()) {
        let at = allocate(&arms, &limits);
        prop_assert_eq!(at.shares.iter().sum::<u16>(), WHOLE);
        let moved: f64 = arms.iter().zip(&at.shares).map(|(arm, share)| f64::from(arm.share.abs_diff(*share))).sum::<f64>() / 20.0;
        let day = limits.max_points_per_day * limits.days_since_last_change.min(1.0);
        prop_assert!(moved <= day.min((limits.max_points_per_day - limits.points_moved_last_day).max(0.0)) + 1e-9);
        let unlimited = allocate(&arms, &Limits { max_points_per_day: 100.0, days_since_last_change: 1.0, points_moved_last_day: 0.0, ..limits });
        for (place, role) in unlimited.roles.iter().enumerate() {
            let (share, present) = (unlimited.shares[place], arms[place].share);
            match role {
                Role::RuledOut => prop_assert_eq!(share, 0),
                Role::Unmeasured if limits.unmeasured == Unmeasured::Hold => prop_assert_eq!(share, present),
                Role::Unmeasured => prop_assert_eq!(share, present.max(limits.floor)),
                Role::Leader | Role::Exploring => prop_assert!(share >= limits.floor),
            }
            // Under the cap shares go the same way, and no further.
            prop_assert!((present.min(share)..=present.max(share)).contains(&at.shares[place]));
        }
    }

    #[test]
    fn order_changes_nothing(arms in some_arms(), limits in some_limits(), turn in 0_usize..8, same in any::<bool>()) {
        let mut arms = arms;
        if same {
            let twin = arms[0].posterior;
            for arm in &mut arms {
                arm.posterior = twin;
            }
        }
        let at = allocate(&arms, &limits);
        let turn = turn % arms.len();
        let mut turned: Vec<ArmState<'_>> = arms.clone();
        turned.rotate_left(turn);
        turned.reverse();
        let mut back = allocate(&turned, &limits);
        back.shares.reverse();
        back.shares.rotate_right(turn);
        prop_assert_eq!(at.shares, back.shares);
        prop_assert_eq!(at.why, back.why);
    }

    #[test]
    fn what_is_reached_stays(arms in some_arms(), limits in some_limits()) {
        let free = Limits { max_points_per_day: 100.0, days_since_last_change: 1.0, points_moved_last_day: 0.0, ..limits };
        let first = allocate(&arms, &free);
        let there: Vec<ArmState<'_>> =
            arms.iter().zip(&first.shares).map(|(arm, share)| ArmState { share: *share, ..arm.clone() }).collect();
        prop_assert_eq!(allocate(&there, &free).shares, first.shares);
    }

    // Of the worst arm: of one in the middle, more evidence also tells that it is better than those below it.
    #[test]
    fn more_evidence_for_the_worst_arm_never_raises_its_share(arms in some_arms(), limits in some_limits(), narrower in 0.05..1.0_f64) {
        let measured = (0..arms.len()).filter(|arm| arms[*arm].requests > 100.0);
        let Some(worst) = measured.min_by(|a, b| arms[*a].posterior.mean().total_cmp(&arms[*b].posterior.mean())) else { return Ok(()) };
        let Posterior::Student(before) = arms[worst].posterior else { unreachable!() };
        let (location, scale, freedom) = before.parameters();
        let mut more = arms.clone();
        more[worst].posterior = Posterior::Student(StudentMean::new(location, scale * narrower, freedom / narrower.powi(2)).unwrap());
        let (one, two) = (allocate(&arms, &limits), allocate(&more, &limits));
        prop_assert!(two.shares[worst] <= one.shares[worst], "{} then {}", one.shares[worst], two.shares[worst]);
    }
}
