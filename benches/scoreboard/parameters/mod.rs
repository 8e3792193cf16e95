//! Bayesian optimization of numeric settings against searches that know nothing, on made-up services.

mod runs;
mod surfaces;

use std::time::Instant;

use optimizer::stats::bayesian_optimization::{Settings, propose};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::table::{Table, rounded};
use runs::{Run, Searcher, run, stepped};
use surfaces::{Kind, Surface};

const SHOWN: [usize; 4] = [0, 4, 8, 12];

pub fn print(seeds: u64, as_json: bool) {
    let mut regrets = Table::new(
        "parameters: regret left, as a share of the regret at the start",
        &[
            "dimensions",
            "searcher",
            "runs",
            "after_4",
            "interval_4",
            "after_8",
            "interval_8",
            "after_12",
            "interval_12",
        ],
    );
    let mut safety = Table::new(
        "parameters: proposals",
        &[
            "surface",
            "searcher",
            "proposed",
            "abstained",
            "broken_share",
            "interval",
            "broken_first_4",
            "worse_share",
            "covered_90",
            "median_ms",
            "worst_ms",
        ],
    );
    for dimensions in 1..=3 {
        for searcher in [Searcher::Bayesian, Searcher::BayesianStrict, Searcher::Random, Searcher::OneAtATime] {
            let runs: Vec<Run> = (0..seeds).map(|draw| run(dimensions, Kind::Smooth, searcher, draw)).collect();
            let mut row = vec![json!(dimensions), json!(format!("{searcher:?}")), json!(runs.len())];
            for after in &SHOWN[1..] {
                let shares: Vec<_> = runs.iter().map(|run| (run.regret[*after] / run.regret[0], 1.0)).collect();
                let (mean, low, high) = bootstrapped(&shares);
                row.extend([rounded(mean, 3), json!(format!("{low:.3} to {high:.3}"))]);
            }
            regrets.push(row);
            safety.push(summed(&format!("{dimensions} dimensions"), searcher, &runs));
        }
        for searcher in [Searcher::Bayesian, Searcher::BayesianStrict] {
            let runs: Vec<Run> = (0..seeds).map(|draw| run(dimensions, Kind::Alike, searcher, draw)).collect();
            safety.push(summed(&format!("{dimensions} dimensions, all alike"), searcher, &runs));
        }
        for searcher in [Searcher::Bayesian, Searcher::Random, Searcher::OneAtATime] {
            let runs: Vec<Run> = (0..seeds).map(|draw| run(dimensions, Kind::Cliff, searcher, draw)).collect();
            safety.push(summed(&format!("{dimensions} dimensions, cliff"), searcher, &runs));
        }
    }
    regrets.print(as_json);
    safety.print(as_json);
    print_speed(as_json);
}

/// The time of one proposal for a service with so many configurations and three constraints.
fn print_speed(as_json: bool) {
    let mut table =
        Table::new("parameters: speed", &["dimensions", "configurations", "constraints", "median_ms", "slowest_ms"]);
    for (dimensions, configurations) in [(1, 5), (2, 10), (3, 20), (3, 30), (3, 64)] {
        let mut chance = ChaCha8Rng::seed_from_u64(9);
        let surface = Surface::random(dimensions, Kind::Smooth, &mut chance);
        let present = surface.start.clone();
        let mut times: Vec<f64> = (0..15)
            .map(|_| {
                let mut seen = vec![surface.measured(&present, &mut chance)];
                while seen.len() < configurations {
                    let x = stepped(&surface, &present, &mut chance);
                    seen.push(surface.measured(&x, &mut chance));
                }
                for observation in &mut seen {
                    observation.constraints = vec![observation.constraints[0]; 3];
                }
                let began = Instant::now();
                let answer = propose(&surface.space, &present, &seen, &Settings::default());
                std::hint::black_box(answer).ok();
                began.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let row = [json!(dimensions), json!(configurations), json!(3), rounded(times[7], 2), rounded(times[14], 2)];
        table.push(row.to_vec());
    }
    table.print(as_json);
}

fn summed(surface: &str, searcher: Searcher, runs: &[Run]) -> Vec<serde_json::Value> {
    let sum = |part: fn(&Run) -> u32| runs.iter().map(part).sum::<u32>();
    let proposed = sum(|run| run.proposed);
    let parts: Vec<_> = runs.iter().map(|run| (f64::from(run.broken), f64::from(run.proposed))).collect();
    let (broken, low, high) = bootstrapped(&parts);
    let early = f64::from(sum(|run| run.broken_early)) / f64::from(sum(|run| run.proposed_early).max(1));
    let share = |count: u32| f64::from(count) / f64::from(proposed.max(1));
    let mut micros: Vec<f64> = runs.iter().flat_map(|run| run.micros.iter().copied()).collect();
    micros.sort_by(f64::total_cmp);
    let known = matches!(searcher, Searcher::Bayesian | Searcher::BayesianStrict);
    let only = |value: f64| if known { rounded(value, 3) } else { serde_json::Value::Null };
    vec![
        json!(surface),
        json!(format!("{searcher:?}")),
        json!(proposed),
        json!(sum(|run| run.abstained)),
        rounded(broken, 3),
        json!(format!("{low:.3} to {high:.3}")),
        rounded(early, 3),
        rounded(share(sum(|run| run.worse)), 3),
        only(share(sum(|run| run.covered))),
        only(micros.get(micros.len() / 2).copied().unwrap_or(0.0) / 1e3),
        only(micros.last().copied().unwrap_or(0.0) / 1e3),
    ]
}

/// Sum of the first parts over the sum of the second, and its 95 % percentile interval from 2,000 resamples. Of whole runs, as
/// the proposals of one run depend on each other.
fn bootstrapped(parts: &[(f64, f64)]) -> (f64, f64, f64) {
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    let ratio = |parts: &mut dyn Iterator<Item = (f64, f64)>| {
        let (above, below) = parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        above / f64::max(below, 1.0)
    };
    let mut ratios: Vec<f64> =
        (0..2_000).map(|_| ratio(&mut (0..parts.len()).map(|_| parts[chance.random_range(0..parts.len())]))).collect();
    ratios.sort_by(f64::total_cmp);
    (ratio(&mut parts.iter().copied()), ratios[50], ratios[1_949])
}
