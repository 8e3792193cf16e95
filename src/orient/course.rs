//! The course of a figure, short enough to look at.

use crate::stats::{Point, time_series::between};

/// Steps of a course.
const STEPS: i64 = 40;

/// Means over equal steps of `[from, to)`; none where there was nothing.
pub(super) fn recent(series: &[Point], from: i64, to: i64) -> Vec<Option<f64>> {
    let edge = |step: i64| from + (to - from) * step / STEPS;
    let mean = |points: &[Point]| {
        let count = points.len() as f64;
        (count > 0.0).then(|| points.iter().map(|point| point.value / count).sum())
    };
    (0..STEPS).map(|step| mean(between(series, edge(step), edge(step + 1)))).collect()
}
