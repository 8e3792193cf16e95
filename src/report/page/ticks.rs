//! Where axes have ticks, and what is written there.

use jiff::{Timestamp, tz::TimeZone};

use crate::domain::{
    format,
    page::{Axis, Scale, Unit},
};

/// A value of the axis and its name.
pub(super) type Tick = (f64, String);

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Lengths that people count time in, seconds.
const STEPS: [i64; 15] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
];

/// At most about `most` ticks between two values of an axis.
pub(super) fn ticks(axis: &Axis, low: f64, high: f64, most: usize) -> Vec<Tick> {
    match (axis.unit, axis.scale) {
        (Unit::Name, _) => Vec::new(),
        (Unit::Time, _) => times(low, high, most),
        (unit, Scale::Log) => powers(unit, low, high, most),
        (unit, Scale::Linear) => numbers(unit, low, high, most),
    }
}

fn times(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let span = high - low;
    let longest = ((span / most.max(1) as f64 / DAY as f64).ceil() as i64).max(1) * DAY;
    let step = STEPS.into_iter().find(|step| span / *step as f64 <= most as f64).unwrap_or(longest);
    let first = (low / step as f64).ceil() as i64 * step;
    let mut day = None;
    (first..=high as i64)
        .step_by(step.unsigned_abs() as usize)
        .map(|at| {
            let shown = moment(at as f64, "%-d %b");
            let text = if step >= DAY {
                shown
            } else if day.as_ref() == Some(&shown) {
                moment(at as f64, "%H:%M")
            } else {
                // The day where it begins, and at the first tick: below the hour.
                format!("{}\n{shown}", moment(at as f64, "%H:%M"))
            };
            day = Some(moment(at as f64, "%-d %b"));
            (at as f64, text)
        })
        .collect()
}

/// To the minute.
pub(super) const MINUTES: &str = "%Y-%m-%d %H:%M";

/// A time in UTC, in the form asked for.
pub(super) fn moment(seconds: f64, form: &str) -> String {
    Timestamp::from_second(seconds.round() as i64)
        .map(|at| at.to_zoned(TimeZone::UTC).strftime(form).to_string())
        .unwrap_or_default()
}

fn numbers(unit: Unit, low: f64, high: f64, most: usize) -> Vec<Tick> {
    let step = nice((high - low) / most.max(1) as f64, unit == Unit::Count);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    // Values so small or so far apart that numbers end before they do: better no ticks than endless ones.
    if !step.is_normal() || last.saturating_sub(first) > 20 {
        return Vec::new();
    }
    (first..=last)
        .map(|place| {
            let value = place as f64 * step;
            (value, tick(unit, value, step, high))
        })
        .collect()
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn nice(step: f64, whole: bool) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|times| times * power).find(|nice| *nice >= step * 0.999);
    let nice = nice.unwrap_or(10.0 * power);
    if whole { nice.ceil().max(1.0) } else { nice }
}

fn powers(unit: Unit, low: f64, high: f64, most: usize) -> Vec<Tick> {
    if !(low > 0.0 && high.is_finite()) {
        return Vec::new();
    }
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let choices: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    let of = |times: &[f64]| -> Vec<Tick> {
        let values = (first..=last).flat_map(|power| times.iter().map(move |times| times * 10_f64.powi(power)));
        values
            .filter(|value| (low..=high).contains(value))
            .map(|value| (value, tick(unit, value, value, value)))
            .collect()
    };
    choices.into_iter().map(of).find(|ticks| ticks.len() <= most).unwrap_or_else(|| {
        let all = of(&[1.0]);
        let each = all.len().div_ceil(most.max(1));
        all.into_iter().step_by(each).collect()
    })
}

/// A value on an axis that reaches so far and whose ticks are so far apart: no more digits than tell them apart.
fn tick(unit: Unit, value: f64, step: f64, largest: f64) -> String {
    let minus = if value < 0.0 { "−" } else { "" };
    let magnitude = value.abs();
    match unit {
        Unit::Usd => format!("{minus}${}", digits(magnitude, step)),
        Unit::Milliseconds if largest >= 2000.0 => {
            format!("{minus}{} s", digits(magnitude / 1000.0, step / 1000.0))
        }
        Unit::Milliseconds => format!("{minus}{} ms", digits(magnitude, step)),
        Unit::Share => format!("{minus}{} %", digits(100.0 * magnitude, 100.0 * step)),
        Unit::Points | Unit::Change => {
            let sign = if value > 0.0 { "+" } else { minus };
            let unit = if unit == Unit::Change { " %" } else { "" };
            format!("{sign}{}{unit}", digits(100.0 * magnitude, 100.0 * step))
        }
        Unit::Times => format!("{minus}{} ×", digits(magnitude, step)),
        Unit::Score | Unit::Count | Unit::Time | Unit::Name => format!("{minus}{}", digits(magnitude, step)),
    }
}

fn digits(magnitude: f64, step: f64) -> String {
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    let decimals = (0..9).find(|places| {
        let shifted = step * 10_f64.powi(*places);
        (shifted - shifted.round()).abs() < 1e-6 * shifted.max(1.0)
    });
    let decimals = decimals.unwrap_or(9) as usize;
    if decimals == 0 { format::count(magnitude.round() as u64) } else { format!("{magnitude:.decimals$}") }
}

/// A value as it is read in a table or a sentence.
pub(super) fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Time => moment(value, MINUTES),
        Unit::Usd => format::usd(value),
        Unit::Milliseconds => format::ms(value),
        Unit::Share => format::percent(value),
        Unit::Score => format!("{value:.3}"),
        Unit::Change => signed(value, "%"),
        Unit::Points => signed(value, "points"),
        Unit::Times => format!("{} ×", format::quantity(value)),
        Unit::Count | Unit::Name => format::quantity(value),
    }
}

/// Hundredths with a sign: `+1.2 %`.
pub(super) fn signed(value: f64, unit: &str) -> String {
    let hundredths = 100.0 * value;
    let decimals = usize::from(hundredths.abs() < 9.95);
    let digits = format!("{:.decimals$}", hundredths.abs());
    let nothing = digits.bytes().all(|byte| byte == b'0' || byte == b'.');
    let sign = match (nothing, hundredths < 0.0) {
        (true, _) => "±",
        (false, true) => "−",
        (false, false) => "+",
    };
    format!("{sign}{digits} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(unit: Unit, low: f64, high: f64) -> Vec<String> {
        ticks(&Axis::of("", unit), low, high, 5).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_have_no_more_digits_than_they_need() {
        assert_eq!(texts(Unit::Usd, 0.0, 1_234.0), ["$0", "$250", "$500", "$750", "$1,000"]);
        assert_eq!(texts(Unit::Usd, 0.0, 0.0012), ["$0", "$0.00025", "$0.00050", "$0.00075", "$0.00100"]);
        assert_eq!(texts(Unit::Share, 0.0, 0.021), ["0 %", "0.5 %", "1.0 %", "1.5 %", "2.0 %"]);
        assert_eq!(texts(Unit::Change, -0.5, 0.5), ["−40 %", "−20 %", "0 %", "+20 %", "+40 %"]);
        assert_eq!(texts(Unit::Milliseconds, 0.0, 31_000.0), ["0 s", "10 s", "20 s", "30 s"]);
        assert_eq!(texts(Unit::Milliseconds, 0.0, 1_600.0), ["0 ms", "500 ms", "1,000 ms", "1,500 ms"]);
        assert_eq!(texts(Unit::Count, 0.0, 2.0), ["0", "1", "2"]);
    }

    #[test]
    fn values_at_the_ends_of_numbers_have_few_ticks_or_none() {
        for (low, high) in [(0.0, 5e-324), (-1e308, 1e308), (1e15, 1e15 + 1.0), (0.0, f64::INFINITY), (f64::NAN, 1.0)] {
            for unit in [Unit::Usd, Unit::Count, Unit::Change, Unit::Milliseconds] {
                assert!(ticks(&Axis::of("", unit), low, high, 5).len() <= 20, "{low} {high}");
            }
        }
        let log = Axis { scale: Scale::Log, ..Axis::of("", Unit::Usd) };
        assert!(ticks(&log, 1e-300, 1e300, 5).len() <= 6);
        let ages = ticks(&Axis::of("", Unit::Time), -377_000_000_000.0, 253_000_000_000.0, 6);
        assert!((2..=8).contains(&ages.len()), "{ages:?}");
    }

    #[test]
    fn times_are_whole_and_name_their_day_once() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second() as f64;
        let shown = texts(Unit::Time, at("2026-01-01T18:10:00Z"), at("2026-01-02T18:00:00Z"));
        assert_eq!(shown, ["00:00\n2 Jan", "06:00", "12:00", "18:00"]);
        assert_eq!(texts(Unit::Time, at("2026-01-01T00:00:00Z"), at("2026-01-05T00:00:00Z"))[..2], ["1 Jan", "2 Jan"]);
    }

    #[test]
    fn small_changes_keep_a_digit_and_nothing_has_no_sign() {
        assert_eq!(
            [0.0123, -0.5, 0.0001, -0.0001].map(|value| signed(value, "%")),
            ["+1.2 %", "−50 %", "±0.0 %", "±0.0 %"]
        );
    }
}
