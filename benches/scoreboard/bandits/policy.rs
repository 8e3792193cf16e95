//! What all policies have in common.

use rand_chacha::ChaCha8Rng;

use super::{
    classic::{EpsilonGreedy, Explore, LinUcb, Uniform, Upper, UpperBound},
    ours::{Paced, PerRequest},
    q_learning::QLearning,
    suites::{Request, Suite},
    thompson::{Thompson, TopTwo},
};

pub trait Policy {
    fn choose(&mut self, request: &Request, rng: &mut ChaCha8Rng) -> usize;
    fn learn(&mut self, request: &Request, arm: usize, reward: f64);
}

/// Names that the summary asks for.
pub const UCB1: &str = "UCB1";
pub const PER_REQUEST: &str = "OURS, per request";
pub const BY_TICK: &str = "OURS, by tick";
pub const CAPPED: &str = "OURS, by tick, ≤ 5 points a day";
pub const Q_LEARNING: [&str; 2] = ["Q-learning, γ 0.9", "Q-learning, γ 0"];

pub type Make = Box<dyn Fn(&Suite) -> Box<dyn Policy>>;

fn make<P: Policy + 'static>(name: &'static str, new: impl Fn(&Suite) -> P + 'static) -> (&'static str, Make) {
    (name, Box::new(move |suite| Box::new(new(suite))))
}

/// All that run in a suite. Those that know no features keep separate counts for every segment.
pub fn makers(suite: &Suite) -> Vec<(&'static str, Make)> {
    let mut all = vec![
        make("uniform", |suite| Uniform { arms: suite.arms }),
        make("ε-greedy, 0.1", |suite| EpsilonGreedy::new(suite, Explore::Always(0.1))),
        make("ε-greedy, 5 arms/t", |suite| EpsilonGreedy::new(suite, Explore::Decaying(5.0))),
        make(UCB1, |suite| UpperBound::new(suite, Upper::Ucb1)),
        make("UCB1-tuned", |suite| UpperBound::new(suite, Upper::Tuned)),
        make("Thompson", Thompson::new),
        make("top-two Thompson, β 0.5", TopTwo::new),
        make(Q_LEARNING[0], |suite| QLearning::new(suite, 0.9)),
        make(Q_LEARNING[1], |suite| QLearning::new(suite, 0.0)),
        make(PER_REQUEST, |suite| PerRequest::new(suite, None)),
    ];
    if suite.segments > 1 {
        all.push(make("LinUCB, α 1", |suite| LinUcb::new(suite, 1.0)));
        all.push(make("OURS, per request, linear", PerRequest::linear));
    }
    if suite.turns {
        all.push(make("OURS, per request, aged", |suite| PerRequest::new(suite, Some(500.0))));
        all.push(make("OURS, by tick, aged", |suite| Paced::new(suite).aged(1_000.0)));
    }
    all.extend([
        make(BY_TICK, Paced::new),
        make("OURS, by tick, minimum 10", |suite| Paced::new(suite).judged_from(10.0)),
        make("OURS, by tick, top-two 0.5", |suite| Paced::new(suite).challenged(0.5)),
        make(CAPPED, |suite| Paced::new(suite).capped(5.0)),
        make("… starting with all on the first arm", |suite| Paced::new(suite).capped(5.0).all_on_first()),
    ]);
    if suite.segments > 1 {
        all.push(make("OURS, by tick, linear", Paced::linear));
    }
    all
}

/// Place of the largest value, the first of equals.
pub fn largest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (place, value) in values.enumerate() {
        if value > best.1 {
            best = (place, value);
        }
    }
    best.0
}
