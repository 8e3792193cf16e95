//! What was found wrong by dealing real requests to two sides.

use jiff::civil::date;

use super::*;
use crate::{
    decide::policy::{Source, parse},
    domain::gate::UnitKind,
    stats::gate::RequestKind,
};

/// So many requests of one kind a side, a second apart; `odd` may change each by its number.
fn side(from: u64, rows: u64, odd: impl Fn(u64, &mut Requests)) -> Requests {
    let mut side =
        Requests { slices: vec![[None, None, None, None]], classes: vec!["timeout".to_owned()], ..Requests::default() };
    for row in 0..rows {
        side.slice.push(0);
        side.stratum.push(5);
        side.request.push(from + row);
        side.session.push(0);
        side.minute.push(((from + row) / 60).cast_signed());
        side.run.push(0);
        side.kind.push(RequestKind::Succeeded);
        side.class.push(u32::MAX);
        side.weight.push(1.0);
        for (column, value) in [
            (&mut side.latency_ms, 500.0 + (row * 7 % 100) as f64),
            (&mut side.ttft_ms, f64::NAN),
            (&mut side.input_tokens, 100.0),
            (&mut side.output_tokens, 20.0),
            (&mut side.cost_usd, 0.01),
            (&mut side.quality, f64::NAN),
        ] {
            column.push(value);
        }
        odd(row, &mut side);
    }
    side
}

fn compare(baseline: &Requests, candidate: &Requests) -> Gated {
    let policy = parse(Source::profile("balanced").unwrap(), &|_| unreachable!()).unwrap();
    gate(&Inputs { baseline, candidate, rules: &policy.gate, past: &[], today: date(2026, 1, 1) })
}

/// Logs leave failures without tokens: of unknown length, they were a kind of their own, as bad on both sides.
#[test]
fn failures_that_are_logged_without_tokens_count() {
    let failing = |every: u64| {
        move |row: u64, side: &mut Requests| {
            if row.is_multiple_of(every) {
                let at = row as usize;
                (side.kind[at], side.class[at], side.stratum[at]) = (RequestKind::Failed, 0, 6);
                (side.latency_ms[at], side.input_tokens[at], side.cost_usd[at]) = (f64::NAN, f64::NAN, f64::NAN);
            }
        }
    };
    let gated = compare(&side(0, 3_000, failing(100)), &side(1_000_000, 3_000, failing(10)));
    let errors =
        gated.comparisons.iter().find(|one| one.metric == GateMetric::ErrorRate && one.class.is_none()).unwrap();
    assert_eq!((errors.baseline, errors.candidate), (Some(0.01), Some(0.1)));
    assert_eq!((errors.verdict, gated.outcome), (GateVerdict::Regression, GateOutcome::Failed));
    // And what fails was not asked for more often.
    assert_eq!(gated.mix.map(|mix| (mix.moved, mix.changed)), Some((0.0, false)));
}

/// A cost without variation was taken for a price, which chance has no part in.
#[test]
fn two_requests_that_cost_differently_are_no_regression() {
    // Half of them in slices of a single request a side, each dearer on the candidate's.
    let sliced = |cents: f64| {
        move |row: u64, side: &mut Requests| {
            let at = row as usize;
            if row < 50 {
                side.slices.push([Some(format!("service {row}")), None, None, None]);
                (side.slice[at], side.stratum[at]) = (row as u32 + 1, 100 + row);
                side.cost_usd[at] = cents / 100.0;
            }
        }
    };
    let gated = compare(&side(0, 3_000, sliced(1.0)), &side(1_000_000, 3_000, sliced(1.2)));
    let worse: Vec<String> =
        gated.comparisons.iter().filter(|one| one.verdict == GateVerdict::Regression).map(GateComparison::id).collect();
    assert_eq!(worse, Vec::<String>::new());
    // Where many agree, it is one.
    let dearer =
        compare(&side(0, 3_000, |_, _| {}), &side(1_000_000, 3_000, |row, side| side.cost_usd[row as usize] = 0.012));
    assert_eq!(dearer.outcome, GateOutcome::Failed);
}

/// Twelve minutes against fifty were compared request by request, five hours against nineteen by five minutes.
#[test]
fn few_stretches_are_still_stretches() {
    let unit = |minutes: [u64; 2]| {
        compare(&side(0, 60 * minutes[0], |_, _| {}), &side(360_000, 60 * minutes[1], |_, _| {})).unit
    };
    let few = unit([50, 12]);
    assert_eq!((few.kind, few.minutes, few.baseline, few.candidate), (UnitKind::Minutes, Some(1), 50, 12));
    let hours = unit([19 * 60, 5 * 60]);
    assert_eq!((hours.minutes, hours.baseline, hours.candidate), (Some(60), 19, 5));
    assert_eq!(unit([50, 4]).kind, UnitKind::Request);
    assert_eq!(unit([9, 9]).kind, UnitKind::Request);
}
