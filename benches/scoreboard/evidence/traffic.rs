//! Minutes of traffic: requests drawn from the pool, shifted by shocks that last and by the harm under test.

use optimizer::stats::evidence::{Cell, Counts, GRID, Side};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::pool::Pool;

/// Standard deviations of a minute's shock: logarithm of latency, logit of errors, logit of quality, logarithm of cost.
const SHOCKS: [f64; 4] = [0.2, 0.7, 0.3, 0.1];

/// Errors of the control.
const ERROR_RATE: f64 = 0.01;

/// What is wrong with the candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Harm {
    pub name: &'static str,
    pub latency: f64,
    pub errors: f64,
    pub quality: f64,
    pub cost: f64,
    /// Whether it lies beyond a margin of the policy.
    pub beyond: bool,
}

pub const NONE: Harm = Harm { name: "none", latency: 1.0, errors: 0.0, quality: 1.0, cost: 1.0, beyond: false };

#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub requests_per_minute: f64,
    /// From minute to minute.
    pub autocorrelation: f64,
    /// Both sides feel the same shocks.
    pub shared: bool,
    pub harm: Harm,
}

/// Bins of the logarithm of latency over τ, for the rivals' rank tests.
pub const BINS: usize = 256;

/// What the rivals look at: one side's requests.
#[derive(Debug, Clone)]
pub struct Raw {
    pub counts: Counts,
    pub latency_sum: f64,
    pub latency_squares: f64,
    pub histogram: Vec<f64>,
}

impl Raw {
    pub fn empty() -> Self {
        Self { counts: Counts::default(), latency_sum: 0.0, latency_squares: 0.0, histogram: vec![0.0; BINS] }
    }
}

pub struct Traffic<'a> {
    pool: &'a Pool,
    setting: Setting,
    rng: ChaCha8Rng,
    shocks: [[f64; 4]; 2],
    ln_grid: [f64; GRID.len()],
    places: Vec<u8>,
    minute: i64,
}

impl<'a> Traffic<'a> {
    pub fn new(pool: &'a Pool, setting: Setting, seed: u64) -> Self {
        let ln_grid = GRID.map(f64::ln);
        let places = (0..BINS).map(|bin| ln_grid.iter().filter(|edge| **edge < edge_of(bin)).count() as u8).collect();
        let mut traffic = Self {
            pool,
            setting,
            rng: ChaCha8Rng::seed_from_u64(seed),
            shocks: [[0.0; 4]; 2],
            ln_grid,
            places,
            minute: 28_000_000,
        };
        traffic.shock(0.0);
        traffic
    }

    /// Moves the shocks on by a minute; what is kept of the old ones is `kept`.
    fn shock(&mut self, kept: f64) {
        for (shock, deviation) in self.shocks.iter_mut().flat_map(|side| side.iter_mut().zip(SHOCKS)) {
            *shock = kept * *shock + normal(&mut self.rng) * deviation * (1.0 - kept * kept).sqrt();
        }
        if self.setting.shared {
            self.shocks[1] = self.shocks[0];
        }
    }

    /// One minute with `share` on the candidate: its cells are appended, the rivals' view added to `raw`.
    pub fn minute(&mut self, share: f64, cells: &mut Vec<Cell>, raw: &mut [Raw; 2]) {
        self.shock(self.setting.autocorrelation);
        self.minute += 1;
        let requests = &self.pool.requests;
        for (index, side) in [Side::Candidate, Side::Control].into_iter().enumerate() {
            let mean = self.setting.requests_per_minute * if index == 0 { share } else { 1.0 - share };
            let harm = if index == 0 { self.setting.harm } else { NONE };
            let [latency, errors, quality, cost] = self.shocks[index];
            let slower = latency + harm.latency.ln() - self.pool.ln_tau;
            let error_rate = logistic(logit(ERROR_RATE) + errors) + harm.errors;
            let right = logistic(logit(self.pool.mean_score) + quality) * harm.quality;
            let dearer = cost.exp() * harm.cost;
            let mut strata = [Counts::default(); 16];
            let factor = latency.exp() * harm.latency;
            for _ in 0..poisson(&mut self.rng, mean) {
                // One draw serves three times: which request, whether it fails, whether its score flips.
                let draw = self.rng.random::<u64>();
                let chance = |shift: u32| (draw >> shift & 0xf_ffff) as f64 / 1_048_576.0;
                let request = &requests[((draw >> 40) as usize * requests.len()) >> 24];
                let counts = &mut strata[request.stratum as usize];
                counts.served += 1.0;
                if chance(20) < error_rate {
                    counts.provider_errors += 1.0;
                    continue;
                }
                counts.succeeded += 1.0;
                counts.timed += 1.0;
                let x = f64::from(request.ln_latency) + slower;
                let bin = bin_of(x);
                raw[index].histogram[bin] += 1.0;
                let ms = f64::from(request.latency_ms) * factor;
                raw[index].latency_sum += ms;
                raw[index].latency_squares += ms * ms;
                let mut place = self.places[bin] as usize;
                while place < GRID.len() && x > self.ln_grid[place] {
                    place += 1;
                }
                if place > 0 {
                    counts.slow[place - 1] += 1.0; // made cumulative below
                }
                if let Some(was) = request.right {
                    let now = flip(chance(0), was, self.pool.mean_score, right);
                    counts.scored += 1.0;
                    counts.quality += f64::from(now);
                    counts.quality_squares += f64::from(now);
                }
                let paid = f64::from(request.cost) * dearer;
                counts.priced += 1.0;
                counts.cost += paid;
                counts.cost_squares += paid * paid;
            }
            for (stratum, mut counts) in strata.into_iter().enumerate().filter(|(_, counts)| counts.served > 0.0) {
                for place in (0..GRID.len() - 1).rev() {
                    counts.slow[place] += counts.slow[place + 1];
                }
                raw[index].counts.add(&counts);
                cells.push(Cell { minute: self.minute, stratum: stratum as u64, side, counts });
            }
        }
    }
}

fn edge_of(bin: usize) -> f64 {
    bin as f64 * 0.025 - 3.5
}

fn bin_of(x: f64) -> usize {
    ((x + 3.5) / 0.025).clamp(0.0, (BINS - 1) as f64) as usize
}

/// A score that was right with probability `mean` becomes right with probability `target`.
fn flip(chance: f64, was: bool, mean: f64, target: f64) -> bool {
    if target < mean {
        return was && chance * mean < target;
    }
    was || chance * (1.0 - mean) < target - mean
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

fn poisson(rng: &mut ChaCha8Rng, mean: f64) -> usize {
    if mean > 30.0 {
        return (mean + mean.sqrt() * normal(rng)).round().max(0.0) as usize;
    }
    let limit = (-mean).exp();
    let (mut count, mut product) = (0, rng.random::<f64>());
    while product > limit {
        count += 1;
        product *= rng.random::<f64>();
    }
    count
}
