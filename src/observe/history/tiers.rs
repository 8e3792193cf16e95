//! Which slots are kept, and which are made of which: from what is stored and what was read anew, what is to be written.
//!
//! What is stored only ever gets better: a slot gives way to one that knows as many minutes and has at least as many rows, so a
//! source that has lost its old rows, or a run in the wrong order, destroys nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{Cells, Fresh, figures, pack};
use crate::{domain::Grain, stats::history::KEPT_DAYS};

/// Rollups of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    pub grain: Grain,
    /// For so long after the end of the UTC day in which they lie.
    pub kept_days: i64,
}

/// The finest first; each is a whole number of those before.
pub const TIERS: [Tier; 3] = [
    Tier { grain: Grain::QuarterHour, kept_days: 7 },
    Tier { grain: Grain::Hour, kept_days: 30 },
    Tier { grain: Grain::Day, kept_days: KEPT_DAYS },
];

/// What is known is read again for so long, because rows come late.
pub const REREAD: SignedDuration = SignedDuration::from_hours(2);

/// How far a slot is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Of the slot's own length; fewer where something is missing.
    pub minutes: i64,
    /// Of the source.
    pub rows: u64,
}

/// What is stored, by length and first minute (since 1970).
pub type Heads = BTreeMap<(Grain, i64), Head>;

/// A slot as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSlot {
    pub grain: Grain,
    /// First minute, since 1970.
    pub start: i64,
    pub head: Head,
    /// What is asked for often; empty in the finest tier.
    pub figures: String,
    /// Every sum and sketch.
    pub body: String,
}

/// What is to be done to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// To be written, in the place of what is there.
    pub put: Vec<KeptSlot>,
    /// To be forgotten.
    pub drop: Vec<(Grain, i64)>,
    /// Slots of the finest tier that the source has fewer rows of than it had.
    pub poorer: Vec<i64>,
    /// What is stored then.
    pub heads: Heads,
}

/// How far back from `end` the source has to be read: [`REREAD`] and all that is missing, as far as the finest tier goes.
#[must_use]
pub fn reread(heads: &Heads, end: Timestamp) -> SignedDuration {
    let Tier { grain, kept_days } = TIERS[0];
    let farthest = SignedDuration::from_hours(24 * kept_days);
    let now = end.as_second().div_euclid(60);
    let newest = of(heads, grain).map(|(start, _)| start + grain.minutes()).take_while(|known| *known <= now).last();
    newest.map_or(farthest, |known| (SignedDuration::from_mins(now + 1 - known) + REREAD).min(farthest))
}

/// What becomes of the store when this was read. `stored` gives the bodies of what it holds in a range of first minutes.
pub fn caught_up<E: From<serde_json::Error>>(
    heads: &Heads,
    fresh: &Fresh,
    mut stored: impl FnMut(Grain, Range<i64>) -> Result<BTreeMap<i64, String>, E>,
) -> Result<Change, E> {
    let grain = TIERS[0].grain;
    let mut change = Change { heads: heads.clone(), ..Change::default() };
    let newest = of(heads, grain).map(|(start, _)| start).next_back().max(fresh.whole.keys().last().copied());
    let Some(known_until) = newest.map(|start| start + grain.minutes()) else { return Ok(change) };
    let kept = |start: i64| !outlived(TIERS[0], start, known_until);
    let fresh: BTreeMap<i64, &Cells> =
        fresh.whole.iter().filter(|(at, _)| kept(**at)).map(|(at, c)| (*at, c)).collect();
    let made = fresh.into_par_iter().map(|(start, cells)| slot(grain, start, grain.minutes(), cells)).collect();
    let mut touched = offer(made, &mut change, &mut stored)?;
    for pair in TIERS.windows(2) {
        let (finer, coarser) = (pair[0].grain, pair[1].grain);
        let mut due: BTreeSet<i64> = touched.iter().map(|start| coarser.start(*start)).collect();
        let held = of(&change.heads, finer).map(|(start, _)| coarser.start(start));
        due.extend(held.filter(|start| !change.heads.contains_key(&(coarser, *start))));
        due.retain(|start| start + coarser.minutes() <= known_until);
        let mut parts = Vec::new();
        for start in due {
            parts.push((start, bodies(finer, start..start + coarser.minutes(), &change, &mut stored)?));
        }
        let made = parts.into_par_iter().map(|(start, parts)| {
            let mut all = Cells::new();
            for text in parts.values() {
                for (key, totals) in pack::to_cells(text)? {
                    all.entry(key).or_default().absorb(&totals.counts, &totals.histograms);
                }
            }
            let minutes = parts.keys().map(|part| change.heads[&(finer, *part)].minutes).sum();
            Ok(slot(coarser, start, minutes, &all))
        });
        let made = made.collect::<Result<Vec<KeptSlot>, serde_json::Error>>()?;
        touched = offer(made, &mut change, &mut stored)?;
    }
    forget(&mut change, known_until);
    Ok(change)
}

/// What is stored of one length, ascending.
fn of(heads: &Heads, grain: Grain) -> impl DoubleEndedIterator<Item = (i64, Head)> {
    heads.range((grain, i64::MIN)..=(grain, i64::MAX)).map(|((_, start), head)| (*start, *head))
}

fn slot(grain: Grain, start: i64, minutes: i64, cells: &Cells) -> KeptSlot {
    let figures = match grain {
        Grain::Hour => figures::of_hour(start, minutes == grain.minutes(), cells),
        Grain::Day => figures::of_day(start, cells),
        _ => String::new(),
    };
    let rows = cells.values().map(|totals| totals.counts.rows).sum();
    KeptSlot { grain, start, head: Head { minutes, rows }, figures, body: pack::of_cells(cells) }
}

/// Takes slots of one length into the change, where they are as good as what is stored and differ. Gives those it took.
fn offer<E>(
    made: Vec<KeptSlot>,
    change: &mut Change,
    stored: &mut impl FnMut(Grain, Range<i64>) -> Result<BTreeMap<i64, String>, E>,
) -> Result<Vec<i64>, E> {
    let there = made.iter().filter(|slot| change.heads.contains_key(&(slot.grain, slot.start)));
    let ends = (there.clone().map(|slot| slot.start).min(), there.map(|slot| (slot.grain, slot.start)).max());
    let known = match ends {
        (Some(first), Some((grain, last))) => stored(grain, first..last + 1)?,
        _ => BTreeMap::new(),
    };
    let mut taken = Vec::new();
    for slot in made {
        let Head { minutes, rows } = slot.head;
        match change.heads.get(&(slot.grain, slot.start)) {
            Some(held) if held.minutes > minutes || held.rows > rows => {
                if slot.grain == TIERS[0].grain {
                    change.poorer.push(slot.start);
                }
                continue;
            }
            Some(_) if known.get(&slot.start) == Some(&slot.body) => continue,
            _ => {}
        }
        change.heads.insert((slot.grain, slot.start), slot.head);
        taken.push(slot.start);
        change.put.push(slot);
    }
    Ok(taken)
}

/// Bodies of a range as they will be stored.
fn bodies<E>(
    grain: Grain,
    range: Range<i64>,
    change: &Change,
    stored: &mut impl FnMut(Grain, Range<i64>) -> Result<BTreeMap<i64, String>, E>,
) -> Result<BTreeMap<i64, String>, E> {
    let new = change.put.iter().filter(|slot| slot.grain == grain && range.contains(&slot.start));
    let new: BTreeMap<i64, String> = new.map(|slot| (slot.start, slot.body.clone())).collect();
    let held = of(&change.heads, grain).filter(|(start, _)| range.contains(start)).count();
    let mut all = if new.len() < held { stored(grain, range)? } else { BTreeMap::new() };
    all.extend(new);
    Ok(all)
}

/// Whether the time of a slot is over when the newest slot ends at `now`.
fn outlived(tier: Tier, start: i64, now: i64) -> bool {
    Grain::Day.start(start) + (1 + tier.kept_days) * Grain::Day.minutes() <= now
}

/// Whole days that are past their time go, where the next tier has what they come to. Time is that of the traffic: a clock that is
/// wrong drops nothing.
fn forget(change: &mut Change, now: i64) {
    for (place, tier) in TIERS.iter().enumerate() {
        let coarser = TIERS.get(place + 1).map(|tier| tier.grain);
        let summed = |start: i64| coarser.is_none_or(|grain| change.heads.contains_key(&(grain, grain.start(start))));
        let old = of(&change.heads, tier.grain).map(|(start, _)| start).filter(|start| outlived(*tier, *start, now));
        let gone: Vec<i64> = old.filter(|start| summed(*start)).collect();
        for start in gone {
            change.heads.remove(&(tier.grain, start));
            change.drop.push((tier.grain, start));
        }
    }
    let dropped: BTreeSet<(Grain, i64)> = change.drop.iter().copied().collect();
    change.put.retain(|slot| !dropped.contains(&(slot.grain, slot.start)));
}

#[cfg(test)]
mod tests;
