//! Half-open spans of time.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The time `[start, end)`: an event at `start` is inside, one at `end` belongs to the next window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// First instant inside, UTC.
    start: Timestamp,
    /// First instant after it, UTC.
    end: Timestamp,
}

impl Window {
    /// The window of `length` that ends at `end`. `None` when `length` is not positive or reaches before recorded time.
    #[must_use]
    pub fn ending_at(end: Timestamp, length: SignedDuration) -> Option<Self> {
        if length <= SignedDuration::ZERO {
            return None;
        }
        let start = end.checked_sub(length).ok()?;
        Some(Self { start, end })
    }

    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.start
    }

    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.end.duration_since(self.start).as_secs_f64()
    }

    /// The window of the same length that ends where this one starts.
    #[must_use]
    pub fn before(&self) -> Option<Self> {
        Self::ending_at(self.start, self.end.duration_since(self.start))
    }
}

/// The start of the UTC day that holds `at`. An instant at midnight belongs to the day that ends there, because windows
/// are half open: budgets of a window that ends at 24:00 are those of the day it covered.
#[must_use]
pub fn day_start_before(at: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    let last = at.as_second() - i64::from(at.subsec_nanosecond() == 0);
    Timestamp::from_second(last.div_euclid(DAY) * DAY).expect("earlier than a valid instant by less than a day")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a literal")
    }

    #[test]
    fn the_window_before_touches_and_has_the_same_length() {
        let window = Window::ending_at(at("2026-01-01T01:00:00Z"), SignedDuration::from_mins(15)).unwrap();
        let before = window.before().unwrap();
        assert_eq!(before.end(), window.start());
        assert!((before.seconds() - 900.0).abs() < 1e-9);
        assert_eq!(Window::ending_at(at("2026-01-01T01:00:00Z"), SignedDuration::ZERO), None);
        assert_eq!(Window::ending_at(Timestamp::MIN, SignedDuration::from_mins(1)), None);
    }

    #[test]
    fn midnight_closes_the_day_it_ends() {
        assert_eq!(day_start_before(at("2026-01-02T00:00:00Z")), at("2026-01-01T00:00:00Z"));
        assert_eq!(day_start_before(at("2026-01-02T00:00:00.001Z")), at("2026-01-02T00:00:00Z"));
        assert_eq!(day_start_before(at("1969-12-31T12:00:00Z")), at("1969-12-31T00:00:00Z"));
    }
}
