//! Made-up services: how the objective and the quality constraint answer to the numeric settings.

use optimizer::stats::bayesian_optimization::{Dimension, MarginEstimate, Observation, Space};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Objective and margin change slowly.
    Smooth,
    /// Below a value of the last setting the margin jumps within a twentieth of its range, as where `max_tokens` cuts answers
    /// off: no smooth model foresees that.
    Cliff,
    /// The same objective everywhere: there is nothing to gain.
    Alike,
}

/// A smooth response with one best place, that flattens out away from it, and a margin that falls off on one side.
#[derive(Debug)]
pub struct Surface {
    pub space: Space,
    /// Present configuration at the start, always feasible.
    pub start: Vec<f64>,
    /// Height of the best place over the far plain; 0 makes everything alike.
    height: f64,
    /// Best place and width, a dimension each, on the scale of 0 to 1.
    peak: Vec<f64>,
    width: Vec<f64>,
    /// The margin grows along this direction from `edge` on.
    slope: Vec<f64>,
    edge: f64,
    /// Where the cliff is, on the scale of 0 to 1.
    cliff: Option<f64>,
    /// Standard deviations of one request's objective and margin.
    spread: (f64, f64),
}

/// temperature, `max_tokens`, `top_p`: the first so many.
fn space(dimensions: usize) -> Space {
    let linear = |max, step_limit| Dimension { min: 0.0, max, integer: false, log: false, step_limit };
    let tokens = Dimension { min: 128.0, max: 4096.0, integer: true, log: true, step_limit: 512.0 };
    let top_p = Dimension { min: 0.5, ..linear(1.0, 0.15) };
    Space { dimensions: [linear(1.5, 0.3), tokens, top_p].into_iter().take(dimensions).collect() }
}

impl Surface {
    /// Weighted improvements of 3 to 12 % at best, over requests that scatter by 0.4: with 2,000 requests a standard error of
    /// 0.009. The margin is in quality points that scatter by 0.25.
    pub fn random(dimensions: usize, kind: Kind, chance: &mut ChaCha8Rng) -> Self {
        loop {
            let start = start(dimensions, chance);
            let peak: Vec<f64> = (0..dimensions).map(|_| chance.random_range(0.1..0.9)).collect();
            // Quality is usually lost on the way to what improves cost, so the best feasible place is often at the edge.
            let from = space(dimensions).scaled(&start).expect("made of usable values");
            let towards = peak.iter().zip(from).map(|(peak, from)| (peak - from).signum());
            let surface = Self {
                slope: towards.map(|towards| towards * chance.random_range(-0.05..0.25)).collect(),
                height: if kind == Kind::Alike { 0.0 } else { chance.random_range(0.08..0.25) },
                width: (0..dimensions).map(|_| chance.random_range(0.25..0.7)).collect(),
                edge: chance.random_range(-0.05..-0.01),
                cliff: (kind == Kind::Cliff).then(|| chance.random_range(0.15..0.5)),
                spread: (0.4, 0.25),
                space: space(dimensions),
                start,
                peak,
            };
            // Live services start within their constraints, and a surface that is best at the start asks nothing.
            let gap = surface.best() - surface.value(&surface.start);
            if surface.margin(&surface.start) <= -0.01 && (kind == Kind::Alike || gap > 0.03) {
                return surface;
            }
        }
    }

    fn at(&self, x: &[f64]) -> Vec<f64> {
        self.space.scaled(x).expect("made of usable values")
    }

    pub fn value(&self, x: &[f64]) -> f64 {
        let at = self.at(x);
        let squares = at.iter().zip(&self.peak).zip(&self.width).map(|((x, peak), width)| ((x - peak) / width).powi(2));
        self.height / (1.0 + squares.sum::<f64>())
    }

    /// Held where at most 0. Bends a little, so that no straight line fits.
    pub fn margin(&self, x: &[f64]) -> f64 {
        let along: f64 = self.at(x).iter().zip(&self.slope).map(|(x, slope)| (x - 0.5) * slope).sum();
        let last = self.at(x).last().copied().unwrap_or(0.0);
        let fall = self.cliff.map_or(0.0, |cliff| 0.15 / (1.0 + ((last - cliff) / 0.0125).exp()));
        self.edge + along + 2.0 * along * along + fall
    }

    pub fn feasible(&self, x: &[f64]) -> bool {
        self.margin(x) <= 0.0
    }

    /// The best feasible value on a grid of 25 values a dimension.
    pub fn best(&self) -> f64 {
        let dimensions = self.space.dimensions.len();
        let places = (0..25_usize.pow(dimensions as u32)).map(|index| {
            let values = self.space.dimensions.iter().enumerate().map(|(place, dimension)| {
                let share = (index / 25_usize.pow(place as u32) % 25) as f64 / 24.0;
                if dimension.log {
                    dimension.min * (dimension.max / dimension.min).powf(share)
                } else {
                    dimension.min + share * (dimension.max - dimension.min)
                }
            });
            values.collect::<Vec<_>>()
        });
        places.filter(|x| self.feasible(x)).map(|x| self.value(&x)).fold(f64::NEG_INFINITY, f64::max)
    }

    /// What a canary of 500 to 4,000 requests measures.
    pub fn measured(&self, x: &[f64], chance: &mut ChaCha8Rng) -> Observation {
        let requests = 500.0 * 8_f64.powf(chance.random_range(0.0..1.0));
        let (se, margin_se) = (self.spread.0 / requests.sqrt(), self.spread.1 / requests.sqrt());
        let margin = self.margin(x) + margin_se * normal(chance);
        Observation {
            x: x.to_vec(),
            y: self.value(x) + se * normal(chance),
            se,
            constraints: vec![MarginEstimate { margin, se: margin_se }],
        }
    }
}

fn start(dimensions: usize, chance: &mut ChaCha8Rng) -> Vec<f64> {
    let values = space(dimensions).dimensions.into_iter().map(|dimension| {
        let share = chance.random_range(0.1..0.9);
        let value = if dimension.log {
            dimension.min * (dimension.max / dimension.min).powf(share)
        } else {
            dimension.min + share * (dimension.max - dimension.min)
        };
        if dimension.integer { value.round() } else { (value * 100.0).round() / 100.0 }
    });
    values.collect()
}

/// Box & Muller.
fn normal(chance: &mut ChaCha8Rng) -> f64 {
    let (radius, angle) = (1.0 - chance.random::<f64>(), chance.random::<f64>() * std::f64::consts::TAU);
    (-2.0 * radius.ln()).sqrt() * angle.cos()
}
