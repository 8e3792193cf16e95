//! What two samples say about one figure, before it is known how many other figures are looked at.

use super::{mean::Mean, quantile::Quantile, share::Share};
use crate::stats::tails::{normal, student};

/// How the comparison was made, for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Linearised ratio of sums with a t reference, corrected for skewness.
    Mean,
    /// Exact test of two shares at their effective numbers.
    Share,
    /// As that, of requests on both sides whose answers differ (`McNemar`).
    PairedShare,
    /// Exact test of the shares beyond the common quantile.
    Quantile,
    /// Neither side varies: compared as they are.
    Exact,
}

/// Bounds of the effect; `None` is an open side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Interval {
    /// Of candidate − baseline, in the figure's unit: low, high.
    pub difference: [Option<f64>; 2],
    /// Of candidate / baseline − 1: low, high. Both open where the baseline is not positive.
    pub change: [Option<f64>; 2],
}

/// One figure on both sides: estimates, p-values at no difference, and intervals at any level.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Baseline and candidate on the same mix: what is judged.
    pub adjusted: [f64; 2],
    /// Baseline and candidate as they are.
    pub raw: [f64; 2],
    /// Rows that are compared.
    pub rows: [u64; 2],
    /// Independent units among them.
    pub units: [u64; 2],
    /// Units on both sides.
    pub paired: u64,
    /// How many times the variance is what independent rows would have.
    pub design_effects: [f64; 2],
    pub method: Method,
    /// One-sided: that the candidate is greater, that it is less.
    pub p_values: [f64; 2],
    /// The same from the estimated variance alone, before units were dealt at random.
    pub(super) estimated: [f64; 2],
    /// The smallest p-value these units could have given.
    pub(super) least: f64,
    pub(super) bounds: Bounds,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bounds {
    Mean(Mean),
    Share(Share),
    Quantile(Quantile),
}

impl Evidence {
    /// Candidate − baseline, adjusted.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.adjusted[1] - self.adjusted[0]
    }

    /// Candidate / baseline − 1, adjusted. `None` unless the baseline is positive.
    #[must_use]
    pub fn change(&self) -> Option<f64> {
        (self.adjusted[0] > 0.0).then(|| self.adjusted[1] / self.adjusted[0] - 1.0)
    }

    /// The interval with probability `tail` beyond each end, `0 < tail < 0.5`.
    #[must_use]
    pub fn interval(&self, tail: f64) -> Interval {
        if !(tail > 0.0 && tail < 0.5) {
            return Interval::default();
        }
        let tails = [0, 1].map(|end| self.stretched(tail, end));
        let mut interval = self.estimated_interval(tails[0]);
        if tails[1] < tail || tails[0] < tail {
            let high = self.estimated_interval(tails[1]);
            (interval.difference[1], interval.change[1]) = (high.difference[1], high.change[1]);
        }
        // Where an exact p-value and the interval's approximation part, the p-value decides.
        let [greater, less] = self.p_values;
        for bounds in [&mut interval.difference, &mut interval.change] {
            bounds[0] = bounds[0].map(|low| if greater <= tail { low.max(0.0) } else { low.min(0.0) });
            bounds[1] = bounds[1].map(|high| if less <= tail { high.min(0.0) } else { high.max(0.0) });
        }
        interval
    }

    fn estimated_interval(&self, tail: f64) -> Interval {
        match &self.bounds {
            Bounds::Mean(mean) => mean.interval(tail),
            Bounds::Share(share) => share.interval(tail),
            Bounds::Quantile(quantile) => quantile.interval(tail),
        }
    }

    /// The level to read the interval at: where dealing says that the estimated variance is too small, by so many times as it is.
    fn stretched(&self, tail: f64, end: usize) -> f64 {
        let z = normal::upper_quantile;
        if self.p_values[end] <= self.estimated[end] || self.p_values[end] >= 0.5 {
            return tail;
        }
        let factor = z(self.estimated[end]).zip(z(self.p_values[end])).map(|(far, near)| (far / near).min(100.0));
        z(tail).zip(factor).map_or(tail, |(z, factor)| normal::upper_tail(z * factor).max(f64::MIN_POSITIVE))
    }

    /// The smallest harm, upwards or downwards, that a sample like this shows with this power when it is tested at `tail`:
    /// as a difference, positive. `None` where no harm would be shown, however large.
    #[must_use]
    pub fn detectable(&self, tail: f64, power: f64, upwards: bool) -> Option<f64> {
        if self.least > tail {
            return None;
        }
        let tail = self.stretched(tail, usize::from(!upwards));
        let [z, beta] = [normal::upper_quantile(tail)?, normal::quantile(power)?];
        match &self.bounds {
            Bounds::Mean(mean) => mean.detectable(tail, power),
            Bounds::Share(share) => share.detectable(z, beta, upwards),
            Bounds::Quantile(quantile) => quantile.detectable(tail, (z + beta) / z, self.adjusted, upwards),
        }
    }
}

/// A p-value from a normal reference, told with the degrees of freedom that its variance was measured with.
pub(super) fn with_freedom(p: f64, freedom: f64) -> f64 {
    if !(p > 0.0 && p < 1.0) || freedom > 1e7 {
        return p;
    }
    normal::upper_quantile(p).and_then(|z| student::upper_tail(z, freedom)).unwrap_or(1.0)
}

/// The level a normal reference must be read at so that the result holds at `tail` with those degrees of freedom.
pub(super) fn without_freedom(tail: f64, freedom: f64) -> f64 {
    if freedom > 1e7 {
        return tail;
    }
    student::upper_quantile(tail, freedom).map_or(0.0, normal::upper_tail)
}
