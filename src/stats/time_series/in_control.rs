//! What is usual for a metric, and how far a cumulative sum may stray from it.

use super::series::Point;

/// More alike neighbours than this wander too far for any shift to show.
const MOST_ALIKE: f64 = 0.95;

/// Mean. Divides first, so that huge values do not overflow.
pub(crate) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.map(|value| value / count).sum()
}

/// What is usual.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    autocorrelation: f64,
    /// Ascending: what the point before did not explain.
    surprises: Vec<f64>,
    /// Differences below this are rounding.
    rounding: f64,
}

impl Reference {
    pub(crate) fn new(points: &[Point]) -> Option<Self> {
        let n = points.len() as f64;
        let mean = mean(points.iter().map(|point| point.value));
        let squares: f64 = points.iter().map(|point| (point.value - mean).powi(2)).sum();
        let rounding = 1e-12 * points.iter().map(|point| point.value.abs()).fold(0.0, f64::max);
        if !squares.is_finite() {
            return None;
        }
        let constant = squares <= n * rounding * rounding;
        let products: f64 = points.windows(2).map(|pair| (pair[0].value - mean) * (pair[1].value - mean)).sum();
        let raw = if constant { 0.0 } else { products / squares };
        // Estimates from short stretches are too low by about (1 + 4 r) / n.
        let autocorrelation = if constant { 0.0 } else { (raw + (1.0 + 4.0 * raw) / n).clamp(0.0, MOST_ALIKE) };
        let deviation = if constant { 0.0 } else { (squares / (n - 1.0)).sqrt() };
        let mut base = Self { mean, deviation, autocorrelation, surprises: Vec::new(), rounding };
        let mut surprises: Vec<f64> =
            points.windows(2).map(|pair| base.surprise(pair[0].value, pair[1].value)).collect();
        surprises.sort_by(f64::total_cmp);
        base.surprises = surprises;
        Some(base)
    }

    /// What the point before does not explain.
    pub(crate) fn surprise(&self, before: f64, now: f64) -> f64 {
        (now - self.mean) - self.autocorrelation * (before - self.mean)
    }

    /// Share of the reference below `surprise`; equals count half. Never 0 or 1.
    pub(crate) fn rank(&self, surprise: f64) -> f64 {
        let below = self.surprises.partition_point(|other| *other < surprise - self.rounding) as f64;
        let up_to = self.surprises.partition_point(|other| *other <= surprise + self.rounding) as f64;
        (f64::midpoint(below, up_to) + 0.5) / (self.surprises.len() as f64 + 1.0)
    }
}

/// Limit at which the two-sided sum of standard normal scores has this mean run length, by Siegmund (1985, Sequential Analysis,
/// p. 27): one side runs `(exp(2kb) − 2kb − 1) / 2k²` with b the limit and 1.166.
pub(crate) fn limit(allowance: f64, run_length: f64) -> f64 {
    let run_length = if run_length.is_finite() { run_length.clamp(50.0, 1e9) } else { 1e9 };
    let of = |limit: f64| {
        let x = 2.0 * allowance * (limit + 1.166);
        (x.exp() - x - 1.0) / (4.0 * allowance * allowance)
    };
    let (mut low, mut high) = (0.0, 400.0 / allowance.max(1.0));
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if of(middle) < run_length { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_siegmunds() {
        // k 0.5, two-sided: h 4.77 has a run length of 370 (Montgomery, Introduction to Statistical Quality Control, table 9.3).
        assert!((limit(0.5, 370.0) - 4.77).abs() < 0.02, "{}", limit(0.5, 370.0));
    }
}
