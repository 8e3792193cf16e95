//! Tells when a metric does what it has not done before: an ensemble of five members with one stated false-alarm rate.
//!
//! Four members each follow one statistic, [`Member::Iqr`] to [`Member::Seasonal`]. All are judged alike: a member speaks when
//! its statistic leaves everything seen in the last two weeks *and* goes where, by the law of the daily extremes
//! (`tail`), a day goes about once in `return_period_days` (shared equally over members and sides, Bonferroni).
//! The day is the unit, because nearly all traffic has a daily cycle: its ups and downs are inside every day's extremes.
//! That needs no threshold per metric and no law for single values, so latency, cost, counts and rates go the same way.
//! The idea of judging by extreme value theory: Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory"
//! (KDD 2017), doi 10.1145/3097983.3098144. The fifth member, an isolation forest, is asked only when another one speaks.
//!
//! False alarms a week and series, simulated over 30 days of five-minute points: at most 0.07 for normal, autocorrelated,
//! Poisson and daily data, 0.1 to 0.2 for log-normal data, 0.4 for Student t(3), whose tail is heavier than the law allows for.
//!
//! What recurs is not news: from its second time on an event counts into the extremes, whenever in the day it comes.

mod detector;
mod forest;
mod memory;
mod season;
mod tail;

pub use detector::Detector;

/// What may be chosen. The defaults are meant for every metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Days between two alarms that the levels aim at when nothing happens. At least 1 counts.
    pub return_period_days: f64,
    /// Days with data that are remembered: two weeks hold two of every weekday.
    pub memory_days: u32,
    /// Days that must be known before anything is judged. At least 2 count.
    pub warm_up_days: u32,
    /// An event is over, and a new alarm possible, after this many seconds without anything unusual.
    pub quiet_seconds: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { return_period_days: 28.0, memory_days: 14, warm_up_days: 2, quiet_seconds: 12 * 3600 }
    }
}

/// A member of the ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// The value itself, in interquartile ranges beyond the quartiles of two weeks: spikes and drops.
    Iqr,
    /// The mean of the last hour, in standard deviations of the hour means of two weeks: shifts too small for one point.
    ZScore,
    /// The value less the median of the last 24 hour means, in median absolute deviations: spikes after a change of level.
    Mad,
    /// Distance from the band of the same hour of former days or weeks, in median absolute deviations. Only with a season.
    Seasonal,
    /// Value, hour mean, step and distance from the last day together, ranked among the remembered hours.
    IsolationForest,
}

/// All members, in the order of the votes.
pub const MEMBERS: [Member; 5] = [Member::Iqr, Member::ZScore, Member::Mad, Member::Seasonal, Member::IsolationForest];

/// Why a member, or the whole ensemble, has no opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Fewer days of history than the warm-up asks for.
    WarmUp,
    /// Fewer than three points an hour: an hour mean would be the point itself.
    TooSparse,
    /// No daily or weekly pattern explains enough.
    NoSeason,
    /// The isolation forest was not asked, because no other member spoke.
    NotAsked,
    /// Not a finite number below 1e100, or not later than the point before.
    NotUsable,
}

/// What one member says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vote {
    pub member: Member,
    /// Beyond the member's level.
    pub speaks: bool,
    /// The statistic in the member's own unit (see [`Member`]; the forest: share of hours as unusual). `None` when silent, or
    /// when the history never varies, so that there is no unit.
    pub statistic: Option<f64>,
    /// Probability that an ordinary day goes as far, 0..=1. `None` when silent.
    pub chance: Option<f64>,
    pub silence: Option<Silence>,
}

/// The judgement of one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Something new began. Said once, not at every tick while it goes on.
    pub alarm: bool,
    /// 1 - (smallest chance of a member × number of tests), at least 0: at or above `1 - 1 / return_period_days` is alarming.
    pub score: f64,
    /// The values between which no member would speak. `None` during the warm-up.
    pub expected: Option<[f64; 2]>,
    pub votes: [Vote; 5],
    /// Set when nobody could judge.
    pub silence: Option<Silence>,
    /// The history never varied: an alarm then says "no longer constant", and no distance can be given.
    pub constant: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Point;

    const STEP: i64 = 300;
    const DAY: usize = 288;

    /// What a detector says that has learnt everything before.
    fn judge(history: &[Point], now: Point, last_alarm: Option<i64>) -> Reading {
        let mut detector = Detector::new(Settings::default());
        for point in history {
            detector.learn(*point);
        }
        if let Some(at) = last_alarm {
            detector.alarmed(at);
        }
        detector.push(now)
    }

    /// Evenly spread noise in -1..1 that depends on the index alone.
    fn noise(index: usize) -> f64 {
        let mut z = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Three numbers added: close enough to normal. sd 1.
    fn bell(index: usize) -> f64 {
        noise(3 * index) + noise(3 * index + 1) + noise(3 * index + 2)
    }

    fn points(days: usize, value: impl Fn(usize) -> f64) -> Vec<Point> {
        (0_i64..).zip(0..days * DAY).map(|(tick, index)| Point { at: tick * STEP, value: value(index) }).collect()
    }

    fn alarms(points: &[Point]) -> Vec<usize> {
        let mut detector = Detector::new(Settings::default());
        points.iter().enumerate().filter(|(_, point)| detector.push(**point).alarm).map(|(index, _)| index).collect()
    }

    fn next(history: &[Point], value: f64) -> Reading {
        let at = history.last().map_or(0, |last| last.at + STEP);
        judge(history, Point { at, value }, None)
    }

    #[test]
    fn nothing_is_judged_before_there_is_history() {
        for count in 0..3 {
            let history = &points(1, |_| 5.0)[..count];
            let reading = next(history, 1e6);
            assert_eq!((reading.alarm, reading.silence, reading.expected), (false, Some(Silence::WarmUp), None));
            assert!(reading.votes[..4].iter().all(|vote| !vote.speaks && vote.chance.is_none()));
        }
    }

    #[test]
    fn a_spike_and_a_drop_alarm_once_each() {
        let calm = |index| 100.0 + 5.0 * bell(index);
        assert!(alarms(&points(14, calm)).is_empty());
        let spike = 10 * DAY + 100;
        let found = alarms(&points(14, |index| if (spike..spike + 6).contains(&index) { 300.0 } else { calm(index) }));
        assert_eq!(found, [spike]);
        let found = alarms(&points(14, |index| if index >= spike { 0.0 } else { calm(index) }));
        assert_eq!(found, [spike], "an outage that stays is told once");
    }

    #[test]
    fn a_small_lasting_shift_is_found_by_the_hour_mean() {
        let start = 10 * DAY;
        let found = alarms(&points(11, |index| 100.0 + 10.0 * bell(index) + if index >= start { 12.0 } else { 0.0 }));
        assert!(found.first().is_some_and(|&first| first >= start && first < start + 24), "{found:?}");
    }

    #[test]
    fn night_noise_at_day_level_is_seasonal_news() {
        let wave = |index: usize| if index % DAY < DAY / 2 { 20.0 } else { 100.0 };
        let strange = 10 * DAY + 70;
        let history = points(10, |index| wave(index) + 2.0 * bell(index));
        assert!(alarms(&history).is_empty(), "a daily pattern is no news");
        let odd = points(11, |index| if index == strange { 80.0 } else { wave(index) + 2.0 * bell(index) });
        assert_eq!(alarms(&odd), [strange]);
        let reading = judge(&odd[..strange], odd[strange], None);
        assert!(reading.alarm && reading.votes[3].speaks && !reading.votes[0].speaks, "{reading:?}");
        assert!(reading.expected.is_some_and(|[_, high]| high < 80.0));
    }

    #[test]
    fn a_clock_change_is_no_news() {
        let step = |index: usize| if (100..200).contains(&(index % DAY)) { 100.0 } else { 20.0 };
        let found = alarms(&points(20, |index| step(if index >= 12 * DAY { index + 12 } else { index }) + bell(index)));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn what_recurs_stops_being_news() {
        let job = |index: usize| index % (7 * DAY) == 700;
        let found = alarms(&points(60, |index| if job(index) { 500.0 } else { 100.0 + 5.0 * bell(index) }));
        assert!(found.len() <= 2 && found.iter().all(|&index| job(index)), "weekly: {found:?}");
        let job = |index: usize| index % 300 == 200;
        let found = alarms(&points(28, |index| if job(index) { 500.0 } else { 100.0 + 5.0 * bell(index) }));
        assert!(found.is_empty(), "every 25 hours, known from the warm-up on: {found:?}");
    }

    #[test]
    fn a_constant_is_quiet_until_it_changes() {
        let history = points(4, |_| 45.0);
        assert!(alarms(&history).is_empty());
        let same = next(&history, 45.0 + 1e-9);
        assert!(!same.alarm && same.constant);
        let changed = next(&history, 45.5);
        assert!(changed.alarm && changed.constant);
        assert!(changed.votes[..4].iter().all(|vote| vote.statistic.is_none()), "no unit, no infinite statistic");
        assert!((0.0..=1.0).contains(&changed.score));
    }

    #[test]
    fn useless_points_change_nothing() {
        let mut detector = Detector::new(Settings::default());
        for point in points(5, bell) {
            detector.learn(point);
        }
        let at = 5 * 86_400;
        for (at, value) in [(at, f64::NAN), (at, f64::INFINITY), (at, 1e300), (at - STEP, 9.0), (i64::MAX, 1.0)] {
            assert_eq!(detector.push(Point { at, value }).silence, Some(Silence::NotUsable));
        }
        assert!(detector.push(Point { at, value: 0.0 }).silence.is_none());
    }

    #[test]
    fn gaps_and_huge_offsets_do_not_alarm() {
        let kept =
            |point: &Point| point.at % 7 != 3 && !(6 * DAY..7 * DAY + 100).contains(&((point.at / STEP) as usize));
        let holes: Vec<Point> = points(14, |index| 1e12 + 50.0 * bell(index)).into_iter().filter(kept).collect();
        assert!(alarms(&holes).is_empty());
    }

    #[test]
    fn judging_from_scratch_is_the_same_as_following_and_the_store_remembers_alarms() {
        let series = points(9, |index| if index == 8 * DAY + 5 { 40.0 } else { bell(index) });
        let mut detector = Detector::new(Settings::default());
        for (index, point) in series.iter().enumerate() {
            let followed = detector.push(*point);
            if index % 397 == 0 || index == 8 * DAY + 5 {
                assert_eq!(judge(&series[..index], *point, None), followed);
            }
        }
        let (history, now) = (&series[..8 * DAY + 5], series[8 * DAY + 5]);
        assert!(judge(history, now, None).alarm);
        assert!(!judge(history, now, Some(now.at - 3600)).alarm, "told an hour ago");
    }

    #[test]
    fn senseless_settings_do_no_harm() {
        let settings = Settings { return_period_days: f64::NAN, memory_days: 0, warm_up_days: 0, quiet_seconds: -5 };
        let mut detector = Detector::new(settings);
        for point in points(4, bell) {
            let reading = detector.push(point);
            assert!((0.0..=1.0).contains(&reading.score) && !reading.alarm);
        }
    }
}
