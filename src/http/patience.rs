//! How long services are waited for, and when they are asked again.

use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub connect: Duration,
    /// One attempt, from the connection to the last byte.
    pub attempt: Duration,
    /// Of one request.
    pub attempts: u32,
    /// Before the second attempt; it doubles up to `longest_pause`, and any part of it may pass.
    pub pause: Duration,
    pub longest_pause: Duration,
    /// What the server may ask for; more ends the request.
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            attempt: Duration::from_secs(10),
            attempts: 3,
            pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            longest_wait: Duration::from_secs(30),
        }
    }
}

impl Patience {
    /// How long to wait before the attempt after `attempt`, or nothing where there is none: the attempts are used up, the server
    /// asks for more patience than there is, or the time would end first. `chance` is in `0..1`.
    #[must_use]
    pub fn before_next(&self, attempt: u32, asked_for: Duration, end: Instant, chance: f64) -> Option<Duration> {
        if attempt >= self.attempts || asked_for > self.longest_wait {
            return None;
        }
        let doubled = self.pause.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        // On top of what was asked for: those who were told the same must not come back together.
        let pause = doubled.min(self.longest_pause).mul_f64(chance) + asked_for;
        (Instant::now() + pause < end).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_cap_and_end() {
        let patience = Patience { attempts: 9, ..Patience::default() };
        let end = Instant::now() + Duration::from_hours(1);
        let whole = |attempt| patience.before_next(attempt, Duration::ZERO, end, 1.0).map(|pause| pause.as_millis());
        let pauses: Vec<_> = (1..=9).map(whole).collect();
        assert_eq!(
            pauses,
            [250, 500, 1000, 2000, 4000, 5000, 5000, 5000].map(Some).into_iter().chain([None]).collect::<Vec<_>>()
        );
        assert_eq!(patience.before_next(1, Duration::ZERO, end, 0.0), Some(Duration::ZERO), "full jitter");
        let asked = |seconds| patience.before_next(1, Duration::from_secs(seconds), end, 0.5);
        assert_eq!(asked(30), Some(Duration::from_millis(30_125)));
        assert_eq!((asked(31), asked(u64::MAX)), (None, None));
        assert_eq!(patience.before_next(1, Duration::from_secs(5), Instant::now() + Duration::from_secs(4), 0.0), None);
    }
}
