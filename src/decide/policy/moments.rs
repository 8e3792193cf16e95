//! Days and times of day as they are written.

use jiff::civil::Date;

/// A day, `YYYY-MM-DD` and nothing else: the parser alone would take a time of day behind it, and drop it.
pub(super) fn day(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shape.then(|| text.parse().ok()).flatten()
}

/// Minutes since midnight, from `HH:MM`.
pub(super) fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let part = |text: &str, most: u16| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = if digits { text.parse().ok()? } else { return None };
        (number <= most).then_some(number)
    };
    Some(part(hours, 23)? * 60 + part(minutes, 59)?)
}

#[cfg(test)]
mod tests {
    use super::{day, minute_of_day};

    #[test]
    fn only_the_written_forms_are_read() {
        assert_eq!(day("2025-06-10"), Some(jiff::civil::date(2025, 6, 10)));
        for text in ["2025-06-31", "2025-6-10", "20250610", "2025-06-10T12", "-025-06-10", "", "2025-06-1é"] {
            assert_eq!(day(text), None, "{text}");
        }
        assert_eq!(
            (minute_of_day("00:00"), minute_of_day("16:30"), minute_of_day("23:59")),
            (Some(0), Some(990), Some(1439))
        );
        for text in ["24:00", "12:60", "9:00", "12:0", "+1:00", "1200", "12:00:00", "00:30Z", ""] {
            assert_eq!(minute_of_day(text), None, "{text}");
        }
    }
}
