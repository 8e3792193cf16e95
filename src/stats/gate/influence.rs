//! The linearised ratio estimator: how far each independent unit moves the estimate, and what follows for its variance.
//!
//! The estimate of a side is R = Σ πₕ ȳₕ / Σ πₕ d̄ₕ over the kinds h of the mix π (post-stratification: Holt and Smith, Journal of
//! the Royal Statistical Society A 142, 1979, doi:10.2307/2344652). Its first-order influences
//! `IFᵤ = Σₕ πₕ/(Wₕ D) · Σ (y − R d − (ȳₕ − R d̄ₕ) w)` over a unit's rows give the variance `Σ IFᵤ²` whatever the dependence inside a
//! unit (Woodruff, JASA 66, 1971, doi:10.1080/01621459.1971.10482279; Liang and Zeger, Biometrika 73, 1986,
//! doi:10.1093/biomet/73.1.13). A unit on both sides enters with the difference of its influences: pairing needs no test of its own.

use super::{
    layout::{Layout, Rows},
    sample::{Lack, Sample, Side},
};

/// Units of a kind (only on one side, or on both): their part of the variance of a contrast c − λ b, and its degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Part {
    /// Σ c², Σ c b, Σ b² of the influences.
    pub squares: [f64; 3],
    pub freedom: f64,
}

impl Part {
    fn variance(&self, lambda: f64) -> f64 {
        (self.squares[0] - 2.0 * lambda * self.squares[1] + lambda * lambda * self.squares[2]).max(0.0)
    }
}

/// Both sides' estimates and the moments of their influences.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Moments {
    /// Baseline, candidate.
    pub estimates: [f64; 2],
    /// Units only in the baseline, only in the candidate, in both.
    pub parts: [Part; 3],
    /// Σ c³, Σ c² b, Σ c b², Σ b³.
    pub cubes: [f64; 4],
    /// Units on both sides.
    pub paired: u64,
    /// Variance over that of independent rows, baseline first.
    pub design_effects: [f64; 2],
}

impl Moments {
    pub fn variance(&self, lambda: f64) -> f64 {
        self.parts.iter().map(|part| part.variance(lambda)).sum()
    }

    /// Third cumulant of the contrast over the power 1.5 of its variance.
    pub fn skewness(&self, lambda: f64) -> f64 {
        let [a, b, c, d] = self.cubes;
        let third = a - 3.0 * lambda * b + 3.0 * lambda * lambda * c - lambda.powi(3) * d;
        let skewness = third / self.variance(lambda).powf(1.5);
        if skewness.is_finite() { skewness } else { 0.0 }
    }

    /// Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946, doi:10.2307/3002019).
    pub fn freedom(&self, lambda: f64) -> f64 {
        let all = self.variance(lambda);
        let sum: f64 = self
            .parts
            .iter()
            .filter(|part| part.freedom > 0.0)
            .map(|part| (part.variance(lambda) / all).powi(2) / part.freedom)
            .sum();
        if sum > 0.0 { 1.0 / sum } else { 1.0 }
    }

    /// Variances of baseline and candidate, and twice their covariance.
    pub fn variances(&self) -> ([f64; 2], f64) {
        let [baseline, candidate, both] = &self.parts;
        ([baseline.squares[2] + both.squares[2], candidate.squares[0] + both.squares[0]], 2.0 * both.squares[1])
    }
}

/// A unit's influence, and its size in rows.
#[derive(Clone, Copy)]
struct Unit {
    id: u32,
    influence: f64,
    size: f64,
}

/// Influences of one side.
struct Influences {
    estimate: f64,
    units: Option<Vec<Unit>>,
    /// Σ IF² and Σ IF³ as if rows were independent.
    square: f64,
    cube: f64,
    /// Rows less kinds.
    freedom: f64,
}

/// Moments of the ratio of `value` to the denominators. `value` is that of a side's row.
pub(super) fn moments(
    samples: [&Sample; 2],
    layout: &Layout,
    value: impl Fn(usize, usize) -> f64,
) -> Result<Moments, Lack> {
    for (rows, side) in layout.sides.iter().zip(Side::BOTH) {
        if rows.units < 2 {
            return Err(Lack::TooFewUnits { side, has: rows.units as u32 });
        }
    }
    let baseline = influences(samples[0], &layout.sides[0], &layout.mix, |row| value(0, row))
        .ok_or(Lack::Weights(Side::Baseline))?;
    let candidate = influences(samples[1], &layout.sides[1], &layout.mix, |row| value(1, row))
        .ok_or(Lack::Weights(Side::Candidate))?;
    let mut moments =
        Moments { estimates: [baseline.estimate, candidate.estimate], design_effects: [1.0; 2], ..Moments::default() };
    match (baseline.units, candidate.units) {
        (Some(b), Some(c)) => {
            moments.design_effects = [effect(&b, baseline.square), effect(&c, candidate.square)];
            merge(&mut moments, &b, &c, [baseline.square, candidate.square]);
        }
        // Without units on one of the sides none can be on both.
        (b, c) => {
            let (part, cube, effect) = alone(b.as_deref(), baseline.square, baseline.cube, baseline.freedom);
            moments.parts[0] = Part { squares: [0.0, 0.0, part.squares[0]], ..part };
            (moments.cubes[3], moments.design_effects[0]) = (cube, effect);
            let (part, cube, effect) = alone(c.as_deref(), candidate.square, candidate.cube, candidate.freedom);
            moments.parts[1] = part;
            (moments.cubes[0], moments.design_effects[1]) = (cube, effect);
        }
    }
    Ok(moments)
}

fn influences(sample: &Sample, rows: &Rows, mix: &[f64], value: impl Fn(usize) -> f64) -> Option<Influences> {
    let kinds = mix.len();
    let (mut above, mut below) = (vec![0.0; kinds], vec![0.0; kinds]);
    rows.each(sample.values.len(), |row| {
        let (cell, weight) = (rows.cell(row), sample.weight(row));
        above[cell] += weight * value(row);
        below[cell] += weight * sample.denominator(row);
    });
    for (cell, weight) in rows.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        above[cell] /= weight;
        below[cell] /= weight;
    }
    let total = |means: &[f64]| mix.iter().zip(means).map(|(share, mean)| share * mean).sum::<f64>();
    let scale = total(&below);
    if scale <= 0.0 {
        return None;
    }
    let estimate = total(&above) / scale;
    // A kind's own mean was fitted, so its residuals are too small: n / (n − 1).
    let factor: Vec<f64> = (0..kinds)
        .map(|cell| {
            let n = rows.counts[cell];
            if n < 1.0 { 0.0 } else { mix[cell] / rows.weights[cell] / scale * (n / (n - 1.0).max(1.0)).sqrt() }
        })
        .collect();
    let influence = |row: usize| {
        let cell = rows.cell(row);
        let residual = (value(row) - above[cell]) - estimate * (sample.denominator(row) - below[cell]);
        factor[cell] * sample.weight(row) * residual
    };
    let (mut square, mut cube) = (0.0, 0.0);
    let mut add = |influence: f64| {
        square += influence * influence;
        cube += influence.powi(3);
    };
    let units = rows.order().zip(sample.units).map(|(order, ids)| {
        let mut units: Vec<Unit> = Vec::with_capacity(rows.units as usize);
        for row in order.iter().map(|row| *row as usize) {
            let single = influence(row);
            add(single);
            match units.last_mut().filter(|unit| unit.id == ids[row]) {
                Some(unit) => {
                    unit.influence += single;
                    unit.size += 1.0;
                }
                None => units.push(Unit { id: ids[row], influence: single, size: 1.0 }),
            }
        }
        units
    });
    if units.is_none() {
        rows.each(sample.values.len(), |row| add(influence(row)));
    }
    let used = rows.counts.iter().filter(|count| **count > 0.0).count() as f64;
    Some(Influences { estimate, units, square, cube, freedom: (rows.rows as f64 - used).max(1.0) })
}

fn alone(units: Option<&[Unit]>, square: f64, cube: f64, freedom: f64) -> (Part, f64, f64) {
    let Some(units) = units else {
        return (Part { squares: [square, 0.0, 0.0], freedom }, cube, 1.0);
    };
    let squares: f64 = units.iter().map(|unit| unit.influence.powi(2)).sum();
    let part = Part {
        squares: [squares, 0.0, 0.0],
        freedom: freedom_of(units.iter().map(|unit| unit.size), squares / square),
    };
    (part, units.iter().map(|unit| unit.influence.powi(3)).sum(), effect(units, square))
}

fn effect(units: &[Unit], square: f64) -> f64 {
    let effect = units.iter().map(|unit| unit.influence.powi(2)).sum::<f64>() / square;
    if effect.is_finite() { effect } else { 1.0 }
}

/// Degrees of freedom of a sum of squares over units of unlike sizes: (Σv)² / Σv² − 1, where v = n (1 + ρ (n − 1)) is how a unit's
/// variance grows with its size under the intraclass correlation ρ that the design effect implies (Carter, Schnepel and
/// Steigerwald, Review of Economics and Statistics 99, 2017, `doi:10.1162/REST_a_00639`).
fn freedom_of(sizes: impl Iterator<Item = f64> + Clone, design_effect: f64) -> f64 {
    let (rows, squares) = sizes.clone().fold((0.0, 0.0), |(n, s), size| (n + size, s + size * size));
    let spread = squares / rows - 1.0;
    let rho =
        if spread > 0.0 && design_effect.is_finite() { ((design_effect - 1.0) / spread).clamp(0.0, 1.0) } else { 0.0 };
    let expected = |n: f64| n * (1.0 + rho * (n - 1.0));
    let (sum, square) = sizes.map(expected).fold((0.0, 0.0), |(a, b), v| (a + v, b + v * v));
    // A part of a single unit is no measure of variance; half a degree keeps it from claiming to be.
    if square > 0.0 { (sum * sum / square - 1.0).max(0.5) } else { 0.0 }
}

#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn merge(moments: &mut Moments, b: &[Unit], c: &[Unit], independent: [f64; 2]) {
    let mut sizes: [Vec<f64>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    let (mut i, mut j) = (0, 0);
    while i < b.len() || j < c.len() {
        let (left, right) = (b.get(i), c.get(j));
        let id = left.map_or(u32::MAX, |unit| unit.id).min(right.map_or(u32::MAX, |unit| unit.id));
        let (left, right) = (left.filter(|unit| unit.id == id), right.filter(|unit| unit.id == id));
        (i, j) = (i + usize::from(left.is_some()), j + usize::from(right.is_some()));
        let kind = match (left, right) {
            (Some(_), None) => 0,
            (None, _) => 1,
            _ => 2,
        };
        let (y, x) = (left.map_or(0.0, |unit| unit.influence), right.map_or(0.0, |unit| unit.influence));
        let part = &mut moments.parts[kind];
        part.squares = [part.squares[0] + x * x, part.squares[1] + x * y, part.squares[2] + y * y];
        for (sum, term) in moments.cubes.iter_mut().zip([x * x * x, x * x * y, x * y * y, y * y * y]) {
            *sum += term;
        }
        sizes[kind].push(left.map_or(0.0, |unit| unit.size) + right.map_or(0.0, |unit| unit.size));
    }
    moments.paired = sizes[2].len() as u64;
    let effect = moments.variances().0.iter().sum::<f64>() / independent.iter().sum::<f64>();
    for (part, sizes) in moments.parts.iter_mut().zip(&sizes) {
        part.freedom = freedom_of(sizes.iter().copied(), effect);
    }
}
