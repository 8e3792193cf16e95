//! Threshold limits and the descriptive statistics under them.

use optimizer::stats::{
    descriptive::{self, LogNormal, Quartiles},
    limits::{Boundaries, Limits, LowerTail, Side, mirrored},
};
use serde_json::Value;

use crate::harness::{Case, Tolerance, number};

fn quartiles(value: &Value) -> Quartiles {
    let at = |key: &str| number(&value[key]).expect("a quartile");
    Quartiles { q1: at("q1"), q2: at("q2"), q3: at("q3") }
}

pub fn limits(case: &mut Case) {
    let boundaries = Boundaries { lower: case.maybe("lower_boundary"), upper: case.maybe("upper_boundary") };
    let moments = || (case.number("mean"), case.number("std_dev"));
    let found = match case.function.trim_start_matches("threshold_limits.") {
        "static" => Limits::fixed(boundaries),
        "percentage" => Limits::percentage(case.number("mean"), boundaries),
        "z_score" => Limits::z(moments().0, moments().1, boundaries),
        "t_test" => Limits::t_prediction(moments().0, moments().1, case.number("sample_size"), boundaries),
        "log_normal" => {
            let fit = LogNormal::fit(&case.numbers("data")).expect("a fit");
            Limits::log_normal(fit, boundaries, LowerTail::Mirrored)
        }
        "iqr" => Limits::iqr(quartiles(&case.input["quartiles"]), boundaries),
        "delta_iqr" => {
            let changes = quartiles(&case.input["delta_quartiles"]);
            Limits::delta_iqr(quartiles(&case.input["quartiles"]), changes, boundaries)
        }
        other => panic!("{other}"),
    };
    if case.expects("relation") {
        let z = Limits::z(moments().0, moments().1, boundaries);
        let sides = [found.lower, found.upper, z.lower, z.upper].map(|limit| limit.expect("both sides are set"));
        let holds = match case.id {
            "limits_t_n10000_vs_z" => (sides[0] - sides[2]).abs() < 0.001 && (sides[1] - sides[3]).abs() < 0.001,
            "limits_t_n2_wider_than_z" => sides[0] < sides[2] && sides[1] > sides[3],
            other => panic!("{other}"),
        };
        case.holds("relation", holds, "t against z limits");
        return;
    }
    case.check("baseline", found.baseline);
    case.check("lower", found.lower);
    case.check("upper", found.upper);
    let name = |side: Option<Side>| match side {
        None => Value::Null,
        Some(Side::Lower) => "lower".into(),
        Some(Side::Upper) => "upper".into(),
    };
    let sides: Vec<Value> = case.numbers("data_points_to_test").into_iter().map(|v| name(found.side(v))).collect();
    case.check_equal("outlier", sides);
}

pub fn descriptives(case: &mut Case) {
    let data = || case.numbers("data");
    let boundary = |lower, upper| Boundaries { lower, upper };
    let multiple = |key: &str| Some(case.number(key));
    match case.function {
        "mean" => case.check("mean", descriptive::mean(&data())),
        "variance_about_location" => case.check("variance", descriptive::variance(&data(), case.number("location"))),
        "std_deviation_about_location" => {
            let found = descriptive::standard_deviation(&data(), case.number("location"));
            case.check("std_deviation", found);
        }
        "quartiles" => check_quartiles(case, Quartiles::of(&data())),
        "quartiles_of_abs_relative_changes" => check_quartiles(case, Quartiles::of_relative_changes(&data())),
        "log_normal_fit" => {
            let fit = LogNormal::fit(&data());
            case.check("location", fit.map(|fit| fit.location));
            case.check("scale", fit.map(|fit| fit.scale));
        }
        "limit.percentage_lower" => {
            let found = Limits::percentage(case.number("mean"), boundary(multiple("boundary"), None));
            case.check("limit", found.lower);
        }
        "limit.percentage_upper" => {
            let found = Limits::percentage(case.number("mean"), boundary(None, multiple("boundary")));
            case.check("limit", found.upper);
        }
        "limit.mirror_lower" => case.check("limit", mirrored(case.number("mean"), case.number("abs_limit"))),
        // The upper limit is the quantile itself.
        "limit.mirror_upper" => case.check("limit", case.number("abs_limit")),
        "limit.iqr_lower" | "limit.iqr_upper" => {
            let both = boundary(multiple("multiplier"), multiple("multiplier"));
            let found = Limits::iqr(quartiles(&case.input["quartiles"]), both);
            case.check("limit", if case.function.ends_with("lower") { found.lower } else { found.upper });
        }
        "limit.delta_iqr_lower" | "limit.delta_iqr_upper" => {
            let both = boundary(multiple("multiplier"), multiple("multiplier"));
            let changes = quartiles(&case.input["delta_quartiles"]);
            let found = Limits::delta_iqr(quartiles(&case.input["quartiles"]), changes, both);
            case.check("limit", if case.function.ends_with("lower") { found.lower } else { found.upper });
        }
        other => panic!("{other}"),
    }
}

fn check_quartiles(case: &mut Case, found: Option<Quartiles>) {
    let tolerance = Tolerance::of(case.tolerance);
    let want = &case.expected["quartiles"];
    case.holds("quartiles", want.is_null() == found.is_none(), "there are quartiles or there are none");
    let Some(found) = found else { return };
    for (key, got) in [("q1", found.q1), ("q2", found.q2), ("q3", found.q3)] {
        case.compare(key, &want[key], Some(got), tolerance);
    }
    let products = case.expected["iqr_times_multiplier"].as_array().expect("multiples");
    case.prose(&["iqr_times_multiplier"]);
    for pair in products {
        let multiple = number(&pair[0]).expect("a multiple");
        case.compare("iqr_times_multiplier", &pair[1], Some(found.range() * multiple), tolerance);
    }
}
