//! The beta distribution and the incomplete beta function behind it.

use super::{kernel::ln_beta_kernel, ln_one_minus_exp, solve_rising};

/// Terms of the continued fraction: it needs some √(a + b) of them.
const MAX_TERMS: u32 = 200_000;

/// ln Iₓ(a, b), the lower tail, for positive shapes and `0 < x < 1`, `y = 1 − x`.
pub(super) fn ln_lower(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if y <= 0.0 {
        return 0.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        // The other tail is the one the fraction converges for, and it is not close to one.
        return ln_one_minus_exp(direct(b, a, y, x).min(0.0));
    }
    direct(a, b, x, y).min(0.0)
}

fn direct(a: f64, b: f64, x: f64, y: f64) -> f64 {
    ln_beta_kernel(a, b, x, y) + continued_fraction(a, b, x, y).ln()
}

/// The even part of the continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, over `a`, in the
/// arrangement of `DiDonato` and Morris (ACM Transactions on Mathematical Software 18, 1992, algorithm 708, BFRAC,
/// doi:10.1145/131766.131776): with λ = a − (a + b)x taken from `y`, nothing cancels where a is huge and x next to one.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn continued_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let lambda = (a + b) * y - b;
    let (c, c0, c1) = (1.0 + lambda, b / a, 1.0 + 1.0 / a);
    let (mut p, mut s) = (1.0, a + 1.0);
    let (mut numerators, mut denominators) = ([0.0, 1.0], [1.0, c / c1]);
    let mut value = c1 / c;
    for n in 1..MAX_TERMS {
        let n = f64::from(n);
        let (t, w) = (n / a, n * (b - n) * x);
        let alpha = p * (p + c0) * (a / s).powi(2) * (w * x);
        let beta = n + w / s + (t + 1.0) / (c1 + t + t) * (c + n * (y + 1.0));
        p = t + 1.0;
        s += 2.0;
        let numerator = alpha * numerators[0] + beta * numerators[1];
        let denominator = alpha * denominators[0] + beta * denominators[1];
        let next = numerator / denominator;
        if (next - value).abs() <= f64::EPSILON * next.abs() {
            return next;
        }
        (numerators, denominators) = ([numerators[1] / denominator, next], [denominators[1] / denominator, 1.0]);
        value = next;
    }
    value
}

/// P(X ≤ x) of Beta(`a`, `b`). `None` unless both shapes are positive and finite; `x` outside `0..=1` counts as its end.
#[must_use]
pub fn cdf(a: f64, b: f64, x: f64) -> Option<f64> {
    shapes(a, b)?;
    Some(ln_lower(a, b, x.clamp(0.0, 1.0), 1.0 - x.clamp(0.0, 1.0)).exp())
}

/// P(X > x) of Beta(`a`, `b`), with its own relative accuracy.
#[must_use]
pub fn upper_tail(a: f64, b: f64, x: f64) -> Option<f64> {
    shapes(a, b)?;
    Some(ln_lower(b, a, 1.0 - x.clamp(0.0, 1.0), x.clamp(0.0, 1.0)).exp())
}

/// x with P(X ≤ x) = `p`. `None` unless `0 < p < 1` and the shapes are positive and finite.
#[must_use]
pub fn quantile(a: f64, b: f64, p: f64) -> Option<f64> {
    shapes(a, b)?;
    (p > 0.0 && p < 1.0).then(|| logistic(logit_quantile(a, b, p.ln(), (-p).ln_1p())))
}

/// x with P(X > x) = `p`: for small `p`, where `1 − p` would be rounded.
#[must_use]
pub fn upper_quantile(a: f64, b: f64, p: f64) -> Option<f64> {
    shapes(a, b)?;
    (p > 0.0 && p < 1.0).then(|| logistic(logit_quantile(a, b, (-p).ln_1p(), p.ln())))
}

/// ln(x / (1 − x)) of the quantile, from the logarithms of both tails. The logit of a beta variable has a log-concave
/// density, hence log-concave tails on either side.
pub(super) fn logit_quantile(a: f64, b: f64, ln_lower_p: f64, ln_upper_p: f64) -> f64 {
    // As if the logit were normal: close for all but the smallest shapes, and saves half of the steps.
    let start = (a / b).ln() - about_normal(ln_lower_p) * (1.0 / a + 1.0 / b).sqrt().min(8.0);
    if ln_lower_p > ln_upper_p {
        return -logit_quantile(b, a, ln_upper_p, ln_lower_p);
    }
    solve_rising(ln_lower_p, start, |u| {
        let (x, y) = (logistic(u), logistic(-u));
        (ln_lower(a, b, x, y), ln_beta_kernel(a, b, x, y))
    })
}

/// z with P(Z > z) = p, from ln p of a p below a half, to three digits (Hastings, "Approximations for Digital Computers", 1955; Abramowitz
/// and Stegun 26.2.23).
fn about_normal(ln_p: f64) -> f64 {
    let t = (-2.0 * ln_p).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    t - above / below
}

fn logistic(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

fn shapes(a: f64, b: f64) -> Option<()> {
    (a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms() {
        for x in [1e-9, 0.2, 0.5, 0.9, 1.0 - 1e-9] {
            let arcsine = 2.0 / std::f64::consts::PI * f64::sqrt(x).atan2((1.0 - x).sqrt());
            assert!((cdf(0.5, 0.5, x).unwrap() / arcsine - 1.0).abs() < 1e-12, "{x}");
            assert!((cdf(7.0, 1.0, x).unwrap() / x.powi(7) - 1.0).abs() < 1e-12, "{x}");
        }
        assert!((cdf(1e8, 1e8, 0.5).unwrap() - 0.5).abs() < 1e-9, "large shapes");
    }

    #[test]
    fn edges() {
        assert_eq!((cdf(2.0, 3.0, -1.0), cdf(2.0, 3.0, 2.0)), (Some(0.0), Some(1.0)));
        for (a, b) in [(0.0, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0)] {
            assert_eq!((cdf(a, b, 0.5), quantile(a, b, 0.5)), (None, None));
        }
        assert_eq!(quantile(1.0, 1.0, 1.0), None);
    }
}
