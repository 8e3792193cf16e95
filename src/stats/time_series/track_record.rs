//! What every forecaster got wrong at one horizon, and the forecast that is made of it.

use super::{
    errors,
    smoothing::{Bank, FORECASTERS, damped_sum},
};

#[derive(Debug)]
pub(crate) struct TrackRecord {
    /// Cells.
    pub(crate) ahead: usize,
    /// See [`damped_sum`].
    pub(crate) damping: f64,
    /// The cell from which it was forecast, and truth less forecast.
    errors: Vec<(usize, [f64; FORECASTERS])>,
    absolute: [f64; FORECASTERS],
}

#[derive(Debug)]
pub(crate) struct Outlook {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) error_to_naive: Option<f64>,
}

impl TrackRecord {
    pub(crate) fn new(ahead: usize, length: usize) -> Self {
        let errors = Vec::with_capacity(length.saturating_sub(ahead));
        Self { ahead, damping: damped_sum(ahead), errors, absolute: [0.0; FORECASTERS] }
    }

    /// Past forecasts.
    pub(crate) fn len(&self) -> usize {
        self.errors.len()
    }

    /// Takes in what was expected at `cell` of the cell `ahead`; cells come in ascending order.
    pub(crate) fn add(&mut self, cell: usize, truth: f64, expected: &[f64; FORECASTERS]) {
        let errors = expected.map(|expected| truth - expected);
        for (sum, error) in self.absolute.iter_mut().zip(errors) {
            *sum += error.abs();
        }
        self.errors.push((cell, errors));
    }

    /// The mixture of what is `expected` now, with its interval. `None` when a figure would not be finite.
    pub(crate) fn outlook(&self, bank: &Bank, expected: &[f64; FORECASTERS]) -> Option<Outlook> {
        let mut past = self.absolute.map(Some);
        for (forecaster, error) in past.iter_mut().enumerate() {
            // A season's cell that was in a gap every day has no forecast now.
            *error = error.filter(|_| bank.in_use(forecaster) && !expected[forecaster].is_nan());
        }
        let weights = errors::weights(past)?;
        let value = errors::mix(&weights, expected);
        let errors: Vec<(usize, f64)> =
            self.errors.iter().map(|(cell, errors)| (*cell, errors::mix(&weights, errors))).collect();
        let count = errors.len() as f64;
        // Errors of forecasts less than about half a horizon apart say much the same.
        let independent = f64::max(2.0, 2.0 * count / self.ahead.max(2) as f64);
        let (low, high) = errors::interval(&errors, self.ahead, independent);
        let (low, high) = (value + low, value + high);
        let (mean, naive) =
            (errors.iter().map(|(_, error)| error.abs()).sum::<f64>() / count, self.absolute[0] / count);
        let error_to_naive = (naive > 0.0).then(|| mean / naive);
        let finite = value.is_finite() && low.is_finite() && high.is_finite() && naive.is_finite();
        finite.then_some(Outlook { value, low, high, error_to_naive })
    }
}
