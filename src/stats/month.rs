//! Spend until the end of the month.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::interval::{LEVEL, t_quantile};

/// Whole days that a day's mean needs.
const FEWEST_DAYS: usize = 7;

/// Days that count as lately.
const LATELY: i64 = 28;

const DAY: i64 = 86_400;

/// A calendar month in UTC, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MonthTotal {
    pub so_far: f64,
    pub total: f64,
    /// 90 % interval of `total`.
    pub low: f64,
    pub high: f64,
    /// Whole days behind the mean.
    pub days: usize,
}

/// The month that holds `now` (seconds since 1970), from `spend` by day (days since 1970, UTC), of which all from `since` on are
/// there (a day without an entry had no request). What is still to come is the mean of the last whole days; its interval is
/// Student's t prediction for a sum of such days, taken as independent, so a level that moves goes beyond it more often than one time in
/// ten. `None` where the month began before `since`, where a day's spend is unknown, and with fewer than seven whole days.
#[must_use]
pub fn month_total(spend: &BTreeMap<i64, Option<f64>>, since: i64, now: i64) -> Option<MonthTotal> {
    let date = |seconds: i64| Some(Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).date());
    let start_of = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second());
    // A run at midnight speaks of the month that ends there.
    let first = date(now - 1)?.first_of_month();
    let (start, end) = (start_of(first)?, start_of(first.last_of_month().tomorrow().ok()?)?);
    if since > start {
        return None;
    }
    let today = now.div_euclid(DAY);
    let so_far = spend.range(start / DAY..=today).try_fold(0.0, |sum, (_, usd)| usd.map(|usd| sum + usd))?;
    let from = (today - LATELY).max((since + DAY - 1).div_euclid(DAY));
    let lately: Vec<f64> =
        (from..today).map(|day| spend.get(&day).copied().unwrap_or(Some(0.0))).collect::<Option<_>>()?;
    if lately.len() < FEWEST_DAYS {
        return None;
    }
    let count = lately.len() as f64;
    let mean = lately.iter().sum::<f64>() / count;
    let variance = lately.iter().map(|usd| (usd - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let left = (end - now) as f64 / DAY as f64;
    let half = t_quantile(0.5 + LEVEL / 2.0, count - 1.0) * (variance * (left + left * left / count)).sqrt();
    let total = so_far + mean * left;
    Some(MonthTotal { so_far, total, low: (total - half).max(so_far), high: total + half, days: lately.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn spend(from: &str, days: i64, usd: impl Fn(i64) -> Option<f64>) -> BTreeMap<i64, Option<f64>> {
        (0..days).map(|day| (at(from) / DAY + day, usd(day))).collect()
    }

    #[test]
    fn a_steady_month_goes_on() {
        // Ten dollars a day, and a half day of them today, the 11th of a month of 30 days.
        let spend = spend("2026-04-01T00:00:00Z", 11, |day| Some(if day == 10 { 5.0 } else { 10.0 }));
        let found = month_total(&spend, at("2026-04-01T00:00:00Z"), at("2026-04-11T12:00:00Z")).unwrap();
        assert!((found.so_far - 105.0).abs() < 1e-9 && (found.total - 300.0).abs() < 1e-9, "{found:?}");
        assert!((found.high - found.low).abs() < 1e-9 && found.days == 10);
        // Days that differ leave doubt, and less of it the later it is.
        let spend = self::spend("2026-04-01T00:00:00Z", 30, |day| Some(if day % 2 == 0 { 5.0 } else { 15.0 }));
        let until = |text: &str| {
            let known = spend.range(..at(text) / DAY).map(|(day, usd)| (*day, *usd)).collect();
            let found = month_total(&known, at("2026-04-01T00:00:00Z"), at(text)).unwrap();
            found.high - found.low
        };
        assert!(until("2026-04-09T00:00:00Z") > 2.0 * until("2026-04-25T00:00:00Z"));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let all = spend("2026-03-20T00:00:00Z", 30, |_| Some(1.0));
        let now = at("2026-04-15T00:00:00Z");
        assert!(month_total(&all, at("2026-03-20T00:00:00Z"), now).is_some());
        assert_eq!(month_total(&all, at("2026-04-02T00:00:00Z"), now), None, "the first is missing");
        let hole = spend("2026-03-20T00:00:00Z", 30, |day| (day != 20).then_some(1.0));
        assert_eq!(month_total(&hole, at("2026-03-20T00:00:00Z"), now), None, "a day without a price");
        assert_eq!(month_total(&all, at("2026-04-01T00:00:00Z"), at("2026-04-05T00:00:00Z")), None, "too early");
        // Midnight closes the month it ends.
        let whole = spend("2026-03-01T00:00:00Z", 31, |_| Some(2.0));
        let found = month_total(&whole, at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z")).unwrap();
        assert!((found.total - 62.0).abs() < 1e-9 && (found.so_far - 62.0).abs() < 1e-9);
    }
}
