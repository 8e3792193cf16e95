//! The parts of a tick, and when they took place.

use std::time::Duration;

use jiff::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Observe,
    Orient,
    Decide,
    Act,
}

impl Phase {
    pub const ALL: [Self; 4] = [Self::Observe, Self::Orient, Self::Decide, Self::Act];

    /// As labels and spans have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Orient => "orient",
            Self::Decide => "decide",
            Self::Act => "act",
        }
    }

    /// How long it should take at most. Nothing is cut off there: it is what somebody who looks at a tick holds it against.
    #[must_use]
    pub fn budget(self) -> Duration {
        Duration::from_secs(match self {
            Self::Observe => 30,
            Self::Orient => 60,
            Self::Decide => 45,
            Self::Act => 120,
        })
    }
}

/// A phase that took place, or a part of one. A phase may take place more than once in a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    pub phase: Phase,
    /// What it was of the phase, for example `push`; none for the whole phase.
    pub part: Option<&'static str>,
    /// By the clock of this machine, whatever the run takes for the present time.
    pub started_at: Timestamp,
    pub took: Duration,
}

impl Timed {
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.part.unwrap_or(self.phase.name())
    }

    #[must_use]
    pub fn ended_at(&self) -> Timestamp {
        self.started_at.checked_add(self.took).unwrap_or(Timestamp::MAX)
    }
}

/// How long each phase took in all, in the order of a tick. Phases that did not take place are left out, parts are in their phase already.
#[must_use]
pub fn durations(times: &[Timed]) -> Vec<(Phase, Duration)> {
    let all = Phase::ALL.into_iter().filter_map(|phase| {
        let mut took =
            times.iter().filter(|timed| timed.phase == phase && timed.part.is_none()).map(|timed| timed.took);
        let first = took.next()?;
        Some((phase, took.fold(first, Duration::saturating_add)))
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_add_up_and_parts_are_in_them() {
        let part_of =
            |phase, part, ms| Timed { phase, part, started_at: Timestamp::UNIX_EPOCH, took: Duration::from_millis(ms) };
        let times = [
            part_of(Phase::Act, None, 5),
            part_of(Phase::Observe, None, 7),
            part_of(Phase::Act, Some("push"), 3),
            part_of(Phase::Act, None, 4),
        ];
        let ms = |ms| Duration::from_millis(ms);
        assert_eq!(durations(&times), [(Phase::Observe, ms(7)), (Phase::Act, ms(9))]);
        assert_eq!(durations(&[]), []);
        assert_eq!((times[2].name(), times[3].name()), ("push", "act"));
    }
}
