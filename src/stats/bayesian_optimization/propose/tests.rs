use proptest::prelude::*;

use super::super::{Dimension, MarginEstimate, Range, Source};
use super::*;

fn temperature() -> Dimension {
    Dimension { min: 0.0, max: 1.0, integer: false, log: false, step_limit: 0.2 }
}

fn tokens() -> Dimension {
    Dimension { min: 64.0, max: 4096.0, integer: true, log: true, step_limit: 300.0 }
}

fn line() -> Space {
    Space { dimensions: vec![temperature()] }
}

fn seen(x: &[f64], y: f64, margin: f64) -> Observation {
    let constraints = vec![MarginEstimate { margin, se: 0.002 }];
    Observation { x: x.to_vec(), y, se: 0.002, constraints }
}

/// The objective rises with temperature; the margin as given.
fn rising(margin: impl Fn(f64) -> f64) -> Vec<Observation> {
    [0.1, 0.2, 0.3, 0.4, 0.5].map(|x| seen(&[x], 0.2 * x, margin(x))).to_vec()
}

#[test]
fn goes_up_the_slope_as_far_as_one_step() {
    let proposal = propose(&line(), &[0.5], &rising(|_| -0.05), &Settings::default()).unwrap();
    assert_eq!(proposal.source, Source::Search);
    assert!((0.6..=0.7).contains(&proposal.x[0]), "{proposal:?}");
    let Range { mean, low, high } = proposal.gain;
    assert!(low < mean && mean < high && mean > 0.0 && proposal.better > 0.8, "{proposal:?}");
    assert!(proposal.predicted.mean > 0.1, "{proposal:?}");
}

#[test]
fn stays_out_of_where_the_constraint_breaks() {
    // Broken above 0.55.
    let settings = Settings { min_gain_to_noise: 0.0, ..Settings::default() };
    let proposal = propose(&line(), &[0.5], &rising(|x| 0.4 * (x - 0.55)), &settings).unwrap();
    assert!(proposal.x[0] <= 0.55 && proposal.feasibility >= 0.9, "{proposal:?}");
    // Broken everywhere.
    let refused = propose(&line(), &[0.5], &rising(|_| 0.05), &Settings::default()).unwrap_err();
    assert!(matches!(refused, Abstained::NoneFeasible { best, need: 0.9 } if best < 0.9), "{refused:?}");
    let unsure = Settings { min_feasibility: f64::NAN, ..Settings::default() };
    assert_eq!(propose(&line(), &[0.5], &rising(|_| -0.05), &unsure).unwrap_err().name(), "none_feasible");
}

#[test]
fn goes_back_to_what_was_measured_and_better() {
    // A peak at 0.4 that is known well: nothing to find, something to return to.
    let mut observations = Vec::new();
    for x in [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6] {
        observations.push(seen(&[x], 0.3 - 4.0 * (x - 0.4) * (x - 0.4), -0.05));
    }
    let proposal = propose(&line(), &[0.5], &observations, &Settings::default()).unwrap();
    assert_eq!((proposal.source, proposal.x[0]), (Source::Measured, 0.4), "{proposal:?}");
    let there = propose(&line(), &[0.4], &observations, &Settings::default()).unwrap_err();
    assert!(matches!(there, Abstained::NoGain { .. }), "{there:?}");
}

#[test]
fn a_flat_response_measured_well_is_left_alone() {
    let observations: Vec<_> =
        (0..10_i32).map(|i| seen(&[0.1 * f64::from(i)], 0.05 + 0.002 * f64::from(i % 3 - 1), -0.05)).collect();
    assert_eq!(propose(&line(), &[0.5], &observations, &Settings::default()).unwrap_err().name(), "no_gain");
}

#[test]
fn evidence_below_the_minimum_is_named() {
    let name = |present: f64, observations: &[Observation]| {
        propose(&line(), &[present], observations, &Settings::default()).unwrap_err()
    };
    let all = rising(|_| -0.05);
    let few = |have| Abstained::TooFewConfigurations { have, need: 4 };
    assert_eq!(name(0.5, &[]), few(0));
    assert_eq!(name(0.3, &all[..3]), few(3));
    assert_eq!(name(0.3, &[&all[..3], &all[..3]].concat()), few(3));
    assert_eq!(name(0.6, &all), Abstained::PresentUnmeasured);
    let mut unknown = all.clone();
    unknown[1].y = f64::NAN;
    unknown[2].se = f64::INFINITY;
    assert_eq!(name(0.5, &unknown), few(3));
    let mut unmeasured = all.clone();
    unmeasured[1].constraints[0].margin = f64::NAN;
    unmeasured[2].constraints.clear();
    assert_eq!(name(0.5, &unmeasured), Abstained::ConstraintUnmeasured { constraint: 0, have: 3, need: 4 });
    assert_eq!(
        propose(&line(), &[0.5], &all, &Settings { steps: 100, ..Settings::default() }).unwrap_err(),
        Abstained::OutOfBudget
    );
}

#[test]
fn a_setting_that_never_varied_keeps_its_value() {
    let space = Space { dimensions: vec![temperature(), tokens()] };
    let observations: Vec<_> = [0.1, 0.2, 0.3, 0.4, 0.5].map(|x| seen(&[x, 512.0], 0.2 * x, -0.05)).to_vec();
    let proposal = propose(&space, &[0.5, 512.0], &observations, &Settings::default()).unwrap();
    assert!(proposal.x[1].to_bits() == 512.0_f64.to_bits() && proposal.x[0] > 0.5, "{proposal:?}");
    assert!(proposal.why.contains("never varied"), "{}", proposal.why);
    let odd = |x: f64| seen(&[x, 512.5], 0.2 * x, -0.05);
    let refused = propose(&space, &[0.5, 512.5], &[0.2, 0.3, 0.4, 0.5].map(odd), &Settings::default());
    assert_eq!(refused.unwrap_err(), Abstained::PresentNotAllowed { dimension: 1 });
}

#[test]
fn constants_duplicates_and_extremes_are_fine() {
    let at = |y: fn(usize) -> f64, se: f64| -> Vec<Observation> {
        let xs = [0.1, 0.1, 0.1, 0.3, 0.5, 0.5, 0.7].into_iter().enumerate();
        xs.map(|(i, x)| Observation { x: vec![x], y: y(i), se, constraints: vec![] }).collect()
    };
    for se in [0.0, 1e-300, 0.01, 1e90] {
        for y in [|_| 0.0, |_| 1e99, |i: usize| i as f64, |i: usize| [1e99, -1e99][i % 2], |_| 1e-300] {
            if let Ok(proposal) = propose(&line(), &[0.5], &at(y, se), &Settings::default()) {
                let Range { mean, low, high } = proposal.gain;
                assert!([mean, low, high, proposal.expected_improvement].iter().all(|value| value.is_finite()));
            }
        }
    }
    for (y, se) in [(0.0, 0.0), (3.0, 0.0), (3.0, 0.1), (1e-300, 1e-300)] {
        let constant: Vec<_> = at(|_| 0.0, se).into_iter().map(|seen| Observation { y, ..seen }).collect();
        let refused = propose(&line(), &[0.5], &constant, &Settings::default()).unwrap_err();
        assert_eq!(refused, Abstained::ConstantObjective);
    }
}

#[test]
fn the_default_budget_is_enough_for_the_largest_problem() {
    let dimensions = vec![temperature(), tokens(), temperature(), temperature()];
    let observations: Vec<_> = (1..=80_u32)
        .map(|i| {
            let part = |prime: u32| f64::from(i * prime % 61) / 61.0;
            let x = vec![part(7), 64.0 + (part(11) * 500.0).round(), part(13), part(17)];
            let constraints = vec![MarginEstimate { margin: -0.1 + 0.1 * part(19), se: 0.01 }; 3];
            Observation { y: part(23), se: 0.1, constraints, x }
        })
        .collect();
    let present = observations[40].x.clone();
    let answer = propose(&Space { dimensions }, &present, &observations, &Settings::default());
    assert_ne!(answer.err(), Some(Abstained::OutOfBudget));
}

prop_compose! {
    fn anything()(
        dimensions in 1..=4_usize,
        kinds in prop::collection::vec((any::<bool>(), any::<bool>(), 0.0..0.5_f64), 4),
        cells in prop::collection::vec((prop::collection::vec(0.0..=1.0_f64, 4), -1.0..1.0_f64, 0.0..0.3_f64, -0.5..0.3_f64), 5..14),
        broken in prop::collection::vec(prop::sample::select([[0.0; 12].as_slice(), &[f64::NAN, f64::INFINITY, 1e200]].concat()), 14),
        turn in 0..14_usize,
    ) -> (Space, Vec<f64>, Vec<Observation>, usize) {
        let dimensions: Vec<Dimension> = kinds[..dimensions].iter().map(|&(integer, log, step)| Dimension {
            min: 1.0, max: 9.0, integer, log, step_limit: 8.0 * step,
        }).collect();
        let space = Space { dimensions };
        let value = |dimension: &Dimension, share: f64| {
            let value = 1.0 + 8.0 * share;
            if dimension.integer { value.round() } else { value }
        };
        let observations: Vec<Observation> = cells.iter().zip(broken).map(|((shares, y, se, margin), broken)| Observation {
            x: space.dimensions.iter().zip(shares).map(|(dimension, share)| value(dimension, *share)).collect(),
            y: y + broken,
            se: *se,
            constraints: vec![MarginEstimate { margin: *margin, se: 0.05 }],
        }).collect();
        let present = observations[turn % observations.len()].x.clone();
        (space, present, observations, turn)
    }
}

fn eager() -> Settings {
    Settings { min_feasibility: 0.3, min_gain_to_noise: 0.0, ..Settings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn never_leaves_the_box_nor_the_step((space, present, observations, _) in anything()) {
        if let Ok(proposal) = propose(&space, &present, &observations, &eager()) {
            prop_assert!(proposal.x != present);
            prop_assert!(proposal.feasibility >= 0.3);
            for ((dimension, present), value) in space.dimensions.iter().zip(&present).zip(&proposal.x) {
                prop_assert!((1.0..=9.0).contains(value), "{value}");
                prop_assert!((value - present).abs() <= dimension.step_limit * (1.0 + 1e-9), "{present} to {value}");
                prop_assert!(!dimension.integer || value.fract() == 0.0, "{value}");
                prop_assert!(dimension.allows(*present, *value));
            }
        }
    }

    #[test]
    fn the_order_of_observations_changes_nothing((space, present, mut observations, turn) in anything()) {
        let before = propose(&space, &present, &observations, &eager());
        let places = observations.len();
        observations.rotate_left(turn % places);
        observations.reverse();
        prop_assert_eq!(before, propose(&space, &present, &observations, &eager()));
    }
}
