//! Hours of a service as they are kept for later: whole numbers that add up.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::totals::{StoredTotals, Totals};
use crate::stats::{Bucket, Rollup};

/// One hour of one service, all arms together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptHour {
    /// UTC.
    pub start: Timestamp,
    #[serde(flatten)]
    totals: StoredTotals,
}

/// Version of the form in which baselines are kept.
pub const BASELINE_SCHEMA: &str = "baseline/v1";

/// What services did at a time that is worth remembering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    pub schema_version: String,
    /// By name.
    pub services: BTreeMap<String, Vec<KeptHour>>,
}

/// Which hours of a baseline a window is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// The same hours of the same weekday.
    Weekday,
    /// The same hours of working days, or of weekends, whichever the window lies in.
    KindOfDay,
    /// The same hours of any day.
    Hour,
    /// All hours: the baseline has none like those of the window.
    Everything,
}

impl Alignment {
    const FINEST_FIRST: [Self; 4] = [Self::Weekday, Self::KindOfDay, Self::Hour, Self::Everything];

    /// As it reads after "against".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Weekday => "the same hours of the same weekday",
            Self::KindOfDay => "the same hours of days of the same kind",
            Self::Hour => "the same hours of any day",
            Self::Everything => "all its hours, because it has none like these",
        }
    }

    fn aligned(self, hour: Timestamp, others: &[Timestamp]) -> bool {
        let clock = |at: Timestamp| {
            let time = at.to_zoned(TimeZone::UTC);
            (time.weekday(), time.hour())
        };
        let weekend =
            |day: jiff::civil::Weekday| matches!(day, jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday);
        let (day, own) = clock(hour);
        others.iter().map(|other| clock(*other)).any(|(other_day, other)| match self {
            Self::Weekday => own == other && day == other_day,
            Self::KindOfDay => own == other && weekend(day) == weekend(other_day),
            Self::Hour => own == other,
            Self::Everything => true,
        })
    }
}

impl KeptHour {
    pub(super) fn new(start: Timestamp, totals: &Totals) -> Self {
        Self { start, totals: totals.stored() }
    }

    /// Requests of the hour.
    #[must_use]
    pub fn rollup(&self) -> Option<Rollup> {
        self.totals.restored().map(|totals| totals.rollup())
    }
}

/// Hours added up, each also a time bucket; none where one holds what is no number.
#[must_use]
pub fn together<'a>(hours: impl IntoIterator<Item = &'a KeptHour>) -> Option<Rollup> {
    let (mut sum, mut buckets) = (Totals::default(), BTreeMap::new());
    for hour in hours {
        let totals = hour.totals.restored()?;
        sum.absorb(&totals.counts, &totals.histograms);
        buckets.insert(hour.start, totals.buckets());
    }
    let of = |metric: usize| -> Vec<Bucket> {
        buckets.values().map(|buckets| buckets[metric]).filter(|bucket| bucket.weight > 0.0).collect()
    };
    Some(Rollup { latency_buckets: of(0), cost_buckets: of(1), quality_buckets: of(2), ..sum.rollup() })
}

/// The hours of a baseline that are most like those of a window, by the finest alignment that finds any.
#[must_use]
pub fn aligned<'a>(baseline: &'a [KeptHour], window: &[Timestamp]) -> Option<(Alignment, Vec<&'a KeptHour>)> {
    Alignment::FINEST_FIRST.into_iter().find_map(|alignment| {
        let hours: Vec<&KeptHour> = baseline.iter().filter(|hour| alignment.aligned(hour.start, window)).collect();
        (!hours.is_empty()).then_some((alignment, hours))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(starts: &[&str]) -> Vec<KeptHour> {
        starts.iter().map(|start| KeptHour::new(start.parse().unwrap(), &Totals::default())).collect()
    }

    #[test]
    fn the_finest_alignment_that_finds_something_is_taken() {
        // A Wednesday at three in the afternoon.
        let window: Vec<Timestamp> = vec!["2026-03-04T15:00:00Z".parse().unwrap()];
        let found = |starts: &[&str]| {
            let kept = hours(starts);
            aligned(&kept, &window).map(|(alignment, hours)| (alignment, hours.len()))
        };
        let (wednesday, thursday, saturday, morning) =
            ("2026-02-25T15:00:00Z", "2026-02-26T15:00:00Z", "2026-02-28T15:00:00Z", "2026-02-26T09:00:00Z");
        assert_eq!(found(&[wednesday, thursday, saturday, morning]), Some((Alignment::Weekday, 1)));
        assert_eq!(found(&[thursday, saturday, morning]), Some((Alignment::KindOfDay, 1)));
        assert_eq!(found(&[saturday, morning]), Some((Alignment::Hour, 1)));
        assert_eq!(found(&[morning]), Some((Alignment::Everything, 1)));
        assert_eq!(found(&[]), None);
    }
}
