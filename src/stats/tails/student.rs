//! Student's t distribution with any positive, also fractional, degrees of freedom.

use super::{beta, ln_one_minus_exp, normal};

/// With more degrees of freedom t and normal tails agree to 1e-9 wherever they are above 1e-30.
const AS_GOOD_AS_NORMAL: f64 = 1e13;

/// ln P(T > t). `None` unless `freedom` is positive and `t` a number.
#[must_use]
pub fn ln_upper_tail(t: f64, freedom: f64) -> Option<f64> {
    if freedom.is_nan() || freedom <= 0.0 || t.is_nan() {
        return None;
    }
    if freedom > AS_GOOD_AS_NORMAL {
        return Some(normal::ln_upper_tail(t));
    }
    if t < 0.0 {
        return ln_upper_tail(-t, freedom).map(ln_one_minus_exp);
    }
    if t > 1e150 {
        // t² would overflow; the tail is a power there.
        let at = ln_upper_tail(1e150, freedom)?;
        return Some(at - freedom * (t / 1e150).ln());
    }
    let square = t * t;
    let (x, y) = (freedom / (freedom + square), square / (freedom + square));
    Some(beta::ln_lower(freedom / 2.0, 0.5, x, y) - std::f64::consts::LN_2)
}

/// P(T > t).
#[must_use]
pub fn upper_tail(t: f64, freedom: f64) -> Option<f64> {
    ln_upper_tail(t, freedom).map(f64::exp)
}

/// t with P(T > t) = `p`. `None` unless `0 < p < 1` and `freedom` is positive.
#[must_use]
pub fn upper_quantile(p: f64, freedom: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0 && freedom > 0.0) {
        return None;
    }
    if freedom > AS_GOOD_AS_NORMAL {
        return normal::upper_quantile(p);
    }
    if p > 0.5 {
        return upper_quantile(1.0 - p, freedom).map(|t| -t);
    }
    if p.total_cmp(&0.5).is_eq() {
        return Some(0.0);
    }
    let logit = beta::logit_quantile(freedom / 2.0, 0.5, (2.0 * p).ln(), (-2.0 * p).ln_1p());
    Some((0.5 * (freedom.ln() - logit)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cauchy_in_closed_form() {
        for t in [0.001, 1.0, 7.0, 1e6, 1e160] {
            let want = (1.0_f64).atan2(t) / std::f64::consts::PI;
            assert!((upper_tail(t, 1.0).unwrap() / want - 1.0).abs() < 1e-12, "{t}");
        }
        assert!((upper_quantile(1e-12, 1.0).unwrap() * std::f64::consts::PI * 1e-12 - 1.0).abs() < 1e-11);
    }

    #[test]
    fn edges() {
        assert_eq!(upper_tail(0.0, 3.0), Some(0.5));
        assert_eq!((upper_tail(f64::NAN, 3.0), upper_tail(1.0, 0.0), upper_quantile(0.0, 3.0)), (None, None, None));
        let (t, z) = (upper_quantile(0.025, 1e12).unwrap(), normal::upper_quantile(0.025).unwrap());
        assert!((t / z - 1.0).abs() < 1e-9, "{t} {z}");
        assert!((upper_quantile(0.975, 5.0).unwrap() + upper_quantile(0.025, 5.0).unwrap()).abs() < 1e-12);
    }
}
