//! The sums of all runs.

use std::time::Duration;

use jiff::Timestamp;

use super::Tick;
use crate::{
    act::Place,
    domain::{
        run::RunReport,
        tally::{Ending, Tally},
    },
    state::{StateError, Store, Table, Wanted},
};

/// The entry of [`Table::Notes`].
pub const TALLY: &str = "tally";

/// How a run came to its end.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    pub ending: Ending,
    pub took: Duration,
    pub at: Timestamp,
    /// US dollars that completed changes spared in hours that were not counted before, and the end of the last of these.
    pub saved_usd: Option<(f64, Timestamp)>,
}

impl Tick<'_> {
    /// Reads what is summed up, and the runs that were begun and never ended.
    pub(super) fn read_sums(&mut self, store: &mut Store) -> Result<(), StateError> {
        self.book.look_up(store, Table::Notes, TALLY)?;
        self.book.read(store, Table::Ticks, Wanted { state: Some("running"), ..Wanted::default() })
    }

    /// Records those that died before this one, with the next commit: whoever holds the lease is the only one that runs. Their ids.
    pub fn count_killed(&mut self) -> Result<Vec<String>, StateError> {
        let rows = self.book.rows(Table::Ticks).filter(|row| row.state == "running" && row.id != self.setup.id);
        let killed: Vec<String> = rows.map(|row| row.id.clone()).collect();
        for id in &killed {
            let Some(report) = self.book.get::<RunReport>(Table::Ticks, id)? else { continue };
            let place = Place { service: "", state: "killed", now: report.started_at };
            self.book.put(Table::Ticks, id, place, &report);
        }
        if !killed.is_empty() {
            let tally = self.tally()?.with_killed(killed.len() as u64);
            self.put_tally(&tally);
        }
        Ok(killed)
    }

    /// Adds this run, and is written with the next commit.
    pub fn count(&mut self, report: &RunReport, ended: &Ended) -> Result<Tally, StateError> {
        let tally = self.tally()?.after(report, ended.ending, ended.took, ended.at);
        let tally = ended.saved_usd.into_iter().fold(tally, |tally, (usd, until)| tally.with_saved(usd, until));
        self.put_tally(&tally);
        Ok(tally)
    }

    /// Adds what an operator's command did, which is no run.
    pub fn count_deeds(&mut self, report: &RunReport) -> Result<(), StateError> {
        let tally = self.tally()?.acted(report);
        self.put_tally(&tally);
        Ok(())
    }

    /// Up to when it was counted what completed changes spared.
    pub fn saved_until(&self) -> Result<Option<Timestamp>, StateError> {
        Ok(self.tally()?.saved_until)
    }

    fn tally(&self) -> Result<Tally, StateError> {
        Ok(self.book.get(Table::Notes, TALLY)?.unwrap_or_default())
    }

    fn put_tally(&mut self, tally: &Tally) {
        let place = Place { service: "", state: "known", now: self.setup.now };
        self.book.put(Table::Notes, TALLY, place, tally);
    }
}
