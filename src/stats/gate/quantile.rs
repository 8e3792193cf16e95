//! Quantiles: latency, time to first token.
//!
//! If the candidate's distribution is the baseline's times 1 + m near the quantile, then of all requests beyond the common
//! quantile τ of the baseline and the candidate / (1 + m) each side holds its share, up to chance. That is a test of two shares without any
//! density estimate (the median test: Mood, "Introduction to the Theory of Statistics", 1950; other quantiles: Massey,
//! Psychometrika 16, 1951, doi:10.1007/BF02289116), exact because the number beyond τ is given. Its inversion over m has a closed form: the bounds
//! are quotients (or differences) of order statistics. It is Woodruff's interval (JASA 47, 1952,
//! doi:10.1080/01621459.1952.10483443) with the chance shared out between the sides.

use std::sync::OnceLock;

use super::{
    evidence::{Bounds, Evidence, Interval, Method, with_freedom, without_freedom},
    influence::{Moments, moments},
    layout::{Layout, Rows},
    permutation::{at_least, floor},
    sample::{Lack, Sample},
    share::{effective, freedom},
};
use crate::stats::{
    hypothesis::{Alternative, fisher},
    tails::{ln_binomial, normal},
};

/// Levels that bounds are kept for, as normal quantiles: every quarter up to 8, which is a chance of 1e-15.
const STEP: f64 = 0.25;
const STEPS: usize = 32;

/// The chance beyond each of them.
static CHANCES: OnceLock<[f64; STEPS]> = OnceLock::new();

/// Bounds at each level: of the difference and of the ratio, low and high; infinite where open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantile {
    levels: Vec<[f64; 4]>,
    freedom: f64,
}

/// One side in ascending order.
pub(super) struct Sorted {
    values: Vec<f64>,
    /// Share of the weight at each value or above. `None`: all weights alike.
    above: Option<Vec<f64>>,
}

impl Sorted {
    pub fn new(sample: &Sample, rows: &Rows, mix: &[f64]) -> Self {
        if sample.weights.is_none() && mix.len() == 1 && rows.rows == sample.values.len() as u64 {
            let mut values = sample.values.to_vec();
            values.sort_unstable_by(f64::total_cmp);
            return Self { values, above: None };
        }
        let mut pairs: Vec<(f64, f64)> = Vec::with_capacity(rows.rows as usize);
        rows.each(sample.values.len(), |row| {
            let cell = rows.cell(row);
            pairs.push((sample.values[row], mix[cell] * sample.weight(row) / rows.weights[cell]));
        });
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut above = vec![0.0; pairs.len()];
        let mut sum = 0.0;
        for (share, pair) in above.iter_mut().zip(&pairs).rev() {
            sum += pair.1;
            *share = sum;
        }
        for share in &mut above {
            *share /= sum;
        }
        Self { values: pairs.into_iter().map(|pair| pair.0).collect(), above: Some(above) }
    }

    /// Without kinds of request.
    pub fn plain(sample: Sample) -> Self {
        let sample = Sample { strata: None, units: None, ..sample };
        let layout = Layout::new([&sample, &sample], super::layout::Mix::Baseline);
        layout.map_or(Self { values: Vec::new(), above: None }, |layout| {
            Self::new(&sample, &layout.sides[0], &layout.mix)
        })
    }

    /// The share at row `i` of the order or after it.
    fn from(&self, i: usize) -> f64 {
        let n = self.values.len();
        match &self.above {
            _ if i >= n => 0.0,
            Some(above) => above[i],
            None => (n - i) as f64 / n as f64,
        }
    }

    /// Share strictly above `value`.
    fn beyond(&self, value: f64) -> f64 {
        self.from(self.values.partition_point(|v| *v <= value))
    }

    /// The largest value that a share of at least `share` reaches; of more than that, if `strictly`.
    fn reached(&self, share: f64, strictly: bool) -> Option<f64> {
        let (mut low, mut high) = (0, self.values.len());
        let limit = if strictly { share + 1e-12 } else { share - 1e-12 };
        while low < high {
            let middle = low.midpoint(high);
            let enough = if strictly { self.from(middle) > limit } else { self.from(middle) >= limit };
            if enough { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1).map(|i| self.values[i])
    }

    /// The quantile itself: interpolated (type 7) where weights are alike, else the inverse of the distribution function.
    fn quantile(&self, p: f64) -> f64 {
        match &self.above {
            None => crate::stats::descriptive::sorted_quantile(&self.values, p).unwrap_or(f64::NAN),
            Some(_) => self.reached(1.0 - p, false).unwrap_or(self.values[0]),
        }
    }
}

/// Compares quantile `p` of both sides. `sorted` are the mixed sides, `plain` the sides as they are, if that is not the same.
pub(super) fn quantile(
    samples: [&Sample; 2],
    layout: &Layout,
    sorted: &[Sorted; 2],
    plain: Option<&[Sorted; 2]>,
    p: f64,
) -> Result<Evidence, Lack> {
    if !(p > 0.0 && p < 1.0) {
        return Err(Lack::NotAQuantile);
    }
    let own = [0, 1].map(|side: usize| sorted[side].quantile(p));
    let clustered = samples.iter().any(|sample| sample.units.is_some());
    let beyond = |side: usize, row: usize| f64::from(u8::from(samples[side].values[row] > own[side]));
    let trivial = !clustered && sorted.iter().all(|side| side.above.is_none());
    let (moments, requests) = if trivial {
        let moments = Moments { design_effects: [1.0; 2], ..Moments::default() };
        (moments, [0, 1].map(|side: usize| layout.sides[side].rows as f64))
    } else {
        let own = moments(samples, layout, beyond)?;
        let mut requests = effective(samples, layout, &own);
        if own.paired > 0 {
            // Pairs may agree on what is beyond each side's own quantile, and not on what is beyond the common one.
            let (common, _) = p_values(sorted, requests.map(|n| n.round().max(1.0)), p);
            let beyond = |side: usize, row: usize| f64::from(u8::from(samples[side].values[row] > common));
            let there = effective(samples, layout, &moments(samples, layout, beyond)?);
            requests = [requests[0].min(there[0]), requests[1].min(there[1])];
        }
        (own, requests)
    };
    let freedom = if clustered { freedom(&moments) } else { f64::INFINITY };
    let numbers = requests.map(|n| n.round().max(1.0));
    let (threshold, p_values) = p_values(sorted, numbers, p);
    let estimated = p_values.map(|p| with_freedom(p, freedom));
    let mut p_values = estimated;
    if !trivial {
        let beyond = |side: usize, row: usize| f64::from(u8::from(samples[side].values[row] > threshold));
        p_values = at_least(p_values, samples, layout, beyond);
    }
    let quantile = Quantile { levels: levels(sorted, numbers, p), freedom };
    Ok(Evidence {
        adjusted: own,
        raw: plain.map_or(own, |plain| [0, 1].map(|side: usize| plain[side].quantile(p))),
        rows: [0, 1].map(|side| layout.sides[side].rows),
        units: [0, 1].map(|side| layout.sides[side].units),
        paired: moments.paired,
        design_effects: moments.design_effects,
        method: Method::Quantile,
        p_values,
        estimated,
        least: floor(layout, moments.paired),
        bounds: Bounds::Quantile(quantile),
    })
}

/// Of the shares beyond the common quantile. Ties can put fewer beyond it than they should, or more; what is closer is taken,
/// which depends on the sides together only and so keeps the test exact.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn p_values(sorted: &[Sorted; 2], numbers: [f64; 2], p: f64) -> (f64, [f64; 2]) {
    let wanted = (numbers[0] + numbers[1]) * (1.0 - p);
    let beyond = |value: f64| [0, 1].map(|side: usize| numbers[side] * sorted[side].beyond(value));
    let total = |value: f64| beyond(value).iter().sum::<f64>();
    let first = [0, 1].map(|side: usize| {
        let values = &sorted[side].values;
        values.get(values.partition_point(|value| total(*value) > wanted + 1e-9)).copied().unwrap_or(f64::INFINITY)
    });
    let threshold = first[0].min(first[1]);
    let before = [0, 1].map(|side: usize| {
        let values = &sorted[side].values;
        values.partition_point(|value| *value < threshold).checked_sub(1).map_or(f64::NEG_INFINITY, |i| values[i])
    });
    let before = before[0].max(before[1]);
    let chosen = if total(before) - wanted < wanted - total(threshold) { before } else { threshold };
    let [b, c] = beyond(chosen).map(f64::round);
    let [n, m] = numbers;
    let p_values = [Alternative::Greater, Alternative::Less].map(|alternative| {
        fisher::p_value([c.min(m) as u64, b.min(n) as u64], [m as u64, n as u64], alternative).unwrap_or(1.0)
    });
    (chosen, p_values)
}

fn levels(sorted: &[Sorted; 2], numbers: [f64; 2], p: f64) -> Vec<[f64; 4]> {
    let [baseline, candidate] = sorted;
    let beyond = ((numbers[0] + numbers[1]) * (1.0 - p)).round();
    let low = critical(numbers[1], numbers[0], beyond);
    let high = critical(numbers[0], numbers[1], beyond);
    // `side` holds so many of those beyond that chance does not explain it; the other side holds the rest.
    let pair = |taken: Option<f64>, [side, other]: [&Sorted; 2], [n, m]: [f64; 2]| {
        let taken = taken?;
        Some([side.reached(taken / n, false)?, other.reached((beyond - taken) / m, true)?])
    };
    (0..STEPS)
        .map(|step| {
            let low = pair(low[step], [candidate, baseline], [numbers[1], numbers[0]]);
            let high = pair(high[step], [baseline, candidate], numbers).map(|[b, c]| [c, b]);
            let ratio = |[c, b]: [f64; 2], open: f64| if b > 0.0 { c / b } else { open };
            [
                low.map_or(f64::NEG_INFINITY, |[c, b]| c - b),
                high.map_or(f64::INFINITY, |[c, b]| c - b),
                low.map_or(f64::NEG_INFINITY, |pair| ratio(pair, f64::NEG_INFINITY)),
                high.map_or(f64::INFINITY, |pair| ratio(pair, f64::INFINITY)),
            ]
        })
        .collect()
}

/// The smallest numbers that `n` requests hold of `beyond` among `n + m` with at most the chance of each level.
fn critical(n: f64, m: f64, beyond: f64) -> Vec<Option<f64>> {
    let (lowest, highest) = ((beyond - m).max(0.0), beyond.min(n));
    let rate = beyond / (n + m);
    if highest <= lowest || !(rate > 0.0 && rate < 1.0) {
        return vec![None; STEPS];
    }
    let mode = ((beyond + 1.0) * (n + 1.0) / (n + m + 2.0)).floor().clamp(lowest, highest);
    let start = ln_binomial(mode, n, rate) + ln_binomial(beyond - mode, m, rate) - ln_binomial(beyond, n + m, rate);
    let mut densities = vec![start.exp()];
    let mut x = mode;
    while x < highest {
        let last = densities[densities.len() - 1];
        let next = last * (beyond - x) * (n - x) / ((x + 1.0) * (m - beyond + x + 1.0));
        if next < 1e-19 {
            break;
        }
        densities.push(next);
        x += 1.0;
    }
    // Chance of that number or more, from the far end.
    let mut sum = 0.0;
    for density in densities.iter_mut().rev() {
        sum += *density;
        *density = sum;
    }
    let tails = densities;
    let chances = CHANCES.get_or_init(|| std::array::from_fn(|step| normal::upper_tail(STEP * (step + 1) as f64)));
    (0..STEPS)
        .map(|step| {
            let tail = chances[step];
            let at = tails.partition_point(|chance| *chance > tail);
            // Past the last number there is none that would do, unless the list was cut short of it.
            let number = mode + at as f64;
            (number <= highest).then_some(number)
        })
        .collect()
}

impl Quantile {
    fn at(&self, tail: f64) -> [f64; 4] {
        let open = [f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY];
        let Some(z) = normal::upper_quantile(without_freedom(tail, self.freedom)) else { return open };
        let place = (z / STEP - 1.0).max(0.0);
        let (below, rest) = (place.floor() as usize, place.fract());
        let Some(near) = self.levels.get(below) else { return open };
        if rest <= 0.0 {
            return *near;
        }
        let far = self.levels.get(below + 1).unwrap_or(&open);
        std::array::from_fn(|i| if far[i].is_finite() { near[i] + rest * (far[i] - near[i]) } else { far[i] })
    }

    pub fn interval(&self, tail: f64) -> Interval {
        let [low, high, least, most] = self.at(tail).map(|bound| Some(bound).filter(|bound| bound.is_finite()));
        Interval { difference: [low, high], change: [least.map(|v| v - 1.0), most.map(|v| v - 1.0)] }
    }

    /// The distance to the bound on the side of the harm, stretched as in a normal law on the scale of logarithms.
    pub fn detectable(&self, tail: f64, stretch: f64, [b, c]: [f64; 2], upwards: bool) -> Option<f64> {
        let [low, high, least, most] = self.at(tail);
        if b > 0.0 && c > 0.0 && least > 0.0 && most.is_finite() {
            let distance = if upwards { (c / b / least).ln() } else { (most * b / c).ln() };
            let factor = (stretch * distance.max(0.0)).exp();
            return Some(if upwards { b * (factor - 1.0) } else { b * (1.0 - 1.0 / factor) });
        }
        let distance = if upwards { c - b - low } else { high - (c - b) };
        Some(stretch * distance.max(0.0)).filter(|distance| distance.is_finite())
    }
}
