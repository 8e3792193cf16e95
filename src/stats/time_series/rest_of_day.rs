//! The sum of the next hours, from the same hours of former days.

use super::{
    errors,
    series::{Point, Unanswered},
};

/// Former days whose mean is taken.
const MEAN_DAYS: usize = 7;
/// Least half width after one day of errors, as a share of a whole day; falls with their number.
const LUCK: f64 = 0.4;
const FORECASTERS: usize = 6;

/// Running sums over cells, so that any stretch is one subtraction.
#[derive(Debug)]
pub(crate) struct Sums(Vec<f64>);

impl Sums {
    /// From the first point to the bucket before `over` (a bucket's number since the epoch).
    pub(crate) fn new(points: &[Point], step_s: i64, over: i64) -> Result<Self, Unanswered> {
        let mut running = vec![0.0];
        let Some(first) = points.iter().map(|point| point.at.div_euclid(step_s)).min() else {
            return Ok(Self(running));
        };
        running.resize((over - first) as usize + 1, 0.0);
        let mut points: Vec<&Point> = points.iter().collect();
        points.sort_by(|a, b| a.at.cmp(&b.at).then(a.value.total_cmp(&b.value)));
        for point in points {
            running[(point.at.div_euclid(step_s) - first) as usize + 1] += point.value;
        }
        for cell in 1..running.len() {
            running[cell] += running[cell - 1];
        }
        running.last().is_some_and(|sum| sum.is_finite()).then_some(Self(running)).ok_or(Unanswered::Overflow)
    }

    pub(crate) fn cells(&self) -> usize {
        self.0.len() - 1
    }

    pub(crate) fn between(&self, from: usize, to: usize) -> f64 {
        self.0[to] - self.0[from]
    }

    /// Sum of the `ahead` cells after `origin` by each forecaster, from nothing later. The day before must be known.
    fn expect(&self, origin: usize, ahead: usize, period: usize) -> [Option<f64>; FORECASTERS] {
        let back = |cells: usize| (origin >= cells).then(|| self.between(origin - cells, origin - cells + ahead));
        let days = (origin / period).min(MEAN_DAYS);
        let then = (1..=days).filter_map(|day| back(day * period)).sum::<f64>() / days.max(1) as f64;
        // Lately against the same hours of those days: half a day, and a whole one.
        let proportion = |span: usize| {
            let usual: Vec<f64> = (1..=days)
                .filter(|day| origin >= day * period + span)
                .map(|day| self.between(origin - day * period - span, origin - day * period))
                .collect();
            let mean = usual.iter().sum::<f64>() / usual.len().max(1) as f64;
            if mean > 0.0 { (self.between(origin - span, origin) / mean).clamp(0.2, 5.0) } else { 1.0 }
        };
        let (half_day, short) = (period / 2, (period / 8).max(1));
        let same = proportion(half_day);
        let carried = |span: usize| self.between(origin - span, origin) * ahead as f64 / span as f64;
        [
            Some(then),
            Some(then * same),
            Some(then * proportion(period)),
            back(7 * period).map(|week| week * proportion(period).sqrt()),
            Some(carried(short)),
            Some(carried(period)),
        ]
    }
}

/// The sum of the next `ahead` cells with its interval; `None` when there are less than two days, or no past stretch of this
/// length after the first of them.
pub(crate) fn rest_of_day(sums: &Sums, period: usize, ahead: usize) -> Option<(f64, f64, f64)> {
    let newest = sums.cells();
    if newest < 2 * period {
        return None;
    }
    // A week ago takes part only when its own errors can be known.
    let weekly = newest >= 9 * period;
    let first = if weekly { 7 * period } else { period };
    // About a hundred origins are enough; the newest stretches always count.
    let stride = ((newest - ahead).checked_sub(first)? / 120).max(1);
    let origins: Vec<usize> = (first..=newest - ahead).rev().step_by(stride).collect();
    let mut past = [Some(0.0); FORECASTERS];
    let mut rows = Vec::with_capacity(origins.len());
    for origin in origins.iter().rev() {
        let truth = sums.between(*origin, origin + ahead);
        let expected = sums.expect(*origin, ahead, period).map(|value| value.unwrap_or(f64::NAN));
        for (sum, expected) in past.iter_mut().zip(expected) {
            *sum = sum.map(|sum| sum + (truth - expected).abs());
        }
        rows.push((*origin, truth, expected));
    }
    // A sum that is NaN drops out as not finite.
    let weights = errors::weights(past)?;
    let typical = rows.iter().map(|(_, truth, _)| truth.abs()).sum::<f64>() / rows.len() as f64;
    // In proportion to the forecast, with a floor: quiet hours are not forecast to the last cent.
    let unit = |forecast: f64| forecast.max(0.0) + 0.2 * typical;
    let in_units: Vec<(usize, f64)> = rows
        .iter()
        .map(|(origin, truth, expected)| {
            let forecast = errors::mix(&weights, expected);
            (*origin, if unit(forecast) > 0.0 { (truth - forecast) / unit(forecast) } else { 0.0 })
        })
        .collect();
    // Stretches of the same day share what was odd about that day.
    let independent = (newest - first) as f64 / period as f64;
    let (low, high) = errors::interval(&in_units, ahead, independent);
    let expected = sums.expect(newest, ahead, period).map(|value| value.unwrap_or(f64::NAN));
    let rest = errors::mix(&weights, &expected);
    let width = unit(rest);
    // A day or two of errors may have been lucky ones.
    let least = LUCK * rest.abs() * (ahead as f64 / period as f64).sqrt() / independent;
    Some((rest, rest + (low * width).min(-least), rest + (high * width).max(least)))
}
