use super::*;
use crate::domain::price::{LongInput, PriceEntry, Usage};

const NOON_US: i64 = 1_750_000_000_000_000;

fn rates(input: f64, output: f64) -> Rates {
    Rates { input: Some(input / 1e6), output: Some(output / 1e6), ..Rates::default() }
}

fn price(rates: Rates, long_input: Vec<LongInput>) -> ModelPrice {
    ModelPrice::new(vec![PriceEntry { valid_from: None, daily_utc: None, rates, long_input }])
}

fn log(mean: f64, standard_error: f64) -> Uncertain {
    Uncertain { value: mean.ln(), standard_error }
}

#[test]
fn agrees_with_the_bill_request_by_request() {
    // Inputs on both sides of a threshold, each exact in its bin; the expected cost is the mean of single bills.
    let inputs = [1_000.0, 5_000.0, 150_000.0, 300_000.0];
    let long = LongInput { above_tokens: 200_000, rates: rates(2.5, 15.0) };
    let price = price(rates(1.25, 10.0), vec![long]);
    let sketch = Sketch::from_values(inputs);
    let cost = per_request(&price, &[NOON_US], &Workload::new(&sketch, 4.0, Some(log(800.0, 0.0)))).unwrap();
    let bills = inputs
        .map(|input| price.cost_usd(NOON_US, &Usage { input: input as u64, output: 800, ..Usage::default() }).unwrap());
    let mean = bills.iter().sum::<f64>() / 4.0;
    assert!((cost.per_request.value - mean).abs() < 1e-12, "{cost:?} {mean}");
    let variance: f64 = bills.iter().map(|bill| (bill - mean).powi(2)).sum::<f64>() / 3.0;
    assert!((cost.per_request.standard_error - (variance / 4.0).sqrt()).abs() < 1e-12);
    assert!((cost.long_input - 0.25).abs() < 1e-12);
    assert!((cost.input + cost.output - mean).abs() < 1e-12);
}

#[test]
fn doubt_about_the_output_is_doubt_about_the_cost() {
    let sketch = Sketch::from_values([2_000.0; 100]);
    let price = price(rates(1.0, 4.0), Vec::new());
    // 2000 · 1e-6 + 500 · 4e-6 = 0.004, half of it output with an error of 30 %.
    let cost = per_request(&price, &[NOON_US], &Workload::new(&sketch, 100.0, Some(log(500.0, 0.3)))).unwrap();
    assert!((cost.per_request.value - 0.004).abs() < 1e-15);
    assert!((cost.per_request.standard_error - 0.0006).abs() < 1e-12, "{cost:?}");
    assert!((cost.log().unwrap().standard_error - 0.15).abs() < 1e-9);
}

#[test]
fn the_cache_saves_and_costs_once() {
    let sketch = Sketch::from_values([10_000.0; 50]);
    let rates = Rates { cached_input: Some(0.3e-6), cache_write: Some(3.75e-6), ..rates(3.0, 15.0) };
    let price = price(rates, Vec::new());
    let read = Uncertain { value: 0.6, standard_error: 0.05 };
    let workload =
        Workload { cache: CacheUse { read, written: 0.1 }, ..Workload::new(&sketch, 50.0, Some(log(100.0, 0.0))) };
    let cost = per_request(&price, &[NOON_US], &workload).unwrap();
    let want = 10_000.0 * (0.3 * 3e-6 + 0.6 * 0.3e-6 + 0.1 * 3.75e-6) + 100.0 * 15e-6;
    assert!((cost.per_request.value - want).abs() < 1e-12);
    assert!((cost.per_request.standard_error - 10_000.0 * 2.7e-6 * 0.05).abs() < 1e-9);
    // 20 requests a minute for 5 minutes, 6,000 tokens each, written at 3.75 instead of read at 0.30.
    let cold = cold_cache(&price, NOON_US, &workload, 20.0, 5.0).unwrap();
    assert!((cold.tokens - 600_000.0).abs() < 1e-6);
    assert!((cold.at_most_usd - 600_000.0 * 3.45e-6).abs() < 1e-9, "{cold:?}");
    assert!((cold.at_least_usd - 6_000.0 * 3.45e-6).abs() < 1e-9);
    let without = cold_cache(&price, NOON_US, &Workload { cache: CacheUse::NONE, ..workload }, 20.0, 5.0).unwrap();
    assert!(without.at_most_usd.abs() < 1e-15);
}

#[test]
fn another_tokenizer_moves_input_and_threshold() {
    let sketch = Sketch::from_values([190_000.0; 10]);
    let long = LongInput { above_tokens: 200_000, rates: rates(2.0, 2.0) };
    let price = price(rates(1.0, 1.0), vec![long]);
    let workload = Workload {
        log_tokenizer_ratio: Uncertain { value: 1.1_f64.ln(), standard_error: 0.02 },
        ..Workload::new(&sketch, 10.0, Some(log(1.0, 0.0)))
    };
    let cost = per_request(&price, &[NOON_US], &workload).unwrap();
    assert!((cost.long_input - 1.0).abs() < 1e-12);
    assert!((cost.input - 209_000.0 * 2e-6).abs() < 1e-9);
    assert!((cost.per_request.standard_error / cost.input - 0.02).abs() < 1e-6);
}

#[test]
fn what_is_missing_is_named() {
    let sketch = Sketch::from_values([100.0, 200.0]);
    let known = Workload::new(&sketch, 2.0, Some(log(10.0, 0.0)));
    let sound = price(rates(1.0, 1.0), Vec::new());
    let with = |rates: Rates| per_request(&price(rates, Vec::new()), &[NOON_US], &known);
    assert_eq!(with(Rates { input: None, ..rates(1.0, 1.0) }), Err(Unpriced::InputPrice));
    assert_eq!(with(Rates { output: None, ..rates(1.0, 1.0) }), Err(Unpriced::OutputPrice));
    assert_eq!(per_request(&ModelPrice::new(Vec::new()), &[NOON_US], &known), Err(Unpriced::NotInForce));
    assert_eq!(per_request(&sound, &[], &known), Err(Unpriced::NoInstant));
    assert_eq!(
        per_request(&sound, &[NOON_US], &Workload { log_output_tokens: None, ..known }),
        Err(Unpriced::OutputTokens)
    );
    let empty = Sketch::default();
    assert_eq!(
        per_request(&sound, &[NOON_US], &Workload { input_tokens: &empty, ..known }),
        Err(Unpriced::InputTokens)
    );
    let shares = CacheUse { read: Uncertain { value: 0.7, standard_error: 0.0 }, written: 0.4 };
    assert_eq!(per_request(&sound, &[NOON_US], &Workload { cache: shares, ..known }), Err(Unpriced::CacheShares));
    assert_eq!(cold_cache(&sound, NOON_US, &known, f64::NAN, 5.0), Err(Unpriced::NotFinite));
    let endless = Workload { log_output_tokens: Some(log(f64::INFINITY, 0.0)), ..known };
    assert_eq!(per_request(&sound, &[NOON_US], &endless), Err(Unpriced::NotFinite));
}

#[test]
fn hours_are_averaged() {
    use crate::domain::price::DailyHours;
    let by_day = PriceEntry {
        valid_from: None,
        daily_utc: DailyHours::new(0, 720),
        rates: rates(4.0, 4.0),
        long_input: Vec::new(),
    };
    let always = PriceEntry { daily_utc: None, rates: rates(2.0, 2.0), ..by_day.clone() };
    let price = ModelPrice::new(vec![by_day, always]);
    let sketch = Sketch::from_values([1_000.0; 5]);
    let hours: Vec<i64> = (0..24).map(|hour| hour * 3_600_000_000).collect();
    let cost = per_request(&price, &hours, &Workload::new(&sketch, 5.0, Some(log(1_000.0, 0.0)))).unwrap();
    assert!((cost.per_request.value - 0.006).abs() < 1e-12, "{cost:?}");
    assert!(cost.per_request.standard_error < 1e-9, "hours are known, not sampled: {cost:?}");
}
