//! Thompson sampling as published: beta posteriors for yes or no, normal ones with the variance known otherwise.

use optimizer::stats::bandit::{BetaMean, Posterior};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    classic::{Tallies, Tally, tallies},
    policy::{Policy, largest},
    random::{draw, normal},
    suites::{Request, Reward, Suite},
};

/// Thompson (Biometrika 25, 1933, doi:10.1093/biomet/25.3-4.285).
pub struct Thompson {
    seen: Tallies,
    reward: Reward,
}

impl Thompson {
    pub fn new(suite: &Suite) -> Self {
        Self { seen: tallies(suite), reward: suite.reward }
    }

    fn sample(&self, request: &Request, rng: &mut ChaCha8Rng) -> Vec<f64> {
        self.seen[request.segment].iter().map(|arm| self.one(arm, rng)).collect()
    }

    fn one(&self, arm: &Tally, rng: &mut ChaCha8Rng) -> f64 {
        match self.reward {
            Reward::Binary => {
                let beta = BetaMean::new(1.0 + arm.sum, 1.0 + arm.n - arm.sum).expect("counts are not negative");
                draw(&Posterior::Beta(beta), rng)
            }
            // Prior: mean 0.5, as uncertain as one reward.
            Reward::Normal(deviation) => {
                (arm.sum + 0.5) / (arm.n + 1.0) + deviation / (arm.n + 1.0).sqrt() * normal(rng)
            }
        }
    }
}

impl Policy for Thompson {
    fn choose(&mut self, request: &Request, rng: &mut ChaCha8Rng) -> usize {
        largest(self.sample(request, rng).into_iter())
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        self.seen[request.segment][arm].add(reward);
    }
}

/// Russo's top-two: in half of the requests sampling goes on until another arm is best. After three samples without one the
/// second of the last sample is taken; all three agree when there is hardly anything left to learn.
pub struct TopTwo {
    thompson: Thompson,
}

impl TopTwo {
    pub fn new(suite: &Suite) -> Self {
        Self { thompson: Thompson::new(suite) }
    }
}

impl Policy for TopTwo {
    fn choose(&mut self, request: &Request, rng: &mut ChaCha8Rng) -> usize {
        let first = self.thompson.choose(request, rng);
        if rng.random::<f64>() < 0.5 {
            return first;
        }
        let mut sample = Vec::new();
        for _ in 0..3 {
            sample = self.thompson.sample(request, rng);
            let other = largest(sample.iter().copied());
            if other != first {
                return other;
            }
        }
        sample[first] = f64::NEG_INFINITY;
        largest(sample.into_iter())
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        self.thompson.learn(request, arm, reward);
    }
}
