//! A source cut into slots, from which the observation of any tick inside it can be added up: the same rows a run at that
//! time would have seen, without reading them again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    Engine, ObserveError, Request, Stage,
    cut::{Buckets, Cut, Slots, add, cut},
    kept::KeptHour,
    totals::Totals,
};
use crate::{
    domain::{
        Arm, Grain, Segment, Window,
        plan::{SourceSummary, UntilSource, Windows},
    },
    stats::{
        ArmEvidence, Figures, Observation, Reference, Requests, Rollup, ServiceEvidence,
        history::{Slot, priced, spend, values},
    },
};

/// A span is cut into about this many of them; more are put together.
const MOST_BUCKETS: i64 = 96;

const DAY_MINUTES: i64 = 1_440;

/// Days before the window whose same hours are what it is held against.
pub const REFERENCE_DAYS: usize = 7;

/// What is served alike: the cells of one arm in one segment, added up.
#[derive(Debug)]
struct Lane {
    segment: Segment,
    arm: Arm,
    /// Ascending in time.
    slots: Vec<Piece>,
    /// The same by the hour; empty where slots are that long.
    hours: Vec<Piece>,
}

/// A slot or an hour of a lane.
#[derive(Debug)]
struct Piece {
    /// First minute, since 1970.
    at: i64,
    totals: Totals,
    /// The same in shorter pieces, by first minute; only of slots.
    buckets: Buckets,
}

impl Piece {
    fn spend_usd(&self) -> f64 {
        self.buckets.values().map(|buckets| buckets[1].sum).sum()
    }
}

/// A source, cut into slots.
#[derive(Debug)]
pub struct Record {
    grain: Grain,
    /// What the source was asked for.
    asked: Window,
    until: UntilSource,
    source: SourceSummary,
    figures: BTreeMap<String, Vec<Figures>>,
    services: BTreeMap<String, Vec<Lane>>,
}

/// Reads the lookback of a source and cuts it into slots.
pub fn record(
    engine: &Engine,
    request: &Request<'_>,
    grain: Grain,
    progress: &dyn Fn(Stage),
) -> Result<Record, ObserveError> {
    Ok(cut(engine, request, grain, progress)?.into())
}

impl From<Cut> for Record {
    fn from(cut: Cut) -> Self {
        let Cut { grain, asked, until, source, figures, lanes: made } = cut;
        let mut services: BTreeMap<String, Vec<Lane>> = BTreeMap::new();
        for (key, slots) in made {
            let (service, segment, arm) = key.shown();
            let hours = hours(grain, &slots);
            let slots = slots.into_iter().map(|(at, (totals, buckets))| Piece { at, totals, buckets }).collect();
            services.entry(service).or_default().push(Lane { segment, arm, slots, hours });
        }
        Self { grain, asked, until, source, figures, services }
    }
}

fn hours(grain: Grain, slots: &Slots) -> Vec<Piece> {
    let mut hours: BTreeMap<i64, Totals> = BTreeMap::new();
    for (slot, (totals, _)) in slots.iter().filter(|_| grain < Grain::Hour) {
        hours.entry(Grain::Hour.start(*slot)).or_default().absorb(&totals.counts, &totals.histograms);
    }
    let piece = |(at, totals)| Piece { at, totals, buckets: Buckets::default() };
    hours.into_iter().map(piece).collect()
}

impl Record {
    #[must_use]
    pub fn grain(&self) -> Grain {
        self.grain
    }

    /// What the source was asked for.
    #[must_use]
    pub fn asked(&self) -> Window {
        self.asked
    }

    #[must_use]
    pub fn source(&self) -> &SourceSummary {
        &self.source
    }

    /// Starts of all slots between the oldest and the newest row, in minutes since 1970; also of those without a row. Where
    /// the end was asked for, or is that of the clock, up to there: silence until then is news too.
    #[must_use]
    pub fn slots(&self) -> Vec<i64> {
        let Some((first, last)) = self.edges() else { return Vec::new() };
        (first..=last).step_by(self.grain.minutes() as usize).collect()
    }

    /// The first and the last slot.
    fn edges(&self) -> Option<(i64, i64)> {
        let lanes = || self.services.values().flatten();
        let first = lanes().filter_map(|lane| lane.slots.first()).map(|piece| piece.at).min();
        let last = lanes().filter_map(|lane| lane.slots.last()).map(|piece| piece.at).max();
        let (first, mut last) = (first?, last?);
        if self.until != UntilSource::NewestEvent {
            let whole = minutes(&self.asked).1 - self.grain.minutes();
            last = last.max(self.grain.start(whole));
        }
        Some((first, last))
    }

    /// The end of a slot.
    #[must_use]
    pub fn end_of(&self, slot: i64) -> Timestamp {
        instant(slot + self.grain.minutes())
    }

    /// Names of all services.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    /// Hours of a service that start in `[from, to)`, ascending; those without a request are absent.
    #[must_use]
    pub fn hours(&self, service: &str, from: Timestamp, to: Timestamp) -> Vec<KeptHour> {
        let span = (from.as_second().div_euclid(60), to.as_second().div_euclid(60));
        let mut hours: BTreeMap<i64, Totals> = BTreeMap::new();
        for lane in self.services.get(service).into_iter().flatten() {
            for piece in range(if lane.hours.is_empty() { &lane.slots } else { &lane.hours }, span) {
                hours.entry(piece.at).or_default().absorb(&piece.totals.counts, &piece.totals.histograms);
            }
        }
        hours.iter().map(|(at, totals)| KeptHour::new(instant(*at), totals)).collect()
    }

    /// When the newest config version of a service was first seen; none where there has been only one.
    #[must_use]
    pub fn changed_at(&self, service: &str) -> Option<Timestamp> {
        let mut since: BTreeMap<&str, i64> = BTreeMap::new();
        for lane in self.services.get(service).into_iter().flatten() {
            if let (Some(version), Some(first)) = (&lane.arm.config_version, lane.slots.first()) {
                let known = since.entry(version).or_insert(first.at);
                *known = first.at.min(*known);
            }
        }
        if since.len() < 2 { None } else { since.into_values().max().map(instant) }
    }

    /// Whether all that happened in the slot that starts at this minute can be in the record.
    #[must_use]
    pub fn covers(&self, start: i64) -> bool {
        let (from, to) = (instant(start), instant(start + self.grain.minutes()));
        // At the edges of what was read, a slot may hold less than happened.
        let whole = from >= self.asked.start() && (to <= self.asked.end() || self.until == UntilSource::NewestEvent);
        let newest = self.source.newest_event.unwrap_or(to);
        // The log ends inside this slot: who knows whether the traffic did.
        let cut = newest < to && newest >= from && newest.duration_since(from) < to.duration_since(from) * 9 / 10;
        whole && !cut
    }

    /// How much of a window the source can know about; none where that is less than half of it, too little for a rate.
    fn covered_minutes(&self, window: &Window) -> Option<f64> {
        let known = match self.until {
            UntilSource::NewestEvent => self.source.newest_event,
            UntilSource::Flag | UntilSource::Clock => Some(self.asked.end()),
        };
        let (from, to) = (window.start().max(self.asked.start()), known.unwrap_or(window.end()).min(window.end()));
        let seconds = to.duration_since(from).as_secs_f64();
        (2.0 * seconds >= window.seconds()).then_some(seconds / 60.0)
    }

    /// Slots of one service that hold a request, by first minute, ascending.
    #[must_use]
    pub fn rollups(&self, service: &str) -> Vec<(i64, Rollup)> {
        let mut slots: BTreeMap<i64, Totals> = BTreeMap::new();
        for piece in self.services.get(service).into_iter().flatten().flat_map(|lane| &lane.slots) {
            slots.entry(piece.at).or_default().absorb(&piece.totals.counts, &piece.totals.histograms);
        }
        slots.into_iter().map(|(at, totals)| (at, totals.rollup())).collect()
    }

    /// Spend of all services together in every slot, by first minute, ascending; none where a cost is unknown.
    #[must_use]
    pub fn spend(&self) -> Vec<(i64, Option<f64>)> {
        let mut slots: BTreeMap<i64, (Requests, f64)> =
            self.slots().into_iter().map(|at| (at, Default::default())).collect();
        for piece in self.services.values().flatten().flat_map(|lane| &lane.slots) {
            let (requests, usd) = slots.entry(piece.at).or_default();
            (*requests, *usd) = (requests.merged(&piece.totals.requests()), *usd + piece.spend_usd());
        }
        slots.into_iter().map(|(at, (requests, usd))| (at, priced(&requests).then_some(usd))).collect()
    }

    /// What each service did in the slot that starts at this minute.
    pub fn slot(&self, start: i64) -> impl Iterator<Item = (&str, Slot)> {
        let minutes = self.grain.minutes();
        let length = self.covers(start).then_some(minutes as f64);
        self.services.iter().filter_map(move |(service, lanes)| {
            let mut arms: BTreeMap<&Arm, Totals> = BTreeMap::new();
            let mut all = Totals::default();
            for lane in lanes {
                let Ok(place) = lane.slots.binary_search_by_key(&start, |piece| piece.at) else { continue };
                let totals = &lane.slots[place].totals;
                arms.entry(&lane.arm).or_default().absorb(&totals.counts, &totals.histograms);
                all.absorb(&totals.counts, &totals.histograms);
            }
            (!arms.is_empty()).then(|| (service.as_str(), figures(start, length, &all, arms)))
        })
    }

    /// What a run at `end`, the end of a slot, would have observed.
    pub fn observation(
        &self,
        end: Timestamp,
        window: SignedDuration,
        lookback: SignedDuration,
    ) -> Result<Observation, ObserveError> {
        let windows = self.windows(end, window, lookback)?;
        let evidence = self.services.par_iter();
        let evidence = evidence.filter_map(|(name, lanes)| Some((name.clone(), self.evidence(lanes, &windows)?)));
        let services = evidence.collect();
        let newest = self.source.newest_event.map(|newest| newest.min(end - SignedDuration::from_micros(1)));
        let source = SourceSummary { newest_event: newest, ..self.source.clone() };
        // Figures were read for the window that ends the record; earlier ticks could not know them.
        let newest = self.edges().is_none_or(|(_, last)| end >= self.end_of(last));
        let figures = if newest { self.figures.clone() } else { BTreeMap::new() };
        Ok(Observation { windows, source, services, figures })
    }

    fn windows(
        &self,
        end: Timestamp,
        window: SignedDuration,
        lookback: SignedDuration,
    ) -> Result<Windows, ObserveError> {
        let slot = SignedDuration::from_mins(self.grain.minutes());
        let fail = |what: String| ObserveError::Window { what };
        if window.as_secs() % slot.as_secs() != 0 || lookback.as_secs() % slot.as_secs() != 0 {
            let name = self.grain.name();
            return Err(fail(format!("`--window` and `--lookback` must be whole numbers of slots of {name}")));
        }
        let past = || fail("the window reaches past recorded time".into());
        let window = Window::ending_at(end, window).ok_or_else(past)?;
        let before = window.before().ok_or_else(past)?;
        let lookback = Window::ending_at(end, lookback).ok_or_else(past)?;
        Ok(Windows { window, before, lookback, until: self.until })
    }

    /// None where nothing was seen in the lookback.
    fn evidence(&self, lanes: &[Lane], windows: &Windows) -> Option<ServiceEvidence> {
        let [now, earlier, all] = [&windows.window, &windows.before, &windows.lookback].map(minutes);
        let hours = (Grain::Hour.start(now.0), Grain::Hour.start(now.1 + 59));
        let mut evidence = ServiceEvidence::default();
        let mut sums: [Sum; 3] = Default::default();
        let mut days: [Sum; REFERENCE_DAYS] = Default::default();
        for lane in lanes {
            let known = lane.sum(all);
            if known.totals.counts.rows == 0 {
                continue;
            }
            let window = lane.sum(now);
            for (sum, part) in sums.iter_mut().zip([&window, &lane.sum(earlier), &known]) {
                sum.absorb(part);
            }
            for (day, sum) in (1..).zip(&mut days) {
                let shift = day * DAY_MINUTES;
                sum.absorb(&lane.sum((hours.0 - shift, hours.1 - shift)));
            }
            let inside = range(&lane.slots, all);
            if let (Some(version), Some(first)) = (&lane.arm.config_version, inside.first()) {
                let since = evidence.version_since.entry(version.clone()).or_insert(first.at);
                *since = (*since).min(first.at);
            }
            for piece in inside {
                let minutes = self.grain.minutes();
                for minute in piece.at..piece.at + minutes {
                    *evidence.spend_by_minute.entry(minute).or_default() += piece.spend_usd() / minutes as f64;
                }
            }
            let arm = ArmEvidence { window: window.rollup(), lookback: known.rollup() };
            evidence.segments.entry(lane.segment).or_default().insert(lane.arm.clone(), arm);
        }
        if sums[2].totals.counts.rows == 0 {
            return None;
        }
        [evidence.window, evidence.before, evidence.lookback] = sums.map(|sum| sum.rollup());
        // A day whose hours begin before the service or the source does is a day cut short.
        let first = lanes.iter().filter_map(|lane| lane.slots.first()).map(|piece| piece.at).min();
        let first = first.unwrap_or(all.0).max(minutes(&self.asked).0);
        let whole =
            (1..).zip(&days).filter(|(day, _)| hours.0 - day * DAY_MINUTES >= first).map(|(_, sum)| &sum.totals);
        evidence.reference = reference(whole, (hours.1 - hours.0) as f64, self.covered_minutes(&windows.window));
        Some(evidence)
    }
}

/// The same hours of the days before, so many minutes of each; none where there was nothing.
pub(super) fn reference<'a>(
    days: impl Iterator<Item = &'a Totals>,
    minutes: f64,
    covered_minutes: Option<f64>,
) -> Option<Reference> {
    let (mut all, mut each) = (Totals::default(), Vec::new());
    for day in days.filter(|day| day.counts.rows > 0) {
        all.absorb(&day.counts, &day.histograms);
        each.push(values(&day.rollup(), Some(minutes)));
    }
    (!each.is_empty()).then(|| Reference { rollup: all.rollup(), days: each, covered_minutes })
}

impl Lane {
    /// All that happened in `[from, to)`, in minutes: whole hours where they fit, slots at the edges.
    fn sum(&self, (from, to): (i64, i64)) -> Sum {
        let mut sum = Sum::default();
        let (first, last) = (Grain::Hour.start(from + 59), Grain::Hour.start(to));
        let by_hours = !self.hours.is_empty() && first < last;
        let pieces = if by_hours {
            [range(&self.slots, (from, first)), range(&self.hours, (first, last)), range(&self.slots, (last, to))]
        } else {
            [range(&self.slots, (from, to)), &[], &[]]
        };
        for piece in pieces.into_iter().flatten() {
            sum.totals.absorb(&piece.totals.counts, &piece.totals.histograms);
        }
        // As wide as a plan takes them, so that both find requests alike in the same measure.
        let width = ((to - from + MOST_BUCKETS - 1) / MOST_BUCKETS).max(1);
        for piece in range(&self.slots, (from, to)) {
            for (at, buckets) in &piece.buckets {
                add(&mut sum.buckets, at - at % width, buckets);
            }
        }
        sum
    }
}

/// What some lanes did over a span, and the pieces in which the variation of their means over time is looked at.
#[derive(Debug, Default)]
struct Sum {
    totals: Totals,
    buckets: Buckets,
}

impl Sum {
    fn absorb(&mut self, other: &Self) {
        self.totals.absorb(&other.totals.counts, &other.totals.histograms);
        for (at, buckets) in &other.buckets {
            add(&mut self.buckets, *at, buckets);
        }
    }

    fn rollup(&self) -> Rollup {
        let of = |metric: usize| {
            self.buckets.values().map(|buckets| buckets[metric]).filter(|bucket| bucket.weight > 0.0).collect()
        };
        Rollup { latency_buckets: of(0), cost_buckets: of(1), quality_buckets: of(2), ..self.totals.rollup() }
    }
}

/// The figures of a slot of a service. `length` is that of the slot, in minutes; none where not all of it is known.
pub(super) fn figures<'a>(
    start: i64,
    length: Option<f64>,
    all: &Totals,
    arms: impl IntoIterator<Item = (&'a Arm, Totals)>,
) -> Slot {
    let rollup = all.rollup();
    Slot {
        at: start * 60,
        service: values(&rollup, length),
        arms: arms.into_iter().map(|(arm, totals)| (arm.clone(), values(&totals.rollup(), length))).collect(),
        spend_usd: spend(&rollup.requests, &rollup.cost),
    }
}

fn minutes(window: &Window) -> (i64, i64) {
    (window.start().as_second().div_euclid(60), window.end().as_second().div_euclid(60))
}

fn range(list: &[Piece], (from, to): (i64, i64)) -> &[Piece] {
    let start = list.partition_point(|piece| piece.at < from);
    let end = list.partition_point(|piece| piece.at < to);
    &list[start..end.max(start)]
}

fn instant(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).expect("times of events lie within ours")
}
