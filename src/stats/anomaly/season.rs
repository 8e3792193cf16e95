//! What the same hour of former days, or of former weeks, leads one to expect.

use std::collections::VecDeque;

const DAY: i64 = 24;
const WEEK: i64 = 168;
/// A phase is known from this many former cycles on.
const CYCLES: usize = 3;
/// Days of hour means that are kept: four weeks.
const KEPT_HOURS: i64 = 28 * DAY;
/// Share of the variation the cycle has to explain before it is believed. R's `forecast::nsdiffs` uses the same value
/// for the strength of Wang, Smith, Hyndman (2006), doi 10.1007/s10618-005-0039-x.
const STRENGTH: f64 = 0.64;

/// Hour means of the last four weeks and the profile drawn from them.
#[derive(Debug, Clone, Default)]
pub struct Season {
    hours: VecDeque<(i64, f64)>,
    profile: Vec<f64>,
    period: i64,
    scratch: Vec<f64>,
}

impl Season {
    /// Adds the mean of a finished hour (`hour` = seconds / 3600). An hour not later than the last one is left out.
    pub fn add(&mut self, hour: i64, mean: f64) {
        if self.hours.back().is_some_and(|last| last.0 >= hour) {
            return;
        }
        self.hours.push_back((hour, mean));
        while self.hours.front().is_some_and(|first| first.0 <= hour - KEPT_HOURS) {
            self.hours.pop_front();
        }
    }

    /// Means of the hours `from..to`, newest first.
    pub fn between(&self, from: i64, to: i64) -> impl Iterator<Item = f64> + '_ {
        let past = self.hours.iter().rev().skip_while(move |hour| hour.0 >= to);
        past.take_while(move |hour| hour.0 >= from).map(|hour| hour.1)
    }

    /// Draws the profile anew: weekly if that explains more than daily, none if neither explains enough.
    pub fn refresh(&mut self, now: i64) {
        let day = self.draw(DAY, now - 14 * DAY);
        let week = self.draw(WEEK, now - KEPT_HOURS);
        let (best, period) = if week.0 > day.0 { (week, WEEK) } else { (day, DAY) };
        self.period = period;
        self.profile = if best.0 >= STRENGTH { best.1 } else { Vec::new() };
    }

    /// Lowest and highest expectation within two hours: neither a ramp that comes early or late nor a clock set forward or
    /// back by an hour is a surprise. `None` while no season is known.
    #[must_use]
    pub fn band(&self, hour: i64) -> Option<[f64; 2]> {
        if self.profile.is_empty() {
            return None;
        }
        let near =
            [hour - 2, hour - 1, hour, hour + 1, hour + 2].map(|h| self.profile[h.rem_euclid(self.period) as usize]);
        Some([
            near.iter().copied().fold(f64::INFINITY, f64::min),
            near.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ])
    }

    /// Strength (1 - residual² / deviation², by mean absolute values) and medians by phase, from the hours since `from`.
    fn draw(&mut self, period: i64, from: i64) -> (f64, Vec<f64>) {
        let known = self.hours.len() - self.hours.partition_point(|hour| hour.0 < from);
        if known < CYCLES * period as usize {
            return (0.0, Vec::new());
        }
        let hours: Vec<(i64, f64)> = self.hours.iter().copied().skip(self.hours.len() - known).collect();
        let phase = |hour: i64| hour.rem_euclid(period) as usize;
        let room = ((hours[known - 1].0 - hours[0].0) / period) as usize + 1;
        let mut cells = vec![0.0; period as usize * room];
        let mut filled = vec![0; period as usize];
        for hour in &hours {
            let cell = phase(hour.0);
            cells[cell * room + filled[cell]] = hour.1;
            filled[cell] += 1;
        }
        let mut phases = vec![f64::NAN; period as usize];
        for (cell, &count) in filled.iter().enumerate().filter(|cell| *cell.1 >= CYCLES) {
            let values = &mut cells[cell * room..cell * room + count];
            values.sort_unstable_by(f64::total_cmp);
            phases[cell] = f64::midpoint(values[(count - 1) / 2], values[count / 2]);
        }
        if phases.iter().any(|phase| phase.is_nan()) {
            return (0.0, Vec::new());
        }
        self.scratch.clear();
        self.scratch.extend(hours.iter().map(|hour| hour.1));
        let centre = median(&mut self.scratch).unwrap_or(0.0);
        let residual: f64 = hours.iter().map(|hour| (hour.1 - phases[phase(hour.0)]).abs()).sum();
        let deviation: f64 = hours.iter().map(|hour| (hour.1 - centre).abs()).sum();
        (if deviation > 0.0 { 1.0 - (residual / deviation).powi(2) } else { 0.0 }, phases)
    }
}

/// The upper median, reordering `values`. `None` when empty.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(hours: i64, value: impl Fn(i64) -> f64) -> Season {
        let mut season = Season::default();
        for hour in 0..hours {
            season.add(hour, value(hour));
        }
        season.refresh(hours);
        season
    }

    #[test]
    fn a_daily_pattern_is_learned_in_three_days() {
        let wave = |hour: i64| if hour % 24 < 12 { 10.0 } else { 50.0 };
        assert_eq!(filled(71, wave).band(80), None);
        let season = filled(72, wave);
        assert_eq!(season.band(72 + 5), Some([10.0, 10.0]));
        assert_eq!(season.band(72 + 10), Some([10.0, 50.0]), "the ramp may come two hours early");
    }

    #[test]
    fn a_weekly_pattern_needs_three_weeks_and_beats_the_daily_one() {
        let week = |hour: i64| if (hour / 24) % 7 < 5 { 50.0 + (hour % 24) as f64 } else { 5.0 };
        let season = filled(3 * 168, week);
        assert_eq!(season.band(3 * 168 + 5 * 24 + 12), Some([5.0, 5.0]), "Saturday noon");
        assert_eq!(season.band(3 * 168 + 12), Some([60.0, 64.0]), "Monday noon");
    }

    #[test]
    fn noise_has_no_season() {
        let noise = |hour: i64| ((hour * 7919) % 101) as f64;
        assert_eq!(filled(400, noise).band(400), None);
        assert_eq!(filled(400, |_| 3.0).band(400), None, "a constant neither");
    }
}
