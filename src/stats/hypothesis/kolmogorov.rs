//! The law of the Kolmogorov–Smirnov distance.
//!
//! The choice between methods is that of Simard and L'Ecuyer, "Computing the two-sided Kolmogorov–Smirnov distribution",
//! Journal of Statistical Software 39(11), 2011, doi:10.18637/jss.v039.i11.

use std::f64::consts::PI;

use crate::stats::tails::ln_binomial;

/// Up to this many values the law is computed exactly.
const EXACT: u32 = 140;

/// P(√n·D > `lambda`) in the limit of many values (Kolmogorov, 1933): 2 Σ (−1)ᵏ⁻¹ e^(−2k²λ²), or the theta function's other
/// series where that one cancels.
#[must_use]
pub fn limit_upper_tail(lambda: f64) -> f64 {
    if lambda.is_nan() {
        return f64::NAN;
    }
    if lambda < 0.04 {
        return 1.0; // the other tail is below 1e-300
    }
    if lambda < 1.18 {
        let q = (-PI * PI / (8.0 * lambda * lambda)).exp();
        let sum = q + q.powi(9) + q.powi(25) + q.powi(49);
        return 1.0 - (2.0 * PI).sqrt() / lambda * sum;
    }
    let q = (-2.0 * lambda * lambda).exp();
    (2.0 * (q - q.powi(4) + q.powi(9) - q.powi(16))).clamp(0.0, 1.0)
}

/// P(D > `d`) for `n` values against a known continuous distribution. Also the usual approximation for two samples with
/// n = nm/(n + m), which need not be whole above 140.
#[must_use]
pub fn upper_tail(n: f64, d: f64) -> f64 {
    if d.is_nan() || n.is_nan() || n < 1.0 {
        return f64::NAN;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let square = n * d * d;
    if n <= f64::from(EXACT) {
        let n = n.round();
        if n * d <= 0.5 {
            return 1.0;
        }
        if d >= 0.5 || square > 4.0 {
            return (2.0 * one_sided_upper_tail(n, d)).min(1.0);
        }
        return (1.0 - exact_cdf(n as usize, d)).clamp(0.0, 1.0);
    }
    if square >= 2.2 {
        return (2.0 * one_sided_upper_tail(n, d)).min(1.0);
    }
    pelz_good_upper_tail(n, d).clamp(0.0, 1.0)
}

/// P(D⁺ > `d`), one side only (Birnbaum and Tingey, Annals of Mathematical Statistics 22, 1951, doi:10.1214/aoms/1177729550);
/// above 1,000 values by Maag and Dicaire's formula e^(−(6nd + 1)²/18n), which is within 2 % down to 1e-10.
#[must_use]
pub fn one_sided_upper_tail(n: f64, d: f64) -> f64 {
    if d <= 0.0 {
        return 1.0;
    }
    if n > 1000.0 {
        return (-(6.0 * n * d + 1.0).powi(2) / (18.0 * n)).exp().min(1.0);
    }
    let n = n.round();
    let mut sum = 0.0;
    for j in 0..=(n * (1.0 - d)).floor() as u32 {
        let j = f64::from(j);
        let p = d + j / n;
        if p >= 1.0 {
            break; // nothing is left above
        }
        sum += (ln_binomial(j, n, p) - p.ln()).exp();
    }
    (d * sum).clamp(0.0, 1.0)
}

/// Durbin's matrix in the form of Marsaglia, Tsang and Wang (Journal of Statistical Software 8(18), 2003,
/// doi:10.18637/jss.v008.i18).
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn exact_cdf(n: usize, d: f64) -> f64 {
    let k = (n as f64 * d).ceil() as usize;
    let power = |base: f64, exponent: usize| base.powf(exponent as f64);
    let h = k as f64 - n as f64 * d;
    let m = 2 * k - 1;
    let factorial = |i: usize| (1..=i).fold(1.0, |product, j| product * j as f64);
    let mut base = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..m {
            if i + 1 >= j {
                base[i * m + j] = 1.0 / factorial(i + 1 - j);
            }
        }
    }
    for i in 0..m {
        base[i * m] -= power(h, i + 1) / factorial(i + 1);
        base[(m - 1) * m + i] -= power(h, m - i) / factorial(m - i);
    }
    base[(m - 1) * m] += power((2.0 * h - 1.0).max(0.0), m) / factorial(m);
    let (powered, mut exponent) = matrix_power(base, m, n);
    let mut value = powered[(k - 1) * m + k - 1];
    for i in 1..=n {
        value *= i as f64 / n as f64;
        if value < 1e-140 {
            value *= 1e140;
            exponent -= 140;
        }
    }
    (value * 10.0_f64.powi(exponent)).clamp(0.0, 1.0)
}

/// The `n`-th power and the decimal exponent taken out of it.
fn matrix_power(mut base: Vec<f64>, m: usize, mut n: usize) -> (Vec<f64>, i32) {
    let mut result: Vec<f64> = (0..m * m).map(|i| f64::from(u8::from(i % (m + 1) == 0))).collect();
    let (mut taken, mut base_taken) = (0, 0);
    while n > 0 {
        if n % 2 == 1 {
            result = multiply(&result, &base, m);
            taken += base_taken;
        }
        n /= 2;
        if n > 0 {
            base = multiply(&base, &base, m);
            base_taken *= 2;
        }
        for (matrix, exponent) in [(&mut base, &mut base_taken), (&mut result, &mut taken)] {
            if matrix[(m / 2) * m + m / 2] > 1e140 {
                for entry in matrix.iter_mut() {
                    *entry *= 1e-140;
                }
                *exponent += 140;
            }
        }
    }
    (result, taken)
}

fn multiply(a: &[f64], b: &[f64], m: usize) -> Vec<f64> {
    let mut product = vec![0.0; m * m];
    for i in 0..m {
        for k in 0..m {
            let factor = a[i * m + k];
            if factor != 0.0 {
                for j in 0..m {
                    product[i * m + j] += factor * b[k * m + j];
                }
            }
        }
    }
    product
}

/// The expansion of Pelz and Good in powers of 1/√n (Journal of the Royal Statistical Society B 38, 1976,
/// pages 152–156).
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn pelz_good_upper_tail(n: f64, d: f64) -> f64 {
    let z = n.sqrt() * d;
    if z < 0.042 {
        return 1.0;
    }
    let (z2, pi2) = (z * z, PI * PI);
    let (z4, z6, z8) = (z2 * z2, z2 * z2 * z2, z2 * z2 * z2 * z2);
    let terms = (16.0 * z / PI).ceil() as u32;
    let mut k = [0.0; 4];
    for i in 0..terms {
        let s = f64::from(2 * i + 1).powi(2);
        let q = (-pi2 / (8.0 * z2) * s).exp();
        let (s2, s3) = (s * s, s * s * s);
        k[0] += q;
        k[1] += q * (-z2 + pi2 / 4.0 * s);
        k[2] += q
            * (6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * pi2 / 4.0 * s + pi2 * pi2 * (1.0 - 2.0 * z2) / 16.0 * s2);
        k[3] += q
            * (-30.0 * z6 - 90.0 * z8
                + pi2 * (135.0 * z4 - 96.0 * z6) / 4.0 * s
                + pi2 * pi2 * (-60.0 * z2 + 212.0 * z4) / 16.0 * s2
                + pi2 * pi2 * pi2 * (5.0 - 30.0 * z2) / 64.0 * s3);
    }
    let scale = (2.0 * PI).sqrt();
    let mut k = [k[0] / z, k[1] / (6.0 * z4), k[2] / (72.0 * z6 * z), k[3] / (6480.0 * z8 * z2)].map(|v| v * scale);
    for i in 1..=terms {
        let s = f64::from(i).powi(2);
        let q = (-pi2 / (2.0 * z2) * s).exp();
        k[2] -= s * q * pi2 * scale / (36.0 * z2 * z);
        k[3] += (3.0 * z2 - pi2 * s) * s * q * pi2 * scale / (216.0 * z6);
    }
    1.0 - (k[0] + k[1] / n.sqrt() + k[2] / n + k[3] / n.powf(1.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy 1.17.1: kstwo(n).sf(d).
        for (n, d, want) in [
            (1.0, 0.6, 8.000_000_000e-1),
            (5.0, 0.3, 6.640_000_000e-1),
            (5.0, 0.9, 2.000_000_000e-5),
            (29.0, 0.2136, 1.219_860_654e-1),
            (55.0, 0.1133, 4.475_237_589e-1),
            (100.0, 0.05, 9.532_159_711e-1),
            (140.0, 0.03, 9.992_547_123e-1),
            (140.0, 0.16, 1.344_016_324e-3),
            (141.0, 0.05, 8.548_456_930e-1),
            (200.0, 0.1, 3.411_035_080e-2),
            (1000.0, 0.02, 8.108_971_657e-1),
            (1000.0, 0.04, 7.933_956_059e-2),
            (5000.0, 0.05, 2.652_305_233e-11),
            (20000.0, 0.008, 1.537_159_672e-1),
        ] {
            let got = upper_tail(n, d);
            let tolerance = if n > 1000.0 { 0.02 } else { 2e-5 };
            assert!((got / want - 1.0).abs() < tolerance, "{n} {d}: {got} for {want}");
        }
    }

    #[test]
    fn both_series_of_the_limit_agree_and_edges_hold() {
        assert!((limit_upper_tail(1.18 - 1e-12) - limit_upper_tail(1.18 + 1e-12)).abs() < 1e-11);
        assert_eq!((limit_upper_tail(0.0), upper_tail(10.0, 0.0), upper_tail(10.0, 1.0)), (1.0, 1.0, 0.0));
        assert!(upper_tail(0.5, 0.5).is_nan() && limit_upper_tail(f64::NAN).is_nan());
    }
}
