//! The anomaly ensemble at work, point by point. What it does and why: [`super`].

use super::forest::{self, Row};
use super::memory::Memory;
use super::season::{Season, median};
use super::{MEMBERS, Reading, Settings, Silence, Vote};
use crate::stats::Point;
use std::collections::VecDeque;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Larger numbers would overflow in sums and squares; no metric has them. Times beyond are millions of years away.
const HUGEST: f64 = 1e100;
const LATEST: u64 = 1 << 50;
/// Differences smaller than this share of the value are rounding, not news.
const ROUNDING: f64 = 1e-9;
/// The forest agrees when at most this share of the remembered hours is as easy to set apart.
const FOREST_RARITY: f64 = 0.1;
/// An alarm may follow this long after a member began to speak: the forest can need a few points to agree.
const ONSET: i64 = HOUR;

/// The statistics of the four calibrated members at one point, and what they say.
struct Step {
    statistics: [Option<f64>; 4],
    sides: [Option<usize>; 4],
    row: Row,
    /// A member has just begun to speak, and no alarm was given lately.
    onset: bool,
}

/// The ensemble, fed point by point. Its answers depend on the points alone; memory is bounded, a few kilobytes.
#[derive(Debug, Clone)]
pub struct Detector {
    settings: Settings,
    season: Season,
    memories: [Memory; 4],
    /// Unit of each member's statistic, and the zero it is measured from (low side, high side).
    units: [Option<(f64, f64, f64)>; 4],
    units_day: i64,
    /// Points of the last hour, the newest last.
    recent: VecDeque<Point>,
    newest: Option<Point>,
    /// Median of the last 24 hour means.
    local: Option<f64>,
    hour: Hour,
    /// Of each remembered hour: its first value, that less the local level, and its least usual row.
    hours: VecDeque<(i64, f64, f64, Row)>,
    day: i64,
    tests: f64,
    last_alarm: Option<i64>,
    lowest: f64,
}

/// The hour in progress.
#[derive(Debug, Clone, Copy, Default)]
struct Hour {
    id: i64,
    sum: f64,
    count: f64,
    first: (f64, f64),
    farthest: Row,
}

impl Detector {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            season: Season::default(),
            memories: Default::default(),
            units: [None; 4],
            units_day: i64::MIN,
            recent: VecDeque::new(),
            newest: None,
            local: None,
            hour: Hour::default(),
            hours: VecDeque::new(),
            day: i64::MIN,
            tests: 6.0,
            last_alarm: None,
            lowest: f64::INFINITY,
        }
    }

    /// Judges a point, then learns from it. A value that is not finite, or not later than the one before, changes nothing.
    pub fn push(&mut self, point: Point) -> Reading {
        let Some(step) = self.prepare(point) else { return self.unusable() };
        if self.units_day != self.day {
            self.units_day = self.day;
            self.units = self.units();
        }
        let reading = self.read(point, &step);
        if reading.alarm {
            self.last_alarm = Some(point.at);
        }
        self.absorb(point, &step);
        reading
    }

    /// The same without the report: for history.
    pub fn learn(&mut self, point: Point) {
        if let Some(step) = self.prepare(point) {
            self.absorb(point, &step);
        }
    }

    /// Takes in the mean of an hour before the first point: for the season only, points tell more.
    pub fn learn_hour(&mut self, mean: Point) {
        if mean.value.abs() <= HUGEST && self.newest.is_none() {
            self.season.add(mean.at.div_euclid(HOUR), mean.value);
        }
    }

    /// Tells of an alarm that was given at `at`, which the history alone does not show.
    pub fn alarmed(&mut self, at: i64) {
        self.last_alarm = self.last_alarm.max(Some(at));
    }

    /// Turns hour and day if due and works out the statistics.
    fn prepare(&mut self, point: Point) -> Option<Step> {
        let usable = point.value.abs() <= HUGEST && point.at.unsigned_abs() <= LATEST;
        if !usable || self.newest.is_some_and(|newest| point.at <= newest.at) {
            return None;
        }
        self.turn(point.at);
        while self.recent.front().is_some_and(|first| first.at <= point.at - HOUR) {
            self.recent.pop_front();
        }
        self.recent.push_back(point);
        let count = self.recent.len();
        let mean = self.recent.iter().map(|p| p.value).sum::<f64>() / count as f64;
        let away = point.value - self.local.unwrap_or(point.value);
        let outside =
            self.season.band(point.at.div_euclid(HOUR)).map(|[low, high]| point.value - point.value.clamp(low, high));
        let statistics = [Some(point.value), (count >= 3).then_some(mean), self.local.map(|_| away), outside];
        let rounding = ROUNDING * point.value.abs().max(mean.abs());
        let sides: [Option<usize>; 4] =
            std::array::from_fn(|k| statistics[k].and_then(|value| self.memories[k].side(value, rounding)));
        let quiet = self.settings.quiet_seconds;
        let fresh = |k: usize, side: usize| point.at - self.memories[k].began(side, point.at, quiet) < ONSET;
        let onset = (0..4).any(|k| sides[k].is_some_and(|side| fresh(k, side)))
            && self.last_alarm.is_none_or(|last| point.at - last >= quiet);
        let step = point.value - self.newest.map_or(point.value, |newest| newest.value);
        Some(Step { statistics, sides, row: [point.value, mean, step, away, outside.unwrap_or(0.0)], onset })
    }

    fn absorb(&mut self, point: Point, step: &Step) {
        for (k, memory) in self.memories.iter_mut().enumerate() {
            if let Some(side) = step.sides[k] {
                memory.cross(side, point.at, self.settings.quiet_seconds);
            }
            if let Some(value) = step.statistics[k] {
                memory.add(self.day, value);
            }
        }
        if self.hour.count < 1.0 {
            self.hour.first = (point.value, step.row[3]);
        }
        if self.hour.count < 1.0 || step.row[3].abs() > self.hour.farthest[3].abs() {
            self.hour.farthest = step.row;
        }
        self.hour.sum += point.value;
        self.hour.count += 1.0;
        self.newest = Some(point);
        self.lowest = self.lowest.min(point.value);
    }

    fn turn(&mut self, at: i64) {
        let hour = at.div_euclid(HOUR);
        if hour != self.hour.id {
            if self.hour.count > 0.0 {
                self.season.add(self.hour.id, self.hour.sum / self.hour.count);
                self.hours.push_back((self.hour.id, self.hour.first.0, self.hour.first.1, self.hour.farthest));
            }
            let kept = i64::from(self.settings.memory_days) * 24;
            while self.hours.front().is_some_and(|first| first.0 < hour - kept) {
                self.hours.pop_front();
            }
            self.hour = Hour { id: hour, ..Hour::default() };
            let mut day: Vec<f64> = self.season.between(hour - 24, hour).collect();
            self.local = if day.len() >= 12 { median(&mut day) } else { None };
        }
        let day = at.div_euclid(DAY);
        if day != self.day {
            self.day = day;
            self.turn_day(hour);
        }
    }

    fn turn_day(&mut self, hour: i64) {
        self.season.refresh(hour);
        let mut means: Vec<f64> = self.season.between(hour - i64::from(self.settings.memory_days) * 24, hour).collect();
        let centre = median(&mut means).unwrap_or(0.0);
        self.tests = if self.season.band(hour).is_some() { 8.0 } else { 6.0 };
        // `max` also turns a period that is no number into a day.
        let chance = (1.0 / (self.settings.return_period_days.max(1.0) * self.tests)).max(1e-12);
        for (k, memory) in self.memories.iter_mut().enumerate() {
            let centre = if k < 2 { centre } else { 0.0 };
            memory.turn(self.day, centre, chance, self.settings.memory_days, self.settings.warm_up_days);
        }
    }

    /// Units for the report: quartiles, standard deviation, median absolute deviation.
    fn units(&self) -> [Option<(f64, f64, f64)>; 4] {
        let unit = |width: f64, low: f64, high: f64| (width > 0.0).then_some((width, low, high));
        // As of midnight, so that it does not matter when during the day they are first needed.
        let midnight = self.day * 24;
        let past = || self.hours.iter().filter(|hour| hour.0 < midnight);
        let mut values: Vec<f64> = past().map(|hour| hour.1).collect();
        if values.len() < 4 {
            return [None; 4];
        }
        values.sort_unstable_by(f64::total_cmp);
        let [q1, q3] = [values[values.len() / 4], values[values.len() * 3 / 4]];
        let means: Vec<f64> =
            self.season.between(midnight - i64::from(self.settings.memory_days) * 24, midnight).collect();
        let count = means.len().max(1) as f64;
        let mean = means.iter().sum::<f64>() / count;
        let sd = (means.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        let mut apart: Vec<f64> = past().map(|hour| hour.2.abs()).collect();
        let mad = median(&mut apart).unwrap_or(0.0);
        [unit(q3 - q1, q1, q3), unit(sd, mean, mean), unit(mad, 0.0, 0.0), unit(mad, 0.0, 0.0)]
    }

    fn read(&self, point: Point, step: &Step) -> Reading {
        let asked = step.sides.iter().any(Option::is_some);
        let mut votes = self.unusable().votes;
        let mut least: f64 = 1.0;
        for (k, vote) in votes.iter_mut().take(4).enumerate() {
            let chance = step.statistics[k].and_then(|value| self.memories[k].chance(value));
            vote.silence = match (step.statistics[k], chance) {
                (_, Some(_)) => None,
                (None, _) if k == 1 => Some(Silence::TooSparse),
                (None, _) if k == 3 => Some(Silence::NoSeason),
                _ => Some(Silence::WarmUp),
            };
            vote.chance = chance;
            vote.speaks = step.sides[k].is_some();
            if let (Some(value), Some((width, low, high))) = (step.statistics[k], self.units[k]) {
                vote.statistic = Some((value - value.clamp(low, high)) / width);
            }
            least = least.min(chance.unwrap_or(1.0));
        }
        votes[4].silence = Some(Silence::NotAsked);
        let mut confirmed = false;
        if asked {
            let rows: Vec<Row> = self.hours.iter().map(|hour| hour.3).collect();
            let rarity = forest::rarity(&rows, &step.row);
            let speaks = rarity <= FOREST_RARITY;
            confirmed = speaks;
            votes[4] = Vote { speaks, statistic: Some(rarity), chance: None, silence: None, ..votes[4] };
        }
        let warm = self.memories[0].levels.is_some();
        Reading {
            alarm: step.onset && confirmed,
            score: 1.0 - (least * self.tests).min(1.0),
            expected: self.expected(point.at),
            votes,
            silence: (!warm).then_some(Silence::WarmUp),
            constant: self.memories[0].is_flat(),
        }
    }

    /// Where value, local distance and seasonal distance are all within their levels.
    fn expected(&self, at: i64) -> Option<[f64; 2]> {
        let mut range = self.memories[0].levels?;
        let mut narrow = |levels: Option<[f64; 2]>, low: f64, high: f64| {
            if let Some(levels) = levels {
                let both = [range[0].max(levels[0] + low), range[1].min(levels[1] + high)];
                // Right after a change of level the two do not meet: then the wider memory stands.
                if both[0] <= both[1] {
                    range = both;
                }
            }
        };
        if let Some(local) = self.local {
            narrow(self.memories[2].levels, local, local);
        }
        if let Some([low, high]) = self.season.band(at.div_euclid(HOUR)) {
            narrow(self.memories[3].levels, low, high);
        }
        // A metric that was never negative is not expected to become so.
        if self.lowest >= 0.0 {
            range[0] = range[0].max(0.0);
        }
        Some(range)
    }

    fn unusable(&self) -> Reading {
        let silence = Some(Silence::NotUsable);
        let votes = MEMBERS.map(|member| Vote { member, speaks: false, statistic: None, chance: None, silence });
        Reading { alarm: false, score: 0.0, expected: None, votes, silence, constant: self.memories[0].is_flat() }
    }
}
