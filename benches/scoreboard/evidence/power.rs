//! What was planned against what it took.

use optimizer::stats::evidence::{Margins, Measure, Planned};
use rayon::prelude::*;

use super::{
    counted::quantile,
    pool::Pool,
    rollout::{Course, Outcome, run},
    traffic::{NONE, Raw, Setting, Traffic},
};

/// Candidates without harm at 5 %, without shocks of their own: requests planned for and requests used until each measure is sound.
pub fn print(pool: &Pool, runs: u64) {
    println!(
        "\nCandidate's requests until sound at 5 %, planned for independent requests and simulated (half, 80 % of the rollouts)"
    );
    println!(
        "{:22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "", "measure", "plan 50", "sim 50", "plan 80", "sim 80", "factor"
    );
    for (requests_per_minute, autocorrelation, shared) in
        [(20.0, 0.0, true), (200.0, 0.0, true), (20.0, 0.0, false), (200.0, 0.8, true)]
    {
        let setting = Setting { requests_per_minute, autocorrelation, shared, harm: NONE };
        let mut history = [Raw::empty(), Raw::empty()];
        let mut traffic = Traffic::new(pool, setting, u64::MAX);
        for _ in 0..2000 {
            traffic.minute(0.05, &mut Vec::new(), &mut history);
        }
        let control = history[1].counts;
        let outcomes: Vec<Outcome> =
            (0..runs).into_par_iter().map(|seed| run(pool, setting, seed, Course::Held)).collect();
        for measure in Measure::ALL {
            // Served requests, as the simulation counts them.
            let served = control.served
                / match measure {
                    Measure::Errors => control.served,
                    Measure::Quality => control.scored,
                    Measure::Cost => control.priced,
                    Measure::Latency => control.timed,
                };
            let planned = |power: f64| {
                let planned =
                    Planned { control: &control, margins: &Margins::default(), share: 0.05, design_effect: 1.0, power };
                planned.requests_needed(measure).unwrap_or(f64::NAN) * served
            };
            let used: Vec<f64> = outcomes
                .iter()
                .map(|outcome| outcome.sound[measure as usize].map_or(f64::INFINITY, |(_, requests)| requests))
                .collect();
            let (half, most) = (quantile(used.clone(), 0.5), quantile(used, 0.8));
            println!(
                "{requests_per_minute:4}/min {} phi {autocorrelation:.1} {:>13} {:9.0} {half:9.0} {:9.0} {most:9.0} {:7.2}",
                if shared { "shared" } else { "own   " },
                format!("{measure:?}").to_lowercase(),
                planned(0.5),
                planned(0.8),
                most / planned(0.8),
            );
        }
    }
}
