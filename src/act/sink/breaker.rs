//! Leaves a sink alone that does not answer. A pure state, which is stored between runs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Health;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Jobs, one after the other, without an answer that could be used.
    pub after: u32,
    /// How long the sink is then left alone. Doubles with every probe that fails too.
    pub pause: Duration,
    pub longest_pause: Duration,
    /// After so long, a probe of a run that died is given up.
    pub probe: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            after: 5,
            pause: Duration::from_mins(1),
            longest_pause: Duration::from_mins(30),
            probe: Duration::from_mins(2),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Breaker {
    Closed {
        /// Since the last answer.
        failures: u32,
    },
    Open {
        until: Timestamp,
        /// Times in a row that it opened.
        times: u32,
    },
    /// One write is on its way to see whether anybody is there.
    HalfOpen { since: Timestamp, times: u32 },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    Write,
    Rollback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Go,
    /// Go, alone: the others wait for what becomes of it.
    Probe,
    /// Not now. Until when, where that is known.
    Wait {
        until: Option<Timestamp>,
    },
}

impl Breaker {
    /// Whether a job may begin.
    ///
    /// A rollback always may: it ends harm that is being done now, there are few of them, and the worst that a sink which
    /// is down can do to it is what waiting would do for certain.
    pub fn admit(&mut self, urgency: Urgency, settings: &BreakerSettings, now: Timestamp) -> Admission {
        if urgency == Urgency::Rollback {
            return Admission::Go;
        }
        let (times, due) = match *self {
            Self::Closed { .. } => return Admission::Go,
            // Never further away than the longest pause: a clock that was wrong must not close the sink for a year.
            Self::Open { until, times } => (times, now >= until || until > later(now, settings.longest_pause)),
            Self::HalfOpen { since, times } => (times, now >= later(since, settings.probe) || since > now),
        };
        if due {
            *self = Self::HalfOpen { since: now, times };
            return Admission::Probe;
        }
        Admission::Wait { until: if let Self::Open { until, .. } = *self { Some(until) } else { None } }
    }

    /// What became of a job.
    pub fn record(&mut self, health: Health, settings: &BreakerSettings, now: Timestamp) {
        *self = match (*self, health) {
            (breaker, Health::Unasked) => breaker,
            (_, Health::Answers | Health::Refuses) => Self::Closed { failures: 0 },
            (Self::Closed { failures }, Health::Sick) if failures + 1 < settings.after => {
                Self::Closed { failures: failures + 1 }
            }
            (Self::Closed { .. }, Health::Sick) => Self::opened(1, settings, now),
            (Self::HalfOpen { times, .. }, Health::Sick) => Self::opened(times.saturating_add(1), settings, now),
            // A rollback that was let through, or a write that began before: it says nothing new.
            (open @ Self::Open { .. }, Health::Sick) => open,
        };
    }

    fn opened(times: u32, settings: &BreakerSettings, now: Timestamp) -> Self {
        let doubled = settings.pause.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1)));
        Self::Open { until: later(now, doubled.min(settings.longest_pause)), times }
    }
}

fn later(from: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| from.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        after: 3,
        pause: Duration::from_mins(1),
        longest_pause: Duration::from_secs(150),
        probe: Duration::from_mins(2),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn opens_probes_and_closes() {
        let mut breaker = Breaker::default();
        let admit = |breaker: &mut Breaker, now| breaker.admit(Urgency::Write, &SETTINGS, at(now));
        for health in [Health::Sick, Health::Sick, Health::Answers, Health::Sick, Health::Sick, Health::Unasked] {
            assert_eq!(admit(&mut breaker, 0), Admission::Go);
            breaker.record(health, &SETTINGS, at(0));
        }
        assert_eq!(breaker, Breaker::Closed { failures: 2 }, "an answer starts the count again");
        breaker.record(Health::Sick, &SETTINGS, at(0));
        assert_eq!(admit(&mut breaker, 59), Admission::Wait { until: Some(at(60)) });
        assert_eq!(breaker.admit(Urgency::Rollback, &SETTINGS, at(59)), Admission::Go);
        assert_eq!(admit(&mut breaker, 60), Admission::Probe);
        assert_eq!(admit(&mut breaker, 60), Admission::Wait { until: None }, "one probe");
        breaker.record(Health::Sick, &SETTINGS, at(61));
        assert_eq!(breaker, Breaker::Open { until: at(181), times: 2 });
        assert_eq!(admit(&mut breaker, 181), Admission::Probe);
        breaker.record(Health::Sick, &SETTINGS, at(181));
        assert_eq!(breaker, Breaker::Open { until: at(331), times: 3 }, "no longer than the longest");
        assert_eq!(admit(&mut breaker, 331), Admission::Probe);
        breaker.record(Health::Answers, &SETTINGS, at(332));
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn survives_death_and_wrong_clocks() {
        let mut breaker = Breaker::HalfOpen { since: at(1000), times: 1 };
        assert_eq!(breaker.admit(Urgency::Write, &SETTINGS, at(1001)), Admission::Wait { until: None });
        assert_eq!(breaker.admit(Urgency::Write, &SETTINGS, at(1120)), Admission::Probe, "the probe's run is gone");
        let mut breaker = Breaker::Open { until: Timestamp::MAX, times: u32::MAX };
        assert_eq!(breaker.admit(Urgency::Write, &SETTINGS, at(0)), Admission::Probe);
        breaker.record(Health::Sick, &SETTINGS, Timestamp::MAX);
        assert!(matches!(breaker, Breaker::Open { .. }));
        for breaker in [breaker, Breaker::default(), Breaker::HalfOpen { since: at(1), times: 2 }] {
            let text = serde_json::to_string(&breaker).unwrap();
            assert_eq!(serde_json::from_str::<Breaker>(&text).unwrap(), breaker, "{text}");
        }
    }

    #[test]
    fn a_rollback_that_answers_closes_it() {
        let mut breaker = Breaker::Open { until: at(60), times: 1 };
        breaker.record(Health::Answers, &SETTINGS, at(1));
        assert_eq!(breaker, Breaker::default());
    }
}
