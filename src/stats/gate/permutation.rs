//! How often a difference as large comes about when the same units are dealt to the sides at random.
//!
//! An estimated variance fails where a side has few units, or where few units carry the variance: an hour of slowness that by
//! chance lies in one side wholly leaves the other with a variance of next to nothing. Dealing is exact then, because it asks for
//! no variance. Units of one side are dealt anew, keeping the numbers; units on both sides swap their two parts. The tail of
//! either is found by saddlepoint approximation (Robinson, Journal of the Royal Statistical Society B 44, 1982,
//! doi:10.1111/j.2517-6161.1982.tb01191.x; Skovgaard, Journal of Applied Probability 24, 1987, doi:10.2307/3214212; with
//! Barndorff-Nielsen's r*, Biometrika 73, 1986, doi:10.1093/biomet/73.2.307), so that chances of a millionth need no millions of draws.

use super::{
    influence::moments,
    layout::Layout,
    saddlepoint::{Deal, ln_choose},
    sample::Sample,
};
use crate::stats::tails::student;

/// With so many units on both sides an estimated variance is good enough.
const MANY: u64 = 20_000;
/// Chances above this decide nothing.
const DECIDES: f64 = 0.05;

/// The larger of each p-value and that of dealing. `value` is that of a side's row.
pub(super) fn at_least(
    p_values: [f64; 2],
    samples: [&Sample; 2],
    layout: &Layout,
    value: impl Fn(usize, usize) -> f64,
) -> [f64; 2] {
    if layout.runs {
        return pooled(p_values, samples, layout, value);
    }
    let idle = p_values.iter().all(|p| *p > DECIDES) || layout.sides.iter().all(|side| side.units > MANY);
    if idle {
        return p_values;
    }
    let deal = Deal::new(samples, layout, value);
    let greater = p_values[0] <= p_values[1];
    let p = deal.upper_tail(greater);
    if greater { [p_values[0].max(p), p_values[1]] } else { [p_values[0], p_values[1].max(p)] }
}

/// Of few runs one side's variance can be next to nothing by chance, and Welch's degrees of freedom follow the other's. Student's own
/// test does not fall for that; the stricter of the two counts.
fn pooled(p_values: [f64; 2], samples: [&Sample; 2], layout: &Layout, value: impl Fn(usize, usize) -> f64) -> [f64; 2] {
    let Ok(moments) = moments(samples, layout, value) else { return p_values };
    if moments.paired > 0 {
        return p_values;
    }
    let runs = layout.sides.each_ref().map(|side| side.units as f64);
    let freedom = runs[0] + runs[1] - 2.0;
    let (variances, _) = moments.variances();
    let single: f64 =
        (0..2).map(|side: usize| (runs[side] - 1.0) * variances[side] * runs[side]).sum::<f64>() / freedom;
    let t = (moments.estimates[1] - moments.estimates[0]) / (single * (1.0 / runs[0] + 1.0 / runs[1])).sqrt();
    let p = [t, -t].map(|t| student::upper_tail(t, freedom).unwrap_or(1.0));
    [p_values[0].max(p[0]), p_values[1].max(p[1])]
}

/// The smallest chance that dealing these numbers of units can give: that all go one way.
pub(super) fn least(units: [u64; 2], paired: u64) -> f64 {
    let [n, m] = units.map(|units| units.saturating_sub(paired) as f64);
    (-(paired as f64) * std::f64::consts::LN_2 - ln_choose(n, m)).exp()
}

/// That of a layout; none of runs, which are not dealt.
pub(super) fn floor(layout: &Layout, paired: u64) -> f64 {
    if layout.runs { 0.0 } else { least(layout.sides.each_ref().map(|side| side.units), paired) }
}

impl Deal {
    fn new(samples: [&Sample; 2], layout: &Layout, value: impl Fn(usize, usize) -> f64) -> Self {
        let kinds = layout.mix.len();
        let (mut above, mut below) = (vec![0.0; kinds], vec![0.0; kinds]);
        for (side, (sample, rows)) in samples.into_iter().zip(&layout.sides).enumerate() {
            rows.each(sample.values.len(), |row| {
                above[rows.cell(row)] += sample.weight(row) * value(side, row);
                below[rows.cell(row)] += sample.weight(row) * sample.denominator(row);
            });
        }
        // About the ratio of both sides together, which dealing does not change.
        let residual = |side: usize, row: usize| {
            let (sample, cell) = (samples[side], layout.sides[side].cell(row));
            let ratio = if below[cell] > 0.0 { above[cell] / below[cell] } else { 0.0 };
            layout.mix[cell] * sample.weight(row) * (value(side, row) - ratio * sample.denominator(row))
        };
        let share = |side: usize, cell: usize| {
            let weight = layout.sides[side].weights[cell];
            if weight > 0.0 { 1.0 / weight } else { 0.0 }
        };
        let whole = |cell: usize| share(0, cell) + share(1, cell);
        let mut deal = Self { swapped: Vec::new(), groups: Vec::new(), observed: 0.0 };
        if layout.sides.iter().all(|side| side.order().is_none()) {
            let mut groups = vec![(Vec::new(), 0.0, 0.0); kinds];
            for (side, (sample, rows)) in samples.into_iter().zip(&layout.sides).enumerate() {
                rows.each(sample.values.len(), |row| {
                    let cell = rows.cell(row);
                    let (all, taken, sum) = &mut groups[cell];
                    let part = residual(side, row) * whole(cell);
                    all.push(part);
                    if side == 1 {
                        *taken += 1.0;
                        *sum += part;
                    }
                });
            }
            for (all, taken, sum) in groups {
                deal.group(all, taken, sum);
            }
            return deal;
        }
        let units = [0, 1].map(|side: usize| {
            let (sample, rows) = (samples[side], &layout.sides[side]);
            let mut units: Vec<(u64, f64)> = Vec::new();
            let mut add = |id: u64, row: usize| {
                let part = residual(side, row) * whole(rows.cell(row));
                match units.last_mut().filter(|unit| unit.0 == id) {
                    Some(unit) => unit.1 += part,
                    None => units.push((id, part)),
                }
            };
            match rows.order().zip(sample.units) {
                Some((order, ids)) => order.iter().for_each(|row| add(u64::from(ids[*row as usize]), *row as usize)),
                None => rows.each(sample.values.len(), |row| add(row as u64 + (1 << 40), row)),
            }
            units
        });
        let (mut all, mut taken, mut sum) = (Vec::new(), 0.0, 0.0);
        let mut baseline = units[0].iter().peekable();
        for (id, part) in &units[1] {
            while let Some(unit) = baseline.next_if(|unit| unit.0 < *id) {
                all.push(unit.1);
            }
            if let Some(unit) = baseline.next_if(|unit| unit.0 == *id) {
                // Whatever a swap leaves as it is, half the sum, is no part of the draw.
                let half = f64::midpoint(*part, -unit.1);
                deal.swapped.push(half);
                deal.observed += half;
            } else {
                all.push(*part);
                taken += 1.0;
                sum += part;
            }
        }
        all.extend(baseline.map(|unit| unit.1));
        deal.group(all, taken, sum);
        deal
    }

    fn group(&mut self, mut all: Vec<f64>, taken: f64, sum: f64) {
        let n = all.len() as f64;
        // A group that falls to one side wholly is not dealt.
        if taken > 0.0 && taken < n {
            let mean = all.iter().sum::<f64>() / n;
            for part in &mut all {
                *part -= mean;
            }
            self.observed += sum - taken * mean;
            self.groups.push((all, taken));
        }
    }
}
