//! The chi-square distribution, that is the incomplete gamma function.

use super::{kernel::ln_gamma_kernel, ln_one_minus_exp, solve_rising};

const MAX_TERMS: u32 = 200_000;

/// ln P(X > x) with `freedom` degrees. `None` unless `freedom` is positive and finite and `x` a number; below 0 the tail is all.
#[must_use]
pub fn ln_upper_tail(x: f64, freedom: f64) -> Option<f64> {
    valid(freedom)?;
    (!x.is_nan()).then(|| ln_tails(freedom / 2.0, x.max(0.0) / 2.0).1)
}

/// P(X > x).
#[must_use]
pub fn upper_tail(x: f64, freedom: f64) -> Option<f64> {
    ln_upper_tail(x, freedom).map(f64::exp)
}

/// x with P(X > x) = `p`. `None` unless `0 < p < 1`.
#[must_use]
pub fn upper_quantile(p: f64, freedom: f64) -> Option<f64> {
    valid(freedom)?;
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    let a = freedom / 2.0;
    // ln X has a log-concave density, so both tails are log-concave in u = ln x.
    let u = if p < 0.5 {
        -solve_rising(p.ln(), -a.ln(), |v| (ln_tails(a, (-v).exp()).1, ln_gamma_kernel(a, (-v).exp())))
    } else {
        solve_rising((-p).ln_1p(), a.ln(), |u| (ln_tails(a, u.exp()).0, ln_gamma_kernel(a, u.exp())))
    };
    Some(2.0 * u.exp())
}

/// ln P(a, x) and ln Q(a, x): the series below the mean, Legendre's continued fraction above it.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn ln_tails(a: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    if x.is_infinite() {
        return (0.0, f64::NEG_INFINITY);
    }
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..MAX_TERMS {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * f64::EPSILON / 4.0 {
                break;
            }
        }
        let lower = (ln_gamma_kernel(a, x) + sum.ln()).min(0.0);
        return (lower, ln_one_minus_exp(lower));
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut value = d;
    for n in 1..MAX_TERMS {
        let n = f64::from(n);
        let numerator = -n * (n - a);
        b += 2.0;
        d = numerator * d + b;
        d = 1.0 / if d.abs() < tiny { tiny } else { d };
        c = b + numerator / c;
        c = if c.abs() < tiny { tiny } else { c };
        value *= d * c;
        if (d * c - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    let upper = (ln_gamma_kernel(a, x) + value.ln()).min(0.0);
    (ln_one_minus_exp(upper), upper)
}

fn valid(freedom: f64) -> Option<()> {
    (freedom > 0.0 && freedom.is_finite()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_degrees_are_exponential() {
        for x in [1e-6, 1.0, 3.9, 4.1, 1400.0, 5000.0] {
            assert!((ln_upper_tail(x, 2.0).unwrap() + x / 2.0).abs() < 1e-12 * x.max(1.0), "{x}");
        }
        for p in [1e-300, 1e-9, 0.05, 0.5, 0.99] {
            assert!((upper_quantile(p, 2.0).unwrap() / (-2.0 * p.ln()) - 1.0).abs() < 1e-12, "{p}");
        }
    }

    #[test]
    fn edges() {
        assert_eq!((upper_tail(-1.0, 3.0), upper_tail(f64::INFINITY, 3.0)), (Some(1.0), Some(0.0)));
        assert_eq!((upper_tail(1.0, 0.0), upper_tail(f64::NAN, 1.0), upper_quantile(1.0, 1.0)), (None, None, None));
    }
}
