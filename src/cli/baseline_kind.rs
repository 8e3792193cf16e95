//! Which hours of a log become a baseline.

use std::collections::BTreeMap;

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{Metric, Objectives, Policy},
    observe::{KeptHour, Record, together},
    stats::history::{Values, values},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BaselineKind {
    /// The newest part of the log, which somebody knows to be good
    Golden,
    /// The newest part of the log, to be replaced again and again
    Rolling,
    /// The oldest part of the log
    Initial,
    /// The best day of the log: cheapest, fastest and best answered, as the policy weighs these
    Peak,
    /// The time before the newest config version of each service
    PreChange,
}

impl BaselineKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Golden => "golden",
            Self::Rolling => "rolling",
            Self::Initial => "initial",
            Self::Peak => "peak",
            Self::PreChange => "pre_change",
        }
    }

    /// What a service must have, as it reads after "because".
    pub(super) fn needs(self) -> &'static str {
        match self {
            Self::Golden | Self::Rolling | Self::Initial => "a baseline needs at least one request",
            Self::Peak => "a peak needs two days with requests of known latency",
            Self::PreChange => "it needs a second config version to see a change",
        }
    }
}

/// The hours of one service; none where the log has not what the kind needs.
pub(super) fn hours(
    record: &Record,
    service: &str,
    kind: BaselineKind,
    span: SignedDuration,
    policy: &Policy,
) -> Option<Vec<KeptHour>> {
    let slots = record.slots();
    let (start, end) = (record.end_of(slots.first()? - record.grain().minutes()), record.end_of(*slots.last()?));
    let back = |end: Timestamp| end.checked_sub(span).unwrap_or(start);
    match kind {
        BaselineKind::Golden | BaselineKind::Rolling => Some(record.hours(service, back(end), end)),
        BaselineKind::Initial => {
            let all = record.hours(service, start, end);
            let first = all.first()?.start;
            let until = first.checked_add(span).unwrap_or(end);
            Some(all.into_iter().filter(|hour| hour.start < until).collect())
        }
        BaselineKind::PreChange => {
            let changed = record.changed_at(service)?;
            Some(record.hours(service, back(changed), changed))
        }
        BaselineKind::Peak => best_day(record.hours(service, start, end), &policy.rules(service).objectives),
    }
}

/// The UTC day with the largest weighted improvement over the median day. Days of less than half the median's requests are no
/// days to measure others by.
fn best_day(hours: Vec<KeptHour>, objectives: &Objectives) -> Option<Vec<KeptHour>> {
    const DAY: i64 = 86_400;
    let mut days: BTreeMap<i64, Vec<KeptHour>> = BTreeMap::new();
    for hour in hours {
        days.entry(hour.start.as_second().div_euclid(DAY)).or_default().push(hour);
    }
    let of_day: Vec<(i64, Values)> = days
        .iter()
        .filter_map(|(day, hours)| Some((*day, values(&together(hours)?, Some(1_440.0)))))
        .filter(|(_, values)| values[Metric::Latency as usize].is_some())
        .collect();
    if of_day.len() < 2 {
        return None;
    }
    let median = |metric: Metric| {
        let mut known: Vec<f64> = of_day.iter().filter_map(|(_, values)| values[metric as usize]).collect();
        known.sort_by(f64::total_cmp);
        known.get(known.len() / 2).copied().filter(|value| *value > 0.0)
    };
    let busy = median(Metric::Requests)?;
    let score = |values: &Values| {
        let ratio = |metric: Metric| Some(values[metric as usize]? / median(metric)?);
        let gain = |metric, sign: f64| ratio(metric).map_or(0.0, |ratio| sign * (ratio - 1.0));
        objectives.cost * gain(Metric::CostPerRequest, -1.0)
            + objectives.latency * gain(Metric::Latency, -1.0)
            + objectives.quality * gain(Metric::Quality, 1.0)
    };
    let enough = of_day.iter().filter(|(_, values)| values[Metric::Requests as usize] >= Some(busy / 2.0));
    let (best, _) = enough.max_by(|(a, x), (b, y)| score(x).total_cmp(&score(y)).then(b.cmp(a)))?;
    days.remove(best)
}
