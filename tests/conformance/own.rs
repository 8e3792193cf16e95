//! Two-sample tests and the trend test.

use optimizer::stats::{
    hypothesis::{
        Alternative, Difference, Undefined,
        effect_size::hodges_lehmann,
        kolmogorov, ks,
        mann_whitney::{Continuity, MannWhitney},
        rank_permutation,
        welch::{self, Summary},
    },
    mann_kendall::{self, Autocorrelation, MannKendall},
    theil_sen,
};

use crate::harness::{Case, Tolerance};

fn alternative(name: &str) -> Alternative {
    match name {
        "two-sided" => Alternative::TwoSided,
        "greater" => Alternative::Greater,
        "less" => Alternative::Less,
        other => panic!("{other}"),
    }
}

pub fn ks(case: &mut Case) {
    // The file names distribution functions: a greater one belongs to smaller values.
    let side = match alternative(case.text("alternative").expect("an alternative")) {
        Alternative::Greater => Alternative::Less,
        Alternative::Less => Alternative::Greater,
        Alternative::TwoSided => Alternative::TwoSided,
    };
    let found = ks::distance(&case.numbers("x"), &case.numbers("y"), side).expect("a distance");
    case.check("statistic", found.value());
    case.check("p_exact", found.p_exact_without_ties());
    case.check("p_asymptotic", found.p_asymptotic());
    case.check("p_kolmogorov_limit", kolmogorov::limit_upper_tail(found.effective().sqrt() * found.value()));
    case.check_as("p_permutation_conditional_on_ties", "p_exact", found.p_exact());
}

pub fn mann_whitney(case: &mut Case) {
    let (x, y) = (case.numbers("x"), case.numbers("y"));
    let found = MannWhitney::of_values(&x, &y).expect("a statistic");
    case.check_as("U_x", "U", found.u);
    case.check_as("U_y", "U", MannWhitney::of_values(&y, &x).expect("a statistic").u);
    case.check_as("cles_P_x_gt_y_plus_half_ties", "variance", found.superiority());
    case.check_as("tie_corrected_variance", "variance", found.variance);
    case.check_as("hodges_lehmann_x_minus_y", "hodges_lehmann", hodges_lehmann(&x, &y).ok());
    for name in ["two-sided", "less", "greater"] {
        let side = alternative(name);
        let asymptotic = |continuity| found.p_asymptotic(side, continuity).ok();
        case.check_as(&format!("p_asymptotic_{name}_cc"), "p", asymptotic(Continuity::Corrected));
        case.check_as(&format!("p_asymptotic_{name}_nocc"), "p", asymptotic(Continuity::Uncorrected));
        if case.expects(&format!("p_exact_{name}")) {
            case.check_as(&format!("p_exact_{name}"), "p", rank_permutation::p_value(&x, &y, side).ok());
        }
    }
    if case.expects("p_permutation_two_sided_conditional_on_ties") {
        let exact = rank_permutation::p_value(&x, &y, Alternative::TwoSided).ok();
        case.check_as("p_permutation_two_sided_conditional_on_ties", "p", exact);
    }
}

pub fn welch(case: &mut Case) {
    let found = if case.function == "welch_t_from_summary" {
        let side = |s: &str| {
            let at = |key: &str| case.number(&format!("{key}_{s}"));
            Summary { n: at("n"), mean: at("mean"), variance: at("var") }
        };
        welch::welch(&side("x"), &side("y"))
    } else {
        welch::welch_of_values(&case.numbers("x"), &case.numbers("y"))
    };
    match found {
        Ok(found) => check_welch(case, found),
        Err(reason) => {
            case.check_equal("undefined", true);
            let text = match reason {
                Undefined::TooFew { needs: 2, .. } => "fewer than 2 values on a side",
                Undefined::NoVariance => "zero variance on both sides",
                other => panic!("{other}"),
            };
            case.check_equal("reason", text);
            if case.expects("difference_mean_x_minus_y") {
                let mean = |key: &str| Summary::of_values(&case.numbers(key)).expect("enough values").mean;
                let difference = mean("x") - mean("y");
                case.check("difference_mean_x_minus_y", difference);
            }
        }
    }
}

fn check_welch(case: &mut Case, found: Difference) {
    let freedom = match found.reference {
        optimizer::stats::hypothesis::Reference::StudentT(freedom) => freedom,
        optimizer::stats::hypothesis::Reference::Normal => panic!("Welch's is a t test"),
    };
    case.check("t", found.statistic(0.0));
    case.check("df", freedom);
    case.check("difference_mean_x_minus_y", found.value);
    let p = |side| found.p_value(side, 0.0);
    case.check("p_two_sided", p(Alternative::TwoSided));
    case.check("p_greater", p(Alternative::Greater));
    case.check("p_less", p(Alternative::Less));
    case.check("log10_p", found.ln_p_value(Alternative::TwoSided, 0.0) / std::f64::consts::LN_10);
    for (field, level) in [("ci95", 0.95), ("ci99", 0.99)] {
        let bounds = found.interval(level, Alternative::TwoSided).expect("an interval");
        case.check_list(field, "", &[bounds.low, bounds.high]);
    }
}

pub fn mann_kendall(case: &mut Case) {
    let values = case.numbers("x");
    let found = mann_kendall::test(&values).expect("a statistic");
    case.check("S", found.s as f64);
    case.check("var_S", found.variance);
    case.check("z", found.z());
    let p = found.p_value(Alternative::TwoSided);
    case.check("p_two_sided", p);
    case.check("tau_pymannkendall", found.tau_a());
    case.check("kendall_tau_b", found.tau_b());
    let line = theil_sen::fit(&values).expect("a line");
    case.check("sen_slope", line.slope);
    case.check("sen_intercept_pymannkendall", line.intercept);
    let trend = if p >= 0.05 {
        "no trend"
    } else if found.s > 0 {
        "increasing"
    } else {
        "decreasing"
    };
    case.check_equal("trend_at_0_05", trend);
    for (field, method) in
        [("hamed_rao", Autocorrelation::HamedRao { level: 0.05 }), ("yue_wang", Autocorrelation::YueWang)]
    {
        if case.expects(field) {
            check_corrected(case, field, mann_kendall::corrected(&values, method).ok());
        }
    }
}

fn check_corrected(case: &mut Case, field: &str, found: Option<MannKendall>) {
    let want = &case.expected[field];
    case.prose(&[field]);
    let tolerance = Tolerance::of(case.tolerance);
    case.compare(&format!("{field}.z"), &want["z"], found.map(|found| found.z()), tolerance);
    case.compare(&format!("{field}.p"), &want["p"], found.map(|found| found.p_value(Alternative::TwoSided)), tolerance);
    if want["z"].is_null() && want["var_S"].as_f64().is_some_and(|variance| variance <= 0.0) {
        // A variance that is not positive is no result; we say so instead of showing it.
        case.holds(field, found.is_none(), "undefined with a variance that is not positive");
    } else {
        case.compare(&format!("{field}.var_S"), &want["var_S"], found.map(|found| found.variance), tolerance);
    }
}
