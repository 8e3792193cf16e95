//! Counts: the stability index, two proportions, and the sample ratio.

use optimizer::stats::{
    hypothesis::{
        Alternative, Undefined, fisher,
        goodness_of_fit::{SampleRatio, sample_ratio as ratio},
        proportions::{self, Proportion, Variance},
    },
    psi::{self, EmptyBins},
};

use crate::harness::Case;

pub fn psi(case: &mut Case) {
    let (expected, actual) = if case.function == "psi.from_samples" {
        let bins = case.number("bins") as usize;
        let reference = case.numbers("reference");
        let bounds = psi::quantile_bounds(&reference, bins).expect("bounds");
        let shown = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        let counts = [psi::counts(&reference, &bounds), psi::counts(&case.numbers("actual"), &bounds)];
        case.check_list("inner_edges", "", &shown(&bounds));
        case.check_list("expected_counts", "", &shown(&counts[0]));
        case.check_list("actual_counts", "", &shown(&counts[1]));
        let [expected, actual] = counts;
        (expected, actual)
    } else {
        (case.numbers("expected_counts"), case.numbers("actual_counts"))
    };
    let index = |empty| psi::index(&expected, &actual, empty);
    case.check("psi", index(EmptyBins::Refuse));
    let policies = [
        ("psi_floor_1e-4", EmptyBins::Floor(1e-4)),
        ("psi_floor_1e-6", EmptyBins::Floor(1e-6)),
        ("psi_add_half_per_bin", EmptyBins::Add(0.5)),
        ("psi_add_one_per_bin", EmptyBins::Add(1.0)),
    ];
    for (field, empty) in policies {
        case.check(field, index(empty));
    }
    let finite = policies.iter().all(|(_, empty)| index(*empty).is_some_and(f64::is_finite));
    case.check_equal("must_be_finite", finite);
}

pub fn two_proportions(case: &mut Case) {
    let count = |key: &str| case.number(key);
    let side = |x: &str, n: &str| Proportion::new(count(x), count(n)).expect("a proportion");
    let (first, second) = (side("x1", "n1"), side("x2", "n2"));
    let whole = [count("x2") as u64, count("x1") as u64];
    let trials = [count("n2") as u64, count("n1") as u64];
    case.check("difference_2_minus_1", second.value() - first.value());
    let pooled = proportions::difference(&second, &first, Variance::Pooled);
    case.check("z_pooled", pooled.ok().map(|found| found.statistic(0.0)));
    if let Ok(found) = pooled {
        case.check("p_two_sided_pooled", found.p_value(Alternative::TwoSided, 0.0));
        case.check("p_greater_pooled", found.p_value(Alternative::Greater, 0.0));
        case.check("p_less_pooled", found.p_value(Alternative::Less, 0.0));
        case.check("chi2_no_continuity", found.statistic(0.0).powi(2));
    }
    if case.expects("note") {
        case.holds("note", pooled == Err(Undefined::NoVariance), "no variance, no evidence of difference");
    }
    let yates = proportions::yates(&second, &first).ok();
    case.check("chi2_yates", yates.map(|found| found.0));
    case.check("p_yates", yates.map(|found| found.1));
    if let Ok(found) = proportions::difference(&second, &first, Variance::Separate) {
        case.check("z_unpooled", found.statistic(0.0));
        case.check("p_two_sided_unpooled", found.p_value(Alternative::TwoSided, 0.0));
        let wald = found.interval(0.95, Alternative::TwoSided).expect("an interval");
        case.check_list("wald_ci95_difference", "", &[wald.low, wald.high]);
    }
    case.check("fisher_two_sided_p", fisher::p_value(whole, trials, Alternative::TwoSided).ok());
    let newcombe = proportions::newcombe(&second, &first, 0.95).expect("an interval");
    case.check_list("newcombe_ci95_difference", "", &[newcombe.low, newcombe.high]);
    for (name, side) in [("1", first), ("2", second)] {
        let (wilson, exact) = (side.wilson(0.95), side.clopper_pearson(0.95));
        case.check_list(&format!("wilson95_{name}"), "", &wilson.expect("an interval").map(Some));
        case.check_list(&format!("clopper_pearson95_{name}"), "", &exact.expect("an interval").map(Some));
    }
}

pub fn sample_ratio(case: &mut Case) {
    let found = ratio(&case.numbers("observed"), &case.numbers("expected_ratio")).expect("a ratio");
    let SampleRatio::Tested(test) = &found else {
        case.check_equal("srm", found.mismatch(1e-300));
        return case.holds("reason", found == SampleRatio::Impossible { arm: 2 }, "the weightless arm is named");
    };
    if let Some(correct) = case.expected.get("correct_df_1") {
        let tolerance = crate::harness::Tolerance::of(case.tolerance);
        case.compare("statistic", &correct["statistic"], Some(test.statistic), tolerance);
        case.compare("p_value", &correct["p_value"], Some(test.p_value), tolerance);
        case.holds("correct_df_1", test.freedom == 1, "one degree of freedom");
        let wrong = case.expected["wrong_df_2_p_value"].as_f64().expect("a number");
        case.holds("wrong_df_2_p_value", (test.p_value - wrong).abs() > 0.1, "not the peer's value");
        return case.prose(&["note"]);
    }
    let expected: Vec<Option<f64>> = test.expected.iter().copied().map(Some).collect();
    case.check_list("expected_counts", "", &expected);
    case.check("statistic", test.statistic);
    case.check("df", test.freedom as f64);
    case.check("p_value", test.p_value);
    case.check_equal("srm_at_0_001", found.mismatch(0.001));
    case.check("min_expected_count", test.smallest_expected);
}
