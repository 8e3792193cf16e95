use super::*;
use crate::stats::bandit::{Evidence, Prior};

/// Rows of the constant, a segment and a length, with rewards; made by a rule, so that scipy could have the same.
fn rows() -> Vec<([f64; 3], f64)> {
    let row = |i: i32| {
        let (segment, length) = (f64::from(i % 2), f64::from(i * 7 % 11) / 10.0);
        ([1.0, segment, length], 0.3 + 0.2 * segment - 0.1 * length + 0.05 * f64::from(i * 5 % 7 - 3))
    };
    (0..24).map(row).collect()
}

fn seen(rows: &[([f64; 3], f64)]) -> LinearEvidence {
    let mut evidence = LinearEvidence::new(3).unwrap();
    for (x, y) in rows {
        evidence.observe(x, *y).unwrap();
    }
    evidence
}

fn close(got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-11 * want.abs().max(1e-3), "{got} for {want}");
}

#[test]
fn agrees_with_numpy() {
    // numpy 2.4.6: normal-inverse-gamma regression written out with inv().
    let regression = LinearPrior::new(0.5, 0.25, 2.0).unwrap().regression(&seen(&rows())).unwrap();
    for (x, mean, sd) in REFERENCE {
        let at = regression.predict(&x).unwrap();
        close(at.mean(), mean);
        close(at.sd(), sd);
    }
}

#[test]
fn only_a_constant_is_the_plain_posterior() {
    let rewards = [0.2, 0.9, 0.4, 0.8];
    let (mut linear, mut plain) = (LinearEvidence::new(1).unwrap(), Evidence::default());
    for reward in rewards {
        linear.observe(&[1.0], reward).unwrap();
        plain.observe(reward);
    }
    let linear = LinearPrior::new(0.5, 0.3, 1.0).unwrap().regression(&linear).unwrap().predict(&[1.0]).unwrap();
    let plain = Prior::around(0.5, 0.3).unwrap().posterior(&plain).unwrap();
    close(linear.mean(), plain.mean());
    close(linear.sd(), plain.sd());
}

#[test]
fn parts_merge_and_cells_count_as_their_requests() {
    let rows = rows();
    let (all, parts) = (seen(&rows), seen(&rows[..9]).merge(&seen(&rows[9..])).unwrap());
    for (one, two) in all.products.iter().zip(&parts.products).chain(all.rewards.iter().zip(&parts.rewards)) {
        assert!((one - two).abs() < 1e-12);
    }
    let (mut single, mut cell) = (LinearEvidence::new(2).unwrap(), LinearEvidence::new(2).unwrap());
    for reward in [0.1, 0.5, 0.6] {
        single.observe(&[1.0, 0.5], reward).unwrap();
    }
    cell.observe_many(&[1.0, 0.5], 3.0, 0.4, 0.07).unwrap();
    assert!((single.squares - cell.squares).abs() < 1e-15 && (single.rewards[1] - cell.rewards[1]).abs() < 1e-15);
    let half = all.discounted(0.5);
    assert!((half.requests() - 12.0).abs() < 1e-12 && (half.squares * 2.0 - all.squares).abs() < 1e-12);
    assert_eq!(all.discounted(f64::NAN), LinearEvidence::new(3).unwrap());
}

#[test]
fn a_segment_never_seen_is_wide_and_one_that_repeats_another_is_fine() {
    let prior = LinearPrior::new(0.5, 0.25, 1.0).unwrap();
    let mut evidence = LinearEvidence::new(4).unwrap();
    for _ in 0..1000 {
        // The second and third feature are one and the same; the fourth is always 0.
        evidence.observe(&[1.0, 1.0, 1.0, 0.0], 0.8).unwrap();
    }
    let regression = prior.regression(&evidence).unwrap();
    let known = regression.predict(&[1.0, 1.0, 1.0, 0.0]).unwrap();
    let unknown = regression.predict(&[1.0, 1.0, 1.0, 1.0]).unwrap();
    assert!((known.mean() - 0.8).abs() < 1e-3 && known.sd() < 0.002 && unknown.sd() > 5.0 * known.sd());
}

#[test]
fn singular_and_huge_input_gives_numbers_or_nothing() {
    let prior = LinearPrior::new(0.0, 1.0, 1e-9).unwrap();
    for scale in [1e-9, 1.0, 1e9] {
        let mut evidence = LinearEvidence::new(16).unwrap();
        for row in 0..40 {
            let x: Vec<f64> = (0..16).map(|place| if place < 8 { scale } else { f64::from(row % 2) }).collect();
            evidence.observe(&x, f64::from(row)).unwrap();
        }
        let regression = prior.regression(&evidence).unwrap();
        let at = regression.predict(&[scale; 16]).unwrap();
        assert!(at.mean().is_finite() && at.sd() > 0.0 && at.sd().is_finite());
        assert_eq!(regression.predict(&[f64::NAN; 16]), Err(Unusable::Feature));
        assert_eq!(regression.predict(&[1.0]), Err(Unusable::Features));
        assert_eq!(regression.predict(&[0.0; 16]), Err(Unusable::Feature), "no constant: nothing is known");
    }
    let mut evidence = LinearEvidence::new(1).unwrap();
    evidence.observe_many(&[1e9], 1e15, 1e100, 0.0).unwrap();
    let _ = prior.regression(&evidence).map(|regression| regression.predict(&[1e9]));
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut evidence = LinearEvidence::new(2).unwrap();
    assert_eq!(evidence.observe(&[1.0], 0.5), Err(Unusable::Features));
    assert_eq!(evidence.observe(&[1.0, f64::INFINITY], 0.5), Err(Unusable::Feature));
    assert_eq!(evidence.observe(&[1.0, 0.0], f64::NAN), Err(Unusable::Mean));
    assert_eq!(evidence.observe_many(&[1.0, 0.0], -1.0, 0.0, 0.0), Err(Unusable::Requests));
    assert_eq!(evidence.observe_many(&[1.0, 0.0], 9.0, 0.0, f64::NAN), Err(Unusable::Variance));
    assert_eq!(evidence, LinearEvidence::new(2).unwrap());
    assert_eq!(evidence.merge(&LinearEvidence::new(3).unwrap()), Err(Unusable::Features));
    assert!(LinearEvidence::new(0).is_err() && LinearEvidence::new(17).is_err());
    assert_eq!((LinearPrior::new(0.0, 0.0, 1.0), LinearPrior::new(0.0, 1.0, 0.0)), (None, None));
}

#[test]
fn history_keeps_every_bit_and_is_checked_when_read() {
    let evidence = seen(&rows());
    let text = serde_json::to_string(&evidence).unwrap();
    assert_eq!(serde_json::from_str::<LinearEvidence>(&text).unwrap(), evidence);
    let broken = text.replacen("\"products\":[", "\"products\":[0.0,", 1);
    assert!(serde_json::from_str::<LinearEvidence>(&broken).is_err());
}

/// Features, mean, standard deviation.
#[rustfmt::skip]
const REFERENCE: [([f64; 3], f64, f64); 3] = [
    ([1.0, 0.0, 0.0], 0.362_530_228_896_012_6, 0.046_300_574_162_803_4),
    ([1.0, 1.0, 0.5], 0.421_392_685_075_830_05, 0.039_949_718_011_518_74),
    ([1.0, -3.0, 20.0], -2.651_059_183_023_075, 1.349_029_348_141_321_8),
];
