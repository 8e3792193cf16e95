//! The part `speed`: how long the analysis of many services takes, and the replay of a month. The part `tick`: how long acting takes.

mod decisions;
mod evidence;
mod fleet;
mod month;
mod tick;

use std::time::Instant;

use serde_json::json;

pub use decisions::{Choices, of_decisions};
pub use fleet::Fleet;
pub use month::Month;
pub use tick::{Remembered, of_pushes, of_ticks, serve_if_asked};

use super::table::{Table, rounded};

/// Everything that `analyze` makes of a history that is in memory: median of so many runs.
pub fn of_analysis(fleet: &Fleet, runs: usize, as_json: bool) {
    let made = fleet.made();
    let looked: Vec<fleet::Seconds> = (0..runs).map(|_| made.look()).collect();
    let columns = [
        "services",
        "series",
        "slots",
        "threads",
        "runs",
        "seconds",
        "watch_s",
        "findings_s",
        "outlooks_s",
        "findings",
        "outlooks",
    ];
    let mut table = Table::new("speed of an analysis", &columns);
    let middle = |of: fn(&fleet::Seconds) -> f64| rounded(median(looked.iter().map(of).collect()), 3);
    table.push(vec![
        json!(fleet.services),
        json!(made.series()),
        json!(fleet.slots),
        json!(std::thread::available_parallelism().map_or(1, usize::from)),
        json!(runs),
        middle(|seconds| seconds.watch + seconds.findings + seconds.outlooks),
        middle(|seconds| seconds.watch),
        middle(|seconds| seconds.findings),
        middle(|seconds| seconds.outlooks),
        json!(looked[0].found),
        json!(looked[0].ahead),
    ]);
    table.print(as_json);
}

/// `replay --every 5m` over a made-up log, as a process of its own.
pub fn of_replay(month: &Month, as_json: bool) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("month.csv");
    let rows = month.write(&file);
    let start = Instant::now();
    let lines = month::replay(&file);
    let seconds = start.elapsed().as_secs_f64();
    let mut table = Table::new("speed of a replay", &["services", "days", "requests", "ticks", "seconds"]);
    table.push(vec![json!(month.services), json!(month.days), json!(rows), json!(lines), rounded(seconds, 2)]);
    table.print(as_json);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
