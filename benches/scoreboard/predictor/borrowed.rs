//! From other services, one service left out at a time.

use std::{collections::BTreeMap, path::Path};

use optimizer::stats::{
    Sketch,
    interval::{Uncertain, log_quantile},
    prediction::{Scale, Student, normal_nodes},
    transfer::{Elsewhere, Own, Prediction, Spread, effect, predict},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Binomial, Discrete, DiscreteCDF};

use super::{
    DEALS,
    data::{self, Table},
    own::{evidence, mean, on_log},
    tally::{Evidence, Line, Outcome, Tally},
};

/// Requests that the present model served, and others that the candidate served.
struct Service {
    present: Vec<f64>,
    candidate: Vec<f64>,
}

/// How many services may be borrowed from, and requests of the candidate known in the service itself.
#[derive(Clone, Copy)]
struct Setting {
    others: usize,
    own: usize,
}

impl Setting {
    fn evidence(self) -> Evidence {
        if self.others >= 5 || self.own > 0 { Evidence::Enough } else { Evidence::Thin }
    }
}

/// Each prompt goes to one of the models, as it does in production.
fn dealt(table: &Table, models: [&str; 2], least: usize, random: &mut ChaCha8Rng) -> Vec<Service> {
    let both = table.values().filter_map(|by_model| Some([by_model.get(models[0])?, by_model.get(models[1])?]));
    both.filter(|pair| pair.iter().all(|values| values.len() >= least))
        .map(|[present, candidate]| {
            let mut order: Vec<usize> = (0..present.len().min(candidate.len())).collect();
            order.shuffle(random);
            let (first, second) = order.split_at(order.len() / 2);
            Service {
                present: first.iter().map(|&place| present[place]).collect(),
                candidate: second.iter().map(|&place| candidate[place]).collect(),
            }
        })
        .collect()
}

fn leave_one_out(
    services: &[Service],
    (scale, usual): (Scale, Spread),
    setting: Setting,
    random: &mut ChaCha8Rng,
    tally: &mut Tally,
) {
    let means: Vec<Option<Uncertain>> = services
        .iter()
        .map(|service| effect(scale, &evidence(&service.candidate)?, &evidence(&service.present)?))
        .collect();
    for (left_out, service) in services.iter().enumerate() {
        let mut others: Vec<usize> = (0..services.len()).filter(|place| *place != left_out).collect();
        others.shuffle(random);
        others.truncate(setting.others);
        let effects: Vec<Uncertain> = others.iter().filter_map(|&place| means[place]).collect();
        let (own, held) = service.candidate.split_at(setting.own.min(service.candidate.len() - 1));
        let outcome = || {
            let elsewhere = Elsewhere::of(scale, &effects, None, &usual).ok()?;
            let present = evidence(&service.present)?.on(scale)?;
            let own = evidence(own).map(Own::Mean);
            let prediction = predict(&elsewhere, Some(&present), own.as_ref()).ok()?;
            if scale == Scale::Logit { held_share(&prediction, held) } else { held_ratio(&prediction, held) }
        };
        tally.add(outcome());
    }
}

/// The mean held back has an error of its own, as its own spread tells.
fn held_ratio(prediction: &Prediction, held: &[f64]) -> Option<Outcome> {
    let error = evidence(held)?.on(Scale::Log)?;
    on_log(&prediction.on_scale.plus(&Student { value: 0.0, ..error }), mean(held))
}

/// Right answers among those held back, as a binomial of a rate that is itself uncertain; graded scores as a normal sum.
fn held_share(prediction: &Prediction, held: &[f64]) -> Option<Outcome> {
    let logit = prediction.uncertain();
    let rates: Vec<(f64, f64)> = normal_nodes()
        .map(|(z, weight)| (Scale::Logit.back(logit.value + logit.standard_error * z), weight))
        .filter(|(_, weight)| *weight > 1e-9)
        .collect();
    if held.iter().any(|score| *score > 0.0 && *score < 1.0) {
        let error = evidence(held)?.on(Scale::Logit)?;
        let predicted = prediction.on_scale.plus(&Student { value: 0.0, ..error });
        let estimate = Scale::Logit.estimate(&predicted);
        let below = predicted.probability_at_most(Scale::Logit.of(mean(held))?);
        return Some(Outcome { below, width: estimate.high - estimate.low });
    }
    let requests = held.len() as u64;
    let binomials: Vec<(Binomial, f64)> =
        rates.iter().map(|&(rate, weight)| (Binomial::new(rate, requests).expect("a rate"), weight)).collect();
    let below = |right: u64| -> f64 {
        let at = |binomial: &Binomial| binomial.cdf(right) - binomial.pmf(right) / 2.0;
        binomials.iter().map(|(binomial, weight)| weight * at(binomial)).sum()
    };
    let all: Vec<u64> = (0..=requests).collect();
    let fewest = all.partition_point(|&right| below(right) < 0.05);
    let most = all.partition_point(|&right| below(right) <= 0.95);
    let right = held.iter().sum::<f64>().round() as u64;
    Some(Outcome { below: below(right), width: (most - fewest).saturating_sub(1) as f64 / requests as f64 })
}

fn dealings(
    table: &Table,
    pairs: &[[&str; 2]],
    least: usize,
    kind: (Scale, Spread),
    setting: Setting,
    what: &str,
) -> Line {
    let mut tally = Tally::default();
    for seed in 0..DEALS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for models in pairs {
            let services = dealt(table, *models, least, &mut random);
            leave_one_out(&services, kind, setting, &mut random, &mut tally);
        }
    }
    tally.line(what, setting.evidence())
}

/// Without dealing: all rows of both models, for tables of few.
fn whole(table: &Table, kind: (Scale, Spread), others: usize, what: &str) -> Line {
    let setting = Setting { others, own: 0 };
    let mut tally = Tally::default();
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut models: Vec<&String> = table.values().flat_map(BTreeMap::keys).collect();
    models.sort_unstable();
    models.dedup();
    for present in &models {
        for candidate in models.iter().filter(|candidate| *candidate != present) {
            let both = table
                .values()
                .filter_map(|by_model| Some((by_model.get(*present)?.clone(), by_model.get(*candidate)?.clone())));
            let services: Vec<Service> = both.map(|(present, candidate)| Service { present, candidate }).collect();
            leave_one_out(&services, kind, setting, &mut random, &mut tally);
        }
    }
    tally.line(what, setting.evidence())
}

/// Latency p95 of one model at a provider, from what the other providers make of both.
fn latency_p95(table: &Table, what: &str) -> Line {
    let log_p95 =
        |values: &[f64]| log_quantile(&Sketch::from_values(values.iter().copied()), 0.95, values.len() as f64);
    let mut tally = Tally::default();
    for pair in [["llama-2-70b-chat", "llama-2-7b-chat"], ["llama-2-7b-chat", "llama-2-70b-chat"]] {
        let both: Vec<[Uncertain; 2]> = table
            .values()
            .filter_map(|by_model| Some([log_p95(by_model.get(pair[0])?)?, log_p95(by_model.get(pair[1])?)?]))
            .collect();
        for (left_out, [present, candidate]) in both.iter().enumerate() {
            let others = both.iter().enumerate().filter(|(place, _)| *place != left_out);
            let effects: Vec<Uncertain> = others.map(|(_, [present, candidate])| candidate.minus(present)).collect();
            let outcome = || {
                let elsewhere = Elsewhere::of(Scale::Log, &effects, None, &Spread::OF_RATIOS).ok()?;
                let prediction = predict(&elsewhere, Some(&Student::normal(present)?), None).ok()?;
                let error = Student::normal(&Uncertain { value: 0.0, ..*candidate })?;
                on_log(&prediction.on_scale.plus(&error), candidate.value.exp())
            };
            tally.add(outcome());
        }
    }
    tally.line(what, Evidence::Thin)
}

pub fn lines(folder: &Path) -> Vec<Line> {
    let (shares, ratios) = ((Scale::Logit, Spread::OF_SHARES), (Scale::Log, Spread::OF_RATIOS));
    let all = Setting { others: usize::MAX, own: 0 };
    let subjects = data::routellm(folder);
    let models = [["mixtral_8x7b", "gpt_4_1106"], ["gpt_4_1106", "mixtral_8x7b"]];
    let mut lines = Vec::new();
    for others in [34, 10, 5, 2, 1] {
        let what = format!("borrowed: quality, RouteLLM subjects, from {others}");
        lines.push(dealings(&subjects, &models, 8, shares, Setting { others, own: 0 }, &what));
    }
    for (others, own) in [(34, 5), (34, 20), (3, 5), (3, 20)] {
        let what = format!("borrowed: quality, RouteLLM subjects, from {others} and {own} own");
        lines.push(dealings(&subjects, &models, 60, shares, Setting { others, own }, &what));
    }
    let models =
        [["claude-3-haiku-20240307", "gemini-2.0-flash-001"], ["gemini-2.0-flash-001", "claude-3-haiku-20240307"]];
    let table = data::routerarena(folder, "score");
    lines.push(dealings(&table, &models, 4, shares, all, "borrowed: quality, RouterArena datasets"));
    for (column, name) in [("cost_usd", "cost"), ("output_tokens", "output tokens")] {
        let table = data::routerarena(folder, column);
        for others in [14, 5, 2, 1] {
            let what = format!("borrowed: {name}, RouterArena datasets, from {others}");
            lines.push(dealings(&table, &models, 8, ratios, Setting { others, own: 0 }, &what));
        }
        let what = format!("borrowed: {name}, RouterArena datasets, from 5 and 4 own");
        lines.push(dealings(&table, &models, 16, ratios, Setting { others: 5, own: 4 }, &what));
    }
    for (column, name) in [("cost_usd", "cost"), ("latency_s", "mean latency"), ("output_tokens", "output tokens")] {
        for others in [7, 2, 1] {
            let what = format!("borrowed: {name}, pairs of seven models, tasks, from {others}");
            lines.push(whole(&data::llmbench(folder, column), ratios, others, &what));
        }
    }
    lines.push(latency_p95(&data::llmperf(folder), "borrowed: latency p95, LLMPerf providers"));
    lines
}
