//! Lengths of tumbling windows: windows that follow each other without a gap and begin at the same instants for everybody.

use std::str::FromStr;

/// Minutes from 1970-01-01, a Thursday, to the Monday before it.
const TO_MONDAY: i64 = 3 * 1440;

/// How long the windows are. Every length is a whole number of those before it, so that windows are added up, never counted anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    Minute,
    FiveMinutes,
    QuarterHour,
    Hour,
    Day,
    Week,
}

impl Grain {
    pub const ALL: [Self; 6] = [Self::Minute, Self::FiveMinutes, Self::QuarterHour, Self::Hour, Self::Day, Self::Week];

    #[must_use]
    pub fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::FiveMinutes => 5,
            Self::QuarterHour => 15,
            Self::Hour => 60,
            Self::Day => 1_440,
            Self::Week => 10_080,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::FiveMinutes => "5m",
            Self::QuarterHour => "15m",
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// First minute (since 1970, UTC) of the window that holds a minute. Days begin at midnight UTC, weeks on Monday.
    #[must_use]
    pub fn start(self, minute: i64) -> i64 {
        let shift = if self == Self::Week { TO_MONDAY } else { 0 };
        (minute + shift).div_euclid(self.minutes()) * self.minutes() - shift
    }
}

impl FromStr for Grain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = match text {
            "60m" => Some(Self::Hour),
            "1d" => Some(Self::Day),
            "1w" => Some(Self::Week),
            _ => Self::ALL.into_iter().find(|grain| grain.name() == text),
        };
        known.ok_or_else(|| format!("`{text}` is none of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn windows_begin_where_people_expect() {
        let minute = |text: &str| text.parse::<Timestamp>().unwrap().as_second().div_euclid(60);
        let at = minute("2026-03-04T13:47:00Z"); // a Wednesday
        let starts = [
            "2026-03-04T13:47:00Z",
            "2026-03-04T13:45:00Z",
            "2026-03-04T13:45:00Z",
            "2026-03-04T13:00:00Z",
            "2026-03-04T00:00:00Z",
            "2026-03-02T00:00:00Z",
        ];
        for (grain, start) in Grain::ALL.into_iter().zip(starts) {
            assert_eq!(grain.start(at), minute(start), "{grain:?}");
        }
        assert_eq!(Grain::Day.start(minute("1969-12-31T23:59:00Z")), -1_440);
    }

    #[test]
    fn longer_windows_are_made_of_shorter_ones() {
        for (finer, coarser) in Grain::ALL.into_iter().zip(Grain::ALL.into_iter().skip(1)) {
            assert_eq!(coarser.minutes() % finer.minutes(), 0);
            for minute in [-20_000, -1, 0, 29_000_000, 29_001_234] {
                assert_eq!(coarser.start(finer.start(minute)), coarser.start(minute), "{finer:?} in {coarser:?}");
            }
        }
    }

    #[test]
    fn names_are_read() {
        for grain in Grain::ALL {
            assert_eq!(grain.name().parse(), Ok(grain));
        }
        assert_eq!("1d".parse(), Ok(Grain::Day));
        assert!("2h".parse::<Grain>().unwrap_err().contains("1m, 5m, 15m"));
    }
}
