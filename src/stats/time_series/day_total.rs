//! A sum until the end of the UTC day: what will today's spend (requests, tokens) be at midnight?

use super::{
    rest_of_day::{Sums, rest_of_day},
    series::{DAY, Point, Unanswered},
};

/// How the rest of the day was reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// From the same time of day on this many former days, with an interval made of past errors.
    FormerDays { days: usize },
    /// Two days of history are not there: the rate so far goes on. The interval is wide, by rule of thumb.
    RateCarriedOn,
}

/// A sum for the UTC day that holds `now`, in the unit of the points. All figures are finite; `so_far <= low <= total <= high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DayTotal {
    pub so_far: f64,
    pub total: f64,
    /// Of such intervals 90 % should hold the truth.
    pub low: f64,
    pub high: f64,
    /// Midnight at which the day ends, seconds since the epoch.
    pub until: i64,
    pub method: Method,
}

/// Former days looked back at, at most.
const MOST_DAYS: i64 = 14;
/// Cells that a rate needs.
const FEWEST_CELLS: usize = 4;
/// With the rate carried on: the logarithm of the factor by which the rest of a whole day may be off, either way.
const DAY_FACTOR: f64 = 1.1;

/// Today's sum by midnight UTC with its 90 % interval, from `series`: sums per bucket of `step_s` seconds, which must divide the
/// day, none negative; points from `now_s` (seconds since the epoch) on are ignored.
///
/// A bucket without a point, between the first point and now, is taken for zero: nothing was spent. The rest of today is a
/// mixture of what the same hours brought on former days (plainly, in the proportion of lately to then, or a week ago) and of
/// rates carried on, weighted by the errors that each made when asked for as long a stretch before, as [`super::forecast`]
/// does; errors are in proportion to the forecast, which makes the interval so too.
///
/// `NotEnoughData` counts the buckets missing for a rate; `UnsuitedBuckets` when they do not divide the day.
pub fn day_total(series: &[Point], step_s: i64, now_s: i64) -> Result<DayTotal, Unanswered> {
    if step_s <= 0 || DAY % step_s != 0 || DAY / step_s < 2 {
        return Err(Unanswered::UnsuitedBuckets);
    }
    let today = now_s.div_euclid(DAY).checked_mul(DAY).ok_or(Unanswered::UnsuitedBuckets)?;
    let until = today.checked_add(DAY).ok_or(Unanswered::UnsuitedBuckets)?;
    let known: Vec<Point> =
        series.iter().copied().filter(|point| point.at < now_s && point.value.is_finite()).collect();
    let so_far: f64 = known.iter().filter(|point| point.at >= today).map(|point| point.value).sum();
    let period = (DAY / step_s) as usize;
    // Whole buckets that are over; a begun one counts in `so_far`, and its rest in what is to come.
    let over = now_s.div_euclid(step_s);
    let begun_share = now_s.rem_euclid(step_s) as f64 / step_s as f64;
    let to_come = (until / step_s - over) as usize;
    let oldest = over - (MOST_DAYS + 1) * (DAY / step_s);
    let recent: Vec<Point> = known.into_iter().filter(|p| (oldest..over).contains(&p.at.div_euclid(step_s))).collect();
    let sums = Sums::new(&recent, step_s, over)?;
    let length = sums.cells();
    if length < FEWEST_CELLS {
        return Err(Unanswered::NotEnoughData { missing: FEWEST_CELLS - length });
    }
    let answer = |rest: f64, low: f64, high: f64, method| {
        let total = DayTotal {
            so_far,
            total: so_far + rest.max(0.0),
            low: so_far + low.min(rest).max(0.0),
            high: so_far + high.max(rest).max(0.0),
            until,
            method,
        };
        [total.total, total.low, total.high].iter().all(|v| v.is_finite()).then_some(total).ok_or(Unanswered::Overflow)
    };
    let left = to_come as f64 - begun_share;
    if let Some((rest, low, high)) = rest_of_day(&sums, period, to_come) {
        let share = left / to_come as f64;
        return answer(rest * share, low * share, high * share, Method::FormerDays { days: length / period });
    }
    let span = length.min(period);
    let rate = sums.between(length - span, length) / span as f64;
    // The shorter the stretch that the rate is known from, and the longer it goes on, the less it says.
    let doubt = DAY_FACTOR * (left / period as f64).cbrt() * (1.0 + 4.0 / span as f64);
    answer(rate * left, rate * left * (-doubt).exp(), rate * left * doubt.exp(), Method::RateCarriedOn)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, points};
    use super::*;
    use proptest::prelude::*;

    const STEP: i64 = 900;

    #[test]
    fn former_days_shape_the_rest() {
        // Cheap until noon, dear after: the morning's rate would say far too little.
        let mut series = Noise::new(1).daily(8 * 96, STEP, 0.0);
        for point in &mut series {
            point.value *= if point.at % DAY < DAY / 2 { 0.1 } else { 1.0 };
        }
        let today: f64 = series[7 * 96..].iter().map(|p| p.value).sum();
        let found = day_total(&series, STEP, 7 * DAY + DAY / 2).unwrap();
        assert_eq!((found.method, found.until), (Method::FormerDays { days: 7 }, 8 * DAY));
        assert!(
            (found.total / today - 1.0).abs() < 0.02 && found.low < today && today < found.high,
            "{found:?} {today}"
        );
        assert!(found.high - found.low < 0.2 * today, "{found:?}");
    }

    #[test]
    fn a_young_series_carries_its_rate_on_and_says_so() {
        let found = day_total(&points(&[2.0; 48], STEP), STEP, DAY / 2).unwrap();
        assert_eq!(found.method, Method::RateCarriedOn);
        assert!((found.so_far - 96.0).abs() < 1e-9 && (found.total - 192.0).abs() < 1e-9);
        assert!(found.low < 150.0 && found.high > 250.0, "{found:?}");
        assert_eq!(day_total(&[], STEP, 0), Err(Unanswered::NotEnoughData { missing: 4 }));
        assert_eq!(day_total(&points(&[1.0; 3], STEP), STEP, 2700), Err(Unanswered::NotEnoughData { missing: 1 }));
        assert_eq!(day_total(&[], 7 * 3600, 0), Err(Unanswered::UnsuitedBuckets));
    }

    #[test]
    fn what_is_missing_in_between_is_zero_and_the_day_ends() {
        let series: Vec<Point> = points(&[1.0; 4 * 96], STEP).into_iter().filter(|p| p.at % DAY < DAY / 2).collect();
        let found = day_total(&series, STEP, 3 * DAY + DAY * 3 / 4).unwrap();
        assert!((found.so_far - 48.0).abs() < 1e-9 && (found.total - 48.0).abs() < 1e-6, "{found:?}");
        let last = day_total(&points(&[1.0; 4 * 96], STEP), STEP, 4 * DAY - 1).unwrap();
        assert!((last.total - 96.0).abs() < 0.1 && last.high < 97.0, "{last:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn scales_with_the_data(seed in 0_u64..500, scale in 0.001_f64..1000.0, now in 100_000_i64..691_200) {
            let plain = Noise::new(seed).daily(768, STEP, 60.0);
            let moved: Vec<Point> = plain.iter().rev().map(|p| Point { value: scale * p.value, ..*p }).collect();
            let (a, b) = (day_total(&plain, STEP, now).unwrap(), day_total(&moved, STEP, now).unwrap());
            for (a, b) in [(a.total, b.total), (a.low, b.low), (a.high, b.high)] {
                prop_assert!((a * scale - b).abs() < 1e-6 * b.abs().max(scale), "{a} {b}");
            }
        }

        #[test]
        fn always_finite_and_in_order(values in prop::collection::vec(prop_oneof![4 => 0.0..5.0, 2 => Just(0.0), 1 => 0.0..1e300, 1 => prop::num::f64::ANY], 0..500), now in prop::num::i64::ANY, near in 0_i64..500_000) {
            for now in [now, near] {
                if let Ok(found) = day_total(&points(&values, STEP), STEP, now) {
                    prop_assert!(found.so_far.is_finite() && found.low <= found.total && found.total <= found.high && found.high.is_finite(), "{found:?}");
                }
            }
        }
    }
}
