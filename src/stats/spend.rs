//! Spend of the UTC day the window ends in, with the rate of the window carried on to midnight.

use jiff::{SignedDuration, Timestamp};

use super::{Observation, ServiceEvidence, compare::UNPRICED_TOLERANCE, interval};
use crate::domain::{plan::SpendOutlook, window::day_start_before};

/// Spend since midnight UTC, and by the next midnight if the window's rate goes on. The rate is that of the
/// window, or of the part of it that the data covers. The interval is Student's t over five or more equal buckets of it, so
/// it tells of the rate's variation inside the window and of nothing later.
#[must_use]
pub fn outlook(evidence: &ServiceEvidence, observation: &Observation, budget: Option<f64>) -> SpendOutlook {
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    let unknown = SpendOutlook {
        today_usd: None,
        projected_usd: None,
        projected_interval_usd: None,
        budget_usd: budget,
        exhausted_at: None,
    };
    let requests = &evidence.lookback.requests;
    let window = &observation.windows.window;
    let midnight = day_start_before(window.end());
    let (Some(oldest), Some(newest)) = (observation.source.oldest_event, observation.source.newest_event) else {
        return unknown;
    };
    // A day of which the morning is missing is not a cheap day. Data may start a little after midnight by chance.
    let grace = midnight.saturating_add(SignedDuration::from_mins(5)).unwrap_or(midnight);
    let covered = observation.windows.lookback.start() <= midnight && oldest <= grace && newest >= midnight;
    if !covered || requests.unpriced > UNPRICED_TOLERANCE * requests.succeeded {
        return unknown;
    }
    let first_minute = midnight.as_second() / 60;
    let today =
        evidence.spend_by_minute.range(first_minute..).map(|(_, spend)| spend).fold(0.0, |sum, spend| sum + spend);
    let next_midnight = midnight.saturating_add(DAY).unwrap_or(midnight);
    let remaining = next_midnight.duration_since(window.end()).as_secs_f64().max(0.0);
    let length = window.end().duration_since(window.start().max(oldest)).as_secs_f64().max(1.0);
    // A rate needs some time to be one: half the window, or a quarter of an hour.
    if length < (0.5 * window.seconds()).min(900.0) {
        return SpendOutlook { today_usd: Some(today), ..unknown };
    }
    let rate = evidence.window.cost.sum() / length;
    let projected = today + rate * remaining;
    let exhausted_at = budget.filter(|budget| projected > *budget && rate > 0.0).map(|budget| {
        let seconds = ((budget - today) / rate).max(0.0);
        window.end().saturating_add(SignedDuration::from_secs(seconds as i64)).unwrap_or(next_midnight)
    });
    SpendOutlook {
        today_usd: Some(today),
        projected_usd: Some(projected),
        projected_interval_usd: relative_spread(&buckets(evidence, window.start().max(oldest), window.end())).map(
            |spread| {
                let half = spread * rate * remaining;
                [(projected - half).max(today), projected + half]
            },
        ),
        budget_usd: budget,
        exhausted_at,
    }
}

/// Spend of up to twelve equal runs of the whole minutes inside the window; minutes without spend count as zero.
fn buckets(evidence: &ServiceEvidence, start: Timestamp, end: Timestamp) -> Vec<f64> {
    let (first, last) = ((start.as_second() + 59).div_euclid(60), end.as_second().div_euclid(60));
    let width = ((last - first) / 12).max(1);
    let count = (last - first) / width;
    let mut buckets = vec![0.0; usize::try_from(count).unwrap_or(0)];
    for (minute, spend) in evidence.spend_by_minute.range(first..(first + count * width).max(first)) {
        buckets[((minute - first) / width) as usize] += spend;
    }
    buckets
}

/// Half width of the 90 % interval of the mean bucket, as a share of that mean. `None` for fewer than five buckets.
fn relative_spread(buckets: &[f64]) -> Option<f64> {
    let count = buckets.len() as f64;
    let mean = buckets.iter().sum::<f64>() / count;
    if buckets.len() < 5 || mean <= 0.0 {
        return None;
    }
    let variance = buckets.iter().map(|spend| (spend - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Some(interval::t_quantile(0.5 + interval::LEVEL / 2.0, count - 1.0) * (variance / count).sqrt() / mean)
}
