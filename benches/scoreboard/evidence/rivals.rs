//! Judges in use elsewhere, on the same requests.

use super::traffic::{BINS, Raw};

/// Rolls back after three ticks in a row beyond a threshold (as Flagger and Argo Rollouts are commonly set up); at a rank or
/// proportion test at 98 % on all requests so far, looked at every tick (as in Kayenta); at Welch's test at 95 % likewise.
pub const NAMES: [&str; 3] = ["thresholds", "Mann-Whitney", "Welch"];

/// State of the three over one rollout.
pub struct Rivals {
    /// Everything so far: candidate, control.
    pub all: [Raw; 2],
    failures: u32,
    quiet: [u32; 3],
    /// Tick and candidate requests at which each rolled back.
    pub back: [Option<(usize, f64)>; 3],
    /// Whether it had shipped before: three ticks without alarm take a rollout to 100 %.
    pub shipped: [bool; 3],
}

impl Rivals {
    pub fn new() -> Self {
        Self { all: [Raw::empty(), Raw::empty()], failures: 0, quiet: [0; 3], back: [None; 3], shipped: [false; 3] }
    }

    /// Shows them the requests of one tick.
    pub fn look(&mut self, tick: usize, fresh: &[Raw; 2]) {
        for (all, fresh) in self.all.iter_mut().zip(fresh) {
            all.counts.add(&fresh.counts);
            all.latency_sum += fresh.latency_sum;
            all.latency_squares += fresh.latency_squares;
            for (bin, more) in all.histogram.iter_mut().zip(&fresh.histogram) {
                *bin += more;
            }
        }
        let beyond = beyond_threshold(fresh);
        self.failures = if beyond { self.failures + 1 } else { 0 };
        let alarms = [self.failures >= 3, ranks_differ(&self.all), means_differ(&self.all)];
        let uneasy = [beyond, alarms[1], alarms[2]];
        for judge in 0..3 {
            if self.back[judge].is_none() && alarms[judge] {
                self.back[judge] = Some((tick, self.all[0].counts.served));
            }
            if self.back[judge].is_none() && !uneasy[judge] {
                self.quiet[judge] += 1;
                self.shipped[judge] |= self.quiet[judge] >= 3;
            }
        }
    }

    pub fn decided(&self) -> bool {
        self.back.iter().all(Option::is_some)
    }
}

fn mean(sum: f64, count: f64) -> f64 {
    if count > 0.0 { sum / count } else { 0.0 }
}

/// The tick's 95th percentile, error rate, mean score and mean cost against the control's, with the policy's margins.
fn beyond_threshold([candidate, control]: &[Raw; 2]) -> bool {
    let error_rate = |raw: &Raw| mean(raw.counts.provider_errors, raw.counts.served);
    let score = |raw: &Raw| mean(raw.counts.quality, raw.counts.scored);
    let cost = |raw: &Raw| mean(raw.counts.cost, raw.counts.priced);
    percentile(candidate) - percentile(control) > 1.2_f64.ln() / 0.025
        || error_rate(candidate) > error_rate(control) + 0.05
        || score(candidate) < 0.95 * score(control)
        || cost(candidate) > 2.0 * cost(control)
}

/// Bin of the 95th percentile.
fn percentile(raw: &Raw) -> f64 {
    let total: f64 = raw.histogram.iter().sum();
    let mut below = 0.0;
    let bin = raw.histogram.iter().position(|bin| {
        below += bin;
        below >= 0.95 * total
    });
    bin.unwrap_or(BINS) as f64
}

/// z of Mann and Whitney's test that the candidate's latencies are larger, with its correction for ties.
pub fn rank_z([candidate, control]: &[Raw; 2]) -> f64 {
    let (mut below, mut smaller, mut ties) = (0.0, 0.0, 0.0);
    for (new, old) in candidate.histogram.iter().zip(&control.histogram) {
        smaller += new * (below + 0.5 * old);
        below += old;
        ties += (new + old).powi(3) - (new + old);
    }
    let (n, m) = (candidate.counts.timed, control.counts.timed);
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance > 0.0 { (smaller - n * m / 2.0) / variance.sqrt() } else { 0.0 }
}

fn proportion_z([x, y]: [f64; 2], [n, m]: [f64; 2]) -> f64 {
    let pooled = (x + y) / (n + m);
    let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
    if variance > 0.0 { (x / n - y / m) / variance.sqrt() } else { 0.0 }
}

fn welch_z(sums: [f64; 2], squares: [f64; 2], counts: [f64; 2]) -> f64 {
    let variance = |side: usize| {
        let mean = sums[side] / counts[side];
        (squares[side] / counts[side] - mean * mean) / (counts[side] - 1.0)
    };
    let total = variance(0) + variance(1);
    if total > 0.0 { (sums[0] / counts[0] - sums[1] / counts[1]) / total.sqrt() } else { 0.0 }
}

fn ranks_differ(all: &[Raw; 2]) -> bool {
    let pair = |number: fn(&Raw) -> f64| [number(&all[0]), number(&all[1])];
    let worse = 2.326; // 98 %, two-sided
    all[0].counts.timed > 10.0
        && (rank_z(all) > worse
            || proportion_z(pair(|raw| raw.counts.provider_errors), pair(|raw| raw.counts.served)) > worse
            || proportion_z(pair(|raw| raw.counts.quality), pair(|raw| raw.counts.scored)) < -worse
            || costs_z(all) > worse)
}

fn costs_z(all: &[Raw; 2]) -> f64 {
    let pair = |number: fn(&Raw) -> f64| [number(&all[0]), number(&all[1])];
    welch_z(pair(|raw| raw.counts.cost), pair(|raw| raw.counts.cost_squares), pair(|raw| raw.counts.priced))
}

fn means_differ(all: &[Raw; 2]) -> bool {
    let pair = |number: fn(&Raw) -> f64| [number(&all[0]), number(&all[1])];
    let worse = 1.96; // 95 %, two-sided
    let errors = pair(|raw| raw.counts.provider_errors);
    all[0].counts.timed > 10.0
        && (welch_z(pair(|raw| raw.latency_sum), pair(|raw| raw.latency_squares), pair(|raw| raw.counts.timed)) > worse
            || welch_z(errors, errors, pair(|raw| raw.counts.served)) > worse
            || welch_z(
                pair(|raw| raw.counts.quality),
                pair(|raw| raw.counts.quality_squares),
                pair(|raw| raw.counts.scored),
            ) < -worse
            || costs_z(all) > worse)
}
