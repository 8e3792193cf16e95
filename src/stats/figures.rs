//! Figures that somebody else computed over many requests: a percentile a minute, an error rate. They cannot be merged (the
//! percentile of percentiles is none) and say nothing about single models' requests, so they serve for thresholds alone.

/// What a figure measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// 95th percentile of latency, ms.
    LatencyP95,
    /// Share of requests that failed, `0..=1`.
    ErrorRate,
    /// Mean cost of one request, US dollars.
    CostPerRequest,
    /// Mean quality, `0..=1`.
    Quality,
}

/// All figures of one measure of one service inside the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub measure: Measure,
    /// Ascending; at least one.
    pub values: Vec<f64>,
    /// Requests behind them, where the source tells.
    pub requests: Option<f64>,
}

impl Figures {
    /// The middle one, the lower of two.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.values[(self.values.len() - 1) / 2]
    }

    /// How many lie above.
    #[must_use]
    pub fn above(&self, limit: f64) -> usize {
        self.values.len() - self.values.partition_point(|value| *value <= limit)
    }

    /// How many lie below.
    #[must_use]
    pub fn below(&self, limit: f64) -> usize {
        self.values.partition_point(|value| *value < limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_counted_against_a_limit() {
        let figures = Figures { measure: Measure::ErrorRate, values: vec![0.1, 0.2, 0.2, 0.4], requests: None };
        assert!((figures.median() - 0.2).abs() < 1e-12);
        assert_eq!((figures.above(0.2), figures.below(0.2)), (1, 1));
        assert_eq!((figures.above(0.05), figures.below(0.5)), (4, 4));
    }
}
