//! What is kept of a source, so that nobody has to read it again: rollups in tiers, the finer the shorter they are kept.

mod figures;
mod pack;
mod tiers;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Engine, ObserveError, Record, Request, Stage,
    cut::{Cut, cut},
    fold::CellKey,
    totals::Totals,
};
use crate::{domain::Grain, stats::history::Slot};

pub use figures::{DaySpend, day_spend, references, slots};
pub use tiers::{Change, Head, Heads, KeptSlot, REREAD, TIERS, Tier, caught_up, reread};

/// What requests of a slot add up to. A slot without any is known to have had none.
type Cells = BTreeMap<CellKey, Totals>;

/// What was read of a source to catch up.
#[derive(Debug)]
pub struct Fresh {
    /// Slots of the finest tier of which all was read, by first minute.
    whole: BTreeMap<i64, Cells>,
    /// All that was read, by the hour.
    hours: Record,
}

/// Reads the lookback of a source for the finest tier. None where it holds no requests then.
pub fn fresh(engine: &Engine, request: &Request<'_>, progress: &dyn Fn(Stage)) -> Result<Option<Fresh>, ObserveError> {
    let cut = match cut(engine, request, TIERS[0].grain, progress) {
        Err(ObserveError::NothingInWindow { .. } | ObserveError::NoMeasure) => return Ok(None),
        cut => cut?,
    };
    Ok((!cut.lanes.is_empty()).then(|| cut.into()))
}

impl From<Cut> for Fresh {
    fn from(cut: Cut) -> Self {
        let mut whole: BTreeMap<i64, Cells> = cut.whole().into_iter().map(|slot| (slot, Cells::new())).collect();
        for (key, slots) in &cut.lanes {
            for (at, (totals, _)) in slots {
                if let Some(cells) = whole.get_mut(at) {
                    cells.insert(key.clone(), totals.clone());
                }
            }
        }
        Self { whole, hours: cut.coarser(Grain::Hour).into() }
    }
}

impl Fresh {
    /// Hours that were read from their first minute on and start at `from` or later, ascending: first minute, whether all of it
    /// is known, and what each service did.
    pub fn hours(&self, from: i64) -> impl Iterator<Item = (i64, bool, Vec<(String, Slot)>)> {
        let asked = self.hours.asked().start();
        let begun = move |hour: &i64| *hour >= from && instant(*hour) >= asked;
        self.hours.slots().into_iter().filter(begun).map(|hour| {
            let slots = self.hours.slot(hour).map(|(service, slot)| (service.to_owned(), slot)).collect();
            (hour, self.hours.covers(hour), slots)
        })
    }
}

/// What is wrong with the texts of a slot that is stored; none where both can be read.
#[must_use]
pub fn damage(grain: &str, start: i64, figures: &str, body: &str) -> Option<String> {
    let read = match grain.parse() {
        Ok(Grain::Hour) => figures::slots(start, figures).map(drop),
        Ok(Grain::Day) => day_spend(figures).map(drop),
        Ok(_) => Ok(()),
        Err(unknown) => return Some(unknown),
    };
    read.and_then(|()| pack::to_cells(body).map(drop)).err().map(|cause| format!("it cannot be read ({cause})"))
}

/// The instant of a minute since 1970.
#[must_use]
pub fn instant(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).expect("times of events lie within ours")
}
