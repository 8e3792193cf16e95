//! How often each test cries wolf: seeded simulations of data without any change.
//!
//! A test keeps its level α when it rejects a true "no change" in a share α of all cases. What the full table showed at
//! α = 0.05 with 20, 200 and 20,000 values a side (standard errors 0.002, 0.003, 0.007):
//!
//! - Mann–Whitney, raw and on sketches, and Mann–Kendall on independent values: level on every distribution. Less only with
//!   20 values of which nine in ten are zero (0.02 to 0.04).
//! - Kolmogorov–Smirnov: 0.03, 0.04, 0.05 on continuous values; on ties or bins it is conservative (rounded values on a
//!   sketch 0.007, nine zeros in ten 0.000), never liberal.
//! - Welch with sides of one size: level on normal and Poisson values; quiet where tails are heavy (log-normal 0.035, 0.047,
//!   0.042; Pareto 1.5 0.020, 0.030, 0.031; 90 % zeros 0.007, 0.037, 0.044).
//! - Welch with ten times as many on one side and a skewed quantity is LIBERAL: log-normal 0.10 with 20 and 0.06 with 200 on the
//!   small side (0.046 and 0.019 at α = 0.01), Pareto 0.14 and 0.13. A canary's mean cost or latency needs a rank test
//!   beside it, or logarithms.
//! - PSI by chi-square with half a count added: 0.000 to 0.03 with 20, level from 200 on. The band "above 0.25" as a test: 0.04
//!   (90 % zeros) to 0.94 (log-normal) with 20, 0.004 at most with 200, 0 with 20,000. It measures the number of values as
//!   much as a change.
//! - Pooled z, Fisher: never above the level, far below with few successes. Unpooled z at rate ½: 0.08 with 20.
//! - Sample ratio: level, except at α = 0.01 with fewer than five expected in an arm (0.016 to 0.019).
//! - A series without trend whose neighbours have correlation ½, of 20, 200, 1,000 values: plain Mann–Kendall 0.23, 0.26, 0.24;
//!   Hamed–Rao 0.23, 0.15, 0.12; Yue–Wang 0.53, 0.50, 0.47; first order 0.08, 0.051, 0.044.
//! - Bounds for five looks: 0.05. Intervals of Hedges' g and of superiority miss in 0.04 to 0.05.

pub mod distribution;
pub mod false_alarms;
pub mod no_change;
pub mod subject;

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use distribution::{ALL, Distribution};
use subject::PValues;

/// Levels at which rejections are counted.
pub const LEVELS: [f64; 2] = [0.05, 0.01];

/// Simulations in each cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A few seconds, also unoptimized: sees a test whose rate is wrong by a factor of two.
    Quick,
    /// One to two minutes, optimized.
    Full,
}

impl Effort {
    fn trials(self, n: usize) -> u32 {
        match (self, n) {
            (Self::Quick, ..=20) => 1_000,
            (Self::Quick, ..=200) => 200,
            (Self::Quick, _) => 4,
            (Self::Full, ..=20) => 10_000,
            (Self::Full, ..=200) => 5_000,
            (Self::Full, _) => 1_000,
        }
    }
}

/// How a rate compares to the level it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Within three standard errors of the level.
    Level,
    /// Rarer: safe, less powerful.
    Conservative,
    /// More often: its p-values are too small.
    Liberal,
}

/// One test on one kind of data.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub test: &'static str,
    pub data: String,
    /// Values on each side, on the smaller one where they differ; looks of the sequential tests.
    pub n: usize,
    pub alpha: f64,
    pub trials: u32,
    /// Share of trials with a p-value of at most `alpha`.
    pub rate: f64,
    /// Of a rate that is `alpha`: √(α(1 − α) / trials).
    pub standard_error: f64,
    pub verdict: Verdict,
}

/// The whole table, the same for the same seed.
#[must_use]
pub fn table(effort: Effort, seed: u64) -> Vec<Cell> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut cells = Vec::new();
    for n in [20, 200, 20_000] {
        let trials = effort.trials(n);
        for distribution in ALL {
            cells.extend(tally(distribution.name(), n, trials, &LEVELS, || {
                subject::two_samples(distribution, [n; 2], &mut random)
            }));
        }
        for rate in [0.01, 0.1, 0.5] {
            let name = format!("rate {rate}");
            cells.extend(tally(&name, n, trials, &LEVELS, || subject::counts(rate, n, &mut random)));
        }
    }
    // A canary beside the rest: few on one side, ten times as many on the other.
    for n in [20, 200] {
        for distribution in [Distribution::Normal, Distribution::LogNormal, Distribution::Pareto] {
            let name = format!("{}, 1:10", distribution.name());
            let trials = effort.trials(n) / 2;
            cells.extend(tally(&name, n, trials, &LEVELS, || {
                subject::two_samples(distribution, [n, 10 * n], &mut random)
            }));
        }
    }
    for n in [20, 200, 1000] {
        let trials = effort.trials(n.min(200)) / 2;
        cells.extend(tally("AR(1), 0.5", n, trials, &LEVELS, || subject::autocorrelated(n, &mut random)));
    }
    for alpha in LEVELS {
        for n in [20, 200] {
            let covers = || subject::intervals(n, alpha, &mut random);
            cells.extend(tally("shift by ½ sd", n, effort.trials(200), &[alpha], covers));
        }
        let looks = || subject::looks(5, alpha, &mut random);
        cells.extend(tally("5 looks", 5, effort.trials(200), &[alpha], looks));
    }
    cells
}

/// Counts how often each test of a trial gives a p-value of at most each level.
pub fn tally(data: &str, n: usize, trials: u32, levels: &[f64], mut trial: impl FnMut() -> PValues) -> Vec<Cell> {
    let mut rejections: BTreeMap<&'static str, Vec<u32>> = BTreeMap::new();
    for _ in 0..trials {
        for (test, p) in trial() {
            let counts = rejections.entry(test).or_insert_with(|| vec![0; levels.len()]);
            for (count, alpha) in counts.iter_mut().zip(levels) {
                // A p-value of exactly α rejects, whatever the rounding in its last digits.
                *count += u32::from(p <= alpha * (1.0 + 1e-12));
            }
        }
    }
    let mut cells = Vec::new();
    for (test, counts) in rejections {
        for (count, alpha) in counts.into_iter().zip(levels) {
            let rate = f64::from(count) / f64::from(trials);
            let standard_error = (alpha * (1.0 - alpha) / f64::from(trials)).sqrt();
            let distance = (rate - alpha) / standard_error;
            let verdict = match distance {
                d if d > 3.0 => Verdict::Liberal,
                d if d < -3.0 => Verdict::Conservative,
                _ => Verdict::Level,
            };
            cells.push(Cell { test, data: data.to_owned(), n, alpha: *alpha, trials, rate, standard_error, verdict });
        }
    }
    cells
}
