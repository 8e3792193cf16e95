//! Change points that are found in values of one law from first to last.

use optimizer::stats::change_point::change_points;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{
    distribution::{poisson, standard_normal},
    false_alarms::student_t3,
};

type Law = fn(state: &mut f64, random: &mut ChaCha8Rng) -> f64;

const LAWS: [(&str, Law); 7] = [
    ("normal", |_, random| standard_normal(random)),
    ("log-normal, sigma 0.5", |_, random| (0.5 * standard_normal(random)).exp()),
    ("log-normal, sigma 1", |_, random| standard_normal(random).exp()),
    ("Student t, 3 df", |_, random| student_t3(random)),
    ("Poisson 3", |_, random| poisson(3.0, random)),
    ("AR(1), 0.5", |state, random| {
        *state = 0.5 * *state + standard_normal(random);
        *state
    }),
    ("AR(1), 0.8", |state, random| {
        *state = 0.8 * *state + standard_normal(random);
        *state
    }),
];

/// Series of one law and length.
#[derive(Debug)]
pub struct NoChange {
    pub law: &'static str,
    /// Values in a series.
    pub n: usize,
    pub runs: u64,
    /// Share of them in which any change was found.
    pub share: f64,
}

/// Every law at every length, the same each time; a tenth of the runs where it must be quick.
#[must_use]
pub fn all(full: bool) -> Vec<NoChange> {
    let runs = |runs: u64| if full { runs } else { runs / 10 };
    let lengths = [(20, runs(4_000)), (200, runs(2_000)), (672, runs(600)), (2_000, runs(200))];
    lengths.iter().flat_map(|(n, runs)| LAWS.map(|(law, value)| of_law(law, value, *n, *runs))).collect()
}

fn of_law(law: &'static str, value: Law, n: usize, runs: u64) -> NoChange {
    let seeds: Vec<u64> = (0..runs).collect();
    let wrong = seeds.par_iter().filter(|seed| {
        let (mut random, mut state) = (ChaCha8Rng::seed_from_u64(**seed), 0.0);
        let values: Vec<f64> = (0..n).map(|_| value(&mut state, &mut random)).collect();
        !change_points(&values).is_empty()
    });
    NoChange { law, n, runs, share: wrong.count() as f64 / runs as f64 }
}
