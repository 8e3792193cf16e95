//! Counts of traffic in which the new configuration does as well as the old one.

use optimizer::stats::evidence::{Cell, Counts, GRID, Side};
use rand_chacha::ChaCha8Rng;

use crate::calibration::distribution::standard_normal;

/// Requests of a service in a minute.
const RATE: f64 = 200.0;
/// Kinds of requests.
const STRATA: u64 = 3;
/// Share of successes slower than each multiple of the 95th percentile.
const SLOWER: [f64; GRID.len()] =
    [0.96, 0.92, 0.80, 0.62, 0.25, 0.10, 0.05, 0.043, 0.037, 0.031, 0.026, 0.019, 0.011, 0.006, 0.003, 0.001, 0.0005];

/// Every minute of the range. `share` of the requests, `0..=1`, went to the candidate.
pub fn cells(minutes: std::ops::Range<i64>, share: f64, random: &mut ChaCha8Rng) -> Vec<Cell> {
    let mut cells = Vec::new();
    for minute in minutes {
        for stratum in 0..STRATA {
            for (side, share) in [(Side::Candidate, share), (Side::Control, 1.0 - share)] {
                if share > 0.0 {
                    cells.push(Cell { minute, stratum, side, counts: counts(RATE * share / STRATA as f64, random) });
                }
            }
        }
    }
    cells
}

fn counts(served: f64, random: &mut ChaCha8Rng) -> Counts {
    let mut noise = |spread: f64| (1.0 + spread * standard_normal(random)).clamp(0.5, 1.04);
    let provider_errors = 0.005 * served * noise(0.3);
    let succeeded = served - provider_errors;
    let slow = noise(0.1);
    let good = 0.9 * succeeded * noise(0.02);
    let cost = 0.002 * noise(0.05);
    Counts {
        served,
        provider_errors,
        succeeded,
        timed: succeeded,
        slow: SLOWER.map(|share| share * slow * succeeded),
        scored: succeeded,
        quality: good,
        quality_squares: good,
        priced: succeeded,
        cost: succeeded * cost,
        cost_squares: succeeded * 1.2 * cost * cost,
    }
}
