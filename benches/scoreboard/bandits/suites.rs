//! Arms whose truth is known.

use rand::Rng;

use super::random::{normal, stream};

/// One request: its segment, and features for linear models, the constant 1 first.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub segment: usize,
    pub features: [f64; 4],
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reward {
    Binary,
    /// Normal with this standard deviation.
    Normal(f64),
}

#[derive(Debug)]
pub struct Suite {
    pub name: &'static str,
    pub arms: usize,
    pub segments: usize,
    pub reward: Reward,
    /// By segment, then arm.
    means: Vec<Vec<f64>>,
    /// Slope over the length feature, by arm; none where length does not matter.
    slopes: Vec<f64>,
    /// From the middle of the run on, arms' means move round by one place.
    pub turns: bool,
}

/// Requests and every arm's potential reward to each, by request, then arm.
#[derive(Debug)]
pub struct World {
    pub requests: Vec<Request>,
    pub rewards: Vec<f64>,
}

impl Suite {
    fn new(name: &'static str, reward: Reward, means: Vec<Vec<f64>>) -> Self {
        let arms = means[0].len();
        Self { name, arms, segments: means.len(), reward, slopes: vec![0.0; arms], means, turns: false }
    }

    fn mean(&self, step: usize, request: &Request, arm: usize) -> f64 {
        let turned = if self.turns && step >= super::HORIZON / 2 { (arm + 1) % self.arms } else { arm };
        self.means[request.segment][turned] + self.slopes[arm] * request.features[3]
    }

    /// Mean reward given up by choosing this arm.
    pub fn lost(&self, step: usize, request: &Request, arm: usize) -> f64 {
        let best = (0..self.arms).map(|arm| self.mean(step, request, arm)).fold(f64::NEG_INFINITY, f64::max);
        best - self.mean(step, request, arm)
    }

    pub fn world(&self, seed: u64, requests: usize) -> World {
        let mut rng = stream(seed, 0);
        let mut world = World { requests: Vec::new(), rewards: Vec::new() };
        for step in 0..requests {
            let segment = rng.random_range(0..self.segments);
            let is = |other: usize| if segment == other { 1.0 } else { 0.0 };
            let length = if self.segments > 1 { rng.random_range(-1.0..1.0) } else { 0.0 };
            let request = Request { segment, features: [1.0, is(1), is(2), length] };
            for arm in 0..self.arms {
                let mean = self.mean(step, &request, arm);
                world.rewards.push(match self.reward {
                    Reward::Binary => f64::from(u8::from(rng.random::<f64>() < mean)),
                    Reward::Normal(deviation) => mean + deviation * normal(&mut rng),
                });
            }
            world.requests.push(request);
        }
        world
    }
}

/// One good arm among equals. It is the last: first places are favoured by nobody.
fn one_good(good: f64, others: f64, arms: usize) -> Vec<Vec<f64>> {
    vec![(0..arms).map(|arm| if arm + 1 == arms { good } else { others }).collect()]
}

/// Those "of Auer" are distributions 1, 3, 11, 12 and 14 of Auer, Cesa-Bianchi, Fischer (Machine Learning 47, 2002,
/// doi:10.1023/A:1013689704352).
pub fn suites() -> Vec<Suite> {
    let score = Reward::Normal(0.25);
    let ladder = vec![0.6, 0.6, 0.6, 0.7, 0.7, 0.7, 0.8, 0.8, 0.8, 0.9];
    let spread = (0..20_u8).map(|arm| 0.3 + 0.02 * f64::from(arm)).collect();
    // Cheap, middling, strong and a dud on simple, medium and complex prompts: quality less the price of each.
    let routing = vec![vec![0.80, 0.76, 0.70, 0.60], vec![0.62, 0.70, 0.67, 0.55], vec![0.40, 0.52, 0.62, 0.50]];
    vec![
        Suite::new("binary, 2 arms, easy (0.9, 0.6; of Auer)", Reward::Binary, one_good(0.9, 0.6, 2)),
        Suite::new("binary, 2 arms, hard (0.55, 0.45; of Auer)", Reward::Binary, one_good(0.55, 0.45, 2)),
        Suite::new("binary, 2 arms, very hard (0.52, 0.50)", Reward::Binary, one_good(0.52, 0.50, 2)),
        Suite::new("binary, 5 arms, hard (0.55, 4 × 0.50)", Reward::Binary, one_good(0.55, 0.50, 5)),
        Suite::new("binary, 10 arms, easy (0.9, 9 × 0.6; of Auer)", Reward::Binary, one_good(0.9, 0.6, 10)),
        Suite::new("binary, 10 arms, ladder (0.9, 0.8, 0.7, 0.6; of Auer)", Reward::Binary, vec![ladder]),
        Suite::new("binary, 10 arms, hard (0.55, 9 × 0.45; of Auer)", Reward::Binary, one_good(0.55, 0.45, 10)),
        Suite::new("binary, 20 arms, hard (0.6, 19 × 0.5)", Reward::Binary, one_good(0.6, 0.5, 20)),
        Suite::new("normal, 2 arms, easy (0.7, 0.5; sd 0.25)", score, one_good(0.7, 0.5, 2)),
        Suite::new("normal, 2 arms, hard (0.52, 0.50; sd 0.25)", score, one_good(0.52, 0.50, 2)),
        Suite::new("normal, 5 arms, hard (0.55, 4 × 0.50; sd 0.25)", score, one_good(0.55, 0.50, 5)),
        Suite::new("normal, 10 arms, easy (0.7, 9 × 0.5; sd 0.25)", score, one_good(0.7, 0.5, 10)),
        Suite::new("normal, 20 arms, spread (0.30 to 0.68; sd 0.25)", score, vec![spread]),
        Suite {
            turns: true,
            ..Suite::new("binary, 3 arms, turning at half (0.5, 0.6, 0.8)", Reward::Binary, vec![vec![0.5, 0.6, 0.8]])
        },
        Suite::new("binary, 4 arms, 3 segments", Reward::Binary, routing.clone()),
        Suite {
            slopes: vec![-0.10, 0.0, 0.05, 0.0],
            ..Suite::new("normal, 4 arms, 3 segments, length (sd 0.25)", score, routing)
        },
    ]
}
