//! What one member of the ensemble remembers: the lowest and the highest value of each day.

use super::tail::Tail;
use std::collections::VecDeque;

/// Extremes of one day. `counted` is what the levels learn from, `seen` what really happened.
#[derive(Debug, Clone, Copy)]
struct Day {
    number: i64,
    counted: [f64; 2],
    seen: [f64; 2],
}

/// Daily extremes of one statistic, and the levels [low, high] that follow from them.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    days: VecDeque<Day>,
    today: Option<Day>,
    /// Beyond these the member speaks. `None` while too few days are known.
    pub levels: Option<[f64; 2]>,
    tails: Option<[Tail; 2]>,
    centre: f64,
    runs: [Option<Run>; 2],
}

/// A spell beyond one level: its beginning and its latest moment.
#[derive(Debug, Clone, Copy)]
struct Run {
    began: i64,
    latest: i64,
}

impl Memory {
    /// Takes a value in. One that crosses its level is counted as having reached the level and no more: one incident
    /// must not hide the next.
    pub fn add(&mut self, day: i64, value: f64) {
        let bound = self.levels.map_or(value, |[low, high]| value.clamp(low.min(high), high.max(low)));
        let today = self.today.get_or_insert(Day { number: day, counted: [bound; 2], seen: [value; 2] });
        today.counted = [today.counted[0].min(bound), today.counted[1].max(bound)];
        today.seen = [today.seen[0].min(value), today.seen[1].max(value)];
    }

    /// Closes the day and sets the levels for `today`: distances from `centre`, each crossed by a day with probability `chance`.
    pub fn turn(&mut self, today: i64, centre: f64, chance: f64, memory_days: u32, warm_up_days: u32) {
        if let Some(day) = self.today.take() {
            self.days.push_back(day);
        }
        while self.days.len() > memory_days as usize
            || self.days.front().is_some_and(|day| day.number < today - 2 * i64::from(memory_days))
        {
            self.days.pop_front();
        }
        self.centre = centre;
        self.tails = None;
        self.levels = None;
        if self.days.len() < warm_up_days.max(2) as usize {
            return;
        }
        if let (Some(low), Some(high)) = (self.tail(0, -1.0), self.tail(1, 1.0)) {
            self.tails = Some([low, high]);
            self.levels = Some([centre - low.level(chance), centre + high.level(chance)]);
        }
    }

    fn tail(&self, side: usize, sign: f64) -> Option<Tail> {
        // Once is an incident, twice is a habit: from the second time on, what happened counts in full.
        let habit = self.days.iter().filter(|day| sign * day.seen[side] > sign * day.counted[side]).count() >= 2;
        let pick = |day: &Day| if habit { day.seen[side] } else { day.counted[side] };
        let mut distances: Vec<f64> = self.days.iter().map(|day| (sign * (pick(day) - self.centre)).max(0.0)).collect();
        Tail::fit(&mut distances)
    }

    /// Which level the value crosses: 0 the low one, 1 the high one. Rounding alone crosses nothing.
    #[must_use]
    pub fn side(&self, value: f64, rounding: f64) -> Option<usize> {
        let [low, high] = self.levels?;
        if value > high + rounding {
            Some(1)
        } else if value < low - rounding {
            Some(0)
        } else {
            None
        }
    }

    /// Notes that the statistic is beyond a level at this moment; a pause of `quiet` seconds ends a spell.
    pub fn cross(&mut self, side: usize, at: i64, quiet: i64) {
        self.runs[side] = Some(Run { began: self.began(side, at, quiet), latest: at });
    }

    /// When the spell began that a crossing at this moment would belong to.
    #[must_use]
    pub fn began(&self, side: usize, at: i64, quiet: i64) -> i64 {
        self.runs[side].filter(|run| at - run.latest < quiet).map_or(at, |run| run.began)
    }

    /// Probability that a day goes as far as `value`, 0..=1. `None` while too few days are known.
    #[must_use]
    pub fn chance(&self, value: f64) -> Option<f64> {
        let [low, high] = self.tails?;
        let away = value - self.centre;
        Some(if away < 0.0 { low.chance(-away) } else { high.chance(away) })
    }

    /// True when nothing moved on any remembered day.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.tails.is_some_and(|[low, high]| low.is_flat() && high.is_flat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(highs: &[f64]) -> Memory {
        let mut memory = Memory::default();
        for (day, &high) in (0..).zip(highs) {
            memory.turn(day, 0.0, 0.01, 14, 2);
            memory.add(day, high);
            memory.add(day, -1.0);
        }
        memory.turn(i64::try_from(highs.len()).unwrap(), 0.0, 0.01, 14, 2);
        memory
    }

    const CALM: [f64; 8] = [1.0, 1.2, 1.1, 0.9, 1.0, 1.3, 1.1, 1.0];

    #[test]
    fn one_incident_does_not_hide_the_next() {
        let mut days = CALM.to_vec();
        days.push(50.0);
        assert_eq!(after(&days).side(20.0, 0.0), Some(1));
    }

    #[test]
    fn the_second_time_it_is_a_habit() {
        let mut days = CALM.to_vec();
        days.extend([50.0, 50.0]);
        assert_eq!(after(&days).side(50.0, 0.0), None);
    }

    #[test]
    fn warm_up_and_flat_days() {
        assert_eq!(after(&[1.0]).levels, None);
        assert_eq!(after(&[1.0]).chance(9.0), None);
        let mut flat = Memory::default();
        for day in 0..4 {
            flat.turn(day, 3.0, 0.01, 14, 2);
            flat.add(day, 3.0);
        }
        assert!(flat.is_flat());
        assert_eq!((flat.side(3.0, 0.0), flat.side(3.1, 0.0), flat.side(2.9, 0.0)), (None, Some(1), Some(0)));
    }

    #[test]
    fn long_forgotten_days_drop_out() {
        let mut memory = after(&CALM);
        memory.turn(100, 0.0, 0.01, 14, 2);
        assert_eq!((memory.days.len(), memory.levels), (0, None));
    }
}
