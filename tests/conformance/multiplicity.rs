//! Corrections for many tests.

use optimizer::stats::multiplicity::{Correction, adjust, interval_of_p};

use crate::harness::{Case, numbers};

pub fn check(case: &mut Case) {
    let correction = match case.function.trim_start_matches("multiplicity.") {
        "bonferroni" => Correction::Bonferroni,
        "holm" => Correction::Holm,
        "hommel" => Correction::Hommel,
        "hochberg" => Correction::Hochberg,
        "benjamini_hochberg" => Correction::BenjaminiHochberg,
        "benjamini_yekutieli" => Correction::BenjaminiYekutieli,
        "ci_from_p" => return interval(case),
        other => panic!("{other}"),
    };
    let adjusted = adjust(&case.numbers("p"), correction).expect("p-values");
    let shown: Vec<Option<f64>> = adjusted.iter().copied().map(Some).collect();
    case.check_list("adjusted_in_input_order", "", &shown);
    if case.expects("reject") {
        let alpha = case.number("alpha");
        case.check_equal("reject", adjusted.iter().map(|p| *p <= alpha).collect::<Vec<bool>>());
    }
    if let Some(order) = case.expected.get("upstream_order") {
        // The same numbers, sorted.
        let same = numbers(&order["adjusted"]).iter().zip(numbers(&order["original_index"])).all(|(want, index)| {
            (adjusted[index as usize] - want).abs() <= case.tolerance["abs"].as_f64().expect("a tolerance")
        });
        case.holds("upstream_order", same, "the sorted list holds the same values");
    }
}

fn interval(case: &mut Case) {
    let found = interval_of_p(case.number("estimate"), case.number("adjusted_p"), case.number("alpha"));
    let [low, high] = found.expect("an interval");
    case.check_list("ci", "", &[Some(low), Some(high)]);
    let strict = case.expected["relation"].is_null() || (low > 0.0 && high < 0.2);
    case.holds("relation", strict, "strictly inside");
}
