//! Sample sizes.

use optimizer::stats::{
    power::{Comparisons, Design, Metric, Sides, fewest_requests, requests_of_all, valid_effect, valid_shares},
    tails::normal,
};
use serde_json::Value;

use crate::{
    harness::{Case, number},
    spotify,
};

fn comparisons(case: &Case) -> Comparisons {
    match case.text("comparisons") {
        Some("control_vs_all") => Comparisons::ControlWithAll,
        Some("all_vs_all") => Comparisons::AllWithAll,
        other => panic!("{other:?}"),
    }
}

pub fn sample_size(case: &mut Case) {
    match case.function.trim_start_matches("sample_size.") {
        "continuous" | "binomial" => total(case),
        "number_of_comparisons" => {
            case.check("comparisons", f64::from(comparisons(case).count(case.number("arms") as u32)));
        }
        "alpha" => {
            let (alpha, power) = (case.number("alpha"), case.number("power"));
            let valid = Design::new(alpha, power, Sides::Two).is_some();
            let tests = comparisons(case).count(case.number("arms") as u32);
            let divisor = if case.input["bonferroni"] == Value::Bool(true) { f64::from(tests) } else { 1.0 };
            case.check("alpha", valid.then_some(alpha / divisor));
            case.check_equal("error", !valid);
        }
        "optimal_allocation" => {
            let arms = case.number("arms") as usize;
            let costs =
                if case.input["cost_per_arm"].is_null() { vec![1.0; arms] } else { case.numbers("cost_per_arm") };
            let shares = comparisons(case).shares(&costs).expect("shares");
            case.check_list("allocations", "", &shares.into_iter().map(Some).collect::<Vec<_>>());
        }
        "validate_allocation" => {
            let valid = valid_shares(&case.numbers("allocations"), case.number("arms") as usize);
            case.check_equal("error", !valid);
        }
        "validate_mde" => {
            let valid = valid_effect(case.number("absolute_mde"), case.maybe("baseline_proportion"));
            case.check_equal("error", !valid);
        }
        "metric_table" => table(case),
        "difference.z_test" => spotify::difference(case),
        other => panic!("{other}"),
    }
}

fn total(case: &mut Case) {
    let design = Design::new(case.number("alpha"), case.number("power"), Sides::Two).expect("a design");
    let variance = case.maybe("baseline_variance").unwrap_or_else(|| {
        let p = case.number("baseline_proportion");
        p * (1.0 - p)
    });
    let arms = case.number("treatments") as usize;
    let shares = comparisons(case).shares(&vec![1.0; arms]).expect("shares");
    // The closest comparison: control against a treatment, or any two.
    let requests = design.requests(case.number("absolute_mde"), [variance; 2], [shares[0], shares[1]]);
    case.check("total_sample_size", requests);
    let shown: Vec<Option<f64>> = shares.into_iter().map(Some).collect();
    case.check_list("allocations", "", &shown);
    case.prose(&["reference"]);
}

fn metrics(case: &Case) -> Vec<Metric> {
    let rows = case.input["metrics"].as_array().expect("metrics");
    let derived = case.input["derived"].as_array().expect("derived");
    let metric = |(row, derived): (&Value, &Value)| {
        let at = |key: &str| row.get(key).and_then(number);
        let of = |key: &str| number(&derived[key]).expect("a derived value");
        let sides = if of("sides") > 1.0 { Sides::Two } else { Sides::One };
        let design = Design::new(of("alpha"), of("power"), sides).expect("a design");
        let (mean, variance) = (at("mean").expect("a mean"), at("variance").expect("a variance"));
        let effect = at("relative_mde").or(at("relative_nim")).expect("an effect") * mean;
        let superiority = at("relative_mde").is_some();
        let falls = row["preferred_direction"] == "decrease";
        let moved = mean + if falls { -effect } else { effect };
        // Superiority of a proportion: the treatment has the variance of the shifted one.
        let treatment =
            if superiority && row["binary"] == Value::Bool(true) { moved * (1.0 - moved) } else { variance };
        Metric { design, effect, variances: [variance, treatment] }
    };
    rows.iter().zip(derived).map(metric).collect()
}

fn table(case: &mut Case) {
    let weights = case.numbers("treatment_weights_control_first");
    let all: f64 = weights.iter().sum();
    let shares: Vec<f64> = weights.iter().map(|weight| weight / all).collect();
    let metrics = metrics(case);
    // A margin of zero needs more than any number of requests.
    let sizes: Vec<Option<f64>> =
        metrics.iter().map(|metric| Some(requests_of_all(metric, &shares).unwrap_or(f64::INFINITY))).collect();
    case.check_list("required_total_sample_size", "sample_size", &sizes);
    if case.expects("optimal_total_sample_size") {
        // What the source calls optimal are equal shares of all arms. With one treatment that is the optimum; with more, a
        // larger control needs fewer.
        let equal = vec![1.0 / weights.len() as f64; weights.len()];
        let sizes = metrics.iter().map(|metric| requests_of_all(metric, &equal).expect("a size"));
        let alike = sizes.fold(0.0, f64::max);
        case.check_as("optimal_total_sample_size", "sample_size", alike);
        let fewest = fewest_requests(&metrics, weights.len() as u32 - 1).expect("a size");
        case.holds("optimal_total_sample_size", fewest <= alike * (1.0 + 1e-9), "free shares need no more");
    }
    if !case.expects("ci_width_at_expected_size") {
        return;
    }
    let size = case.number("expected_total_sample_size");
    let derived = case.input["derived"].as_array().expect("derived");
    let widths: Vec<Option<f64>> = metrics
        .iter()
        .zip(derived)
        .map(|(metric, derived)| {
            let of = |key: &str| number(&derived[key]).expect("a derived value");
            let least = shares[1..].iter().copied().fold(1.0, f64::min);
            let variance = metric.variances[0];
            let error = (variance / (size * shares[0]) + variance / (size * least)).sqrt();
            normal::upper_quantile(of("alpha") / of("sides")).map(|z| 2.0 * z * error)
        })
        .collect();
    case.check_list("ci_width_at_expected_size", "ci_width", &widths);
}
