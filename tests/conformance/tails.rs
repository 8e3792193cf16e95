//! Quantiles and tails of the distributions.

use optimizer::stats::tails::{beta, chi_squared, normal, student};

use crate::harness::Case;

pub fn check(case: &mut Case) {
    let at = |key: &str| case.number(key);
    match case.function {
        "normal.quantile" => case.check("x", normal::quantile(at("p"))),
        "normal.upper_tail" => {
            let z = at("z");
            case.check("sf", normal::upper_tail(z));
            case.check("ln_sf", normal::ln_upper_tail(z));
        }
        "student_t.upper_quantile" => case.check("t", student::upper_quantile(at("upper_p"), at("df"))),
        "student_t.upper_tail" => {
            let (t, freedom) = (at("t"), at("df"));
            case.check("sf", student::upper_tail(t, freedom));
            case.check("ln_sf", student::ln_upper_tail(t, freedom));
        }
        "beta.cdf" => {
            let (a, b, x) = (at("a"), at("b"), at("x"));
            case.check("cdf", beta::cdf(a, b, x));
            case.check("upper_tail", beta::upper_tail(a, b, x));
        }
        "beta.quantile" => case.check("x", beta::quantile(at("a"), at("b"), at("p"))),
        "chi_squared.upper_tail" => {
            let (x, freedom) = (at("x"), at("df"));
            case.check("sf", chi_squared::upper_tail(x, freedom));
            case.check("ln_sf", chi_squared::ln_upper_tail(x, freedom));
        }
        "chi_squared.upper_quantile" => case.check("x", chi_squared::upper_quantile(at("upper_p"), at("df"))),
        other => panic!("{other}"),
    }
}
