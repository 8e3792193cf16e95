//! What each search does with a service.

use std::time::Instant;

use optimizer::stats::bayesian_optimization::{Observation, Settings, propose};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::surfaces::{Kind, Surface};

/// Proposals a service gets, after three random steps that all searches start from.
const PROPOSALS: usize = 12;
const STARTERS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Searcher {
    /// With the default settings, which ask for a quarter of the noise.
    Bayesian,
    /// Asks for half a point of improvement.
    BayesianStrict,
    Random,
    /// A step up and a step down, one setting after the other; the step is halved where neither was accepted.
    OneAtATime,
}

impl Searcher {
    fn min_gain(self) -> f64 {
        if self == Self::BayesianStrict { 0.005 } else { 0.0 }
    }
}

/// One service's story.
#[derive(Default)]
pub struct Run {
    /// True regret of the present configuration after each number of proposals.
    pub regret: Vec<f64>,
    pub proposed: u32,
    pub abstained: u32,
    /// Proposals whose true margin is broken.
    pub broken: u32,
    /// The same among the first four rounds.
    pub proposed_early: u32,
    pub broken_early: u32,
    /// Proposals whose true gain lies in the predicted 90 % interval.
    pub covered: u32,
    pub worse: u32,
    pub micros: Vec<f64>,
}

pub fn run(dimensions: usize, kind: Kind, searcher: Searcher, draw: u64) -> Run {
    // Service and starters are the same for every searcher.
    let mut chance = ChaCha8Rng::seed_from_u64(7_000_000 + draw * 10 + dimensions as u64);
    let surface = Surface::random(dimensions, kind, &mut chance);
    let mut present = surface.start.clone();
    let mut seen: Vec<Observation> = vec![surface.measured(&present, &mut chance)];
    for _ in 0..STARTERS {
        let x = stepped(&surface, &present, &mut chance);
        seen.push(surface.measured(&x, &mut chance));
    }
    let best = surface.best();
    let mut run = Run::default();
    let first = best - surface.value(&present);
    run.regret.push(first);
    let mut compass = Compass { turn: 0, step: 1.0, failed: 0 };
    for round in 0..PROPOSALS {
        let x = match searcher {
            Searcher::Random => Some(stepped(&surface, &present, &mut chance)),
            Searcher::OneAtATime => Some(compass.next(&surface, &present)),
            Searcher::Bayesian | Searcher::BayesianStrict => {
                let began = Instant::now();
                let settings = Settings { min_gain: searcher.min_gain(), ..Settings::default() };
                let answer = propose(&surface.space, &present, &seen, &settings);
                run.micros.push(began.elapsed().as_secs_f64() * 1e6);
                answer.ok().map(|proposal| {
                    let gain = surface.value(&proposal.x) - surface.value(&present);
                    run.covered += u32::from((proposal.gain.low..=proposal.gain.high).contains(&gain));
                    proposal.x
                })
            }
        };
        let Some(x) = x else {
            // Traffic goes on, so the present configuration is known better.
            run.abstained += 1;
            seen.push(surface.measured(&present, &mut chance));
            run.regret.push(*run.regret.last().unwrap_or(&first));
            continue;
        };
        run.proposed += 1;
        run.broken += u32::from(!surface.feasible(&x));
        if round < 4 {
            run.proposed_early += 1;
            run.broken_early += u32::from(!surface.feasible(&x));
        }
        run.worse += u32::from(surface.value(&x) < surface.value(&present));
        seen.push(surface.measured(&x, &mut chance));
        let accepted = accepted(&seen, &present, &x);
        compass.heard(accepted, dimensions);
        if accepted {
            present = x;
        }
        let regret = best - surface.value(&present);
        // Nobody gets to keep what a broken constraint buys.
        run.regret.push(if surface.feasible(&present) { regret } else { regret.max(first) });
    }
    run
}

/// The same gate for all: one standard error better than the present values, and within the constraint.
fn accepted(seen: &[Observation], present: &[f64], x: &[f64]) -> bool {
    let pooled = |x: &[f64], part: fn(&Observation) -> (f64, f64)| {
        let parts = seen.iter().filter(|seen| seen.x == x).map(part);
        let (sum, weight) =
            parts.fold((0.0, 0.0), |(sum, weight), (value, se)| (sum + value / se / se, weight + 1.0 / se / se));
        (sum / weight, 1.0 / weight)
    };
    let objective = |seen: &Observation| (seen.y, seen.se);
    let (new, old) = (pooled(x, objective), pooled(present, objective));
    let margin = pooled(x, |seen| (seen.constraints[0].margin, seen.constraints[0].se));
    (new.0 - old.0) / (new.1 + old.1).sqrt() > 1.0 && margin.0 <= 0.0
}

pub fn stepped(surface: &Surface, present: &[f64], chance: &mut ChaCha8Rng) -> Vec<f64> {
    let values = surface.space.dimensions.iter().zip(present).map(|(dimension, present)| {
        let safe = dimension.within_step(*present).expect("the present value is allowed");
        dimension.value_in(safe, chance.random())
    });
    values.collect()
}

struct Compass {
    turn: usize,
    step: f64,
    failed: usize,
}

impl Compass {
    fn next(&mut self, surface: &Surface, present: &[f64]) -> Vec<f64> {
        let place = self.turn / 2 % present.len();
        let mut x = present.to_vec();
        let dimension = &surface.space.dimensions[place];
        let safe = dimension.within_step(present[place]).expect("the present value is allowed");
        let change = self.step * dimension.step_limit;
        let value = if self.turn.is_multiple_of(2) { present[place] + change } else { present[place] - change };
        x[place] = value.clamp(safe.low, safe.high);
        if dimension.integer {
            x[place] = x[place].round();
        }
        x
    }

    fn heard(&mut self, accepted: bool, dimensions: usize) {
        if accepted {
            // Goes on in the direction that helped.
            self.failed = 0;
            return;
        }
        self.turn += 1;
        self.failed += 1;
        if self.failed == 2 * dimensions {
            (self.failed, self.step) = (0, self.step / 2.0);
        }
    }
}
