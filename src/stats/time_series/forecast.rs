//! The value of a metric some time ahead, with a 90 % interval made of the errors that the same method made before.

use super::{
    series::{DAY, Grid, MAX_CELLS, Point, Unanswered},
    smoothing::Bank,
    track_record::TrackRecord,
};

/// What the forecast leant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seasonality {
    /// Less than two days of data, or buckets that do not divide the day.
    None,
    Daily,
    /// Daily and weekly: two weeks of data or more.
    Weekly,
}

/// Values that a metric can have; forecasts and their limits are cut to it. Costs: 0 and up; rates: 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Support {
    pub lowest: f64,
    pub highest: f64,
}

impl Support {
    pub const ANY: Self = Self { lowest: f64::MIN, highest: f64::MAX };
    pub const NOT_NEGATIVE: Self = Self { lowest: 0.0, highest: f64::MAX };
    pub const SHARE: Self = Self { lowest: 0.0, highest: 1.0 };

    pub(crate) fn cut(&self, value: f64) -> f64 {
        value.min(self.highest).max(self.lowest)
    }
}

/// The expected mean of one future bucket, in the unit of the metric. All figures are finite, and `low <= value <= high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// How far ahead of the newest bucket, seconds.
    pub horizon_s: i64,
    /// Start of the bucket that is forecast, seconds since the epoch.
    pub at: i64,
    pub value: f64,
    /// Of such intervals 90 % should hold the truth: see `errors::LEVEL`.
    pub low: f64,
    pub high: f64,
    pub seasonality: Seasonality,
    /// Past forecasts at this horizon that the interval was made of. They overlap, so they tell less than their number.
    pub past_errors: usize,
    /// Mean absolute error of those, over that of "it stays as it is" at the same times. Below 1: worth something. `None` when
    /// staying as it is was always right.
    pub error_to_naive: Option<f64>,
}

/// Cells that the forecasters see before their errors count.
const WARM_UP: usize = 8;
/// Errors that an interval needs; and no fewer than there are cells in the horizon.
const FEWEST_ERRORS: usize = 24;

/// Forecasts at each horizon (seconds, a multiple of the bucket length `step_s`), counted from the newest bucket.
///
/// Nine simple forecasters run through the history once (`Bank`) and are mixed, per horizon, by their past errors there. The
/// interval is the central 90 % of the mixture's own past errors, each in units of the size that errors had at the time
/// (locally weighted conformal prediction, Lei et al. 2018, doi 10.1080/01621459.2017.1307116, section 5.2), widened for few
/// independent ones. There is no promise for a level that shifts within the horizon. A history that never changed gives an
/// interval of no width.
#[must_use]
pub fn forecast(
    series: &[Point],
    step_s: i64,
    horizons_s: &[i64],
    support: Support,
) -> Vec<Result<Forecast, Unanswered>> {
    let grid = match Grid::new(series, step_s) {
        Ok(grid) => grid,
        Err(reason) => return vec![Err(reason); horizons_s.len()],
    };
    let length = grid.cells.len();
    let day = grid.cells_in(DAY).filter(|day| length >= 2 * day);
    let week = grid.cells_in(7 * DAY).filter(|week| length >= 2 * week);
    let seasonality = match (day, week) {
        (_, Some(_)) => Seasonality::Weekly,
        (Some(_), None) => Seasonality::Daily,
        (None, None) => Seasonality::None,
    };
    // Errors count from where every forecaster in use could take part, so that they are compared on the same cells.
    let first = week.or(day).unwrap_or(0);
    let mut records: Vec<Result<TrackRecord, Unanswered>> = horizons_s
        .iter()
        .map(|horizon| cells_ahead(*horizon, step_s).map(|ahead| TrackRecord::new(ahead, length)))
        .collect();
    let mut bank = Bank::new(day, week);
    for (cell, value) in grid.cells.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        bank.learn(cell, *value);
        for record in records.iter_mut().flatten() {
            let target = cell + record.ahead;
            if let Some(truth) = grid.cells.get(target).filter(|truth| !truth.is_nan())
                && bank.seen() >= WARM_UP
                && target >= first
            {
                record.add(cell, *truth, &bank.expect(target, record.damping));
            }
        }
    }
    let answer = |record: Result<TrackRecord, Unanswered>, horizon_s: i64| {
        let record = record?;
        let wanted = FEWEST_ERRORS.max(record.ahead);
        if record.len() < wanted {
            let span = wanted + first.max(WARM_UP - 1 + record.ahead);
            return Err(Unanswered::NotEnoughData { missing: span.saturating_sub(length).max(wanted - record.len()) });
        }
        let newest = length - 1;
        let outlook =
            record.outlook(&bank, &bank.expect(newest + record.ahead, record.damping)).ok_or(Unanswered::Overflow)?;
        Ok(Forecast {
            horizon_s,
            at: grid.at(newest + record.ahead),
            value: support.cut(outlook.value),
            low: support.cut(outlook.low),
            high: support.cut(outlook.high),
            seasonality,
            past_errors: record.len(),
            error_to_naive: outlook.error_to_naive,
        })
    };
    records.into_iter().zip(horizons_s).map(|(record, horizon)| answer(record, *horizon)).collect()
}

fn cells_ahead(horizon_s: i64, step_s: i64) -> Result<usize, Unanswered> {
    let ahead = usize::try_from(horizon_s / step_s).unwrap_or(0);
    if !(1..MAX_CELLS).contains(&ahead) || horizon_s % step_s != 0 {
        Err(Unanswered::UnsuitedBuckets)
    } else {
        Ok(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, points};
    use super::*;
    use proptest::prelude::*;

    const HORIZONS: [i64; 3] = [900, 3600, DAY];

    #[test]
    fn a_daily_wave_is_followed() {
        let series = Noise::new(1).daily(672, 900, 30.0);
        for found in forecast(&series, 900, &[900, 6 * 3600, DAY], Support::ANY) {
            let found = found.unwrap();
            let truth = 100.0 + 30.0 * (found.at as f64 / 86_400.0 * std::f64::consts::TAU).sin();
            assert!((found.value - truth).abs() < 4.0 && found.high - found.low < 12.0, "{found:?} {truth}");
            assert_eq!(found.seasonality, Seasonality::Daily);
        }
        assert_eq!(
            forecast(&Noise::new(1).daily(1344, 900, 30.0), 900, &[900], Support::ANY)[0].unwrap().seasonality,
            Seasonality::Weekly
        );
    }

    #[test]
    fn nine_of_ten_truths_are_inside() {
        let (mut inside, mut count) = (0, 0);
        for seed in 0..60 {
            let series = Noise::new(seed).daily(480, 1800, 3.0);
            for found in forecast(&series[..384], 1800, &[1800, 3600, DAY], Support::ANY).into_iter().flatten() {
                let truth = series[(found.at / 1800) as usize].value;
                inside += usize::from((found.low..=found.high).contains(&truth));
                count += 1;
            }
        }
        assert_eq!(count, 180);
        assert!((151..=176).contains(&inside), "{inside} of 180");
    }

    #[test]
    fn what_is_missing_is_counted_rightly() {
        let noise = Noise::new(1).daily(600, 900, 3.0);
        for length in 0..260 {
            for (answer, horizon) in forecast(&noise[..length], 900, &HORIZONS, Support::ANY).iter().zip(HORIZONS) {
                if let Err(Unanswered::NotEnoughData { missing }) = answer {
                    let more = &noise[..length + missing];
                    assert!(
                        forecast(more, 900, &[horizon], Support::ANY)[0].is_ok(),
                        "{length} + {missing} at {horizon}"
                    );
                }
            }
        }
    }

    #[test]
    fn constants_wild_values_and_unsuited_horizons() {
        let flat = forecast(&points(&[0.3; 400], 900), 900, &HORIZONS, Support::SHARE);
        assert!(flat.iter().flatten().all(|f| (f.low - 0.3).abs() < 1e-9 && (f.high - 0.3).abs() < 1e-9), "{flat:?}");
        assert_eq!(flat.iter().flatten().count(), 3);
        let wild: Vec<f64> = (0..400).map(|i| if i % 3 == 0 { f64::MAX } else { f64::MIN }).collect();
        assert_eq!(forecast(&points(&wild, 900), 900, &[900], Support::ANY), [Err(Unanswered::Overflow)]);
        for horizon in [0, -900, 60, 1000] {
            assert_eq!(
                forecast(&points(&wild, 900), 900, &[horizon], Support::ANY),
                [Err(Unanswered::UnsuitedBuckets)]
            );
        }
        assert_eq!(forecast(&[], 0, &[900], Support::ANY), [Err(Unanswered::UnsuitedBuckets)]);
        assert!(forecast(&[], 1, &[i64::MAX], Support::ANY)[0].is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn scale_and_offset_move_the_answer_along(seed in 0_u64..500, scale in 0.01_f64..100.0, offset in -1e4_f64..1e4) {
            let plain = Noise::new(seed).daily(400, 900, 2.0);
            let moved: Vec<Point> = plain.iter().rev().map(|p| Point { value: offset + scale * p.value, ..*p }).collect();
            let answers = [plain, moved].map(|series| forecast(&series, 900, &HORIZONS, Support::ANY));
            for (a, b) in answers[0].iter().flatten().zip(answers[1].iter().flatten()) {
                let tolerance = 1e-6 * (offset.abs() + 200.0 * scale);
                for (a, b) in [(a.value, b.value), (a.low, b.low), (a.high, b.high)] {
                    prop_assert!((offset + scale * a - b).abs() < tolerance, "{a} {b}");
                }
            }
        }

        #[test]
        fn always_finite_and_in_order(values in prop::collection::vec(prop_oneof![4 => 0.0..5.0, 1 => Just(0.0), 1 => -1e300..1e300, 1 => prop::num::f64::ANY], 0..300), step in 1_i64..100_000) {
            for found in forecast(&points(&values, step), step, &[step, 4 * step, 86_400], Support::NOT_NEGATIVE).into_iter().flatten() {
                prop_assert!(0.0 <= found.low && found.low <= found.value && found.value <= found.high && found.high.is_finite());
            }
        }
    }
}
