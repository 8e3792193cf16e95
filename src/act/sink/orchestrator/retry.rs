//! When to ask again. Pure, but for chance.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use jiff::fmt::rfc2822;
use reqwest::header::HeaderMap;

use super::Limits;

/// How long to wait before the attempt after `attempt`, or nothing where there is none: the attempts are used up, the server
/// asks for more patience than there is, or the time would end first.
pub(super) fn pause(limits: &Limits, attempt: u32, asked_for: Duration, end: Instant, chance: f64) -> Option<Duration> {
    if attempt >= limits.attempts || asked_for > limits.longest_wait {
        return None;
    }
    let doubled = limits.pause.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    // On top of what was asked for: those who were told the same must not come back together.
    let pause = doubled.min(limits.longest_pause).mul_f64(chance) + asked_for;
    (Instant::now() + pause < end).then_some(pause)
}

/// How long the server asks to be left alone: seconds, a date, or a Unix time at which it may be asked again.
pub(super) fn asked_for(headers: &HeaderMap, now: SystemTime) -> Duration {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    if let Some(seconds) = number("retry-after") {
        return Duration::from_secs(seconds);
    }
    let date = text("retry-after").and_then(|text| rfc2822::parse(text).ok());
    if let Some(at) = date {
        return Duration::from_secs(at.timestamp().as_second().try_into().unwrap_or(0)).saturating_sub(since_1970);
    }
    number("x-ratelimit-reset").map_or(Duration::ZERO, |at| Duration::from_secs(at).saturating_sub(since_1970))
}

/// Any number in `0..1`.
pub(super) fn chance() -> f64 {
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn pauses_grow_to_a_cap_and_end() {
        let limits = Limits { attempts: 9, ..Limits::default() };
        let end = Instant::now() + Duration::from_hours(1);
        let whole = |attempt| pause(&limits, attempt, Duration::ZERO, end, 1.0).map(|pause| pause.as_millis());
        let pauses: Vec<_> = (1..=9).map(whole).collect();
        assert_eq!(
            pauses,
            [250, 500, 1000, 2000, 4000, 5000, 5000, 5000].map(Some).into_iter().chain([None]).collect::<Vec<_>>()
        );
        assert_eq!(pause(&limits, 1, Duration::ZERO, end, 0.0), Some(Duration::ZERO), "full jitter");
        let asked = |seconds| pause(&limits, 1, Duration::from_secs(seconds), end, 0.5);
        assert_eq!(asked(30), Some(Duration::from_millis(30_125)));
        assert_eq!((asked(31), asked(u64::MAX)), (None, None));
        assert_eq!(pause(&limits, 1, Duration::from_secs(5), Instant::now() + Duration::from_secs(4), 0.0), None);
    }

    #[test]
    fn servers_ask_for_patience_in_three_ways() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        let asked = |name: &'static str, value: &'static str| {
            asked_for(&HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]), now).as_secs()
        };
        assert_eq!(asked("retry-after", " 7 "), 7);
        assert_eq!(asked("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), 7);
        assert_eq!(asked("retry-after", "Sun, 06 Nov 1904 08:49:37 GMT"), 0);
        assert_eq!(asked("x-ratelimit-reset", "784111779"), 9);
        assert_eq!(asked("x-ratelimit-reset", "1"), 0);
        for odd in ["", "-1", "soon", "1e9", "99999999999999999999"] {
            assert_eq!((asked("retry-after", odd), asked("x-ratelimit-reset", odd)), (0, 0), "{odd}");
        }
    }
}
