//! Densities of the binomial and Poisson families without cancellation (Loader, "Fast and accurate computation of binomial
//! probabilities", 2000), and arithmetic on logarithms of probabilities.

use statrs::function::gamma::ln_gamma;

/// ln √(2π).
pub(super) const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// ln(1 − eᵛ) for `v ≤ 0`; minus infinity at 0.
#[must_use]
pub fn ln_one_minus_exp(v: f64) -> f64 {
    if v > -std::f64::consts::LN_2 { (-v.exp_m1()).ln() } else { (-v.exp()).ln_1p() }
}

/// ln Γ(n + 1) minus Stirling's formula, for `n > 0`.
fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        return ln_gamma(n + 1.0) - (n + 0.5) * n.ln() + n - LN_SQRT_TAU;
    }
    let square = n * n;
    let series = 1.0 / 1260.0 - (1.0 / 1680.0 - (1.0 / 1188.0 - 691.0 / 360_360.0 / square) / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - series / square) / square) / n
}

/// x ln(x / m) + m − x for positive arguments, exact where x is close to m.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut term = 2.0 * x * v;
    for k in 1_u32..1000 {
        term *= v * v;
        let next = sum + term / f64::from(2 * k + 1);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

/// ln of xᵃ yᵇ / B(a, b) for positive shapes and x + y = 1, both given because one of them may be next to nothing.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
pub(super) fn ln_beta_kernel(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y)
        + 0.5 * (a.ln() + b.ln() - n.ln())
        - LN_SQRT_TAU
}

/// ln of xᵃ e⁻ˣ / Γ(a) for positive arguments.
pub(super) fn ln_gamma_kernel(a: f64, x: f64) -> f64 {
    0.5 * a.ln() - LN_SQRT_TAU - stirling_error(a) - deviance(a, x)
}

/// ln of the binomial probability of `x` in `n` at rate `p`, for whole or real numbers `0 ≤ x ≤ n`, `0 < p < 1`.
#[must_use]
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
pub fn ln_binomial(x: f64, n: f64, p: f64) -> f64 {
    let q = 1.0 - p;
    if x <= 0.0 {
        return n * (-p).ln_1p();
    }
    if x >= n {
        return n * p.ln();
    }
    let (y, scale) = (n - x, n.ln() - x.ln() - (n - x).ln());
    stirling_error(n) - stirling_error(x) - stirling_error(y) - deviance(x, n * p) - deviance(y, n * q) + 0.5 * scale
        - LN_SQRT_TAU
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binomial_agrees_with_scipy() {
        // scipy 1.17.1: binom.logpmf; the last one by Stirling's series, since scipy's has lost digits there.
        for (x, n, p, want) in [
            (3.0, 10.0, 0.3, -1.321_151_277_766_89),
            (0.0, 10.0, 0.3, -3.566_749_439_387_324),
            (500_000.0, 1_000_000.0, 0.5, -7.133_546_881_626_864),
        ] {
            let got = ln_binomial(x, n, p);
            assert!((got - want).abs() < 1e-11, "{x} {n} {p}: {got} for {want}");
        }
    }

    #[test]
    fn one_minus_exp_at_both_ends() {
        assert!((ln_one_minus_exp(-1e-20) - 1e-20_f64.ln()).abs() < 1e-12);
        assert!((ln_one_minus_exp(-50.0) + (-50.0_f64).exp()).abs() < 1e-35);
    }
}
