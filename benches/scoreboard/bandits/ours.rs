//! The product's own functions, request by request and as they run: once a tick.

use std::collections::VecDeque;

use optimizer::stats::bandit::{
    Allocation, ArmState, Evidence, Limits, Posterior, Prior, WHOLE, allocate,
    linear::{LinearEvidence, LinearPrior, Regression},
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    policy::{Policy, largest},
    random::draw,
    suites::{Request, Reward, Suite},
};

/// Requests of all segments from one tick to the next, and of a day.
const TICK: usize = 100;
const DAY: usize = 1_000;

/// What is known of the arms.
enum Belief {
    /// By segment, then arm.
    Plain { prior: Prior, seen: Vec<Vec<Evidence>>, posteriors: Vec<Vec<Posterior>> },
    /// By arm, over all segments.
    Linear { prior: LinearPrior, seen: Vec<LinearEvidence>, regressions: Vec<Regression> },
}

impl Belief {
    fn plain(suite: &Suite) -> Self {
        let prior = match suite.reward {
            Reward::Binary => Prior::Binary,
            Reward::Normal(_) => Prior::between(0.0, 1.0).expect("0 is below 1"),
        };
        let none = prior.posterior(&Evidence::default()).expect("the prior alone");
        let seen = vec![vec![Evidence::default(); suite.arms]; suite.segments];
        Self::Plain { prior, seen, posteriors: vec![vec![none; suite.arms]; suite.segments] }
    }

    fn linear(suite: &Suite) -> Self {
        let prior = LinearPrior::new(0.5, 12_f64.sqrt().recip(), 1.0).expect("a usable prior");
        let seen = vec![LinearEvidence::new(4).expect("four features"); suite.arms];
        let regressions = seen.iter().map(|seen| prior.regression(seen).expect("the prior alone")).collect();
        Self::Linear { prior, seen, regressions }
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        match self {
            Self::Plain { prior, seen, posteriors } => {
                seen[request.segment][arm].observe(reward);
                let posterior = prior.posterior(&seen[request.segment][arm]);
                posteriors[request.segment][arm] = posterior.expect("rewards are numbers");
            }
            Self::Linear { prior, seen, regressions } => {
                seen[arm].observe(&request.features, reward).expect("features are numbers");
                regressions[arm] = prior.regression(&seen[arm]).expect("sums are numbers");
            }
        }
    }

    fn age(&mut self, factor: f64) {
        if let Self::Plain { seen, .. } = self {
            seen.iter_mut().flatten().for_each(|evidence| *evidence = evidence.discounted(factor));
        }
    }

    fn posterior(&self, request: &Request, arm: usize) -> Posterior {
        match self {
            Self::Plain { posteriors, .. } => posteriors[request.segment][arm],
            Self::Linear { regressions, .. } => {
                regressions[arm].predict(&request.features).expect("features are numbers")
            }
        }
    }

    fn requests(&self, segment: usize, arm: usize) -> f64 {
        match self {
            Self::Plain { seen, .. } => seen[segment][arm].requests(),
            Self::Linear { seen, .. } => seen[arm].requests(),
        }
    }
}

/// A draw from every posterior at every request.
pub struct PerRequest {
    belief: Belief,
    arms: usize,
    /// What evidence is multiplied by at every request.
    keep: f64,
}

impl PerRequest {
    /// `half_life`: requests after which evidence counts half.
    pub fn new(suite: &Suite, half_life: Option<f64>) -> Self {
        let keep = half_life.map_or(1.0, |requests| 0.5_f64.powf(1.0 / requests));
        Self { belief: Belief::plain(suite), arms: suite.arms, keep }
    }

    pub fn linear(suite: &Suite) -> Self {
        Self { belief: Belief::linear(suite), arms: suite.arms, keep: 1.0 }
    }
}

impl Policy for PerRequest {
    fn choose(&mut self, request: &Request, rng: &mut ChaCha8Rng) -> usize {
        largest((0..self.arms).map(|arm| draw(&self.belief.posterior(request, arm), rng)))
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        if self.keep < 1.0 {
            self.belief.age(self.keep);
        }
        self.belief.learn(request, arm, reward);
    }
}

/// Shares recomputed at every tick; requests are drawn by them.
pub struct Paced {
    belief: Belief,
    limits: Limits,
    names: Vec<String>,
    keep: f64,
    /// By segment: shares by arm, ticks since they changed, and points moved in each tick of the day before.
    segments: Vec<(Vec<u16>, usize, VecDeque<f64>)>,
    seen: usize,
}

impl Paced {
    pub fn new(suite: &Suite) -> Self {
        let even: Vec<u16> = (0..suite.arms)
            .map(|arm| WHOLE / suite.arms as u16 + u16::from(arm < usize::from(WHOLE) % suite.arms))
            .collect();
        let limits = Limits { max_points_per_day: 100.0, ..Limits::default() };
        Self {
            belief: Belief::plain(suite),
            limits,
            names: (0..suite.arms).map(|arm| format!("{arm:02}")).collect(),
            keep: 1.0,
            segments: vec![(even, 0, VecDeque::from(vec![0.0; DAY / TICK - 1])); suite.segments],
            seen: 0,
        }
    }

    pub fn linear(suite: &Suite) -> Self {
        Self { belief: Belief::linear(suite), ..Self::new(suite) }
    }

    pub fn challenged(mut self, challenger: f64) -> Self {
        self.limits.challenger = challenger;
        self
    }

    pub fn capped(mut self, points: f64) -> Self {
        self.limits.max_points_per_day = points;
        self
    }

    pub fn judged_from(mut self, requests: f64) -> Self {
        self.limits.minimum_requests = requests;
        self
    }

    /// With more traffic for exploration, and a lower minimum: the floor has to bring in evidence faster than it ages, or an
    /// arm once ruled out stays unmeasured for good.
    pub fn aged(mut self, half_life: f64) -> Self {
        self.limits.floor = 20;
        self.limits.minimum_requests = 10.0;
        self.keep = 0.5_f64.powf(TICK as f64 / half_life);
        self
    }

    /// All traffic on the first arm: a bad one, except on simple prompts.
    pub fn all_on_first(mut self) -> Self {
        for (shares, ..) in &mut self.segments {
            shares.fill(0);
            shares[0] = WHOLE;
        }
        self
    }

    fn tick(&mut self) {
        self.belief.age(self.keep);
        for segment in 0..self.segments.len() {
            let is = |other: usize| if segment == other { 1.0 } else { 0.0 };
            let typical = Request { segment, features: [1.0, is(1), is(2), 0.0] };
            let (shares, ticks, moved) = &self.segments[segment];
            let arms: Vec<ArmState<'_>> = (0..shares.len())
                .map(|arm| ArmState {
                    name: &self.names[arm],
                    share: shares[arm],
                    requests: self.belief.requests(segment, arm),
                    posterior: self.belief.posterior(&typical, arm),
                    incumbent: arm == 0,
                })
                .collect();
            let free = self.limits.max_points_per_day >= 100.0;
            let limits = Limits {
                days_since_last_change: if free { 1.0 } else { (*ticks + 1) as f64 * TICK as f64 / DAY as f64 },
                points_moved_last_day: if free { 0.0 } else { moved.iter().sum() },
                ..self.limits
            };
            let Allocation { shares: next, .. } = allocate(&arms, &limits);
            let (shares, ticks, moved) = &mut self.segments[segment];
            let points = shares.iter().zip(&next).map(|(a, b)| f64::from(a.abs_diff(*b)) / 20.0).sum();
            *ticks = if points > 0.0 { 0 } else { *ticks + 1 };
            moved.pop_front();
            moved.push_back(points);
            *shares = next;
        }
    }
}

impl Policy for Paced {
    fn choose(&mut self, request: &Request, rng: &mut ChaCha8Rng) -> usize {
        let shares = &self.segments[request.segment].0;
        let mut left = rng.random_range(0..WHOLE);
        for (arm, share) in shares.iter().enumerate() {
            if left < *share {
                return arm;
            }
            left -= share;
        }
        shares.len() - 1
    }

    fn learn(&mut self, request: &Request, arm: usize, reward: f64) {
        self.belief.learn(request, arm, reward);
        self.seen += 1;
        if self.seen.is_multiple_of(TICK) {
            self.tick();
        }
    }
}
