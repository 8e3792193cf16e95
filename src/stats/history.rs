//! What is remembered of a service from tick to tick: one value a metric and slot, never single requests.
//!
//! A tick adds the slots that have ended since the last one. Replaying a log adds the same slots one after another, so what
//! an analyzer sees there is what it would have seen then.

use std::collections::BTreeMap;

use super::{
    Requests, Rollup, Sketch,
    compare::UNPRICED_TOLERANCE,
    time_series::{Point, between},
};
use crate::domain::{Arm, Metric};

const DAY: i64 = 86_400;

/// Days whose spend is kept.
pub const KEPT_DAYS: i64 = 400;

/// How long slots are kept, in seconds: two weeks, so that a weekly pattern has been seen twice.
pub const KEPT_SECONDS: i64 = 14 * DAY;

/// The figures of one slot, of a service or of one of its arms, by place in [`Metric::ALL`].
pub type Values = [Option<f64>; Metric::ALL.len()];

impl Slot {
    /// A slot without a request, of a service that usually has some.
    #[must_use]
    pub fn silence(at: i64) -> Self {
        let mut service = Values::default();
        service[Metric::Requests as usize] = Some(0.0);
        Self { at, service, arms: Vec::new(), spend_usd: Some(0.0) }
    }
}

/// One slot of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// Seconds since 1970, UTC, of its start.
    pub at: i64,
    pub service: Values,
    pub arms: Vec<(Arm, Values)>,
    /// US dollars; none where a cost is unknown.
    pub spend_usd: Option<f64>,
}

/// The figures of some requests of a slot. `minutes` is the length of the slot; none where the source does not cover all of
/// it, and then there is no rate.
#[must_use]
pub fn values(rollup: &Rollup, minutes: Option<f64>) -> Values {
    let requests = &rollup.requests;
    Metric::ALL.map(|metric| match metric {
        Metric::Requests => minutes.map(|minutes| requests.weight / minutes),
        Metric::Latency => rollup.latency.mean(),
        Metric::Ttft => rollup.ttft.mean(),
        Metric::ErrorRate => rollup.error_rate(),
        Metric::CostPerRequest => priced(requests).then(|| rollup.cost.mean()).flatten(),
        Metric::InputTokens => rollup.input_tokens.mean(),
        Metric::OutputTokens => rollup.output_tokens.mean(),
        Metric::Quality => rollup.quality.mean(),
    })
}

/// Spend of some requests, where all their costs are known but a few.
#[must_use]
pub fn spend(requests: &Requests, cost: &Sketch) -> Option<f64> {
    priced(requests).then(|| cost.sum())
}

/// Whether all costs of these requests are known but a few.
#[must_use]
pub fn priced(requests: &Requests) -> bool {
    requests.unpriced <= UNPRICED_TOLERANCE * requests.succeeded
}

/// The series of a service or an arm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Track([Vec<Point>; Metric::ALL.len()]);

impl Track {
    /// The series of one metric, ascending in time; slots without a value are absent.
    #[must_use]
    pub fn of(&self, metric: Metric) -> &[Point] {
        &self.0[metric as usize]
    }

    fn push(&mut self, at: i64, values: &Values) {
        for (series, value) in self.0.iter_mut().zip(values) {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                series.push(Point { at, value });
            }
        }
    }

    fn forget(&mut self, before: i64) {
        for series in &mut self.0 {
            forget(series, before);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }
}

/// Everything remembered of one service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceHistory {
    pub service: Track,
    pub arms: BTreeMap<Arm, Track>,
    /// US dollars a slot.
    pub spend: Vec<Point>,
    /// US dollars by day since 1970, UTC; none where a cost of the day is unknown.
    pub spend_by_day: BTreeMap<i64, Option<f64>>,
}

/// Everything remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Length of a slot, seconds.
    pub slot_seconds: i64,
    /// Start of the oldest slot there ever was, seconds since 1970.
    pub since: Option<i64>,
    pub services: BTreeMap<String, ServiceHistory>,
}

impl History {
    #[must_use]
    pub fn new(slot_seconds: i64) -> Self {
        Self { slot_seconds, since: None, services: BTreeMap::new() }
    }

    /// Services that have been at work in nearly every slot of the day before `at`, and have nothing in the slot that starts there.
    #[must_use]
    pub fn silent(&self, at: i64) -> Vec<String> {
        const NEARLY: f64 = 0.95;
        let slots = (DAY / self.slot_seconds) as f64;
        let at_work = |history: &ServiceHistory| {
            let requests = history.service.of(Metric::Requests);
            let present = requests.last().is_some_and(|point| point.at >= at);
            !present && between(requests, at - DAY, at).len() as f64 >= NEARLY * slots
        };
        self.services.iter().filter(|(_, history)| at_work(history)).map(|(name, _)| name.clone()).collect()
    }

    /// Adds a slot, later than every one before, and forgets what is older than [`KEPT_SECONDS`].
    pub fn push(&mut self, service: &str, slot: &Slot) {
        if !self.services.contains_key(service) {
            self.services.insert(service.to_owned(), ServiceHistory::default());
        }
        let history = self.services.get_mut(service).expect("it was put there");
        history.service.push(slot.at, &slot.service);
        for (arm, values) in &slot.arms {
            if let Some(track) = history.arms.get_mut(arm) {
                track.push(slot.at, values);
            } else {
                history.arms.entry(arm.clone()).or_default().push(slot.at, values);
            }
        }
        history.spend.extend(slot.spend_usd.map(|value| Point { at: slot.at, value }));
        let today = history.spend_by_day.entry(slot.at.div_euclid(DAY)).or_insert(Some(0.0));
        *today = today.zip(slot.spend_usd).map(|(sum, usd)| sum + usd);
        self.since = Some(self.since.map_or(slot.at, |since| since.min(slot.at)));
        history.forget(slot.at - KEPT_SECONDS);
    }
}

impl ServiceHistory {
    /// How many figures are followed.
    #[must_use]
    pub fn series(&self) -> u64 {
        Metric::ALL.iter().filter(|metric| !self.service.of(**metric).is_empty()).count() as u64
    }

    fn forget(&mut self, before: i64) {
        self.service.forget(before);
        forget(&mut self.spend, before);
        let kept = (before + KEPT_SECONDS).div_euclid(DAY) - KEPT_DAYS;
        self.spend_by_day.retain(|day, _| *day >= kept);
        self.arms.retain(|_, track| {
            track.forget(before);
            !track.is_empty()
        });
    }
}

/// Old points go an eighth at a time: taking single ones off the front would move all others each time.
fn forget(series: &mut Vec<Point>, before: i64) {
    let old = series.partition_point(|point| point.at < before);
    if old * 8 > series.len() {
        series.drain(..old);
    }
}
