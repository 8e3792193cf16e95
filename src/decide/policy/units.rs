//! Numbers written with a unit. The file wants plain numbers, because a unit in the value and one in the name can
//! contradict each other; but whoever writes `5s` should be told `5000` and not "invalid type".

/// The plain number for `text` in the unit of the field, if `text` is a number with a unit that can be converted.
pub(super) fn plain_number(text: &str, unit: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('$').unwrap_or(text);
    let digits = text.find(|c: char| !(c.is_ascii_digit() || "+-.,_".contains(c))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let number: f64 = number.replace(['_', ','], "").parse().ok()?;
    let factor = factor(&suffix.trim().to_lowercase(), unit)?;
    Some(short(number * factor))
}

/// What one of the suffix is in the unit of the field.
fn factor(suffix: &str, unit: &str) -> Option<f64> {
    // No suffix: a number in quotes, or with separators between the thousands.
    if suffix.is_empty() {
        return Some(1.0);
    }
    let counted = match suffix {
        "k" => Some(1e3),
        "m" => Some(1e6),
        _ => None,
    };
    match unit {
        "milliseconds" => match suffix {
            "ms" | "millis" | "milliseconds" => Some(1.0),
            "s" | "sec" | "seconds" => Some(1e3),
            "m" | "min" | "minutes" => Some(6e4),
            _ => None,
        },
        "minutes" => match suffix {
            "m" | "min" | "mins" | "minutes" => Some(1.0),
            "h" | "hours" => Some(60.0),
            "d" | "days" => Some(1440.0),
            _ => None,
        },
        "percent" => matches!(suffix, "%" | "percent" | "pct").then_some(1.0),
        "percentage points" => matches!(suffix, "%" | "points" | "pp").then_some(1.0),
        "share" | "weight" | "probability" | "score" => matches!(suffix, "%" | "percent" | "pct").then_some(0.01),
        "times" => match suffix {
            "x" | "times" => Some(1.0),
            "%" => Some(0.01),
            _ => None,
        },
        "US dollars" | "US dollars per million tokens" => match suffix {
            "usd" | "$" | "dollars" => Some(1.0),
            "cents" | "¢" => Some(0.01),
            "k" => Some(1e3),
            _ => None,
        },
        "requests" | "quality scores" | "tokens" => counted,
        _ => None,
    }
}

/// A number as a person writes it: at most ten significant digits, no trailing zeros.
pub(super) fn short(number: f64) -> String {
    let rounded: f64 = format!("{number:.9e}").parse().unwrap_or(number);
    let size = rounded.abs();
    // Nobody writes three hundred zeros.
    if size != 0.0 && !(1e-9..1e15).contains(&size) { format!("{rounded:e}") } else { format!("{rounded}") }
}

#[cfg(test)]
mod tests {
    use super::{plain_number, short};

    #[test]
    fn a_unit_is_converted_to_that_of_the_field() {
        for (text, unit, plain) in [
            ("5s", "milliseconds", "5000"),
            ("1.5 s", "milliseconds", "1500"),
            ("2min", "milliseconds", "120000"),
            ("750ms", "milliseconds", "750"),
            ("1h", "minutes", "60"),
            ("20%", "percent", "20"),
            ("5 %", "share", "0.05"),
            ("7%", "share", "0.07"),
            ("$0.10", "US dollars", "0.1"),
            ("10 cents", "US dollars", "0.1"),
            ("0.10 USD", "US dollars", "0.1"),
            ("1,000", "US dollars", "1000"),
            ("1_000", "requests", "1000"),
            ("128k", "tokens", "128000"),
            ("2x", "times", "2"),
            ("5", "percent", "5"),
        ] {
            assert_eq!(plain_number(text, unit).as_deref(), Some(plain), "{text} in {unit}");
        }
        for (text, unit) in
            [("fast", "milliseconds"), ("5 apples", "percent"), ("", "share"), ("%", "percent"), ("5s", "")]
        {
            assert_eq!(plain_number(text, unit), None, "{text} in {unit}");
        }
    }

    #[test]
    fn a_number_is_written_shortly() {
        assert_eq!(short(0.1 + 0.2), "0.3");
        assert_eq!(short(1e6), "1000000");
        assert_eq!(short(0.85), "0.85");
    }
}
