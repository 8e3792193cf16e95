//! Harm of a known size, put into real requests: who sees it.

use optimizer::{
    domain::{gate::GateMetric, gate_rules::GateRules},
    stats::gate::Requests,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::json;

use super::{
    ours,
    requests::{Row, requests},
    rivals::{self, Measure},
    sets::composed,
};
use crate::table::{Table, rounded};

/// A candidate that is measured at the same hours a week later shares no stretch of time with its baseline.
const WEEK_MINUTES: i64 = 7 * 24 * 60;

/// What happens to the candidate's requests.
#[derive(Debug, Clone, Copy)]
pub enum Harm {
    None,
    /// Every latency times this.
    Latency(f64),
    /// The slowest tenth of the latencies times this.
    Tail(f64),
    /// So many more of a hundred requests fail, and are logged as failures are in that log: without tokens.
    Errors(f64),
    /// So large a share of the right answers turns wrong.
    Quality(f64),
    /// Every cost times this.
    Cost(f64),
}

const HARMS: [(&str, Harm); 13] = [
    ("none", Harm::None),
    ("latency +10 %", Harm::Latency(1.1)),
    ("latency +20 %", Harm::Latency(1.2)),
    ("latency +50 %", Harm::Latency(1.5)),
    ("slowest tenth +10 %", Harm::Tail(1.1)),
    ("slowest tenth +20 %", Harm::Tail(1.2)),
    ("slowest tenth +50 %", Harm::Tail(1.5)),
    ("errors +1 point", Harm::Errors(0.01)),
    ("errors +2 points", Harm::Errors(0.02)),
    ("errors +5 points", Harm::Errors(0.05)),
    ("quality -1 %", Harm::Quality(0.01)),
    ("quality -5 %", Harm::Quality(0.05)),
    ("cost +10 %", Harm::Cost(1.1)),
];

impl Harm {
    /// The figure that tells it, and what the rivals look at.
    fn told_by(self) -> Option<(GateMetric, Measure)> {
        match self {
            Self::None => None,
            Self::Latency(_) | Self::Tail(_) => Some((GateMetric::LatencyP95Ms, Measure::Latency)),
            Self::Errors(_) => Some((GateMetric::ErrorRate, Measure::Errors)),
            Self::Quality(_) => Some((GateMetric::Quality, Measure::Quality)),
            Self::Cost(_) => Some((GateMetric::CostPerRequestUsd, Measure::Cost)),
        }
    }

    fn done_to(self, row: &mut Row, slow_ms: f64, random: &mut ChaCha8Rng) {
        match self {
            Self::None => {}
            Self::Latency(times) => row.latency_ms *= times,
            Self::Tail(times) => row.latency_ms *= if row.latency_ms > slow_ms { times } else { 1.0 },
            Self::Errors(share) => {
                if random.random::<f64>() < share {
                    row.failed = true;
                    row.input_tokens = f64::NAN;
                    row.output_tokens = f64::NAN;
                }
            }
            Self::Quality(share) => row.quality *= if random.random::<f64>() < share { 0.0 } else { 1.0 },
            Self::Cost(times) => row.cost_usd *= times,
        }
    }
}

/// Requests a side, and of how many draws the share is.
const SIZES: [(usize, u32); 3] = [(200, 400), (2_000, 400), (20_000, 100)];

/// Rows to draw from, by name.
pub type Pool = (&'static str, Vec<Row>);

/// A log of one model; one of two providers, of which one is slow for an hour and a half.
#[must_use]
pub fn pools() -> [Pool; 2] {
    let helpdesk = composed("helpdesk");
    let arms = helpdesk.arms.iter().zip(helpdesk.rows);
    let gpt_4 = arms.filter(|(arm, _)| arm.contains("gpt-4")).map(|(_, row)| row).collect();
    [("helpdesk, GPT-4", gpt_4), ("assistant", composed("assistant").rows)]
}

/// In how many draws the harm was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Beside the baseline: by the figure that tells it, by any; a week later: the same.
    pub ours: [u32; 4],
    /// By the t-test and the thresholds of that figure; of all figures where there is no harm.
    pub rivals: [u32; 2],
}

/// Both sides are drawn from the same rows, with replacement.
#[must_use]
pub fn table(pools: &[Pool], effort: f64, rules: &GateRules) -> Table {
    let columns = [
        "drawn_from",
        "harm",
        "a_side",
        "draws",
        "figure_%",
        "fails_%",
        "week_later_%",
        "fails_then_%",
        "t_test_%",
        "thresholds_%",
    ];
    let mut table = Table::new("gate: harm seen", &columns);
    for (name, pool) in pools {
        for (harm_name, harm) in HARMS {
            for (size, draws) in SIZES {
                let draws = (f64::from(draws) * effort) as u32;
                let found = found(pool, harm, size, draws, rules);
                let share = |count: u32| rounded(100.0 * f64::from(count) / f64::from(draws), 1);
                let mut row = vec![json!(name), json!(harm_name), json!(size), json!(draws)];
                row.extend(found.ours.into_iter().chain(found.rivals).map(share));
                table.push(row);
            }
        }
    }
    table
}

/// The same draws for every harm.
#[must_use]
pub fn found(pool: &[Row], harm: Harm, size: usize, draws: u32, rules: &GateRules) -> Found {
    let mut latencies: Vec<f64> = pool.iter().map(|row| row.latency_ms).filter(|ms| !ms.is_nan()).collect();
    latencies.sort_unstable_by(f64::total_cmp);
    let slow_ms = latencies[latencies.len() * 9 / 10];
    let told_by = harm.told_by();
    let measures = told_by.map(|(_, measure)| [measure]);
    let measures = measures.as_ref().map_or(Measure::ALL.as_slice(), |one| one.as_slice());
    let one = |draw: u32| {
        let sides = |later: i64| {
            drawn(pool, size, draw, |row, random| {
                harm.done_to(row, slow_ms, random);
                row.minute += later;
            })
        };
        let ours = |sides: &[Requests; 2]| {
            let said = ours::said(sides, rules);
            [told_by.map_or(said.failed, |(metric, _)| said.worse.contains(&metric)), said.failed]
        };
        let (beside, later) = (sides(0), sides(WEEK_MINUTES));
        let alarms = rivals::of_run(&beside, measures);
        let ([a, b], [c, d]) = (ours(&beside), ours(&later));
        Found { ours: [a, b, c, d].map(u32::from), rivals: [alarms.t_test, alarms.thresholds].map(u32::from) }
    };
    let none = || Found { ours: [0; 4], rivals: [0; 2] };
    (0..draws).into_par_iter().map(one).reduce(none, |a, b| Found {
        ours: std::array::from_fn(|at| a.ours[at] + b.ours[at]),
        rivals: std::array::from_fn(|at| a.rivals[at] + b.rivals[at]),
    })
}

fn drawn(pool: &[Row], size: usize, draw: u32, mut change: impl FnMut(&mut Row, &mut ChaCha8Rng)) -> [Requests; 2] {
    let mut random = ChaCha8Rng::seed_from_u64(13);
    random.set_stream(u64::from(draw));
    let mut rows = |candidate: bool| -> Vec<Row> {
        (0..size)
            .map(|_| {
                let mut row = pool[random.random_range(0..pool.len())].clone();
                if candidate {
                    change(&mut row, &mut random);
                }
                row
            })
            .collect()
    };
    let mut sides = [rows(false), rows(true)].map(|rows| requests(rows.iter(), |_| 0, 1));
    // Requests of the two sides are not the same ones.
    for request in &mut sides[1].request {
        *request = !*request;
    }
    sides
}
