//! What each tick does with the slot that has just ended, whether it ticks now or is replayed.

use crate::{
    domain::{Finding, Policy},
    observe::Record,
    orient::Watch,
    stats::{History, history::Slot},
};

/// Whether anybody wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Learn,
    Judge,
}

/// What every service did in one slot.
pub(super) struct Moment {
    /// First minute, since 1970.
    pub start: i64,
    /// Whether all of it is known.
    pub whole: bool,
    pub slots: Vec<(String, Slot)>,
}

impl Moment {
    /// As the record has it.
    pub(super) fn of(record: &Record, start: i64) -> Self {
        let slots = record.slot(start).map(|(service, slot)| (service.to_owned(), slot)).collect();
        Self { start, whole: record.covers(start), slots }
    }
}

/// Remembers what each service did in the slot, and says what of it nobody would have expected.
pub(super) fn step(
    Moment { start, whole, mut slots }: Moment,
    look: Look,
    history: &mut History,
    watch: &mut Watch,
    policy: &Policy,
) -> Vec<Finding> {
    for (service, slot) in &slots {
        history.push(service, slot);
    }
    // A service that always has requests and has none now has not left the record: it did nothing.
    if whole {
        let silent = history.silent(start * 60);
        slots.extend(silent.into_iter().map(|service| (service, Slot::silence(start * 60))));
    }
    let mut findings = Vec::new();
    for (service, slot) in &slots {
        if slot.arms.is_empty() {
            history.push(service, slot);
        }
        // The part of a slot that was read scatters more than whole slots do: it would alarm, or teach that such is usual.
        if !whole {
            continue;
        }
        match look {
            Look::Learn => watch.learn(service, slot),
            Look::Judge => findings.extend(watch.look(service, slot, history, policy)),
        }
    }
    findings
}
