//! How an invocation's time is shared out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Counted from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// What the work is told it has: whole seconds, one at least.
    pub allowance: Duration,
    /// It is asked to stop, and leaves what the next run finishes.
    pub ask: Duration,
    /// It is stopped. What is left is for saying so.
    pub kill: Duration,
}

/// What is left of an invocation's time. An emulator names the length in place of the end: no end lies in the first months of 1970.
pub(super) fn left(deadline: SystemTime, now: SystemTime) -> Duration {
    const LONGEST: Duration = Duration::from_hours(24 * 30);
    match deadline.duration_since(UNIX_EPOCH) {
        Ok(length) if length < LONGEST => length,
        _ => deadline.duration_since(now).unwrap_or_default(),
    }
}

/// Less is nothing to begin with.
const SHORTEST: Duration = Duration::from_millis(2_500);

/// Of the time that is left, a tenth is kept back, from two seconds to thirty.
pub(super) fn shared_out(left: Duration) -> Option<Times> {
    if left < SHORTEST {
        return None;
    }
    let margin = (left / 10).clamp(Duration::from_secs(2), Duration::from_secs(30));
    let allowance = Duration::from_secs(left.saturating_sub(margin).as_secs().max(1));
    let last = (margin / 8).min(Duration::from_secs(1));
    Some(Times { allowance, ask: left.saturating_sub(margin / 2), kill: left.saturating_sub(last) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_a_time_or_a_length() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let now = at(1_800_000_000);
        assert_eq!(left(at(1_800_000_060), now), Duration::from_mins(1));
        assert_eq!(left(at(1_799_999_999), now), Duration::ZERO);
        assert_eq!(left(at(600), now), Duration::from_mins(10));
    }

    #[test]
    fn a_tenth_is_kept_back() {
        for (left, allowance, ask, kill) in [
            (900_000, 870, 885_000, 899_000),
            (60_000, 54, 57_000, 59_250),
            (10_000, 8, 9_000, 9_750),
            (3_000, 1, 2_000, 2_750),
            (2_500, 1, 1_500, 2_250),
        ] {
            let times = shared_out(Duration::from_millis(left)).unwrap();
            assert_eq!(times.allowance.as_secs(), allowance, "{left}");
            assert_eq!((times.ask.as_millis(), times.kill.as_millis()), (ask, kill), "{left}");
            assert!(times.allowance < times.ask && times.ask < times.kill && times.kill.as_millis() < u128::from(left));
        }
        for short in [0, 1, 2_499] {
            assert_eq!(shared_out(Duration::from_millis(short)), None, "{short}");
        }
    }
}
