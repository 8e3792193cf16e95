//! Numbers as people read them. One place, so that the same number looks the same in every sentence and table.

use jiff::Timestamp;

/// US dollars with about three significant digits: `$1,234`, `$12.3`, `$0.0614`, `$0.000024`.
#[must_use]
pub fn usd(dollars: f64) -> String {
    let magnitude = dollars.abs();
    let decimals = if magnitude >= 100.0 || magnitude == 0.0 {
        0
    } else {
        // three significant digits: 12.3 → 1 decimal, 0.0614 → 4
        (2 - magnitude.log10().floor() as i32).clamp(0, 9) as usize
    };
    let digits = format!("{magnitude:.decimals$}");
    let (whole, rest) = digits.split_once('.').map_or((digits.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let sign =
        if dollars < 0.0 && digits.bytes().any(|byte| byte.is_ascii_digit() && byte != b'0') { "−" } else { "" };
    match rest {
        Some(rest) => format!("{sign}${}.{rest}", group(whole)),
        None => format!("{sign}${}", group(whole)),
    }
}

/// A whole number with thousands separated: `61,234`.
#[must_use]
pub fn count(number: u64) -> String {
    group(&number.to_string())
}

/// A number with about three significant digits: `1,234`, `56.7`, `0.0012`.
#[must_use]
pub fn quantity(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude >= 99.95 || magnitude == 0.0 {
        let sign = if number < 0.0 { "−" } else { "" };
        return format!("{sign}{}", count(magnitude.round() as u64));
    }
    let decimals = (2 - magnitude.log10().floor() as i32).clamp(0, 9) as usize;
    let digits = format!("{number:.decimals$}");
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    digits.replace('-', "−")
}

/// Milliseconds up to ten seconds as `3,712 ms`, longer ones as `34.4 s`.
#[must_use]
pub fn ms(milliseconds: f64) -> String {
    if milliseconds >= 9_999.5 {
        format!("{:.1} s", milliseconds / 1000.0)
    } else {
        format!("{} ms", count(milliseconds.round().max(0.0) as u64))
    }
}

/// A share as percent with one decimal below ten: `3.3 %`, `46 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.05 {
        return "< 0.1 %".to_owned();
    }
    if percent.abs() < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// A signed relative change: `+12 %`, `−97 %`, `±0 %`.
#[must_use]
pub fn change(relative: f64) -> String {
    let rounded = (relative * 100.0).round();
    if rounded == 0.0 {
        return "±0 %".to_owned();
    }
    // A ratio of thousands of percent is easier read as a multiple.
    if rounded > 999.0 {
        return format!("×{:.0}", relative + 1.0);
    }
    format!("{}{:.0} %", if rounded < 0.0 { "−" } else { "+" }, rounded.abs())
}

/// A signed difference of two scores: `−0.029`.
#[must_use]
pub fn points(difference: f64) -> String {
    let rounded = (difference * 1000.0).round() / 1000.0;
    if rounded == 0.0 {
        return "±0.000".to_owned();
    }
    format!("{}{:.3}", if rounded < 0.0 { "−" } else { "+" }, rounded.abs())
}

/// `1 request`, `2 requests`: the number with its noun.
#[must_use]
pub fn counted(number: u64, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", count(number))
}

/// Text from outside with everything that steers a terminal written out: control characters but the line break, marks that
/// turn the reading direction, and characters without width.
#[must_use]
pub fn visible(text: &str) -> String {
    let steers = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn group(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A span of time in the unit that fits: `40 min`, `34 h`, `12 d`.
#[must_use]
pub fn hours(hours: f64) -> String {
    match hours {
        hours if !hours.is_finite() => "for ever".to_owned(),
        hours if hours < 2.0 => format!("{:.0} min", (hours * 60.0).ceil()),
        hours if hours < 100.0 => format!("{:.0} h", hours.ceil()),
        hours if hours < 24.0 * 1000.0 => format!("{:.0} d", (hours / 24.0).ceil()),
        _ => "years".to_owned(),
    }
}

/// A time in UTC to the second.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// At most forty characters of a text, on one line.
#[must_use]
pub fn short(text: &str) -> String {
    const MOST: usize = 40;
    let line = visible(text);
    if line.chars().count() <= MOST { line } else { line.chars().take(MOST - 1).chain(['…']).collect() }
}

/// Bytes as lower-case digits, two each.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (dollars, text) in [
            (0.0, "$0"),
            (1234.4, "$1,234"),
            (123.0, "$123"),
            (12.34, "$12.3"),
            (1.0, "$1.00"),
            (0.061_44, "$0.0614"),
            (0.000_024, "$0.0000240"),
            (-3.5, "−$3.50"),
            (999_999.7, "$1,000,000"),
        ] {
            assert_eq!(usd(dollars), text);
        }
        for (number, text) in [
            (0.0, "0"),
            (1234.4, "1,234"),
            (99.96, "100"),
            (56.71, "56.7"),
            (2.0, "2"),
            (0.001_234, "0.00123"),
            (-3.5, "−3.5"),
        ] {
            assert_eq!(quantity(number), text);
        }
        assert_eq!(ms(3711.6), "3,712 ms");
        assert_eq!(ms(34_430.0), "34.4 s");
        assert_eq!(percent(0.033), "3.3 %");
        assert_eq!(percent(0.46), "46 %");
        assert_eq!(percent(0.000_06), "< 0.1 %");
        assert_eq!(change(-0.972), "−97 %");
        assert_eq!(change(0.001), "±0 %");
        assert_eq!(change(24.0), "×25");
        assert_eq!(points(-0.0291), "−0.029");
        assert_eq!(points(-0.000_01), "±0.000");
        assert_eq!(counted(1, "request"), "1 request");
        assert_eq!(visible("a\u{1b}[31m\u{202e}é\n|"), "a\\u{1b}[31m\\u{202e}é\n|");
        assert_eq!(counted(61_234, "event"), "61,234 events");
    }
}
