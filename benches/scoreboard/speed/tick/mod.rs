//! The part `tick`: pushing to many services, and how long a whole tick takes while many rollouts are under way and years are remembered.

mod flight;
mod history;
mod made;
mod orchestrator;
mod push;
mod traffic;

#[path = "../../../../tests/support/postgres.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod postgres;

use std::path::Path;

use serde_json::json;

pub use orchestrator::serve_if_asked;
pub use push::of_pushes;

use super::median;
use crate::table::{Table, rounded};
use flight::{Flight, Seconds};
use orchestrator::Remote;

/// What is under way, and what is remembered.
#[derive(Debug, Clone)]
pub struct Remembered<'a> {
    /// Rollouts under way.
    pub in_flight: usize,
    /// Services that had a rollout in each week.
    pub services: usize,
    /// After which a tick is measured, with a name; ascending.
    pub weeks: &'a [(&'a str, u32)],
}

/// Whole ticks in which everything takes a step, without the reading of the traffic: on a SQLite file, and on PostgreSQL where it is there.
pub fn of_ticks(remembered: &Remembered<'_>, as_json: bool) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let columns = [
        "store",
        "history",
        "ticks",
        "rollouts",
        "store_mb",
        "in_flight",
        "seconds",
        "ratio",
        "open_ms",
        "reconcile_ms",
        "past_ms",
        "look_ms",
        "commit_ms",
        "push_ms",
        "quiet_s",
        "status_ms",
    ];
    let mut table = Table::new("speed of a tick", &columns);
    let file = folder.path().join("state.db");
    measure(&format!("sqlite:{}", file.display()), Some(&file), remembered, &mut table);
    let installed = glob::glob("/usr/lib/postgresql/*/bin/postgres").is_ok_and(|mut found| found.next().is_some());
    if installed {
        let server = postgres::Server::shared();
        server.database("ticks");
        measure(&server.url("ticks"), None, remembered, &mut table);
    }
    table.print(as_json);
}

fn measure(address: &str, file: Option<&Path>, remembered: &Remembered<'_>, table: &mut Table) {
    let orchestrator = Remote::start();
    let mut flight = Flight::new(address, &orchestrator.url);
    let name = address.split(':').next().unwrap_or_default();
    let mut first = None;
    let (mut week, services) = (0, remembered.services);
    for (history, weeks) in [("none", 0)].iter().chain(remembered.weeks) {
        while week < *weeks {
            history::week(&mut flight, week, services);
            week += 1;
        }
        flight.take_off(remembered.in_flight);
        // A step each, to a quarter, a half and all of the traffic.
        let busy: Vec<Seconds> = (0..3).map(|_| flight.tick()).collect();
        let quiet = flight.tick();
        let status = flight.status();
        flight.land();
        let middle = |of: fn(&Seconds) -> f64| median(busy.iter().map(of).collect());
        let seconds = middle(Seconds::sum);
        let before = *first.get_or_insert(seconds);
        let bytes = file.and_then(|file| file.metadata().ok()).map(|about| about.len());
        let millis = |of: fn(&Seconds) -> f64| rounded(1e3 * middle(of), 0);
        table.push(vec![
            json!(name),
            json!(history),
            json!(u64::from(week) * history::TICKS),
            json!(u64::from(week) * services as u64),
            bytes.map_or(json!(null), |bytes| rounded(bytes as f64 / 1e6, 0)),
            json!(remembered.in_flight),
            rounded(seconds, 2),
            rounded(seconds / before, 2),
            millis(|seconds| seconds.open),
            millis(|seconds| seconds.reconcile),
            millis(|seconds| seconds.past),
            millis(|seconds| seconds.look),
            millis(|seconds| seconds.commit),
            millis(|seconds| seconds.push),
            rounded(quiet.sum(), 2),
            rounded(1e3 * status, 0),
        ]);
    }
}
