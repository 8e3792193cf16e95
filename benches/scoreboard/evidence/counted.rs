//! Shares of runs with their uncertainty, and times.

use statrs::function::beta::beta_reg;

use super::rollout::{MINUTES, Outcome, When};

/// Share of runs and the one-sided upper 95 % bound of its probability (Clopper and Pearson, Biometrika 26, 1934).
pub fn share(outcomes: &[Outcome], is: impl Fn(&Outcome) -> bool) -> (f64, f64) {
    let runs = outcomes.len() as f64;
    let count = outcomes.iter().filter(|outcome| is(outcome)).count() as f64;
    if count >= runs {
        return (1.0, 1.0);
    }
    let (mut low, mut high) = (count / runs, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if beta_reg(count + 1.0, runs - count, middle) < 0.95 { low = middle } else { high = middle }
    }
    (count / runs, high)
}

/// `share (upper bound)` in percent.
pub fn percent((share, upper): (f64, f64)) -> String {
    format!("{:6.2} ({:5.2})", 100.0 * share, 100.0 * upper)
}

/// `found %, median hours, median requests of the candidate`.
pub fn found(outcomes: &[Outcome], when: impl Fn(&Outcome) -> When) -> String {
    let times: Vec<(usize, f64)> = outcomes.iter().filter_map(when).collect();
    if times.is_empty() {
        return format!("{:>5} {:>6} {:>6}", "0", "-", "-");
    }
    let hours = quantile(times.iter().map(|(tick, _)| (tick * MINUTES) as f64 / 60.0).collect(), 0.5);
    let requests = quantile(times.iter().map(|(_, requests)| *requests).collect(), 0.5);
    format!("{:5.1} {hours:6.2} {requests:6.0}", 100.0 * times.len() as f64 / outcomes.len() as f64)
}

pub fn quantile(mut values: Vec<f64>, level: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len().max(1) - 1) as f64 * level).round() as usize).copied().unwrap_or(f64::NAN)
}
