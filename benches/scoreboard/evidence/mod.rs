//! Judges of rollouts, side by side on the same simulated traffic, made of measured requests.
//!
//! ```text
//! make scoreboard PARTS=evidence             # 5,000 rollouts a cell; 20 minutes on two cores
//! make scoreboard PARTS='evidence quick'     # 300 a cell
//! ```

mod counted;
mod fixed_horizon;
mod parts;
mod pool;
mod power;
mod rivals;
mod rollout;
mod traffic;

use std::{path::Path, time::Instant};

use parts::Scope;
use pool::Pool;

/// The service whose measured requests are drawn from.
const SERVICE: &str = "helpdesk";

/// Prints every table, with so many rollouts a cell.
pub fn print(runs: u64) {
    let pool = Pool::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"), SERVICE);
    println!(
        "Evidence of rollouts on requests of {SERVICE} ({} successes, {} strata, mean score {:.3}), {runs} rollouts a cell",
        pool.requests.len(),
        pool.strata,
        pool.mean_score
    );
    let start = Instant::now();
    let scope = Scope { runs, memories: &[0.0, 0.3, 0.6, 0.8] };
    let few = Scope { runs: (runs / 5).max(2), ..scope };
    parts::unharmed(&pool, scope);
    parts::margin(&pool, scope);
    power::print(&pool, few.runs);
    parts::detection(&pool, Scope { memories: &[0.0, 0.8], ..few });
    for requests_per_minute in [20.0, 200.0] {
        fixed_horizon::print(&pool, requests_per_minute, parts::HARMS[0], (runs * 2 / 5).max(2));
    }
    println!("\nBeyond what is promised: shocks with an autocorrelation of 0.95");
    let stress = Scope { memories: &[0.95], ..few };
    parts::unharmed(&pool, stress);
    parts::margin(&pool, stress);
    println!("\n{:.0} s", start.elapsed().as_secs_f64());
}

/// One rollout a cell of the first table, to keep it alive.
pub fn alive() {
    let pool = Pool::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"), SERVICE);
    parts::unharmed(&pool, Scope { runs: 1, memories: &[0.8] });
}
