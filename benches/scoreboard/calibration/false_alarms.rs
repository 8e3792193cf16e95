//! Anomalies that are told of series in which nothing is unusual: thirty days in slots of five minutes.

use optimizer::stats::{
    Point,
    anomaly::{Detector, Settings},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::distribution::{poisson, standard_normal};

const SLOT: i64 = 300;
const SLOTS_A_DAY: i64 = 288;
/// A Wednesday, 00:00 UTC.
const START: i64 = 1_700_006_400;
/// Before, the detector only learns.
const WARM_UP_DAYS: i64 = 2;
const WEEKS: i64 = 4;

/// The value of a slot, given the one before it; none where the slot is missing.
type Law = fn(slot: i64, state: &mut f64, random: &mut ChaCha8Rng) -> Option<f64>;

/// What a metric does when all is well: noise of several kinds, daily and weekly patterns, changes of the clock, gaps, and
/// events that recur.
const LAWS: [(&str, Law); 20] = [
    ("normal", |_, _, random| Some(100.0 + 10.0 * standard_normal(random))),
    ("log-normal, sigma 1", |_, _, random| Some(standard_normal(random).exp())),
    ("Student t, 3 df", |_, _, random| Some(student_t3(random))),
    ("AR(1), 0.7", |_, state, random| Some(10.0 + follow(state, 0.7, 1.0, random))),
    ("AR(1), 0.95", |_, state, random| Some(10.0 + follow(state, 0.95, 1.0, random))),
    ("slow random walk", |_, state, random| Some(follow(state, 1.0, 0.05, random) + standard_normal(random))),
    ("Poisson 3", |_, _, random| Some(poisson(3.0, random))),
    ("Poisson 100", |_, _, random| Some(poisson(100.0, random))),
    ("1 % errors of 200", |_, _, random| Some(share(200, 0.01, random))),
    ("0.1 % errors of 50", |_, _, random| Some(share(50, 0.001, random))),
    ("daily, normal", |slot, _, random| Some(100.0 + 50.0 * day(slot) + 5.0 * standard_normal(random))),
    ("daily, Poisson", |slot, _, random| Some(poisson(20.0 * (1.05 + day(slot)), random))),
    ("daily count, mean of log-normals", |slot, _, random| {
        let count = (10.0 * (1.2 + day(slot))) as u32;
        Some((0..count).map(|_| standard_normal(random).exp()).sum::<f64>() / f64::from(count))
    }),
    ("working days and weekends", |slot, _, random| {
        let weekend = (slot / SLOTS_A_DAY) % 7 >= 5;
        Some(if weekend { 30.0 } else { 100.0 + 50.0 * day(slot) } + 5.0 * standard_normal(random))
    }),
    ("daily, clock an hour on", |slot, _, random| Some(100.0 + 50.0 * day(on(slot)) + 5.0 * standard_normal(random))),
    ("daily step, clock an hour on", |slot, _, random| {
        let busy = on(slot) % SLOTS_A_DAY > 108;
        Some(if busy { 100.0 } else { 20.0 } + 2.0 * standard_normal(random))
    }),
    ("a tenth missing, and a day", |slot, _, random| {
        let there = random.random_bool(0.9) && slot / SLOTS_A_DAY != 17;
        there.then(|| 100.0 + 10.0 * standard_normal(random))
    }),
    ("five times as high once a day", |slot, _, random| Some(spike(slot, SLOTS_A_DAY, random))),
    ("five times as high every 7 h", |slot, _, random| Some(spike(slot, 84, random))),
    ("five times as high once a week", |slot, _, random| Some(spike(slot, 7 * SLOTS_A_DAY, random))),
];

/// Alarms of one law.
#[derive(Debug)]
pub struct FalseAlarms {
    pub law: &'static str,
    /// Mean of all runs: in the first week after the warm-up, in the second, in the two after it.
    pub a_week: [f64; 3],
    /// The most that a single series got, over all four weeks.
    pub most: u32,
}

impl FalseAlarms {
    #[must_use]
    pub fn over_all(&self) -> f64 {
        (self.a_week[0] + self.a_week[1] + 2.0 * self.a_week[2]) / WEEKS as f64
    }
}

/// Every law, so many series of each, the same for the same number.
#[must_use]
pub fn all(runs: u32) -> Vec<FalseAlarms> {
    LAWS.par_iter().map(|(law, values)| of_law(law, *values, runs)).collect()
}

fn of_law(law: &'static str, value: Law, runs: u32) -> FalseAlarms {
    let (mut by_week, mut most) = ([0_u32; WEEKS as usize], 0);
    for run in 0..runs {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(run));
        let (mut detector, mut state) = (Detector::new(Settings::default()), 0.0);
        let mut alarms = 0;
        for slot in 0..(WARM_UP_DAYS + 7 * WEEKS) * SLOTS_A_DAY {
            let Some(value) = value(slot, &mut state, &mut random) else { continue };
            if detector.push(Point { at: START + slot * SLOT, value }).alarm {
                by_week[((slot / SLOTS_A_DAY - WARM_UP_DAYS).max(0) / 7) as usize] += 1;
                alarms += 1;
            }
        }
        most = most.max(alarms);
    }
    let rate = |alarms: u32, weeks: u32| f64::from(alarms) / f64::from(runs * weeks);
    FalseAlarms { law, a_week: [rate(by_week[0], 1), rate(by_week[1], 1), rate(by_week[2] + by_week[3], 2)], most }
}

/// -1 to 1 over the day.
fn day(slot: i64) -> f64 {
    (slot as f64 / SLOTS_A_DAY as f64 * std::f64::consts::TAU).sin()
}

/// The slot that the clock shows: an hour more from day 16 on.
fn on(slot: i64) -> i64 {
    if slot > 16 * SLOTS_A_DAY { slot + 12 } else { slot }
}

fn follow(state: &mut f64, memory: f64, scale: f64, random: &mut ChaCha8Rng) -> f64 {
    *state = memory * *state + scale * standard_normal(random);
    *state
}

fn spike(slot: i64, every: i64, random: &mut ChaCha8Rng) -> f64 {
    (100.0 + 5.0 * standard_normal(random)) * if slot % every == 50 { 5.0 } else { 1.0 }
}

fn share(of: u32, rate: f64, random: &mut ChaCha8Rng) -> f64 {
    (0..of).filter(|_| random.random_bool(rate)).count() as f64 / f64::from(of)
}

/// Student's t with 3 degrees of freedom.
pub(super) fn student_t3(random: &mut ChaCha8Rng) -> f64 {
    let squares: f64 = (0..3).map(|_| standard_normal(random).powi(2)).sum();
    standard_normal(random) / (squares / 3.0).sqrt()
}
