//! How large a difference is, whatever the number of requests, with its interval.

use super::{Alternative, Binned, Bounds, Undefined, ascending, check, welch::Summary};
use crate::stats::tails::normal;

/// An effect size with a two-sided interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectSize {
    pub value: f64,
    pub bounds: Bounds,
}

/// Hedges' g: the difference of means in pooled standard deviations, with the small-sample factor 1 − 3 / (4ν − 1); the
/// interval from its large-sample variance (Hedges, Journal of Educational Statistics 6, 1981, doi:10.3102/10769986006002107).
/// Cohen's d is the same without the factor: [`cohens_d`].
pub fn hedges_g(x: &Summary, y: &Summary, level: f64) -> Result<EffectSize, Undefined> {
    let factor = 1.0 - 3.0 / (4.0 * (x.n + y.n - 2.0) - 1.0);
    let d = cohens_d(x, y)?;
    let variance = (x.n + y.n) / (x.n * y.n) + d * d / (2.0 * (x.n + y.n));
    let half = normal::two_sided_quantile(level).ok_or(Undefined::Impossible)? * factor * variance.sqrt();
    let value = factor * d;
    Ok(EffectSize { value, bounds: Bounds { low: Some(value - half), high: Some(value + half) } })
}

/// Difference of means over the pooled standard deviation.
pub fn cohens_d(x: &Summary, y: &Summary) -> Result<f64, Undefined> {
    let pooled = super::welch::pooled(x, y)?;
    // The pooled standard error over √(1/n + 1/m) is the pooled standard deviation.
    Ok(pooled.value / (pooled.standard_error / (1.0 / x.n + 1.0 / y.n).sqrt()))
}

/// P(X > Y) + ½ P(X = Y) with its interval, on the logit scale from the variance of placements (`DeLong` et al., Biometrics 44,
/// 1988, doi:10.2307/2531595). Where the sides are completely apart, or that variance is zero, the placements say nothing
/// and the interval is Newcombe's (Statistics in Medicine 25, 2006, method 5, doi:10.1002/sim.2324), which needs only the
/// sizes. Undefined below two values on a side.
pub fn superiority(sides: &Binned, level: f64) -> Result<EffectSize, Undefined> {
    let z = normal::two_sided_quantile(level).ok_or(Undefined::Impossible)?;
    let least = sides.n.min(sides.m);
    if least < 2.0 {
        return Err(Undefined::TooFew { needs: 2, has: least as u32 });
    }
    let value = sides.mann_whitney(Alternative::TwoSided).superiority;
    let (mut below, mut spread) = ([0.0; 2], [0.0; 2]);
    for [p, q] in sides.shares() {
        // What share of the other side lies below a value of this bin, ties half.
        let (of_x, of_y) = (below[1] + q / 2.0, below[0] + p / 2.0);
        spread[0] += p * (of_x - value).powi(2);
        spread[1] += q * (of_y - (1.0 - value)).powi(2);
        below = [below[0] + p, below[1] + q];
    }
    let error = (spread[0] / (sides.n - 1.0) + spread[1] / (sides.m - 1.0)).sqrt();
    let inside = value * (1.0 - value);
    let bounds = if error > 1e-9 && inside > 1e-12 {
        let (logit, half) = ((value / (1.0 - value)).ln(), z * error / inside);
        let back = |v: f64| 1.0 / (1.0 + (-v).exp());
        Bounds { low: Some(back(logit - half)), high: Some(back(logit + half)) }
    } else {
        newcombe(value, sides.n, sides.m, z)
    };
    Ok(EffectSize { value, bounds })
}

/// Cliff's δ = P(X > Y) − P(X < Y), twice the superiority less one.
pub fn cliffs_delta(sides: &Binned, level: f64) -> Result<EffectSize, Undefined> {
    let EffectSize { value, bounds } = superiority(sides, level)?;
    let scale = |v: f64| 2.0 * v - 1.0;
    Ok(EffectSize { value: scale(value), bounds: Bounds { low: bounds.low.map(scale), high: bounds.high.map(scale) } })
}

/// All θ with |θ̂ − θ| ≤ z √V(θ), where V is Hanley and `McNeil`'s variance with (n + m)/2 in place of both sizes.
fn newcombe(value: f64, n: f64, m: f64, z: f64) -> Bounds {
    let half = f64::midpoint(n, m) - 1.0;
    let error = |t: f64| (t * (1.0 - t) * (1.0 + half * ((1.0 - t) / (2.0 - t) + t / (1.0 + t))) / (n * m)).sqrt();
    let bisect = |mut inner: f64, mut outer: f64| {
        for _ in 0..60 {
            let middle = f64::midpoint(inner, outer);
            if (value - middle).abs() <= z * error(middle) { inner = middle } else { outer = middle }
        }
        inner
    };
    Bounds { low: Some(bisect(value, 0.0)), high: Some(bisect(value, 1.0)) }
}

/// The Hodges–Lehmann shift: the median of all differences x − y (Annals of Mathematical Statistics 34, 1963,
/// doi:10.1214/aoms/1177704172), in the unit of the values. Exact in O((n + m) log) by bisection over the floats
/// themselves: a rounded difference still rises with x and falls with y, so that differences can be counted without
/// listing them.
pub fn hodges_lehmann(x: &[f64], y: &[f64]) -> Result<f64, Undefined> {
    check(x, 1).and(check(y, 1))?;
    let (x, y) = (ascending(x), ascending(y));
    let pairs = x.len() as u64 * y.len() as u64;
    let at = |rank: u64| {
        let (mut low, mut high) = (ordinal(f64::NEG_INFINITY), ordinal(f64::INFINITY));
        while low < high {
            let middle = low + (high.abs_diff(low) / 2).cast_signed();
            if at_most(&x, &y, float(middle)) > rank { high = middle } else { low = middle + 1 }
        }
        float(low)
    };
    let upper = at(pairs / 2);
    let value = if pairs % 2 == 1 { upper } else { f64::midpoint(at(pairs / 2 - 1), upper) };
    if value.is_finite() { Ok(value) } else { Err(Undefined::NotFinite) }
}

/// Number of pairs with x − y ≤ `limit`; both ascending.
fn at_most(x: &[f64], y: &[f64], limit: f64) -> u64 {
    let (mut count, mut first) = (0, y.len());
    // The larger y, the smaller the difference: the y that qualify for x are a tail of y, which shrinks as x grows.
    let mut from = 0;
    for a in x {
        while from < first && a - y[from] > limit {
            from += 1;
        }
        count += (y.len() - from) as u64;
        first = y.len();
    }
    count
}

/// Floats in their order as whole numbers.
fn ordinal(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned() >> 1).cast_signed())
}

fn float(ordinal: i64) -> f64 {
    f64::from_bits((ordinal ^ (((ordinal >> 63).cast_unsigned() >> 1).cast_signed())).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hodges_lehmann_is_the_median_of_differences() {
        let (x, y) = ([1.1, 2.3, 3.5, 4.7, 5.9, -8.0], [2.0, 3.1, 4.4, 6.6, 0.0]);
        let mut all: Vec<f64> = x.iter().flat_map(|a| y.iter().map(move |b| a - b)).collect();
        all.sort_by(f64::total_cmp);
        let want = f64::midpoint(all[14], all[15]);
        assert!((hodges_lehmann(&x, &y).unwrap() - want).abs() < 1e-15);
        assert_eq!(hodges_lehmann(&[7.0], &[5.0]), Ok(2.0));
        assert_eq!(hodges_lehmann(&[f64::MAX], &[-f64::MAX]), Err(Undefined::NotFinite));
        assert_eq!(hodges_lehmann(&[], &[5.0]), Err(Undefined::TooFew { needs: 1, has: 0 }));
    }

    #[test]
    fn standardized_differences_by_hand() {
        let (x, y) = (Summary { n: 10.0, mean: 5.0, variance: 4.0 }, Summary { n: 10.0, mean: 3.0, variance: 4.0 });
        assert!((cohens_d(&x, &y).unwrap() - 1.0).abs() < 1e-12);
        let g = hedges_g(&x, &y, 0.95).unwrap();
        assert!((g.value - (1.0 - 3.0 / 71.0)).abs() < 1e-12 && g.bounds.low.unwrap() > 0.0, "{g:?}");
        let flat = Summary { variance: 0.0, ..x };
        assert_eq!(cohens_d(&flat, &flat), Err(Undefined::NoVariance));
    }

    #[test]
    fn complete_separation_still_has_an_interval() {
        let apart = Binned::of_values(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0, 7.0]).unwrap();
        let delta = cliffs_delta(&apart, 0.95).unwrap();
        assert!((delta.value + 1.0).abs() < 1e-12);
        assert!(delta.bounds.low.unwrap() >= -1.0 && (-0.9..0.5).contains(&delta.bounds.high.unwrap()), "{delta:?}");
        let same = superiority(&Binned::of_values(&[5.0; 4], &[5.0; 4]).unwrap(), 0.95).unwrap();
        assert!((same.value - 0.5).abs() < 1e-12 && same.bounds.low < Some(0.5) && same.bounds.high > Some(0.5));
    }
}
