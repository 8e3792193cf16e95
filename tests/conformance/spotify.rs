//! Comparisons of two arms given as sums, and the sequential intervals.

use optimizer::stats::{
    group_sequential::{Spending, bounds},
    hypothesis::{
        Alternative, Bounds, Difference, Reference,
        goodness_of_fit::{SampleRatio, sample_ratio},
        proportions::{self, Proportion, Variance},
        welch::{Summary, welch},
    },
    power::{Design, Sides, power},
};
use serde_json::Value;

use crate::harness::{Case, Tolerance, number};

/// An arm as the suite writes it.
pub struct Arm {
    pub n: f64,
    pub sum: f64,
    pub squares: Option<f64>,
}

impl Arm {
    pub fn of(value: &Value) -> Self {
        let at = |key: &str| value.get(key).and_then(number);
        Self { n: at("n").expect("n"), sum: at("sum").expect("a sum"), squares: at("sum_sq") }
    }

    fn binary(&self) -> bool {
        self.squares.is_none_or(|squares| (squares - self.sum).abs() < 1e-9)
    }

    fn proportion(&self) -> Proportion {
        Proportion::new(self.sum, self.n).expect("a proportion")
    }

    /// Binary data by p(1 − p), the rest with the n − 1 divisor.
    pub fn summary(&self) -> Summary {
        let mean = self.sum / self.n;
        let variance = match self.squares {
            Some(squares) if !self.binary() => (squares - self.n * mean * mean) / (self.n - 1.0),
            _ => self.proportion().variance(),
        };
        Summary { n: self.n, mean, variance }
    }
}

fn arms(case: &Case) -> [Arm; 2] {
    ["control", "treatment"].map(|key| Arm::of(&case.input[key]))
}

/// Treatment minus control, with a normal reference.
fn z_test(control: &Summary, treatment: &Summary) -> Difference {
    let found = welch(treatment, control).expect("a difference");
    Difference { reference: Reference::Normal, ..found }
}

fn direction(case: &Case) -> Alternative {
    match case.text("preferred_direction") {
        None => Alternative::TwoSided,
        Some("increase") => Alternative::Greater,
        Some("decrease") => Alternative::Less,
        Some(other) => panic!("{other}"),
    }
}

fn shown(bounds: Bounds, scale: f64) -> [f64; 2] {
    [bounds.low.map_or(f64::NEG_INFINITY, |low| low / scale), bounds.high.map_or(f64::INFINITY, |high| high / scale)]
}

pub fn difference(case: &mut Case) {
    let [control, treatment] = arms(case);
    let (c, t) = (control.summary(), treatment.summary());
    let mut found = match case.function {
        "difference.t_test" => welch(&t, &c).expect("a difference"),
        _ => z_test(&c, &t),
    };
    // The suite takes differences of means as written.
    found.value = t.mean - c.mean;
    let side = direction(case);
    let margin = case.maybe("non_inferiority_margin").unwrap_or(0.0) * c.mean;
    let null = if side == Alternative::Less { margin } else { -margin };
    let p = if case.function == "difference.chi_squared" {
        // Pearson's chi-square without correction is the square of the pooled z.
        let pooled = proportions::difference(&treatment.proportion(), &control.proportion(), Variance::Pooled);
        pooled.expect("a difference").p_value(Alternative::TwoSided, 0.0)
    } else {
        found.p_value(side, null)
    };
    let relative = case.input["absolute"] == Value::Bool(false);
    let scale = if relative { c.mean } else { 1.0 };
    let level = case.number("interval");
    let comparisons = case.maybe("n_comparisons").unwrap_or(1.0);
    let interval = |level| shown(found.interval(level, side).expect("an interval"), scale);
    let [low, high] = interval(level);
    let [adjusted_low, adjusted_high] = interval(1.0 - (1.0 - level) / comparisons);
    case.check("difference", found.value / scale);
    case.check("ci_lower", low);
    case.check("ci_upper", high);
    case.check("p_value", p);
    case.check("adjusted_ci_lower", adjusted_low);
    case.check("adjusted_ci_upper", adjusted_high);
    case.check("adjusted_p_value", (p * comparisons).min(1.0));
    if let Some(relation) = case.expected.get("p_value_relation").and_then(Value::as_str) {
        let (sign, limit) = relation.split_once(' ').expect("a sign and a limit");
        let limit: f64 = limit.parse().expect("a limit");
        case.holds("p_value_relation", if sign == ">" { p > limit } else { p < limit }, relation);
    }
}

pub fn confidence_tests(case: &mut Case) {
    match case.function {
        "difference.chi_squared" | "difference.t_test" | "difference.z_test" => difference(case),
        "interval.chi_squared" | "interval.t_test" | "interval.z_test" => {
            let arm = Arm::of(&case.input["arm"]).summary();
            let t = case.function == "interval.t_test";
            let reference = if t { Reference::StudentT(arm.n - 1.0) } else { Reference::Normal };
            let mean = Difference { value: arm.mean, standard_error: (arm.variance / arm.n).sqrt(), reference };
            let [low, high] =
                shown(mean.interval(case.number("interval"), Alternative::TwoSided).expect("an interval"), 1.0);
            case.check("ci_lower", low);
            case.check("ci_upper", high);
        }
        "power.two_sample_two_sided" => {
            let error = (case.number("variance") * (1.0 / case.number("n1") + 1.0 / case.number("n2"))).sqrt();
            case.check("power", power(case.number("mde"), error, case.number("alpha"), Sides::Two));
            case.prose(&["reference"]);
        }
        "srm.chi_squared" => {
            let found = sample_ratio(&case.numbers("observed"), &case.numbers("expected_proportions"));
            let SampleRatio::Tested(test) = found.expect("a ratio") else { panic!("all arms have weight") };
            case.check("statistic", test.statistic);
            case.check("df", test.freedom as f64);
            case.check("p_value", test.p_value);
            case.prose(&["note"]);
        }
        "powered_effect_and_sample_size.z_test" => powered(case),
        other => panic!("{other}"),
    }
}

fn powered(case: &mut Case) {
    let [control, treatment] = arms(case);
    let derived = |key: &str| number(&case.input["derived"][key]).expect("a derived value");
    let sides = if derived("sides") > 1.0 { Sides::Two } else { Sides::One };
    let design =
        Design::new(derived("alpha_after_correction"), derived("power_after_correction"), sides).expect("a design");
    let control_summary = control.summary();
    let variance = control_summary.variance;
    case.check("powered_effect_absolute", design.effect(variance, [control.n, treatment.n]));
    let relative = case.maybe("relative_mde").or(case.maybe("relative_nim"));
    let both = control.n + treatment.n;
    let requests = relative.and_then(|relative| {
        let shares = [control.n / both, treatment.n / both];
        design.requests(relative * control_summary.mean, [variance; 2], shares)
    });
    case.check("required_total_sample_size", requests);
}

pub fn sequential(case: &mut Case) {
    match case.function {
        "sequential.adjusted_alpha" => {
            let [first, second] = ["n_arm1", "n_arm2"].map(|key| case.numbers(key));
            let totals: Vec<f64> = first.iter().zip(&second).map(|(a, b)| a + b).collect();
            let all = totals.iter().copied().fold(case.number("final_expected_total"), f64::max);
            let information: Vec<f64> = totals.iter().map(|total| total / all).collect();
            let found = z_bounds(case.number("alpha"), Sides::Two, &information);
            let tail = |z: &f64| Some(2.0 * optimizer::stats::tails::normal::upper_tail(*z));
            case.check_list("adjusted_alpha", "", &found.iter().map(tail).collect::<Vec<_>>());
        }
        "sequential.bounds_z" => long_bounds(case),
        "sequential.z_test_interval" => {
            let [control, treatment] = arms(case).map(|arm| arm.summary());
            let side = direction(case);
            let sides = if side == Alternative::TwoSided { Sides::Two } else { Sides::One };
            let alpha = (1.0 - case.number("interval")) / case.number("n_comparisons");
            let found = z_bounds(alpha, sides, &case.numbers("information"));
            let z = found[case.number("look_index") as usize];
            let difference = z_test(&control, &treatment);
            let half = z * difference.standard_error;
            let open = |closed: bool, bound: f64, otherwise: f64| if closed { bound } else { otherwise };
            case.check("difference", difference.value);
            let low = open(side != Alternative::Less, difference.value - half, f64::NEG_INFINITY);
            let high = open(side != Alternative::Greater, difference.value + half, f64::INFINITY);
            case.check("adjusted_ci_lower", low);
            case.check("adjusted_ci_upper", high);
        }
        other => panic!("{other}"),
    }
}

fn z_bounds(alpha: f64, sides: Sides, information: &[f64]) -> Vec<f64> {
    bounds(Spending::Power(2.0), alpha, sides, information).expect("bounds")
}

/// The vectors of the source are coarse integrals: the first look by its tolerance, later ones from the stated look on by the
/// recommended one.
fn long_bounds(case: &mut Case) {
    let found = z_bounds(case.number("alpha"), Sides::Two, &case.numbers("information"));
    let want = case.expected["bounds_z"].as_array().expect("bounds");
    case.holds("bounds_z", want.len() == found.len(), "one bound a look");
    let [upstream, recommended] = ["upstream", "recommended"].map(|key| Tolerance::of(&case.tolerance[key]));
    let from_look = case.tolerance["recommended"]["from_look"].as_u64().expect("a look");
    for (look, (want, got)) in (1_u64..).zip(want.iter().zip(&found)) {
        if look == 1 {
            case.compare("bounds_z[1]", want, Some(*got), upstream);
        } else if look >= from_look {
            case.compare(&format!("bounds_z[{look}]"), want, Some(*got), recommended);
        }
    }
}
