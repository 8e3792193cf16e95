//! The lookback of a source, cut into slots: what requests add up to by cell and slot.

use std::collections::BTreeMap;

use super::{
    Engine, ObserveError, Request, Stage,
    fold::{self, CellKey},
    reduce::{self, Reduced},
    totals::Totals,
};
use crate::{
    domain::{
        Arm, Grain, Segment, Window,
        format::visible,
        plan::{SourceSummary, UntilSource, Windows},
    },
    stats::{Bucket, Figures},
};

/// The pieces in which the variation of means over time is looked at; where slots are shorter, the slots.
const BUCKET: Grain = Grain::FiveMinutes;

/// Totals of latency, cost and quality by first minute of a time bucket.
pub(super) type Buckets = BTreeMap<i64, [Bucket; 3]>;

/// What a cell did, by first minute of the slot.
pub(super) type Slots = BTreeMap<i64, (Totals, Buckets)>;

/// A source, cut into slots.
#[derive(Debug)]
pub(super) struct Cut {
    pub grain: Grain,
    /// What the source was asked for.
    pub asked: Window,
    pub until: UntilSource,
    pub source: SourceSummary,
    pub figures: BTreeMap<String, Vec<Figures>>,
    pub lanes: BTreeMap<CellKey, Slots>,
}

/// Reads the lookback of a source and cuts it into slots.
pub(super) fn cut(
    engine: &Engine,
    request: &Request<'_>,
    grain: Grain,
    progress: &dyn Fn(Stage),
) -> Result<Cut, ObserveError> {
    progress(Stage::Reading);
    let first = |windows: &Windows| grain.start(windows.lookback.start().as_microsecond().div_euclid(60_000_000));
    let slots = |windows: &Windows| fold::Slots::Every { minutes: grain.minutes(), first: first(windows) };
    let (mut census, windows) = reduce::loaded(engine, request, &slots)?;
    let (asked, first, plain) = (windows.lookback, first(&windows), census.plain.take());
    let reduced = reduce::reduced(engine, request, &census, plain, slots(&windows), progress, |cells| {
        let mut lanes: BTreeMap<CellKey, Slots> = BTreeMap::new();
        for cell in cells {
            // Variants share a config and a segment; who is a canary is for rollouts to say.
            let key = CellKey { span: 0, variant: None, ..cell.key.clone() };
            let slot = first + i64::from(cell.key.span) * grain.minutes();
            let (totals, buckets) = lanes.entry(key).or_default().entry(slot).or_default();
            totals.absorb(&cell.counts, &cell.histograms);
            for minute in &cell.minutes {
                add(buckets, grain.min(BUCKET).start(minute.at), &minute.buckets());
            }
        }
        Ok(lanes)
    })?;
    let Reduced { used, duplicates, made: lanes } = reduced;
    let figures = if census.metrics.is_some() { reduce::figures(engine)? } else { BTreeMap::new() };
    if used == 0 && figures.is_empty() {
        return Err(reduce::nothing_in_window(&census, &windows));
    }
    let source = reduce::summary(&census, used, duplicates);
    Ok(Cut { grain, asked, until: windows.until, source, figures, lanes })
}

impl CellKey {
    /// Service, segment and arm, with names as they are shown.
    pub(super) fn shown(&self) -> (String, Segment, Arm) {
        let shown = |name: &Option<String>| name.as_deref().map(visible);
        let arm = Arm {
            provider: shown(&self.provider),
            model: visible(&self.model),
            config_version: shown(&self.config_version),
        };
        (visible(&self.service), Segment::from_complexity(self.complexity.as_deref()), arm)
    }
}

impl Cut {
    /// First minutes of the slots of which all that happened was read, ascending; those without a row too. Where a log begins or
    /// ends inside a slot, a tenth of it may be missing by chance. Nothing is said of the time after the newest row: whether the
    /// log goes on, the next row tells.
    pub(super) fn whole(&self) -> Vec<i64> {
        let us = |minutes: i64| minutes * fold::MINUTE_US;
        let (Some(oldest), Some(newest)) = (self.source.oldest_event, self.source.newest_event) else {
            return Vec::new();
        };
        let chance = us(self.grain.minutes()) / 10;
        let start = self.asked.start().as_microsecond().max(oldest.as_microsecond() - chance);
        let asked = if self.until == UntilSource::NewestEvent { i64::MAX } else { self.asked.end().as_microsecond() };
        let end = asked.min(newest.as_microsecond().saturating_add(chance));
        let first = self.grain.start((start - 1).div_euclid(fold::MINUTE_US)) + self.grain.minutes();
        let slots = (first..).step_by(self.grain.minutes() as usize);
        slots.take_while(|slot| us(slot + self.grain.minutes()) <= end).collect()
    }

    /// The same in longer slots.
    pub(super) fn coarser(self, grain: Grain) -> Self {
        let lanes = self.lanes.into_iter().map(|(key, slots)| {
            let mut longer = Slots::new();
            for (at, (totals, buckets)) in slots {
                let (sum, all) = longer.entry(grain.start(at)).or_default();
                sum.absorb(&totals.counts, &totals.histograms);
                all.extend(buckets);
            }
            (key, longer)
        });
        Self { grain, lanes: lanes.collect(), ..self }
    }
}

pub(super) fn add(sums: &mut Buckets, at: i64, buckets: &[Bucket; 3]) {
    for (sum, bucket) in sums.entry(at).or_default().iter_mut().zip(buckets) {
        sum.weight += bucket.weight;
        sum.sum += bucket.sum;
    }
}
