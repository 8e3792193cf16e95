use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// Prices that are powers of two, so that sums of a few of them are exact and every mix-up shows.
fn rates(scale: f64) -> Rates {
    Rates {
        input: Some(4.0 * scale),
        output: Some(32.0 * scale),
        cached_input: Some(0.5 * scale),
        cache_write: Some(8.0 * scale),
    }
}

fn entry(scale: f64) -> PriceEntry {
    PriceEntry { valid_from: None, daily_utc: None, rates: rates(scale), long_input: Vec::new() }
}

fn from(day: Date, scale: f64) -> PriceEntry {
    PriceEntry { valid_from: Some(day), ..entry(scale) }
}

fn daily(from: u16, to: u16, scale: f64) -> PriceEntry {
    PriceEntry { daily_utc: DailyHours::new(from, to), ..entry(scale) }
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("a literal").as_microsecond()
}

/// One output token, whose price is 32 times the scale: shows which entry holds.
fn scale_at(price: &ModelPrice, time: &str) -> Option<f64> {
    price.cost_usd(at(time), &Usage { output: 1, ..Usage::default() }).map(|cost| cost / 32.0)
}

fn tokens(input: u64, cached_input: u64, cache_write: u64, output: u64) -> Usage {
    Usage { input, cached_input, cache_write, output, reasoning: 0 }
}

#[test]
fn each_kind_of_token_has_its_price_and_reasoning_is_part_of_output() {
    let price = ModelPrice::new(vec![entry(1.0)]);
    let usage = tokens(1_000, 600, 300, 10);
    let cost = 100.0 * 4.0 + 600.0 * 0.5 + 300.0 * 8.0 + 10.0 * 32.0;
    assert_eq!(price.cost_usd(0, &usage), Some(cost));
    assert_eq!(price.cost_usd(0, &Usage { reasoning: 10, ..usage }), Some(cost));
    assert_eq!(price.cost_usd(0, &Usage::default()), Some(0.0));
}

#[test]
fn unknown_prices_and_impossible_counts_stay_unknown() {
    let with = |rates: Rates| ModelPrice::new(vec![PriceEntry { rates, ..entry(1.0) }]);
    let no_output = with(Rates { output: None, ..rates(1.0) });
    assert_eq!(no_output.cost_usd(0, &tokens(8, 0, 0, 0)), Some(32.0));
    assert_eq!(no_output.cost_usd(0, &tokens(8, 0, 0, 1)), None);
    let no_input = with(Rates { input: None, cached_input: None, ..rates(1.0) });
    assert_eq!(no_input.cost_usd(0, &tokens(8, 0, 8, 0)), Some(64.0));
    assert_eq!(no_input.cost_usd(0, &tokens(8, 8, 0, 0)), None);
    let plain = with(Rates { cached_input: None, cache_write: None, ..rates(1.0) });
    assert_eq!(plain.cost_usd(0, &tokens(8, 3, 2, 0)), Some(32.0));
    let free = with(Rates { input: Some(0.0), output: Some(0.0), cached_input: None, cache_write: None });
    assert_eq!(free.cost_usd(0, &tokens(8, 3, 2, 9)), Some(0.0));

    let price = ModelPrice::new(vec![entry(1.0)]);
    for impossible in [tokens(8, 9, 0, 0), tokens(8, 0, 9, 0), tokens(8, 5, 4, 0), tokens(0, u64::MAX, u64::MAX, 0)] {
        assert_eq!(price.cost_usd(0, &impossible), None, "{impossible:?}");
    }
    assert_eq!(price.cost_usd(0, &Usage { reasoning: 3, ..tokens(0, 0, 0, 2) }), None);
    assert_eq!(ModelPrice::new(vec![]).cost_usd(0, &Usage::default()), None);
}

#[test]
fn above_the_threshold_every_token_costs_the_dear_price() {
    let steps =
        [(200_000, 4.0), (100_000, 2.0)].map(|(above_tokens, scale)| LongInput { above_tokens, rates: rates(scale) });
    let price = ModelPrice::new(vec![PriceEntry { long_input: steps.to_vec(), ..entry(1.0) }]);
    let cost = |input| price.cost_usd(0, &tokens(input, 0, 0, 1));
    assert_eq!(cost(100_000), Some(400_032.0));
    assert_eq!(cost(100_001), Some(2.0 * 400_036.0));
    assert_eq!(cost(200_000), Some(2.0 * 800_032.0));
    assert_eq!(cost(200_001), Some(4.0 * 800_036.0));
    // Cached tokens count towards the threshold, output tokens do not.
    assert_eq!(price.cost_usd(0, &tokens(100_001, 100_001, 0, 0)), Some(100_001.0));
    assert_eq!(price.cost_usd(0, &tokens(0, 0, 0, 300_000)), Some(9_600_000.0));
    assert_eq!(price.flat(), None);
}

#[test]
fn a_new_price_holds_from_midnight_utc() {
    let price = ModelPrice::new(vec![from(date(2025, 6, 10), 2.0), entry(1.0), from(date(2026, 1, 1), 4.0)]);
    for (time, scale) in [
        ("1969-12-31T23:59:59Z", 1.0),
        ("2025-06-09T23:59:59.999999Z", 1.0),
        ("2025-06-10T00:00:00Z", 2.0),
        // The same instant, written in another zone.
        ("2025-06-10T02:00:00+02:00", 2.0),
        ("2025-12-31T23:59:59.999999Z", 2.0),
        ("2026-01-01T00:00:00Z", 4.0),
    ] {
        assert_eq!(scale_at(&price, time), Some(scale), "{time}");
    }
    let later = ModelPrice::new(vec![from(date(2026, 1, 1), 4.0)]);
    assert_eq!(scale_at(&later, "2025-12-31T23:59:59.999999Z"), None);
    assert_eq!((price.flat(), later.flat()), (None, None));
    assert_eq!(ModelPrice::new(vec![entry(1.0)]).flat(), Some(&rates(1.0)));
}

#[test]
fn hours_are_half_open_and_may_pass_midnight() {
    let price = ModelPrice::new(vec![entry(1.0), daily(22 * 60, 6 * 60 + 30, 2.0), daily(12 * 60, 13 * 60, 4.0)]);
    for (time, scale) in [
        ("2026-03-01T21:59:59.999999Z", 1.0),
        ("2026-03-01T22:00:00Z", 2.0),
        ("2026-03-02T00:00:00Z", 2.0),
        ("2026-03-02T06:29:59.999999Z", 2.0),
        ("2026-03-02T06:30:00Z", 1.0),
        ("2026-03-02T12:00:00Z", 4.0),
        ("2026-03-02T13:00:00Z", 1.0),
        // Before 1970 the clock still runs forwards.
        ("1969-12-31T23:00:00Z", 2.0),
        ("1969-12-31T12:30:00Z", 4.0),
    ] {
        assert_eq!(scale_at(&price, time), Some(scale), "{time}");
    }
    let night_only = ModelPrice::new(vec![daily(22 * 60, 6 * 60, 2.0)]);
    assert_eq!(scale_at(&night_only, "2026-03-02T12:00:00Z"), None);
    assert_eq!(night_only.flat(), None);
}

#[test]
fn a_newer_price_for_the_whole_day_ends_the_older_one_for_certain_hours() {
    let price = ModelPrice::new(vec![daily(0, 720, 2.0), entry(1.0), from(date(2026, 1, 1), 4.0)]);
    assert_eq!(scale_at(&price, "2025-12-31T11:00:00Z"), Some(2.0));
    assert_eq!(scale_at(&price, "2026-01-01T11:00:00Z"), Some(4.0));
}

#[test]
fn hours_that_are_none_are_refused() {
    assert_eq!(DailyHours::new(60, 60), None);
    assert_eq!(DailyHours::new(0, 1_440), None);
    let hours = |from, to| DailyHours::new(from, to).unwrap();
    assert!(!hours(0, 60).overlaps(hours(60, 120)) && !hours(60, 120).overlaps(hours(120, 60)));
    assert!(hours(0, 61).overlaps(hours(60, 120)) && hours(1_400, 10).overlaps(hours(5, 20)));
    assert!(hours(1, 2).overlaps(hours(1_000, 999)) && hours(1_000, 999).overlaps(hours(1, 2)));
}

fn any_usage() -> impl Strategy<Value = Usage> {
    (0..500_000u64, 0..500_000u64, 0..500_000u64, 0..50_000u64).prop_map(|(plain, cached, write, output)| Usage {
        input: plain + cached + write,
        cached_input: cached,
        cache_write: write,
        output,
        reasoning: output / 3,
    })
}

/// Entries as a checked table has them: every date once, whole days, dearer with longer input.
fn any_entries() -> impl Strategy<Value = Vec<PriceEntry>> {
    let step = (1..1_000_000u64, 0.0..9.0f64);
    let one = (0.001..9.0f64, prop::collection::btree_map(step.0, step.1, 0..3)).prop_map(|(scale, steps)| {
        let mut dearest = scale;
        let long_input = steps.into_iter().map(|(above_tokens, more)| {
            dearest += more;
            LongInput { above_tokens, rates: rates(dearest) }
        });
        PriceEntry { long_input: long_input.collect(), ..entry(scale) }
    });
    prop::collection::btree_map(-400..400i64, one, 1..5).prop_map(|by_day| {
        let dated = |(day, entry)| {
            let day = date(2026, 1, 1).saturating_add(jiff::SignedDuration::from_hours(24 * day));
            PriceEntry { valid_from: Some(day), ..entry }
        };
        by_day.into_iter().map(dated).collect()
    })
}

/// Times around the dates of [`any_entries`].
fn any_time() -> impl Strategy<Value = i64> {
    let middle = 1_767_225_600_000_000i64;
    (middle - 450 * DAY_US)..(middle + 450 * DAY_US)
}

proptest! {
    #[test]
    fn pieces_hold_once_and_cost_the_same(entries in any_entries(), time in any_time(), usage in any_usage()) {
        let price = ModelPrice::new(entries);
        let holding: Vec<_> = price.pieces().into_iter().filter(|piece| piece.holds(time, usage.input)).collect();
        prop_assert!(holding.len() <= 1, "{holding:?}");
        prop_assert_eq!(holding.first().and_then(|piece| piece.rates.cost_usd(&usage)), price.cost_usd(time, &usage));
    }

    #[test]
    fn more_tokens_never_cost_less(
        entries in any_entries(), time in any_time(), usage in any_usage(), more in 0..400_000u64, output in 0..9_000u64,
    ) {
        let price = ModelPrice::new(entries);
        let larger = Usage { input: usage.input + more, output: usage.output + output, ..usage };
        match (price.cost_usd(time, &usage), price.cost_usd(time, &larger)) {
            (Some(less), Some(more)) => prop_assert!(less.is_finite() && less >= 0.0 && more >= less),
            (None, None) => {}
            mixed => prop_assert!(false, "{mixed:?}"),
        }
    }

    #[test]
    fn the_order_of_entries_and_steps_does_not_matter(
        (entries, shuffled) in any_entries().prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle())),
    ) {
        let reversed = shuffled.into_iter().map(|mut entry| {
            entry.long_input.reverse();
            entry
        });
        prop_assert_eq!(ModelPrice::new(entries), ModelPrice::new(reversed.collect()));
    }

    /// Against the rule said otherwise: walk through the dates and keep the last that has begun.
    #[test]
    fn the_newest_entry_that_has_begun_holds(entries in any_entries(), time in any_time()) {
        let day = jiff::Timestamp::from_microsecond(time).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date();
        let expected = entries.iter().rfind(|entry| entry.valid_from.is_some_and(|from| from <= day)).map(|entry| entry.rates);
        let price = ModelPrice::new(entries);
        prop_assert_eq!(price.entry(time).map(|entry| entry.rates), expected);
    }
}
