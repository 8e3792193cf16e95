//! The standard normal distribution.

use libm::erfc; // below 1 ulp; that of statrs 0.19 is off by 5e-11 around z = 2
use statrs::function::erf::erfc_inv;

use super::{kernel::LN_SQRT_TAU, ln_one_minus_exp, solve_rising};

/// Above it the Mills ratio's continued fraction is exact to the last digits in few terms.
const FAR: f64 = 4.0;

/// P(Z > z).
#[must_use]
pub fn upper_tail(z: f64) -> f64 {
    if z > FAR { ln_upper_tail(z).exp() } else { 0.5 * erfc(z / std::f64::consts::SQRT_2) }
}

/// P(Z ≤ z).
#[must_use]
pub fn cdf(z: f64) -> f64 {
    upper_tail(-z)
}

/// ln P(Z > z), accurate for any finite z.
#[must_use]
pub fn ln_upper_tail(z: f64) -> f64 {
    if z > FAR {
        // Laplace's continued fraction z + 1/(z + 2/(z + 3/(z + …))), from the back.
        let mills = (1..=160).rev().fold(z, |tail, k| z + f64::from(k) / tail);
        return -0.5 * z * z - LN_SQRT_TAU - mills.ln();
    }
    if z < -1.0 { ln_one_minus_exp(ln_upper_tail(-z)) } else { upper_tail(z).ln() }
}

/// ln of the density.
#[must_use]
pub fn ln_density(z: f64) -> f64 {
    -0.5 * z * z - LN_SQRT_TAU
}

/// z with P(Z > z) = `p`. `None` unless `0 < p < 1`.
#[must_use]
pub fn upper_quantile(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    if p > 0.5 {
        return upper_quantile(1.0 - p).map(|z| -z);
    }
    if p.total_cmp(&0.5).is_eq() {
        return Some(0.0);
    }
    let start = std::f64::consts::SQRT_2 * erfc_inv(2.0 * p);
    // `u = −z` makes the tail rise.
    Some(-solve_rising(p.ln(), -start, |u| (ln_upper_tail(-u), ln_density(u))))
}

/// z with P(Z ≤ z) = `p`. `None` unless `0 < p < 1`.
#[must_use]
pub fn quantile(p: f64) -> Option<f64> {
    upper_quantile(p).map(|z| -z)
}

/// 1 − `level` split on both sides: the z of a two-sided interval. `None` unless `0 < level < 1`.
#[must_use]
pub fn two_sided_quantile(level: f64) -> Option<f64> {
    upper_quantile((1.0 - level) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_and_quantiles_are_inverse_over_300_decades() {
        for exponent in 1..=300 {
            let p = 10.0_f64.powi(-exponent);
            let back = upper_tail(upper_quantile(p).unwrap());
            assert!((back / p - 1.0).abs() < 1e-11, "{p}: {back}");
        }
        assert!(
            (upper_tail(FAR - 1e-12) / upper_tail(FAR + 1e-12) - 1.0).abs() < 1e-10,
            "no step where the methods meet"
        );
    }

    #[test]
    fn what_is_no_probability_has_no_quantile() {
        for p in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert_eq!((quantile(p), upper_quantile(p)), (None, None));
        }
        assert_eq!(upper_quantile(0.5), Some(0.0));
        assert!((cdf(1e9) - 1.0).abs() < 1e-15 && upper_tail(1e9) < 1e-300);
    }
}
