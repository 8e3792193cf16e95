//! The test that is looked at once: Mann and Whitney's, after a number of requests chosen beforehand, against our signal.

use optimizer::stats::evidence::{Detail, Guards, Ledger, Margins, judge_with};
use rayon::prelude::*;

use super::{
    counted::quantile,
    pool::Pool,
    rivals::rank_z,
    rollout::MINUTES,
    traffic::{Harm, NONE, Raw, Setting, Traffic},
};

const SHARE: f64 = 0.05;
const POWER: f64 = 0.9;

/// z of the test after every tick, and the tick of our latency signal.
struct Run {
    z: Vec<f32>,
    signal: Option<usize>,
}

fn run(pool: &Pool, setting: Setting, seed: u64, ticks: usize) -> Run {
    let mut traffic = Traffic::new(pool, setting, seed);
    let mut ledger = Ledger::new(SHARE, pool.ln_tau.exp());
    let mut all = [Raw::empty(), Raw::empty()];
    let mut run = Run { z: Vec::with_capacity(ticks), signal: None };
    for tick in 1..=ticks {
        let mut cells = Vec::new();
        for _ in 0..MINUTES {
            traffic.minute(SHARE, &mut cells, &mut all);
        }
        ledger.absorb(&cells);
        run.z.push(rank_z(&all) as f32);
        if run.signal.is_none() {
            let judgement = judge_with(&ledger, &Margins::default(), &Guards::default(), Detail::Verdicts);
            run.signal = judgement.readings[3].signal.then_some(tick);
        }
    }
    run
}

/// Per-tick critical value that `runs` without harm exceed at `level`.
fn critical(runs: &[Run], level: f64) -> Vec<f64> {
    let ticks = runs[0].z.len();
    (0..ticks).map(|tick| quantile(runs.iter().map(|run| f64::from(run.z[tick])).collect(), 1.0 - level)).collect()
}

/// First tick at which the test finds the harm with [`POWER`].
fn horizon(runs: &[Run], critical: &[f64]) -> Option<usize> {
    (0..critical.len()).find(|tick| {
        let found = runs.iter().filter(|run| f64::from(run.z[*tick]) > critical[*tick]).count();
        found as f64 >= POWER * runs.len() as f64
    })
}

/// Prints the comparison for one rate of requests.
pub fn print(pool: &Pool, requests_per_minute: f64, harm: Harm, runs: u64) {
    let hours = if requests_per_minute > 100.0 { 16 } else { 24 };
    let ticks = hours * 60 / MINUTES;
    let requests = |tick: usize| (tick * MINUTES) as f64 * requests_per_minute * SHARE;
    println!("\n{} at {requests_per_minute}/min, {hours} h at 5 %: the candidate's requests until found", harm.name);
    println!(
        "shocks         false %  ours: mean  median  90 %   fixed test: knows its shocks   level holds in all rows"
    );
    let mut rows = Vec::new();
    for shared in [true, false] {
        for autocorrelation in [0.0, 0.6, 0.8] {
            let all = |harm: Harm, first: u64| -> Vec<Run> {
                let setting = Setting { requests_per_minute, autocorrelation, shared, harm };
                (first..first + runs).into_par_iter().map(|seed| run(pool, setting, seed, ticks)).collect()
            };
            rows.push((shared, autocorrelation, all(NONE, 0), all(harm, runs)));
        }
    }
    let false_share = |runs: &[Run]| runs.iter().filter(|run| run.signal.is_some()).count() as f64 / runs.len() as f64;
    // A level below one in the runs cannot be seen.
    let levels: Vec<f64> = rows.iter().map(|row| false_share(&row.2).max(1.0 / runs as f64)).collect();
    let worst = levels.iter().copied().fold(0.0, f64::max);
    let everywhere: Vec<f64> = (0..ticks)
        .map(|tick| rows.iter().map(|row| critical(&row.2, worst)[tick]).fold(f64::NEG_INFINITY, f64::max))
        .collect();
    for ((shared, autocorrelation, quiet, harmed), level) in rows.iter().zip(levels) {
        let ours: Vec<f64> = harmed.iter().map(|run| run.signal.map_or(requests(ticks), requests)).collect();
        let shown = |tick: Option<usize>| tick.map_or("-".into(), |tick| format!("{:.0}", requests(tick + 1)));
        println!(
            "{} phi {autocorrelation:.1} {:8.2} {:11.0} {:7.0} {:5.0} {:>31} {:>25}",
            if *shared { "shared" } else { "own   " },
            100.0 * level,
            ours.iter().sum::<f64>() / ours.len() as f64,
            quantile(ours.clone(), 0.5),
            quantile(ours.clone(), 0.9),
            shown(horizon(harmed, &critical(quiet, level))),
            shown(horizon(harmed, &everywhere)),
        );
    }
}
