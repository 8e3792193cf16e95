//! Made-up series for tests.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::series::{Point, seconds};

#[derive(Debug)]
pub(crate) struct Noise(ChaCha8Rng);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let angle = std::f64::consts::TAU * self.0.random::<f64>();
        (-2.0 * (1.0 - self.0.random::<f64>()).ln()).sqrt() * angle.cos()
    }

    /// First-order autoregression with variance 1.
    pub(crate) fn autoregressive(&mut self, length: usize, autocorrelation: f64) -> Vec<f64> {
        let mut state = self.normal();
        let mut next = || {
            state = autocorrelation * state + (1.0 - autocorrelation * autocorrelation).sqrt() * self.normal();
            state
        };
        (0..length).map(|_| next()).collect()
    }

    /// Days with a sine of this height around 100, and autoregressive noise.
    pub(crate) fn daily(&mut self, length: usize, step_s: i64, height: f64) -> Vec<Point> {
        let noise = self.autoregressive(length, 0.5);
        let wave = |at: i64| height * (at as f64 / 86_400.0 * std::f64::consts::TAU).sin();
        let point = |(at, noise): (i64, f64)| Point { at, value: 100.0 + wave(at) + noise };
        noise.into_iter().enumerate().map(|(cell, noise)| point((seconds(cell, step_s), noise))).collect()
    }
}

pub(crate) fn points(values: &[f64], step_s: i64) -> Vec<Point> {
    values.iter().enumerate().map(|(cell, value)| Point { at: seconds(cell, step_s), value: *value }).collect()
}
