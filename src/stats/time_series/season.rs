//! Does a metric follow the time of day or the day of the week, and how strongly?

use super::{
    series::{DAY, Grid, Point, Unanswered, seconds, tidy},
    turning,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// By time of day.
    Day,
    /// By time of the week, what the time of day explains taken away first. Weeks start on Monday 00:00 UTC.
    Week,
}

/// How a metric goes with the time.
#[derive(Debug, Clone, PartialEq)]
pub struct Season {
    pub period: Period,
    /// 0 (none) to 1 (nothing else): `1 − Var(R) / Var(S + R)`, where S is the season and R the rest (Wang, Smith and Hyndman
    /// 2006, doi 10.1007/s10618-005-0039-x). Over few periods pure noise reaches one over their number.
    pub strength: f64,
    /// Share of random turns of whole periods against each other that give as much of a season: a season that is real is
    /// at the same time every period. No less than one over `turning::TURNS` and one.
    pub p_value: f64,
    /// Length of a slot of `profile`, seconds: a bucket.
    pub step_s: i64,
    /// Mean difference from the local level per slot, from midnight (Monday midnight) UTC; `None` for a slot without a
    /// point. In the unit of the metric.
    pub profile: Vec<Option<f64>>,
    /// Whole periods that the data span.
    pub periods: usize,
}

impl Season {
    #[must_use]
    pub fn significant(&self, alpha: f64) -> bool {
        self.p_value < alpha
    }

    /// What the season adds at a time (seconds since the epoch); 0 where it is not known.
    #[must_use]
    pub fn at(&self, at: i64) -> f64 {
        self.profile.get(slot(at, self.step_s, self.profile.len())).copied().flatten().unwrap_or(0.0)
    }
}

/// Periods that are compared; fewer cannot show that something repeats.
const FEWEST_PERIODS: usize = 3;
const FEWEST_WEEKS: usize = 2;

/// Seasonal part of a series in buckets of `step_s` seconds, which must divide the period. Three days or two weeks are needed;
/// with two weeks the guard can hardly say yes, with three it can.
pub fn season(series: &[Point], step_s: i64, period: Period) -> Result<Season, Unanswered> {
    let grid = Grid::new(series, step_s)?;
    let (length, fewest) = match period {
        Period::Day => (DAY, FEWEST_PERIODS),
        Period::Week => (7 * DAY, FEWEST_WEEKS),
    };
    let cells = grid.cells_in(length).ok_or(Unanswered::UnsuitedBuckets)?;
    let wanted = (fewest * cells).max(8);
    if grid.cells.len() < wanted || grid.filled < wanted / 2 {
        return Err(Unanswered::NotEnoughData { missing: (wanted - grid.filled.min(wanted)).max(1) });
    }
    let unit = grid.cells.iter().filter(|v| !v.is_nan()).map(|v| v.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let mut rest: Vec<f64> = grid.cells.iter().map(|value| value / unit).collect();
    if period == Period::Week
        && let Some(day) = grid.cells_in(DAY)
    {
        let daily = means(&detrended(&rest, day), &grid, day);
        rest.iter_mut().enumerate().for_each(|(cell, value)| *value -= daily[slot(grid.at(cell), step_s, day)]);
    }
    let detrended = detrended(&rest, cells);
    let profile = means(&detrended, &grid, cells);
    let known: Vec<(f64, f64)> = detrended
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_nan())
        .map(|(cell, value)| (*value, value - profile[slot(grid.at(cell), step_s, cells)]))
        .collect();
    let (whole, left) =
        (turning::variance(known.iter().map(|pair| pair.0)), turning::variance(known.iter().map(|pair| pair.1)));
    // What rounding leaves of a constant is no season: values are at most 1 here.
    let constant = whole <= 1e-24;
    let scaled = |value: &f64| (!value.is_nan()).then(|| if constant { 0.0 } else { value * unit });
    let profile: Vec<Option<f64>> = profile.iter().map(scaled).collect();
    if profile.iter().flatten().any(|value| !value.is_finite()) {
        return Err(Unanswered::Overflow);
    }
    Ok(Season {
        period,
        strength: if constant { 0.0 } else { (1.0 - left / whole).clamp(0.0, 1.0) },
        p_value: if constant { 1.0 } else { turning::test(&detrended, cells) },
        step_s,
        profile,
        periods: grid.cells.len() / cells,
    })
}

/// Points of earlier days at the time of day of `at`, oldest first: the bucket that starts in the same `step_s` seconds of the
/// day. What is not finite is left out. Empty when `step_s` is not positive.
#[must_use]
pub fn same_time_of_day(history: &[Point], at: i64, step_s: i64) -> Vec<Point> {
    if step_s <= 0 {
        return Vec::new();
    }
    let piece = |at: i64| at.rem_euclid(DAY) / step_s;
    let today = at.div_euclid(DAY);
    let same = |point: &&Point| piece(point.at) == piece(at) && point.at.div_euclid(DAY) < today;
    tidy(history).iter().filter(same).copied().collect()
}

/// Slot of the period, which starts at midnight. The epoch was a Thursday; only whole weeks notice.
fn slot(at: i64, step_s: i64, cells: usize) -> usize {
    let period = seconds(cells, step_s);
    let monday = if period == 7 * DAY { 3 * DAY } else { 0 };
    at.saturating_add(monday).rem_euclid(period.max(1)) as usize / step_s.max(1) as usize
}

/// Each cell less the mean of the period around it; at the ends less that of the nearest whole period.
fn detrended(cells: &[f64], period: usize) -> Vec<f64> {
    let (mut sums, mut counts) = (vec![0.0], vec![0.0]);
    for (index, value) in cells.iter().enumerate() {
        sums.push(sums[index] + if value.is_nan() { 0.0 } else { *value });
        counts.push(counts[index] + if value.is_nan() { 0.0 } else { 1.0 });
    }
    let level = |cell: usize| {
        let from = cell.saturating_sub(period / 2).min(cells.len() - period);
        (sums[from + period] - sums[from]) / (counts[from + period] - counts[from])
    };
    cells.iter().enumerate().map(|(cell, value)| value - level(cell)).collect()
}

/// Mean per slot, together zero.
fn means(values: &[f64], grid: &Grid, period: usize) -> Vec<f64> {
    let mut slots = vec![(0.0, 0.0); period];
    for (cell, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        let slot = &mut slots[slot(grid.at(cell), grid.step, period)];
        *slot = (slot.0 + value, slot.1 + 1.0);
    }
    let means: Vec<f64> = slots.iter().map(|(sum, count)| sum / count).collect();
    let known = || means.iter().filter(|mean| !mean.is_nan());
    let middle = known().sum::<f64>() / known().count().max(1) as f64;
    means.iter().map(|mean| mean - middle).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, points};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_daily_wave_is_found_with_its_profile() {
        let found = season(&Noise::new(1).daily(672, 900, 5.0), 900, Period::Day).unwrap();
        assert!(found.significant(0.01) && found.strength > 0.85 && found.periods == 7, "{found:?}");
        assert!((found.at(6 * 3600) - 5.0).abs() < 1.0 && (found.at(100 * DAY + 18 * 3600) + 5.0).abs() < 1.0);
        // What the day explains is not a week.
        let week = season(&Noise::new(1).daily(2016, 900, 5.0), 900, Period::Week).unwrap();
        assert!(!week.significant(0.01) && week.strength < 0.6, "{} {}", week.strength, week.p_value);
    }

    #[test]
    fn alike_neighbours_do_not_pass_for_a_season() {
        let found =
            |seed| season(&points(&Noise::new(seed).autoregressive(336, 0.8), 1800), 1800, Period::Day).unwrap();
        let alarms = (0..100).filter(|seed| found(*seed).significant(0.05)).count();
        assert!(alarms <= 12, "{alarms} of 100");
    }

    #[test]
    fn a_weekly_dip_is_found_on_the_right_day() {
        let noise = Noise::new(4).autoregressive(28 * 24, 0.3);
        // 1970-01-01 was a Thursday, so days 2 and 3 are a weekend.
        let value = |hour: usize| noise[hour] - if [2, 3].contains(&(hour / 24 % 7)) { 6.0 } else { 0.0 };
        let found = season(&points(&(0..28 * 24).map(value).collect::<Vec<_>>(), 3600), 3600, Period::Week).unwrap();
        assert!(found.significant(0.01) && found.strength > 0.6, "{} {}", found.strength, found.p_value);
        assert!(found.profile[5 * 24..].iter().all(|v| v.unwrap() < -1.5) && found.profile[30].unwrap() > 0.0);
    }

    #[test]
    fn scale_and_offset_move_the_answer_along() {
        let plain = Noise::new(3).daily(480, 900, 2.0);
        let moved: Vec<Point> = plain.iter().rev().map(|p| Point { value: 5e4 + 8.0 * p.value, ..*p }).collect();
        let (a, b) = [plain, moved].map(|series| season(&series, 900, Period::Day).unwrap()).into();
        assert!((a.strength - b.strength).abs() < 1e-8 && (a.p_value - b.p_value).abs() < 1e-12);
        assert!((a.at(3600) * 8.0 - b.at(3600)).abs() < 1e-7);
    }

    #[test]
    fn constants_gaps_and_too_little() {
        let flat = season(&points(&[7.7; 400], 900), 900, Period::Day).unwrap();
        assert_eq!((flat.strength, flat.p_value), (0.0, 1.0));
        assert!(flat.profile.iter().all(|value| *value == Some(0.0)));
        assert_eq!(
            season(&points(&[1.0; 100], 900), 900, Period::Day),
            Err(Unanswered::NotEnoughData { missing: 188 })
        );
        assert_eq!(season(&points(&[1.0; 400], 7 * 3600), 7 * 3600, Period::Day), Err(Unanswered::UnsuitedBuckets));
        let no_nights: Vec<Point> =
            Noise::new(2).daily(672, 900, 5.0).into_iter().filter(|p| p.at % DAY > DAY / 4).collect();
        let found = season(&no_nights, 900, Period::Day).unwrap();
        assert!(found.profile[0].is_none() && found.significant(0.01) && found.at(60).abs() < 1e-12);
    }

    #[test]
    fn same_time_of_day_is_of_earlier_days_only() {
        let found = same_time_of_day(&points(&[1.0; 400], 900), 3 * DAY + 930, 900);
        assert_eq!(found.iter().map(|p| p.at).collect::<Vec<_>>(), [900, DAY + 900, 2 * DAY + 900]);
        assert!(same_time_of_day(&found, i64::MIN, 900).is_empty() && same_time_of_day(&found, 0, 0).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn never_panics_and_stays_within_bounds(values in prop::collection::vec(prop_oneof![4 => 0.0..5.0, 1 => prop::num::f64::ANY], 0..400), step in prop_oneof![Just(3600_i64), Just(14_400)]) {
            for period in [Period::Day, Period::Week] {
                if let Ok(found) = season(&points(&values, step), step, period) {
                    prop_assert!((0.0..=1.0).contains(&found.strength) && (0.0..=1.0).contains(&found.p_value), "{found:?}");
                    prop_assert!(found.profile.iter().flatten().all(|value| value.is_finite()), "{found:?}");
                }
            }
        }
    }
}
