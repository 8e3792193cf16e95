//! Q-learning (Watkins and Dayan, Machine Learning 8, 1992, doi:10.1007/BF00992698) over the bandit's own state: the segment
//! and the arm in use there; the action is the arm to change to.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    policy::{Policy, largest},
    suites::{Request, Suite},
};

pub struct QLearning {
    discount: f64,
    arms: usize,
    /// By segment, present arm, next arm: value and visits.
    table: Vec<(f64, f64)>,
    visits: Vec<f64>,
    present: Vec<usize>,
    /// Place in the table, and reward, of the step whose next state is not known yet.
    open: Option<(usize, f64)>,
}

impl QLearning {
    /// Values begin at the most a reward of 1 could bring, so that everything is tried.
    pub fn new(suite: &Suite, discount: f64) -> Self {
        let states = suite.segments * suite.arms;
        let table = vec![(1.0 / (1.0 - discount), 0.0); states * suite.arms];
        let present = vec![0; suite.segments];
        Self { discount, arms: suite.arms, table, visits: vec![0.0; states], present, open: None }
    }

    fn state(&self, segment: usize) -> usize {
        segment * self.arms + self.present[segment]
    }

    fn values(&self, state: usize) -> impl Iterator<Item = f64> {
        self.table[state * self.arms..][..self.arms].iter().map(|(value, _)| *value)
    }
}

impl Policy for QLearning {
    fn choose(&mut self, request: &Request, rng: &mut ChaCha8Rng) -> usize {
        let state = self.state(request.segment);
        if let Some((place, reward)) = self.open.take() {
            let next = self.values(state).fold(f64::NEG_INFINITY, f64::max);
            let (value, visits) = &mut self.table[place];
            *visits += 1.0;
            // Of n^-1, n^-0.8, n^-0.6 and a constant 0.1 the rate that loses least over all suites.
            *value += (reward + self.discount * next - *value) / visits.powf(0.6);
        }
        self.visits[state] += 1.0;
        let epsilon = 5.0 * self.arms as f64 / (5.0 * self.arms as f64).max(self.visits[state]);
        // As ε-greedy: five times the number of arms over the visits.
        if epsilon < 1.0 && rng.random::<f64>() >= epsilon {
            largest(self.values(state))
        } else {
            rng.random_range(0..self.arms)
        }
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        self.open = Some((self.state(request.segment) * self.arms + arm, reward));
        self.present[request.segment] = arm;
    }
}
