use proptest::prelude::*;

use super::*;
use crate::{
    domain::{
        Window,
        plan::{SourceSummary, UntilSource},
    },
    observe::{
        cut::{Cut, Slots},
        fold::{CellKey, Counts, MINUTE_US},
        histogram::Histogram,
    },
    stats::sketch::bin_of,
};

/// 2026-03-02, a Monday, in minutes since 1970.
const MONDAY: i64 = 29_540_160;
const HOUR: i64 = 60;
const DAY: i64 = 1_440;

/// A request: when it was, when it was written, what it took, who served it. In minutes.
#[derive(Debug, Clone, Copy)]
struct Row {
    at: i64,
    written: i64,
    ms: i64,
    service: u8,
}

fn row(at: i64) -> Row {
    Row { at, written: at, ms: 1_000 + at % 7, service: 0 }
}

/// What is stored, as a store would have it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Kept(BTreeMap<(Grain, i64), KeptSlot>);

impl Kept {
    fn heads(&self) -> Heads {
        self.0.iter().map(|(key, slot)| (*key, slot.head)).collect()
    }

    /// A run at `now` over what was written by then and is not lost.
    fn run(&mut self, rows: &[Row], now: i64) -> Change {
        let there: Vec<Row> = rows.iter().copied().filter(|row| row.written <= now && row.at <= now).collect();
        let Some(fresh) = fresh(&there, reread(&self.heads(), super::super::instant(now))) else {
            return Change::default();
        };
        let stored = |grain: Grain, range: Range<i64>| {
            let slots = self.0.range((grain, range.start)..(grain, range.end));
            Ok::<_, serde_json::Error>(slots.map(|((_, start), slot)| (*start, slot.body.clone())).collect())
        };
        let change = caught_up(&self.heads(), &fresh, stored).unwrap();
        for slot in &change.put {
            self.0.insert((slot.grain, slot.start), slot.clone());
        }
        for key in &change.drop {
            self.0.remove(key);
        }
        assert_eq!(self.heads(), change.heads, "it says what is stored then");
        change
    }

    fn of(&self, grain: Grain) -> Vec<(i64, Head)> {
        of(&self.heads(), grain).collect()
    }

    fn rows(&self, grain: Grain) -> u64 {
        self.of(grain).iter().map(|(_, head)| head.rows).sum()
    }
}

/// What reading so much of a log gives.
fn fresh(rows: &[Row], lookback: SignedDuration) -> Option<Fresh> {
    let instant = |minute: i64| Timestamp::from_microsecond(minute * MINUTE_US).unwrap();
    let (oldest, newest) = (rows.iter().map(|row| row.at).min()?, rows.iter().map(|row| row.at).max()?);
    let end = instant(newest) + SignedDuration::from_micros(1);
    let asked = Window::ending_at(end, lookback).unwrap();
    let mut lanes: BTreeMap<CellKey, Slots> = BTreeMap::new();
    for row in rows.iter().filter(|row| instant(row.at) >= asked.start()) {
        let key = CellKey {
            service: format!("s{}", row.service),
            complexity: None,
            provider: None,
            model: "m".to_owned(),
            config_version: None,
            variant: None,
            span: 0,
        };
        let counts = Counts {
            rows: 1,
            weight: 1_000,
            weight_squared: 1_000_000,
            served: 1_000,
            succeeded: 1_000,
            ..Counts::default()
        };
        let mut histograms: [Histogram; 6] = Default::default();
        histograms[0].add(bin_of(row.ms as f64), row.ms * 1_000, 1_000);
        let slot = TIERS[0].grain.start(row.at);
        lanes.entry(key).or_default().entry(slot).or_default().0.absorb(&counts, &histograms);
    }
    let source = SourceSummary {
        files: 1,
        layouts: BTreeSet::new(),
        rows_read: rows.len() as u64,
        rows_used: rows.len() as u64,
        rows_outside: 0,
        rows_duplicate: 0,
        rejected: BTreeMap::new(),
        passed_over: BTreeMap::new(),
        scores: None,
        oldest_event: Some(instant(oldest)),
        newest_event: Some(instant(newest)),
        ignored_columns: Vec::new(),
        engines: Vec::new(),
    };
    let until = UntilSource::NewestEvent;
    Some(Cut { grain: TIERS[0].grain, asked, until, source, figures: BTreeMap::new(), lanes }.into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whoever_looks_often_knows_what_whoever_looks_once_does(
        rows in prop::collection::vec((0..3 * DAY, 0..90_i64, 1..100_000_i64, 0..3_u8), 20..200),
        steps in prop::collection::vec(1..20 * HOUR, 1..20),
    ) {
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(at, late, ms, service)| Row { at: MONDAY + at, written: MONDAY + at + late, ms, service })
            .collect();
        let end = MONDAY + 3 * DAY + 2 * HOUR;
        let (mut often, mut once) = (Kept::default(), Kept::default());
        let mut now = MONDAY;
        for step in steps {
            now = (now + step).min(end);
            often.run(&rows, now);
        }
        often.run(&rows, end);
        once.run(&rows, end);
        prop_assert_eq!(&often.0.keys().collect::<Vec<_>>(), &once.0.keys().collect::<Vec<_>>());
        prop_assert_eq!(&often, &once);
        // Nothing is lost or told twice on the way up.
        for (start, head) in once.of(Grain::Hour) {
            let quarters = once.of(Grain::QuarterHour).into_iter().filter(|(at, _)| Grain::Hour.start(*at) == start);
            prop_assert_eq!(head.rows, quarters.map(|(_, head)| head.rows).sum::<u64>());
            let happened = rows.iter().filter(|row| Grain::Hour.start(row.at) == start).count() as u64;
            prop_assert!(head.minutes < 60 || head.rows == happened);
        }
        // And who looks again changes nothing.
        let again = often.run(&rows, end);
        prop_assert!(again.put.is_empty() && again.drop.is_empty() && again.poorer.is_empty(), "{again:?}");
    }
}

/// Three requests a quarter of an hour, one of them as it ends.
fn steady(minutes: Range<i64>) -> Vec<Row> {
    minutes.filter(|minute| [0, 5, 14].contains(&(minute % 15))).map(row).collect()
}

#[test]
fn each_tier_is_kept_for_its_time_and_the_next_has_all_of_it() {
    let rows = steady(MONDAY..MONDAY + 450 * DAY + 15);
    let mut kept = Kept::default();
    for day in (1..=450).step_by(3) {
        let now = MONDAY + day * DAY + 14;
        let near: Vec<Row> = rows.iter().copied().filter(|row| row.at > now - 10 * DAY).collect();
        kept.run(&near, now);
        let days = kept.of(Grain::Day);
        assert_eq!(i64::try_from(days.len()).unwrap(), day.min(KEPT_DAYS), "on day {day}");
        assert!(days.iter().all(|(_, head)| *head == Head { minutes: DAY, rows: 288 }), "{days:?}");
    }
    let spans: Vec<i64> =
        TIERS.iter().map(|tier| i64::try_from(kept.of(tier.grain).len()).unwrap() * tier.grain.minutes()).collect();
    let (quarters, hours) = (spans[0], spans[1]);
    assert!((7 * DAY..8 * DAY + HOUR).contains(&quarters) && (30 * DAY..31 * DAY).contains(&hours), "{spans:?}");
}

#[test]
fn what_the_source_has_lost_stays() {
    let rows = steady(MONDAY..MONDAY + DAY);
    let mut kept = Kept::default();
    kept.run(&rows, MONDAY + DAY);
    let before = kept.clone();
    // Half of the last hours is gone; then all but the newest row.
    let half: Vec<Row> = rows.iter().copied().filter(|row| row.at % 10 == 0).collect();
    let change = kept.run(&half, MONDAY + DAY);
    assert_eq!(kept, before);
    assert!(change.poorer.len() >= 7, "{:?}", change.poorer);
    kept.run(&rows[rows.len() - 1..], MONDAY + DAY);
    assert_eq!(kept, before);
    // What comes late is taken.
    let mut more = rows.clone();
    more.push(row(MONDAY + DAY - 61));
    kept.run(&more, MONDAY + DAY);
    assert_eq!(kept.rows(Grain::QuarterHour), 289);
    assert_eq!(kept.rows(Grain::Hour), 289);
}

#[test]
fn time_that_goes_back_and_clocks_that_are_wrong_destroy_nothing() {
    let rows = steady(MONDAY..MONDAY + 40 * DAY);
    let mut kept = Kept::default();
    for day in (5..=40).step_by(5) {
        kept.run(&rows, MONDAY + day * DAY);
    }
    let before = kept.clone();
    kept.run(&rows, MONDAY + 20 * DAY);
    assert_eq!(kept, before, "an earlier time is no reason to forget a later one");
    kept.run(&rows, MONDAY + 41 * DAY);
    kept.run(&rows, MONDAY + 4_000 * DAY);
    assert_eq!(kept, before, "time is that of the traffic");
}

#[test]
fn a_gap_is_no_silence() {
    // Nobody looked for a day of which the source kept only the end; and there was an hour without a request.
    let mut rows = steady(MONDAY..MONDAY + 3 * DAY);
    rows.retain(|row| !(MONDAY + 2 * DAY + 5 * HOUR..MONDAY + 2 * DAY + 6 * HOUR).contains(&row.at));
    let mut kept = Kept::default();
    kept.run(&rows, MONDAY + DAY);
    let gap = MONDAY + DAY..MONDAY + DAY + 10 * HOUR + 20;
    let left: Vec<Row> = rows.iter().copied().filter(|row| row.at >= gap.end).collect();
    kept.run(&left, MONDAY + 3 * DAY);
    let hours = kept.of(Grain::Hour);
    assert!(!hours.iter().any(|(start, _)| (gap.start..gap.start + 10 * HOUR).contains(start)), "not known");
    assert!(hours.contains(&(gap.start + 10 * HOUR, Head { minutes: 30, rows: 6 })), "known in part");
    assert!(hours.contains(&(MONDAY + 2 * DAY + 5 * HOUR, Head { minutes: 60, rows: 0 })), "known to be silent");
    let days = kept.of(Grain::Day);
    let minutes: Vec<i64> = days.iter().map(|(_, head)| head.minutes).collect();
    assert_eq!(minutes, [DAY, 13 * HOUR + 30, DAY]);
    // Rows that turn up after all fill it, quarter by quarter.
    kept.run(&rows, MONDAY + 3 * DAY);
    assert_eq!(kept.of(Grain::Day)[1].1.minutes, 13 * HOUR + 30, "that far back nobody looks again");
}

#[test]
fn only_what_is_missing_is_read() {
    let hours = |heads: &Heads, now: i64| reread(heads, super::super::instant(now)).as_secs() / 3_600;
    let mut kept = Kept::default();
    assert_eq!(hours(&kept.heads(), MONDAY), 7 * 24);
    kept.run(&steady(MONDAY..MONDAY + DAY), MONDAY + DAY);
    assert_eq!(hours(&kept.heads(), MONDAY + DAY), 2);
    assert_eq!(hours(&kept.heads(), MONDAY + DAY + 5 * HOUR), 7);
    assert_eq!(hours(&kept.heads(), MONDAY + 100 * DAY), 7 * 24);
    assert_eq!(hours(&kept.heads(), MONDAY + 12 * HOUR), 2, "as of then");
}
