//! Unchanged traffic, dealt to two sides at random: whoever fails it is wrong.

use std::{collections::BTreeSet, time::Instant};

use optimizer::{
    domain::gate_rules::GateRules,
    stats::{gate::Requests, hypothesis::proportions::Proportion},
};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::{
    ours,
    requests::{hashed, requests, sides},
    rivals::{self, Measure},
    sets::{Blocks, Set},
};
use crate::table::{Table, rounded};

/// The candidate's share of the requests, in turn.
const SHARES: [f64; 3] = [0.5, 0.2, 0.8];

/// What goes to a side whole.
#[derive(Debug, Clone, Copy)]
pub enum Dealt<'a> {
    Requests,
    Blocks(&'a Blocks),
    /// Of the two answers to each prompt, one to either side; rows 2k and 2k + 1.
    Answers,
}

/// So many runs of the gate.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    pub set: &'a Set,
    pub dealt: Dealt<'a>,
    pub slices: usize,
    pub splits: u32,
}

/// How many of them said what.
#[derive(Debug, Default)]
struct Tally {
    failed: u32,
    shown: u32,
    t_test: u32,
    thresholds: u32,
    /// Most comparisons that could fail a run.
    guards: usize,
    units: BTreeSet<String>,
}

impl Tally {
    fn with(mut self, mut other: Self) -> Self {
        self.failed += other.failed;
        self.shown += other.shown;
        self.t_test += other.t_test;
        self.thresholds += other.thresholds;
        self.guards = self.guards.max(other.guards);
        self.units.append(&mut other.units);
        self
    }
}

/// One row a trial. `at most`: the upper end of a one-sided 95 % interval; `shown`: runs in which any harm was beyond chance, whatever its
/// margin.
#[must_use]
pub fn table(part: &'static str, trials: &[Trial<'_>], rules: &GateRules) -> Table {
    let columns = [
        "data",
        "held_out",
        "rows",
        "dealt",
        "slices",
        "comparisons",
        "unit",
        "splits",
        "fails_%",
        "at_most_%",
        "shown_%",
        "t_test_%",
        "thresholds_%",
        "s",
    ];
    let mut table = Table::new(part, &columns);
    for trial in trials {
        table.push(row(trial, rules));
    }
    table
}

fn row(trial: &Trial<'_>, rules: &GateRules) -> Vec<Value> {
    let start = Instant::now();
    let all = sliced(trial);
    let one = |split: u32| {
        let sides = sides(&all, &side(trial, split));
        let said = ours::said(&sides, rules);
        let alarms = rivals::of_run(&sides, &Measure::ALL);
        Tally {
            failed: u32::from(said.failed),
            shown: u32::from(said.shown),
            t_test: u32::from(alarms.t_test),
            thresholds: u32::from(alarms.thresholds),
            guards: said.guards,
            units: BTreeSet::from([ours::unit(&said.unit)]),
        }
    };
    let tally = (0..trial.splits).into_par_iter().map(one).reduce(Tally::default, Tally::with);
    let share = |count: u32| rounded(100.0 * f64::from(count) / f64::from(trial.splits), 2);
    vec![
        json!(trial.set.name),
        json!(if trial.set.known { "" } else { "yes" }),
        json!(all.len()),
        json!(match trial.dealt {
            Dealt::Requests => "request",
            Dealt::Blocks(blocks) => blocks.name,
            Dealt::Answers => "answer",
        }),
        json!(trial.slices),
        json!(tally.guards),
        // It may differ with the candidate's share.
        json!(tally.units.into_iter().collect::<Vec<_>>().join(", ")),
        json!(trial.splits),
        share(tally.failed),
        at_most(tally.failed, trial.splits),
        share(tally.shown),
        share(tally.t_test),
        share(tally.thresholds),
        rounded(start.elapsed().as_secs_f64(), 1),
    ]
}

/// Upper end of the one-sided 95 % interval of a share (Clopper and Pearson, Biometrika 26, 1934), in percent.
fn at_most(count: u32, runs: u32) -> Value {
    let share = Proportion::new(f64::from(count), f64::from(runs)).expect("a share of the runs");
    rounded(100.0 * share.clopper_pearson(0.9).expect("a level")[1], 2)
}

/// The requests in slices of unequal size, as services are: the k-th has a share like 1 / (k + 2).
fn sliced(trial: &Trial<'_>) -> Requests {
    let slices = trial.slices;
    let mut random = ChaCha8Rng::seed_from_u64(7 + slices as u64);
    let sum = |sum: &mut f64, slice: usize| {
        *sum += 1.0 / (slice + 2) as f64;
        Some(*sum)
    };
    let ends: Vec<f64> = (0..slices).scan(0.0, sum).collect();
    let mut draw = || {
        let at = random.random::<f64>() * ends[slices - 1];
        ends.partition_point(|end| *end < at).min(slices - 1) as u32
    };
    let drawn: Vec<u32> = (0..trial.set.rows.len()).map(|_| draw()).collect();
    let slice = |row: usize| if matches!(trial.dealt, Dealt::Answers) { drawn[row / 2] } else { drawn[row] };
    let mut all = requests(trial.set.rows.iter(), slice, slices as u32);
    match trial.dealt {
        Dealt::Blocks(blocks) if blocks.told => {
            all.session = blocks.number.iter().map(|number| u64::from(*number) + 1).collect();
        }
        Dealt::Answers => all.request = (0..all.len()).map(|row| hashed(row / 2)).collect(),
        _ => {}
    }
    all
}

/// Which request is the candidate's.
fn side(trial: &Trial<'_>, split: u32) -> Vec<bool> {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    random.set_stream(u64::from(split));
    let share = SHARES[split as usize % SHARES.len()];
    let mut deal = |count: usize| {
        let mut side: Vec<bool> = (0..count).map(|at| (at as f64) < share * count as f64).collect();
        side.shuffle(&mut random);
        side
    };
    let rows = trial.set.rows.len();
    match trial.dealt {
        Dealt::Requests => deal(rows),
        Dealt::Blocks(blocks) => {
            let side = deal(blocks.number.iter().max().map_or(0, |most| *most as usize + 1));
            blocks.number.iter().map(|block| side[*block as usize]).collect()
        }
        Dealt::Answers => (0..rows / 2)
            .flat_map(|_| {
                let first = random.random::<bool>();
                [first, !first]
            })
            .collect(),
    }
}
