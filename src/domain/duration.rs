//! Spans of time as people write them: `15m`, `1h30m`, `2d`.

use jiff::SignedDuration;

/// Reads `15m`, `1h30m`, `7d`. A bare number is refused, because nobody can tell seconds from minutes; so is nothing, and
/// zero. The error is a sentence for people.
pub fn read(text: &str) -> Result<SignedDuration, String> {
    let mut total = SignedDuration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("empty; write for example `15m`, `1h30m` or `7d`".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let number: i64 = number
            .parse()
            .map_err(|_| format!("`{text}` is not a duration; write for example `15m`, `1h30m` or `7d`"))?;
        let letters = tail.len() - tail.trim_start_matches(|character: char| character.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        let seconds: i64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            "" => {
                return Err(format!(
                    "`{text}` lacks a unit; write `{number}s`, `{number}m`, `{number}h` or `{number}d`"
                ));
            }
            other => return Err(format!("unknown unit `{other}`; s, m, h, d and w are known")),
        };
        let part = number.checked_mul(seconds).map(SignedDuration::from_secs);
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| format!("`{text}` is too long"))?;
        rest = tail;
    }
    if total > SignedDuration::ZERO { Ok(total) } else { Err("must be above zero".to_owned()) }
}

/// The same in whole minutes.
pub fn minutes(text: &str) -> Result<u32, String> {
    let span = read(text)?;
    if span.as_secs() % 60 != 0 {
        return Err(format!("`{text}` is not a whole number of minutes"));
    }
    u32::try_from(span.as_secs() / 60).map_err(|_| format!("`{text}` is too long"))
}

#[cfg(test)]
mod tests {
    use super::{minutes, read};
    use jiff::SignedDuration;

    #[test]
    fn durations() {
        assert_eq!(read("15m"), Ok(SignedDuration::from_mins(15)));
        assert_eq!(read("1h30m"), Ok(SignedDuration::from_mins(90)));
        assert_eq!(read("7d"), Ok(SignedDuration::from_hours(168)));
        for wrong in ["", "15", "m", "1.5h", "-1h", "0s", "5 parsecs", "99999999999999w"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whole_minutes() {
        assert_eq!(minutes("2d"), Ok(2880));
        assert_eq!(minutes("90s").unwrap_err(), "`90s` is not a whole number of minutes");
        assert!(minutes("9999999w").is_err());
    }
}
