//! A day of traffic drawn from the prompts, added up as a tick sees it.

use std::collections::BTreeMap;

use optimizer::{
    domain::{Arm, Segment},
    stats::{ArmEvidence, Bucket, Observation, Requests, Rollup, ServiceEvidence, Sketch},
};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::{data::Set, of};
use crate::day;

/// Share of the requests that the cheap model is tried on.
const TRIED: f64 = 0.2;

/// The lookback in pieces.
const HOURS: usize = 24;

#[derive(Debug, Default)]
struct Served {
    /// Hour, US dollars, quality, milliseconds.
    requests: Vec<(usize, f64, f64, f64)>,
}

/// Everything a tick would know of so many requests.
pub fn observed(set: &Set, requests: usize, random: &mut ChaCha8Rng) -> Observation {
    let mut domains: BTreeMap<&str, [Served; 2]> = BTreeMap::new();
    for _ in 0..requests {
        let prompt = &set.prompts[random.random_range(0..set.prompts.len())];
        let cheap = random.random_bool(TRIED);
        let (cost, quality) = of(prompt, cheap);
        let latency = 500.0 * (1.5 * random.random::<f64>()).exp();
        let hour = random.random_range(0..HOURS);
        domains.entry(&prompt.domain).or_default()[usize::from(cheap)].requests.push((hour, cost, quality, latency));
    }
    let services = domains.iter().map(|(domain, arms)| ((*domain).to_owned(), service(arms)));
    day::of(services.collect())
}

fn service(arms: &[Served; 2]) -> ServiceEvidence {
    let arms: BTreeMap<Arm, ArmEvidence> = ["strong", "cheap"]
        .into_iter()
        .zip(arms)
        .filter(|(_, served)| !served.requests.is_empty())
        .map(|(model, served)| {
            let arm = Arm { provider: Some("made".into()), model: model.into(), config_version: Some("v1".into()) };
            let last = |hour: &usize| *hour == HOURS - 1;
            (arm, ArmEvidence { window: rollup(served, last), lookback: rollup(served, |_| true) })
        })
        .collect();
    let sum = |of: fn(&ArmEvidence) -> &Rollup| arms.values().fold(Rollup::default(), |sum, arm| sum.merged(of(arm)));
    ServiceEvidence {
        window: sum(|arm| &arm.window),
        before: Rollup::default(),
        lookback: sum(|arm| &arm.lookback),
        segments: BTreeMap::from([(Segment::Unlabelled, arms)]),
        ..ServiceEvidence::default()
    }
}

fn rollup(served: &Served, wanted: impl Fn(&usize) -> bool) -> Rollup {
    let requests: Vec<&(usize, f64, f64, f64)> = served.requests.iter().filter(|request| wanted(&request.0)).collect();
    let rows = requests.len() as f64;
    let buckets = |value: fn(&(usize, f64, f64, f64)) -> f64| {
        let mut buckets = vec![Bucket::default(); HOURS];
        for request in &requests {
            buckets[request.0].weight += 1.0;
            buckets[request.0].sum += value(request);
        }
        buckets
    };
    Rollup {
        requests: Requests {
            rows: requests.len() as u64,
            weight: rows,
            weight_squared: rows,
            served: rows,
            succeeded: rows,
            ..Requests::default()
        },
        cost: Sketch::from_values(requests.iter().map(|request| request.1)),
        quality: Sketch::from_values(requests.iter().map(|request| request.2)),
        latency: Sketch::from_values(requests.iter().map(|request| request.3)),
        cost_buckets: buckets(|request| request.1),
        quality_buckets: buckets(|request| request.2),
        latency_buckets: buckets(|request| request.3),
        ..Rollup::default()
    }
}
