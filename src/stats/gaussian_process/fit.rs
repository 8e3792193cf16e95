//! Hyperparameters by maximum posterior.

use super::budget::{Budget, OutOfBudget};
use super::kernel::{Hyperparameters, Kernel};
use super::process::{GaussianProcess, Sample};

/// Why there is no process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Fewer than two samples, more than [`super::MOST_POINTS`], numbers that are not finite or differing coordinates.
    Samples,
    OutOfBudget,
}

impl From<OutOfBudget> for Unfit {
    fn from(OutOfBudget: OutOfBudget) -> Self {
        Self::OutOfBudget
    }
}

/// Normal priors on the logarithms: (median, standard deviation of the logarithm). Without them three or four points have
/// flat or boundless likelihoods. Amplitude and nugget are in units of the spread of y. The amplitude is expected to be a
/// few times the spread, as configurations that were tried lie close together and the range they came from is larger:
/// with medians near 1 the 90 % intervals of early predictions held the truth in 70 % of cases.
const AMPLITUDE: (f64, f64) = (3.0, 0.9);
const NUGGET: (f64, f64) = (0.1, 0.8);
/// In units of the policy's range, times √dimensions, as distances grow with it (Hvarfner, Hellsten & Nardi, ICML 2024,
/// arXiv:2402.02229).
const LENGTH: (f64, f64) = (0.35, 0.6);

/// First a coarse grid, all length scales alike (factors on the prior medians), then compass search with these steps.
const GRID: [&[f64]; 3] = [&[0.4, 1.0, 2.0], &[0.3, 1.5], &[0.5, 1.0, 2.0, 4.0]];
const STEPS: [f64; 4] = [0.6, 0.3, 0.15, 0.075];
const ROUNDS: usize = 4;
/// Step of the second differences.
const CURVED: f64 = 0.4;

/// The most probable hyperparameters and how sure of them one is. Works on y in units of its spread.
pub(super) struct Fitted<'a> {
    standard: Vec<Sample>,
    pub spread: f64,
    budget: &'a mut Budget,
    /// Logarithms of amplitude, nugget and the length scales.
    pub best: Vec<f64>,
    /// Log posterior density there.
    pub density: f64,
}

impl<'a> Fitted<'a> {
    /// Takes at most 24 + 32·(dimensions + 2) steps of the budget.
    pub fn to(samples: &[Sample], budget: &'a mut Budget) -> Result<Self, Unfit> {
        let dimensions = samples.first().ok_or(Unfit::Samples)?.x.len();
        let spread = spread(samples).ok_or(Unfit::Samples)?;
        let scaled = |sample: &Sample| Sample { x: sample.x.clone(), y: sample.y / spread, se: sample.se / spread };
        let standard = samples.iter().map(scaled).collect();
        let best = medians(dimensions);
        let mut fitted = Self { standard, spread, budget, best, density: f64::NEG_INFINITY };
        fitted.look_coarsely(dimensions)?;
        fitted.climb()?;
        Ok(fitted)
    }

    fn look_coarsely(&mut self, dimensions: usize) -> Result<(), OutOfBudget> {
        for amplitude in GRID[0] {
            for nugget in GRID[1] {
                for length in GRID[2] {
                    let mut logs = medians(dimensions);
                    logs[0] += amplitude.ln();
                    logs[1] += nugget.ln();
                    logs[2..].iter_mut().for_each(|log| *log += length.ln());
                    self.improve(logs)?;
                }
            }
        }
        Ok(())
    }

    fn climb(&mut self) -> Result<(), OutOfBudget> {
        for step in STEPS {
            for _ in 0..ROUNDS {
                let before = self.density;
                for place in 0..self.best.len() {
                    let up = self.moved(place, step);
                    if !self.improve(up)? {
                        let down = self.moved(place, -step);
                        self.improve(down)?;
                    }
                }
                if self.density <= before {
                    break;
                }
            }
        }
        Ok(())
    }

    fn improve(&mut self, logs: Vec<f64>) -> Result<bool, OutOfBudget> {
        let density = self.density_at(&logs)?;
        let better = density > self.density;
        if better {
            (self.density, self.best) = (density, logs);
        }
        Ok(better)
    }

    fn moved(&self, place: usize, step: f64) -> Vec<f64> {
        let mut logs = self.best.clone();
        logs[place] += step;
        logs
    }

    pub fn density_at(&mut self, logs: &[f64]) -> Result<f64, OutOfBudget> {
        self.budget.spend()?;
        let process = GaussianProcess::conditioned(&self.standard, hyperparameters(logs, 1.0));
        Ok(process.map_or(f64::NEG_INFINITY, |process| process.log_likelihood() + log_prior(logs)))
    }

    /// Standard deviations of the logarithms, from the curvature at the best; never above the prior's.
    pub fn deviations(&mut self) -> Result<Vec<f64>, OutOfBudget> {
        let priors = widths(self.best.len());
        let mut deviations = Vec::with_capacity(priors.len());
        for (place, prior) in priors.into_iter().enumerate() {
            let (above, below) = (self.moved(place, CURVED), self.moved(place, -CURVED));
            let bend = 2.0 * self.density - self.density_at(&above)? - self.density_at(&below)?;
            // Also the prior's where a neighbour is impossible and the bend infinite or NaN.
            let own = CURVED / bend.sqrt();
            deviations.push(if own.is_finite() && own > 0.0 { own.min(prior) } else { prior });
        }
        Ok(deviations)
    }
}

/// Its square does not vanish.
const SMALLEST: f64 = 1e-100;

/// What y is measured in: its standard deviation, or the typical noise if that is larger; 1 where both are nothing.
fn spread(samples: &[Sample]) -> Option<f64> {
    let n = samples.len() as f64;
    if samples.len() < 2 {
        return None;
    }
    let mean = samples.iter().map(|sample| sample.y / n).sum::<f64>();
    let variance = samples.iter().map(|sample| (sample.y - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let noise = samples.iter().map(|sample| sample.se.powi(2) / n).sum::<f64>();
    let spread = variance.max(noise).sqrt();
    // Rounding of a constant is not a spread.
    let rounding = 1e-12 * samples.iter().map(|sample| sample.y.abs()).fold(0.0, f64::max);
    if !spread.is_finite() {
        return None;
    }
    Some(if spread > rounding { spread } else { rounding.max(SMALLEST) })
}

fn medians(dimensions: usize) -> Vec<f64> {
    let length = LENGTH.0.ln() + 0.5 * (dimensions.max(1) as f64).ln();
    [AMPLITUDE.0.ln(), NUGGET.0.ln()].into_iter().chain(std::iter::repeat_n(length, dimensions)).collect()
}

fn widths(count: usize) -> Vec<f64> {
    [AMPLITUDE.1, NUGGET.1].into_iter().chain(std::iter::repeat(LENGTH.1)).take(count).collect()
}

fn log_prior(logs: &[f64]) -> f64 {
    let distances = logs.iter().zip(medians(logs.len() - 2)).zip(widths(logs.len()));
    distances.map(|((log, median), width)| -0.5 * ((log - median) / width).powi(2)).sum()
}

pub(super) fn hyperparameters(logs: &[f64], spread: f64) -> Hyperparameters {
    let kernel = Kernel { amplitude: spread * logs[0].exp(), lengths: logs[2..].iter().map(|log| log.exp()).collect() };
    Hyperparameters { kernel, nugget: spread * logs[1].exp() }
}
