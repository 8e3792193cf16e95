//! Lacks, mixes, weights, verdicts.

use super::*;
use crate::domain::metric::Harm;

#[test]
fn what_does_not_vary_is_compared_as_it_is() {
    let ids: Vec<u32> = (0..10).collect();
    let compare = |pairs: usize, deterministic| {
        let (b, c): (Vec<f64>, Vec<f64>) = (0..pairs).map(|i| (100.0 + i as f64, 130.0 + i as f64)).unzip();
        let [b, c] = [&b, &c].map(|values| Sample::of(values).units(&ids[..pairs]));
        let evidence = Comparison::new(b, c, Mix::Baseline).unwrap().mean(deterministic).unwrap();
        (evidence.method, evidence.p_values, evidence.interval(0.002).difference)
    };
    assert_eq!(compare(10, true), (Method::Exact, [0.0, 1.0], [Some(30.0); 2]));
    // By chance, ten pairs go one way once in 2^10.
    let (_, p_values, _) = compare(10, false);
    near(p_values[0], 0.5_f64.powi(10), 1e-12);
    // A few answers may differ by the same number of tokens and mean nothing.
    for pairs in 2..10 {
        assert_eq!(compare(pairs, true), compare(pairs, false), "{pairs}");
    }
    // Nor do constants of different requests: three values that happen to be alike are 1 / C(6, 3).
    let (b, c) = ([120.0; 3], [150.0; 3]);
    let apart = |rows: usize| Comparison::new(Sample::of(&b[..rows]), Sample::of(&c[..rows]), Mix::Baseline).unwrap();
    for deterministic in [false, true] {
        near(apart(3).mean(deterministic).unwrap().p_values[0], 0.05, 1e-12);
        assert_eq!(apart(1).mean(deterministic), Err(Lack::TooFewUnits { side: Side::Baseline, has: 1 }));
    }
}

#[test]
fn every_lack_has_a_name() {
    let (some, none) = ([1.0, 2.0, 3.0], []);
    let new = |b, c| Comparison::new(b, c, Mix::Baseline).err();
    assert_eq!(new(Sample::of(&none), Sample::of(&some)), Some(Lack::Empty(Side::Baseline)));
    assert_eq!(new(Sample::of(&some), Sample::of(&[f64::NAN, 1.0])), Some(Lack::NotFinite(Side::Candidate)));
    assert_eq!(new(Sample::of(&some), Sample::of(&[f64::INFINITY])), Some(Lack::NotFinite(Side::Candidate)));
    assert_eq!(
        new(Sample::of(&some).weights(&[1.0, -1.0, 1.0]), Sample::of(&some)),
        Some(Lack::Weights(Side::Baseline))
    );
    assert_eq!(new(Sample::of(&some).weights(&[0.0; 3]), Sample::of(&some)), Some(Lack::Weights(Side::Baseline)));
    assert_eq!(new(Sample::of(&some).units(&[1]), Sample::of(&some)), Some(Lack::Columns(Side::Baseline)));
    let apart = new(Sample::of(&some).strata(&[1, 1, 1]), Sample::of(&some).strata(&[2, 2, 2]));
    assert_eq!(apart, Some(Lack::NoCommonStratum));
    let run = Comparison::new(Sample::of(&some).units(&[1, 1, 1]), Sample::of(&some).units(&[2, 2, 2]), Mix::Baseline)
        .unwrap();
    assert_eq!(run.mean(false), Err(Lack::TooFewUnits { side: Side::Baseline, has: 1 }));
    assert_eq!(run.quantiles(&[0.5])[0], Err(Lack::TooFewUnits { side: Side::Baseline, has: 1 }));
    assert_eq!(
        Comparison::new(Sample::of(&some), Sample::of(&some), Mix::Baseline).unwrap().quantiles(&[1.0])[0],
        Err(Lack::NotAQuantile)
    );
}

#[test]
fn a_change_of_mix_is_reported_and_taken_out() {
    // Kind 1 costs ten times as much; the candidate gets more of it and is otherwise the same.
    let kinds = |ones: u32| (0..400).map(|i| u32::from(i < ones)).collect::<Vec<u32>>();
    let cost = |kinds: &[u32]| {
        kinds
            .iter()
            .enumerate()
            .map(|(i, kind)| (1.0 + 9.0 * f64::from(*kind)) * (1.0 + f64::from((i % 7) as u32) / 20.0))
            .collect::<Vec<f64>>()
    };
    let (before, after) = (kinds(80), kinds(200));
    let (b, c) = (cost(&before), cost(&after));
    let (baseline, candidate) = (Sample::of(&b).strata(&before), Sample::of(&c).strata(&after));
    let change = mix_change(&baseline, &candidate).unwrap().unwrap();
    assert!(change.changed && (change.moved - 0.3).abs() < 1e-12 && change.p_value < 1e-10, "{change:?}");
    let found = mean_of(baseline, candidate);
    assert!(found.raw[1] / found.raw[0] > 1.8 && (found.change().unwrap()).abs() < 0.01, "{found:?}");
    let same = mix_change(&baseline, &baseline).unwrap().unwrap();
    assert!(!same.changed && same.moved == 0.0 && same.p_value > 0.999);
}

#[test]
fn the_likelihood_ratio_is_scipys() {
    // scipy: chi2_contingency([[50, 30, 20], [35, 40, 25]]): Pearson's p 0.0987076425, the stricter of the two.
    let kinds =
        |counts: [usize; 3]| counts.iter().enumerate().flat_map(|(k, n)| vec![k as u32; *n]).collect::<Vec<u32>>();
    let (x, y, values) = (kinds([50, 30, 20]), kinds([35, 40, 25]), vec![1.0; 100]);
    let change = mix_change(&Sample::of(&values).strata(&x), &Sample::of(&values).strata(&y)).unwrap().unwrap();
    near(change.p_value, 0.098_707_642_509_992_53, 1e-9);
}

#[test]
fn kinds_on_one_side_are_named_and_rare_ones_put_together() {
    let (values, b): (Vec<f64>, Vec<u32>) = (0..100)
        .map(|i| {
            (
                f64::from(i % 13),
                if i < 40 {
                    1
                } else if i < 80 {
                    2
                } else if i < 97 {
                    3
                } else {
                    4
                },
            )
        })
        .unzip();
    let c: Vec<u32> = (0..100)
        .map(|i| {
            if i < 50 {
                1
            } else if i < 98 {
                2
            } else {
                5
            }
        })
        .collect();
    let comparison =
        Comparison::new(Sample::of(&values).strata(&b), Sample::of(&values).strata(&c), Mix::Baseline).unwrap();
    let matching = comparison.matching();
    assert_eq!((matching.kinds, matching.together, matching.unmatched.clone()), (2, 2, vec![3]));
    near(matching.left_out[0], 0.17, 1e-12);
    assert!(comparison.mean(false).is_ok() && comparison.quantiles(&[0.5, 0.95]).iter().all(Result::is_ok));
}

#[test]
fn weights_of_two_are_rows_twice_for_the_estimate_but_not_for_the_certainty() {
    let doubled: Vec<f64> = B.iter().chain(&B).copied().collect();
    let weighted = mean_of(Sample::of(&B).weights(&[2.0; 6]), Sample::of(&C));
    near(weighted.adjusted[0], mean_of(Sample::of(&doubled), Sample::of(&C)).adjusted[0], 1e-12);
    near(weighted.p_values[0], mean_of(Sample::of(&B), Sample::of(&C)).p_values[0], 1e-9);
}

#[test]
fn equal_weights_are_holms_procedure() {
    use crate::stats::multiplicity::{Correction, adjust};
    let p = [0.01, 0.04, 0.03, 0.005, 0.9];
    let ours: Vec<f64> = holm(&p, &[1.0; 5], 0.05).unwrap().iter().map(|found| found.p_value).collect();
    for (got, want) in ours.iter().zip(adjust(&p, Correction::Holm).unwrap()) {
        near(*got, want, 1e-12);
    }
    assert_eq!(holm(&p, &[0.0; 5], 0.05), None);
    assert_eq!(holm(&[f64::NAN], &[1.0], 0.05), None);
}

#[test]
fn verdicts() {
    let side = |center: f64, n: u32| (0..n).map(|i| center + f64::from(i % 21) - 10.0).collect::<Vec<f64>>();
    let (b, same, worse, little) = (side(100.0, 420), side(100.0, 420), side(110.0, 420), vec![90.0, 125.0]);
    let judged = |c: &[f64], harm, margin| {
        let evidence = mean_of(Sample::of(&b), Sample::of(c));
        let item = Item { evidence: Ok(&evidence), harm, margin, role: Role::Guardrail, scope: Scope::Overall };
        judge(&[item], &Promises::default())[0]
    };
    let five = Margin { absolute: None, relative: Some(0.05) };
    assert_eq!(judged(&worse, Harm::Up, five).verdict, Verdict::Regression);
    assert_eq!(judged(&worse, Harm::Down, five).verdict, Verdict::Improvement);
    assert_eq!(judged(&same, Harm::Up, five).verdict, Verdict::Equivalent);
    assert_eq!(judged(&little, Harm::Up, five).verdict, Verdict::Inconclusive);
    // Tolerated absolutely, although not relatively.
    assert_eq!(judged(&worse, Harm::Up, Margin { absolute: Some(20.0), ..five }).verdict, Verdict::Equivalent);
    assert_eq!(judged(&worse, Harm::Neither, five).verdict, Verdict::Inconclusive);
    let lacking = Item {
        evidence: Err(Lack::NoCommonStratum),
        harm: Harm::Up,
        margin: five,
        role: Role::Guardrail,
        scope: Scope::Slice,
    };
    assert_eq!(judge(&[lacking], &Promises::default())[0].lack, Some(Lack::NoCommonStratum));
    let strict = Promises { proof: Proof::Margin, ..Promises::default() };
    let evidence = mean_of(Sample::of(&b), Sample::of(&worse));
    let item = |relative| Item {
        evidence: Ok(&evidence),
        harm: Harm::Up,
        margin: Margin { absolute: None, relative: Some(relative) },
        role: Role::Guardrail,
        scope: Scope::Overall,
    };
    assert_eq!(judge(&[item(0.05)], &strict)[0].verdict, Verdict::Regression);
    assert_ne!(judge(&[item(0.095)], &strict)[0].verdict, Verdict::Regression);
}

#[test]
fn a_few_runs_are_compared_by_students_test() {
    let side = |levels: &[f64], first: u32| {
        let rows =
            levels.iter().zip(first..).flat_map(|(level, run)| (0..50).map(move |i| (level + f64::from(i % 10), run)));
        rows.unzip::<f64, u32, Vec<f64>, Vec<u32>>()
    };
    let ((b, of_b), (c, of_c)) = (side(&[100.0, 101.0, 100.5], 0), side(&[110.0, 110.1, 110.05], 10));
    let comparison = Comparison::new(Sample::of(&b).units(&of_b), Sample::of(&c).units(&of_c), Mix::Baseline).unwrap();
    let runs = comparison.mean(false).unwrap();
    near(runs.p_values[0], 0.05, 1e-9);
    assert_eq!(runs.detectable(0.005, 0.8, true), None, "dealing six runs shows nothing at that level");
    let runs = comparison.of_runs().mean(false).unwrap();
    assert!(runs.p_values[0] < 0.003 && runs.detectable(0.005, 0.8, true).is_some(), "{:?}", runs.p_values);
}

#[test]
fn pairs_that_agree_do_not_make_two_others_certain() {
    let pairs = |extra: &[f64]| (1..=18).map(f64::from).chain(extra.iter().copied()).collect::<Vec<f64>>();
    let (b, c) = (pairs(&[]), pairs(&[30.0, 31.0]));
    let ids: Vec<u32> = (0..20).collect();
    let comparison =
        Comparison::new(Sample::of(&b).units(&ids[..18]), Sample::of(&c).units(&ids), Mix::Baseline).unwrap();
    for evidence in comparison.quantiles(&[0.5, 0.95, 0.99]).into_iter().chain([comparison.mean(false)]) {
        let evidence = evidence.unwrap();
        assert_eq!(evidence.paired, 18);
        assert!(evidence.p_values[0] > 0.01, "{evidence:?}");
    }
}
