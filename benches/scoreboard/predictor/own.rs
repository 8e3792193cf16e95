//! From requests of the same service and model.

use std::path::Path;

use optimizer::stats::{
    Sketch,
    interval::log_quantile,
    prediction::{BetaBinomial, Evidence, Scale, Student},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    DEALS,
    data::{self, Table},
    tally::{self, Line, Outcome, Tally},
};

/// Rows of a service and model below which it is left out: half of them have to say something.
const LEAST: usize = 8;

pub fn evidence(values: &[f64]) -> Option<Evidence> {
    Evidence::of(&Sketch::from_values(values.iter().copied()), values.len() as f64)
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deal(table: &Table, what: &str, predict: impl Fn(&[f64], &[f64]) -> Option<Outcome>) -> Line {
    let mut tally = Tally::default();
    for seed in 0..DEALS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for values in table.values().flat_map(|models| models.values()).filter(|values| values.len() >= LEAST) {
            let (seen, held) = data::halves(values, &mut random);
            tally.add(predict(&seen, &held));
        }
    }
    tally.line(what, tally::Evidence::Enough)
}

/// The later half from the earlier one. Nobody dealt these rows, so what drifts or comes in bursts shows, as it will in production
/// without a design effect; too few to aim at a share.
fn in_order(table: &Table, what: &str, predict: impl Fn(&[f64], &[f64]) -> Option<Outcome>) -> Line {
    let mut tally = Tally::default();
    for values in table.values().flat_map(|models| models.values()).filter(|values| values.len() >= LEAST) {
        let (seen, held) = values.split_at(values.len() / 2);
        tally.add(predict(seen, held));
    }
    tally.line(what, tally::Evidence::Thin)
}

/// Where a mean lies in a prediction on the log scale.
pub fn on_log(predicted: &Student, held: f64) -> Option<Outcome> {
    let [low, high] = predicted.interval();
    Some(Outcome { below: predicted.probability_at_most(Scale::Log.of(held)?), width: (high - low).exp_m1() })
}

pub fn ratio(seen: &[f64], held: &[f64]) -> Option<Outcome> {
    let predicted = evidence(seen)?.ahead(Scale::Log, held.len() as f64)?;
    on_log(&predicted, mean(held))
}

fn share(seen: &[f64], held: &[f64]) -> Option<Outcome> {
    let known = evidence(seen)?;
    let requests = held.len() as f64;
    if seen.iter().chain(held).any(|score| *score > 0.0 && *score < 1.0) {
        let predicted = known.ahead(Scale::Logit, requests)?;
        let estimate = Scale::Logit.estimate(&predicted);
        let below = predicted.probability_at_most(Scale::Logit.of(mean(held))?);
        return Some(Outcome { below, width: estimate.high - estimate.low });
    }
    let predicted = BetaBinomial::after(known.mean, known.requests, held.len() as u64)?;
    let [fewest, most] = predicted.between(0.05);
    let right = held.iter().sum::<f64>().round() as u64;
    Some(Outcome { below: predicted.below(right), width: (most - fewest) as f64 / requests })
}

fn latency_p95(seen: &[f64], held: &[f64]) -> Option<Outcome> {
    let known = log_quantile(&Sketch::from_values(seen.iter().copied()), 0.95, seen.len() as f64)?;
    let both = (1.0 + seen.len() as f64 / held.len() as f64).sqrt();
    let predicted = Student::new(known.value, known.standard_error * both, f64::INFINITY)?;
    on_log(&predicted, Sketch::from_values(held.iter().copied()).quantile(0.95)?)
}

pub fn lines(folder: &Path) -> Vec<Line> {
    let hundredth = |mut table: Table| {
        table.values_mut().flat_map(|models| models.values_mut()).flatten().for_each(|value| *value /= 100.0);
        table
    };
    let bench = |column: &str| data::by_model(&data::llmbench(folder, column));
    vec![
        deal(&data::routerarena(folder, "cost_usd"), "own: cost, RouterArena dataset and model", ratio),
        deal(&bench("cost_usd"), "own: cost, seven models", ratio),
        deal(&bench("latency_s"), "own: mean latency, seven models", ratio),
        deal(&data::llmperf(folder), "own: mean latency, LLMPerf provider and model", ratio),
        deal(&data::llmperf(folder), "own: latency p95, LLMPerf provider and model", latency_p95),
        in_order(&data::llmperf(folder), "own: mean latency, LLMPerf, later from earlier", ratio),
        in_order(&data::llmperf(folder), "own: latency p95, LLMPerf, later from earlier", latency_p95),
        deal(&data::routellm(folder), "own: quality, RouteLLM subject and model", share),
        deal(&data::routerarena(folder, "score"), "own: quality, RouterArena dataset and model", share),
        deal(&hundredth(bench("quality_score_0_100")), "own: quality, seven models", share),
    ]
}
