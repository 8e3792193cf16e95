//! The history that the store holds: caught up from the source, and what it says.

use std::{collections::BTreeMap, ops::Range};

use jiff::{SignedDuration, Timestamp};
use rayon::{iter::ParallelIterator as _, prelude::IntoParallelRefIterator as _};

use super::{
    Failure,
    ticking::{Look, Moment, step},
};
use crate::{
    domain::{Finding, Grain, Policy, format::counted, run::HistoryHeld},
    observe::{
        REFERENCE_DAYS,
        history::{self, Change, Fresh, Head, Heads, KeptSlot, TIERS, Tier, instant},
    },
    orient::Watch,
    state::{Commit, SlotHead, SlotRow, SlotText, StateError, Store},
    stats::{History, Observation, history::KEPT_DAYS},
};

const DAY: i64 = 1_440;
const HOUR: Tier = TIERS[1];

/// What former runs and this one know of the traffic.
pub(super) struct Past {
    pub history: History,
    /// What nobody would have expected of the hours of the window.
    pub sudden: Vec<Finding>,
    change: Change,
}

/// How far back from `end` the source is to be read, and what is stored.
pub(super) fn missing(store: &mut Store, end: Timestamp) -> Result<SignedDuration, Failure> {
    Ok(history::reread(&heads(store)?, end))
}

fn heads(store: &mut Store) -> Result<Heads, StateError> {
    let known = |row: SlotHead| {
        let grain: Grain = row.grain.parse().ok()?;
        Some(((grain, row.start), Head { minutes: row.minutes, rows: row.rows.unsigned_abs() }))
    };
    Ok(store.slot_heads()?.into_iter().filter_map(known).collect())
}

/// Catches the history up with what was read, and gives the observation its former days. Nothing is written.
pub(super) fn caught_up(
    store: &mut Store,
    fresh: Option<&Fresh>,
    observation: &mut Observation,
    policy: &Policy,
) -> Result<Past, Failure> {
    let heads = heads(store)?;
    let change = match fresh {
        Some(fresh) => history::caught_up(&heads, fresh, |grain, range| {
            let texts = store.slot_texts(grain.name(), range, SlotText::Body).map_err(Trouble::State)?;
            Ok::<_, Trouble>(texts.into_iter().collect())
        })?,
        None => Change { heads, ..Change::default() },
    };
    if !change.poorer.is_empty() {
        tracing::warn!(
            "the source has fewer rows of {} than were read before, the first at {}: what is stored stays",
            counted(change.poorer.len() as u64, "quarter of an hour"),
            instant(change.poorer[0])
        );
    }
    let stored = texts(store, &change, HOUR.grain, i64::MIN..i64::MAX, SlotText::Figures)?;
    let newest = newest(fresh, stored.last_key_value().map_or(i64::MIN, |(start, _)| start + HOUR.grain.minutes()));
    let whole = |start: &&i64| change.heads[&(HOUR.grain, **start)].minutes == HOUR.grain.minutes();
    let last = newest.iter().filter(|hour| hour.whole).map(|hour| hour.start).next_back();
    let last = last.or(stored.keys().rfind(whole).copied()).map_or(i64::MIN, |start| start + HOUR.grain.minutes());
    let window = observation.windows.window;
    let first_of_window = last.saturating_sub((window.seconds() / 60.0).ceil() as i64);
    let mut seen = Seen::default();
    let stored: Vec<(i64, String)> = stored.into_iter().collect();
    // A day at a time: the figures of a month are far more than what is remembered of them.
    for day in stored.chunks(24) {
        let read = |(start, text): &(i64, String)| {
            let slots = history::slots(*start, text).map_err(|cause| unreadable(HOUR.grain, *start, cause))?;
            Ok(Moment { start: *start, whole: whole(&start), slots })
        };
        let hours: Vec<Moment> = day.par_iter().map(read).collect::<Result<_, StateError>>()?;
        seen.follow(hours, first_of_window, policy);
    }
    drop(stored);
    seen.follow(newest, first_of_window, policy);
    let Seen { known, since, mut history, sudden, .. } = seen;
    let days = days_before(store, &change, observation, &since)?;
    for (service, reference) in days {
        if let Some(evidence) = observation.services.get_mut(&service) {
            evidence.reference = Some(reference);
        }
    }
    spend(store, &change, &known, &mut history)?;
    Ok(Past { history, sudden, change })
}

/// What was seen hour after hour.
struct Seen {
    /// First minutes, and whether all of the hour is known.
    known: Vec<(i64, bool)>,
    /// The first hour of each service.
    since: BTreeMap<String, i64>,
    history: History,
    watch: Watch,
    sudden: Vec<Finding>,
}

impl Default for Seen {
    fn default() -> Self {
        let history = History::new(HOUR.grain.minutes() * 60);
        let (known, since, sudden) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { known, since, history, watch: Watch::default(), sudden }
    }
}

impl Seen {
    /// Goes on with later hours; those of the window are judged.
    fn follow(&mut self, hours: Vec<Moment>, first_of_window: i64, policy: &Policy) {
        for hour in hours {
            self.known.push((hour.start, hour.whole));
            for (service, _) in &hour.slots {
                if !self.since.contains_key(service) {
                    self.since.insert(service.clone(), hour.start);
                }
            }
            let look = if hour.start >= first_of_window { Look::Judge } else { Look::Learn };
            self.sudden.extend(step(hour, look, &mut self.history, &mut self.watch, policy));
        }
    }
}

/// Hours from a minute on that were read and are not stored, ascending: the newest is not over.
fn newest(fresh: Option<&Fresh>, from: i64) -> Vec<Moment> {
    let hours = fresh.into_iter().flat_map(|fresh| fresh.hours(from));
    hours.map(|(start, whole, slots)| Moment { start, whole, slots }).collect()
}

/// What services did at the hours of the window on the days before. A day of which something is missing is left out.
fn days_before(
    store: &mut Store,
    change: &Change,
    observation: &Observation,
    since: &BTreeMap<String, i64>,
) -> Result<BTreeMap<String, crate::stats::Reference>, Failure> {
    let window = observation.windows.window;
    let minute = |at: Timestamp| at.as_second().div_euclid(60);
    let grain = HOUR.grain;
    let (from, to) = (grain.start(minute(window.start())), grain.start(minute(window.end()) + 59));
    let mut days = Vec::new();
    for day in (1..).take(REFERENCE_DAYS) {
        let range = from - day * DAY..to - day * DAY;
        let whole = |start| change.heads.get(&(grain, start)).is_some_and(|head| head.minutes == grain.minutes());
        if range.clone().step_by(grain.minutes() as usize).all(whole) {
            let start = range.start;
            days.push((start, texts(store, change, grain, range, SlotText::Body)?.into_values().collect()));
        }
    }
    Ok(history::references(days, &window, since).map_err(|cause| unreadable(grain, from, cause))?)
}

/// Spend by day, as far as days are kept. A day of which an hour is missing is unknown, not cheap.
fn spend(store: &mut Store, change: &Change, hours: &[(i64, bool)], history: &mut History) -> Result<(), Failure> {
    let (Some((first, _)), Some((newest, _))) = (hours.first(), hours.last()) else { return Ok(()) };
    let first_day = Grain::Day.start(*first);
    let days = texts(store, change, Grain::Day, first_day - KEPT_DAYS * DAY..first_day, SlotText::Figures)?;
    let mut unknown: Vec<i64> = Vec::new();
    let mut expected = days.first_key_value().map(|(start, _)| *start);
    for (start, text) in &days {
        unknown.extend((expected.unwrap_or(*start)..*start).step_by(DAY as usize));
        expected = Some(start + DAY);
        if change.heads[&(Grain::Day, *start)].minutes < DAY {
            unknown.push(*start);
            continue;
        }
        for spent in history::day_spend(text).map_err(|cause| unreadable(Grain::Day, *start, cause))? {
            history.services.entry(spent.service).or_default().spend_by_day.insert(start / DAY, spent.usd);
        }
    }
    unknown.extend((expected.unwrap_or(first_day)..first_day).step_by(DAY as usize));
    let step = HOUR.grain.minutes();
    // Where nothing is known of the days before, time begins with the first hour.
    let begin = if days.is_empty() { *first } else { first_day };
    let mut known = hours.iter().filter(|(start, whole)| *whole || start == newest).map(|(start, _)| *start).peekable();
    for hour in (begin..*newest).step_by(step as usize) {
        while known.next_if(|start| *start < hour).is_some() {}
        if known.peek() != Some(&hour) {
            unknown.push(Grain::Day.start(hour));
        }
    }
    for service in history.services.values_mut() {
        service.spend_by_day.extend(unknown.iter().map(|day| (day.div_euclid(DAY), None)));
    }
    // What was before the first day that is whole says nothing about it.
    let since = days.keys().find(|start| !unknown.contains(start)).copied().unwrap_or(begin);
    history.since = Some(since * 60);
    Ok(())
}

/// Texts of the slots of one length as they will be stored.
fn texts(
    store: &mut Store,
    change: &Change,
    grain: Grain,
    range: Range<i64>,
    text: SlotText,
) -> Result<BTreeMap<i64, String>, StateError> {
    let stored = store.slot_texts(grain.name(), range.clone(), text)?;
    let mut all: BTreeMap<i64, String> =
        stored.into_iter().filter(|(start, _)| change.heads.contains_key(&(grain, *start))).collect();
    for slot in change.put.iter().filter(|slot| slot.grain == grain && range.contains(&slot.start)) {
        let new = if text == SlotText::Figures { &slot.figures } else { &slot.body };
        all.insert(slot.start, new.clone());
    }
    Ok(all)
}

fn unreadable(grain: Grain, start: i64, cause: serde_json::Error) -> StateError {
    StateError::Unreadable { what: format!("the history ({} from {} on)", grain.name(), instant(start)), cause }
}

/// What can go wrong while slots are compared.
#[derive(Debug)]
enum Trouble {
    State(StateError),
    Text(serde_json::Error),
}

impl From<serde_json::Error> for Trouble {
    fn from(cause: serde_json::Error) -> Self {
        Self::Text(cause)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::State(error) => error.into(),
            Trouble::Text(cause) => StateError::Unreadable { what: "the history".to_owned(), cause }.into(),
        }
    }
}

impl Past {
    /// What is to be written, beside the rest of a run.
    pub(super) fn commit(&self, commit: Commit) -> Commit {
        let row = |slot: &KeptSlot| SlotRow {
            head: SlotHead {
                grain: slot.grain.name().to_owned(),
                start: slot.start,
                minutes: slot.head.minutes,
                rows: slot.head.rows.cast_signed(),
            },
            figures: slot.figures.clone(),
            body: slot.body.clone(),
        };
        let outlived = self.change.drop.iter().map(|(grain, start)| (grain.name().to_owned(), *start));
        Commit { slots: self.change.put.iter().map(row).collect(), outlived: outlived.collect(), ..commit }
    }

    /// What is kept then; none where nothing is.
    pub(super) fn held(&self) -> Option<HistoryHeld> {
        let Change { put, drop, poorer, heads } = &self.change;
        let count = |tier: usize| heads.keys().filter(|(grain, _)| *grain == TIERS[tier].grain).count() as u64;
        // As fine as the oldest is known: a day may have begun before the log did.
        let first = |from: Option<i64>, tier: &Tier| {
            let own = heads.range((tier.grain, i64::MIN)..=(tier.grain, i64::MAX)).next().map(|((_, start), _)| *start);
            let coarser = if tier.grain == HOUR.grain { Grain::Day } else { HOUR.grain };
            let inside = |start: &i64| from.is_none_or(|from| *start < from || coarser.start(*start) == from);
            own.filter(inside).or(from)
        };
        Some(HistoryHeld {
            from: instant(TIERS.iter().rev().fold(None, first)?),
            until: instant(heads.keys().map(|(grain, start)| start + grain.minutes()).max()?),
            quarter_hours: count(0),
            hours: count(1),
            days: count(2),
            written: put.len() as u64,
            dropped: drop.len() as u64,
            kept: poorer.len() as u64,
        })
    }
}
