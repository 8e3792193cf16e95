//! Means and other ratios of sums.

use super::{
    evidence::{Bounds, Evidence, Interval, Method},
    influence::{Moments, moments},
    layout::Layout,
    permutation::{at_least, floor, least},
    sample::{Lack, Sample},
};
use crate::stats::tails::{normal, student};

/// A standard error this far below the values is rounding, not variation.
const ROUNDING: f64 = 1e-12;

/// The contrast of two linearised ratios.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mean {
    moments: Moments,
    /// Where nothing varies: the chance that units dealt to the sides at random part as completely as these.
    constant: Option<f64>,
}

/// Pairs that have to differ by exactly the same for that to be no chance: answers of a few tokens may well differ by one.
const CERTAIN: u64 = 10;

/// Compares means, or sums per denominator. `deterministic`: a quantity that the request alone decides, as a token count or a list price:
/// where the same requests are on both sides and each differs by the same, it does differ, whatever chance could do.
pub(super) fn mean(samples: [&Sample; 2], layout: &Layout, deterministic: bool) -> Result<Evidence, Lack> {
    // From a common origin: values of 1e9 and a little keep the digits of the little.
    let shift = samples.iter().all(|sample| sample.denominators.is_none());
    let origin = if shift { samples[0].values[0] } else { 0.0 };
    let mut moments = moments(samples, layout, |side, row| samples[side].values[row] - origin)?;
    moments.estimates = moments.estimates.map(|estimate| estimate + origin);
    let scale = moments.estimates[0].abs().max(moments.estimates[1].abs());
    let fixed = moments.variance(1.0).sqrt() <= ROUNDING * scale;
    let units = [0, 1].map(|side| layout.sides[side].units);
    let paired = moments.paired;
    let certain = deterministic && paired >= CERTAIN && units == [paired; 2];
    let constant = fixed.then_some(if certain { 0.0 } else { least(units, paired) });
    let method = if fixed { Method::Exact } else { Method::Mean };
    let mut evidence = evidence(samples, layout, Mean { moments, constant }, method);
    if !fixed {
        evidence.p_values =
            at_least(evidence.p_values, samples, layout, |side, row| samples[side].values[row] - origin);
    }
    Ok(evidence)
}

fn evidence(samples: [&Sample; 2], layout: &Layout, mean: Mean, method: Method) -> Evidence {
    Evidence {
        adjusted: mean.moments.estimates,
        raw: samples.map(raw),
        rows: [0, 1].map(|side| layout.sides[side].rows),
        units: [0, 1].map(|side| layout.sides[side].units),
        paired: mean.moments.paired,
        design_effects: mean.moments.design_effects,
        method,
        p_values: mean.p_values(),
        estimated: mean.p_values(),
        least: if mean.constant.is_some() { 0.0 } else { floor(layout, mean.moments.paired) },
        bounds: Bounds::Mean(mean),
    }
}

/// Ratio of all rows, without adjustment.
pub(super) fn raw(sample: &Sample) -> f64 {
    let rows = 0..sample.values.len();
    let above: f64 = rows.clone().map(|row| sample.weight(row) * sample.values[row]).sum();
    above / rows.map(|row| sample.weight(row) * sample.denominator(row)).sum::<f64>()
}

/// P(T > t) of the studentised contrast. Skewness makes the t reference too eager on one side; there Hall's transformation
/// (Journal of the Royal Statistical Society B 54, 1992, doi:10.1111/j.2517-6161.1992.tb01872.x) is the stricter one, and the
/// stricter one counts.
fn upper(t: f64, freedom: f64, skewness: f64) -> f64 {
    let hall = t + skewness * t * t / 3.0 + skewness * skewness * t.powi(3) / 27.0 + skewness / 6.0;
    student::upper_tail(t.min(hall), freedom).unwrap_or(1.0)
}

/// The critical value that belongs to [`upper`], from that of the t reference. Hall's cubic in closed form:
/// 1 + γ (u − γ/6) = (1 + γ t / 3)³.
fn stricter(plain: f64, skewness: f64) -> f64 {
    if skewness.abs() < 1e-9 {
        return plain;
    }
    plain.max(((1.0 + skewness * (plain - skewness / 6.0)).cbrt() - 1.0) * 3.0 / skewness)
}

impl Mean {
    fn p_values(&self) -> [f64; 2] {
        let [b, c] = self.moments.estimates;
        match self.constant {
            Some(_) if (c - b).abs() <= ROUNDING * b.abs().max(c.abs()) => [1.0, 1.0],
            Some(separation) if c > b => [separation, 1.0],
            Some(separation) => [1.0, separation],
            None => [self.tail(1.0, 0.0, false), self.tail(1.0, 0.0, true)],
        }
    }

    /// P-value against candidate − λ baseline = `null`, towards greater or, `flipped`, towards less.
    fn tail(&self, lambda: f64, null: f64, flipped: bool) -> f64 {
        let sign = if flipped { -1.0 } else { 1.0 };
        let [b, c] = self.moments.estimates;
        let t = sign * (c - lambda * b - null) / self.moments.variance(lambda).sqrt();
        upper(t, self.moments.freedom(lambda), sign * self.moments.skewness(lambda))
    }

    /// The statistic whose one-sided p-value is `tail`.
    fn critical(&self, lambda: f64, tail: f64, flipped: bool) -> f64 {
        let skewness = if flipped { -1.0 } else { 1.0 } * self.moments.skewness(lambda);
        let freedom = self.moments.freedom(lambda);
        stricter(student::upper_quantile(tail, freedom).unwrap_or(f64::INFINITY), skewness)
    }

    pub fn interval(&self, tail: f64) -> Interval {
        let [b, c] = self.moments.estimates;
        let change = |value: f64| (b > 0.0).then(|| value / b);
        if let Some(separation) = self.constant {
            let known = (separation <= tail).then_some(c - b);
            return Interval { difference: [known; 2], change: [known.and_then(change); 2] };
        }
        let error = self.moments.variance(1.0).sqrt();
        let low = c - b - self.critical(1.0, tail, false) * error;
        let high = c - b + self.critical(1.0, tail, true) * error;
        let ratios = if b > 0.0 { [self.ratio(tail, false), self.ratio(tail, true)] } else { [None; 2] };
        Interval { difference: [low, high].map(|v| Some(v).filter(|v| v.is_finite())), change: ratios }
    }

    /// The end of the ratio's interval, less one: where candidate − λ baseline is just not refused (Fieller, Journal of the
    /// Royal Statistical Society B 16, 1954, doi:10.1111/j.2517-6161.1954.tb00159.x).
    fn ratio(&self, tail: f64, flipped: bool) -> Option<f64> {
        let [b, c] = self.moments.estimates;
        let sign = if flipped { -1.0 } else { 1.0 };
        let estimate = (c / b).max(0.0);
        let plain = student::upper_quantile(tail, self.moments.freedom(estimate)).unwrap_or(f64::INFINITY);
        let inside = |lambda: f64| {
            let critical = stricter(plain, sign * self.moments.skewness(lambda));
            sign * (c - lambda * b) <= critical * self.moments.variance(lambda).sqrt()
        };
        // In steps away from the estimate until outside, then bisection.
        let (mut near, mut step) = (estimate, 1e-4 * estimate.max(1e-3));
        let mut far = near;
        for _ in 0..80 {
            far = estimate - sign * step;
            if far <= 0.0 {
                far = 0.0;
                break;
            }
            if !inside(far) {
                break;
            }
            near = far;
            step *= 2.0;
        }
        if inside(far) {
            return None;
        }
        for _ in 0..50 {
            let middle = f64::midpoint(near, far);
            if inside(middle) { near = middle } else { far = middle }
        }
        Some(near - 1.0)
    }

    pub fn detectable(&self, tail: f64, power: f64) -> Option<f64> {
        if let Some(separation) = self.constant {
            return (separation <= tail).then_some(0.0);
        }
        let freedom = self.moments.freedom(1.0);
        let beta = student::upper_quantile(1.0 - power, freedom).or_else(|| normal::quantile(power))?;
        let critical = self.critical(1.0, tail, false).max(self.critical(1.0, tail, true));
        Some((critical + beta) * self.moments.variance(1.0).sqrt()).filter(|effect| effect.is_finite())
    }
}
