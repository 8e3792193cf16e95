//! The common form of a metric over time, and its layout on a regular grid.

use std::borrow::Cow;

/// One bucket of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Start of the bucket, seconds since the epoch.
    pub at: i64,
    pub value: f64,
}

/// Why there is no answer. Never hides a NaN: what cannot be computed is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// This many further points are needed (one per bucket, without gaps).
    NotEnoughData { missing: usize },
    /// The bucket length is not positive, the horizon is shorter than a bucket or not a multiple of it, or the points span
    /// more than [`MAX_CELLS`] buckets.
    UnsuitedBuckets,
    /// The values are so large that their differences are not finite.
    Overflow,
}

/// Longest grid that is laid out: ten years of hours. Guards against one stray timestamp.
pub const MAX_CELLS: usize = 90_000;
pub const DAY: i64 = 86_400;

/// The points in ascending order, without those that are not finite. Equal times are ordered by value, so that the order in
/// which they were given does not matter. Borrows when there is nothing to do.
#[must_use]
pub fn tidy(series: &[Point]) -> Cow<'_, [Point]> {
    let in_order = |pair: &[Point]| (pair[0].at, pair[0].value) <= (pair[1].at, pair[1].value);
    if series.iter().all(|point| point.value.is_finite()) && series.windows(2).all(in_order) {
        return Cow::Borrowed(series);
    }
    let mut points: Vec<Point> = series.iter().copied().filter(|point| point.value.is_finite()).collect();
    points.sort_by(|a, b| a.at.cmp(&b.at).then(a.value.total_cmp(&b.value)));
    Cow::Owned(points)
}

/// The points of `[from, to)` in a series that ascends in time.
#[must_use]
pub fn between(series: &[Point], from: i64, to: i64) -> &[Point] {
    let start = series.partition_point(|point| point.at < from);
    let end = series.partition_point(|point| point.at < to);
    &series[start..end.max(start)]
}

/// A series with one cell per bucket; NaN where there is no point.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Start of the first cell, seconds since the epoch: a multiple of `step`.
    pub start: i64,
    /// Length of a bucket, seconds.
    pub step: i64,
    pub cells: Vec<f64>,
    /// Cells that hold a value.
    pub filled: usize,
}

impl Grid {
    /// Lays out `series` in buckets of `step` seconds. Points of the same bucket are averaged. An empty series is an empty grid.
    pub fn new(series: &[Point], step: i64) -> Result<Self, Unanswered> {
        if step <= 0 {
            return Err(Unanswered::UnsuitedBuckets);
        }
        let points = tidy(series);
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return Ok(Self { start: 0, step, cells: Vec::new(), filled: 0 });
        };
        let (first, last) = (first.at.div_euclid(step), last.at.div_euclid(step));
        let length = last.checked_sub(first).and_then(|span| usize::try_from(span).ok()).unwrap_or(usize::MAX);
        let start = first.checked_mul(step);
        let (true, Some(start)) = (length < MAX_CELLS, start) else {
            return Err(Unanswered::UnsuitedBuckets);
        };
        let mut grid = Self { start, step, cells: vec![f64::NAN; length + 1], filled: 0 };
        let mut rest = &points[..];
        while let Some(head) = rest.first() {
            let bucket = head.at.div_euclid(step);
            let same = rest.iter().take_while(|point| point.at.div_euclid(step) == bucket).count();
            // Divide first: the sum of two huge values may overflow, their mean does not.
            let value = if same == 1 { head.value } else { rest[..same].iter().map(|p| p.value / same as f64).sum() };
            grid.cells[(bucket - first) as usize] = value;
            grid.filled += 1;
            rest = &rest[same..];
        }
        Ok(grid)
    }

    /// Start of the cell with this index, seconds since the epoch.
    #[must_use]
    pub fn at(&self, index: usize) -> i64 {
        self.start.saturating_add(seconds(index, self.step))
    }

    /// Cells in `period` seconds; `None` unless that is two or more whole cells.
    #[must_use]
    pub fn cells_in(&self, period: i64) -> Option<usize> {
        (period % self.step == 0 && period / self.step >= 2).then_some((period / self.step) as usize)
    }
}

/// Seconds that this many cells take; saturates.
pub(crate) fn seconds(cells: usize, step_s: i64) -> i64 {
    i64::try_from(cells).unwrap_or(i64::MAX).saturating_mul(step_s)
}

/// The `share` quantile (0..1) of `values`, interpolated; NaN for none. Reorders `values`.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let place = share.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    match above.iter().copied().min_by(f64::total_cmp) {
        Some(high) if part > 0.0 => low * (1.0 - part) + high * part,
        _ => low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(i64, f64)]) -> Vec<Point> {
        values.iter().map(|&(at, value)| Point { at, value }).collect()
    }

    #[test]
    fn a_grid_shows_gaps_and_averages_equal_buckets() {
        let grid = Grid::new(&points(&[(1800, 3.0), (0, 1.0), (1810, 5.0), (2700, f64::NAN)]), 900).unwrap();
        assert_eq!((grid.start, grid.cells.len(), grid.filled), (0, 3, 2));
        assert!((grid.cells[2] - 4.0).abs() < 1e-12 && grid.cells[1].is_nan());
    }

    #[test]
    fn stray_times_and_steps_are_refused() {
        assert_eq!(Grid::new(&[], 0).unwrap_err(), Unanswered::UnsuitedBuckets);
        let far = points(&[(i64::MIN, 1.0), (i64::MAX, 1.0)]);
        assert_eq!(Grid::new(&far, 900).unwrap_err(), Unanswered::UnsuitedBuckets);
    }

    #[test]
    fn quantiles_agree_with_numpy() {
        // numpy.quantile([3, 1, 2, 10], [0.1, 0.5, 0.9])
        for (share, expected) in [(0.1, 1.3), (0.5, 2.5), (0.9, 7.9), (0.0, 1.0), (1.0, 10.0)] {
            assert!((quantile(&mut [3.0, 1.0, 2.0, 10.0], share) - expected).abs() < 1e-12);
        }
    }
}
