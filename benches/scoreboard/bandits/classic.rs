//! Policies with published regret bounds, and the two everybody knows.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    policy::{Policy, largest},
    suites::{Request, Suite},
};

pub struct Uniform {
    pub arms: usize,
}

impl Policy for Uniform {
    fn choose(&mut self, _: &Request, rng: &mut ChaCha8Rng) -> usize {
        rng.random_range(0..self.arms)
    }

    fn learn(&mut self, _: &Request, _: usize, _: f64) {}
}

/// Number, sum and sum of squares of an arm's rewards.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub n: f64,
    pub sum: f64,
    pub squares: f64,
}

impl Tally {
    pub fn add(&mut self, reward: f64) {
        self.n += 1.0;
        self.sum += reward;
        self.squares += reward * reward;
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.n.max(1.0)
    }
}

/// For every segment, a tally of every arm.
pub type Tallies = Vec<Vec<Tally>>;

pub fn tallies(suite: &Suite) -> Tallies {
    vec![vec![Tally::default(); suite.arms]; suite.segments]
}

pub enum Explore {
    Always(f64),
    /// So many times the number of arms, divided by the requests so far.
    Decaying(f64),
}

pub struct EpsilonGreedy {
    seen: Tallies,
    explore: Explore,
}

impl EpsilonGreedy {
    pub fn new(suite: &Suite, explore: Explore) -> Self {
        Self { seen: tallies(suite), explore }
    }
}

impl Policy for EpsilonGreedy {
    fn choose(&mut self, request: &Request, rng: &mut ChaCha8Rng) -> usize {
        let seen = &self.seen[request.segment];
        let epsilon = match self.explore {
            Explore::Always(epsilon) => epsilon,
            Explore::Decaying(times) => times * seen.len() as f64 / seen.iter().map(|arm| arm.n).sum::<f64>(),
        };
        if rng.random::<f64>() < epsilon {
            rng.random_range(0..seen.len())
        } else {
            largest(seen.iter().map(Tally::mean))
        }
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        self.seen[request.segment][arm].add(reward);
    }
}

/// UCB1 and UCB1-tuned, as printed (Auer, Cesa-Bianchi, Fischer 2002).
pub enum Upper {
    Ucb1,
    Tuned,
}

pub struct UpperBound {
    seen: Tallies,
    bound: Upper,
}

impl UpperBound {
    pub fn new(suite: &Suite, bound: Upper) -> Self {
        Self { seen: tallies(suite), bound }
    }
}

impl Policy for UpperBound {
    fn choose(&mut self, request: &Request, _: &mut ChaCha8Rng) -> usize {
        let seen = &self.seen[request.segment];
        let ln = seen.iter().map(|arm| arm.n).sum::<f64>().max(1.0).ln();
        largest(seen.iter().map(|arm| {
            if arm.n < 1.0 {
                return f64::INFINITY;
            }
            let width = match self.bound {
                Upper::Ucb1 => 2.0 * ln / arm.n,
                Upper::Tuned => {
                    let variance = arm.squares / arm.n - arm.mean().powi(2) + (2.0 * ln / arm.n).sqrt();
                    ln / arm.n * variance.min(0.25)
                }
            };
            arm.mean() + width.sqrt()
        }))
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        self.seen[request.segment][arm].add(reward);
    }
}

/// `LinUCB` with a model for every arm (Li, Chu, Langford, Schapire 2010, algorithm 1).
pub struct LinUcb {
    /// Inverse of I + Σ x xᵀ, kept up to date by Sherman and Morrison's formula, and Σ x y.
    arms: Vec<([[f64; 4]; 4], [f64; 4])>,
    alpha: f64,
}

impl LinUcb {
    pub fn new(suite: &Suite, alpha: f64) -> Self {
        let unit = std::array::from_fn(|row| std::array::from_fn(|column| f64::from(u8::from(row == column))));
        Self { arms: vec![(unit, [0.0; 4]); suite.arms], alpha }
    }
}

fn times(matrix: &[[f64; 4]; 4], vector: &[f64; 4]) -> [f64; 4] {
    std::array::from_fn(|row| dot(&matrix[row], vector))
}

fn dot(one: &[f64; 4], two: &[f64; 4]) -> f64 {
    one.iter().zip(two).map(|(a, b)| a * b).sum()
}

impl Policy for LinUcb {
    fn choose(&mut self, request: &Request, _: &mut ChaCha8Rng) -> usize {
        let x = &request.features;
        largest(self.arms.iter().map(|(inverse, sums)| {
            let spread = times(inverse, x);
            dot(&spread, sums) + self.alpha * dot(&spread, x).sqrt()
        }))
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        let x = &request.features;
        let (inverse, sums) = &mut self.arms[arm];
        let spread = times(inverse, x);
        let scale = 1.0 + dot(&spread, x);
        for row in 0..4 {
            for column in 0..4 {
                inverse[row][column] -= spread[row] * spread[column] / scale;
            }
            sums[row] += x[row] * reward;
        }
    }
}
