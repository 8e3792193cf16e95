//! Spend of the UTC day the window ends in, with the rate of the window carried on to midnight.

use jiff::{SignedDuration, Timestamp};

use super::{Bucket, Observation, ServiceEvidence, compare::UNPRICED_TOLERANCE, interval};
use crate::domain::{plan::SpendOutlook, window::day_start_before};

/// Spend since midnight UTC, and by the next midnight if the window's rate goes on. The interval is Student's t over the
/// five or more equal buckets of the window, so it tells of the rate's variation inside the window and of nothing later.
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
    let Some(oldest) = observation.source.oldest_event else { return unknown };
    // A day of which the morning is missing is not a cheap day. Data may start a little after midnight by chance.
    let grace = midnight.saturating_add(SignedDuration::from_mins(5)).unwrap_or(midnight);
    let covered = observation.windows.lookback.start() <= midnight && oldest <= grace;
    if !covered || requests.unpriced > UNPRICED_TOLERANCE * requests.succeeded {
        return unknown;
    }
    let first_minute = midnight.as_second() / 60;
    let today: f64 = evidence.spend_by_minute.range(first_minute..).map(|(_, spend)| spend).sum();
    let next_midnight = midnight.saturating_add(DAY).unwrap_or(midnight);
    let remaining = next_midnight.duration_since(window.end()).as_secs_f64().max(0.0);
    let (buckets, bucket_seconds) = rate_buckets(evidence, window.start(), window.end());
    let rate = buckets.iter().map(|bucket| bucket.sum).sum::<f64>() / (buckets.len() as f64 * bucket_seconds);
    let projected = today + rate * remaining;
    let exhausted_at = budget.filter(|budget| projected > *budget && rate > 0.0).map(|budget| {
        let seconds = ((budget - today) / rate).max(0.0);
        window.end().saturating_add(SignedDuration::from_secs(seconds as i64)).unwrap_or(next_midnight)
    });
    SpendOutlook {
        today_usd: Some(today),
        projected_usd: Some(projected),
        projected_interval_usd: spread(&buckets).map(|half_bucket| {
            let half = half_bucket / bucket_seconds * remaining;
            [(projected - half).max(today), projected + half]
        }),
        budget_usd: budget,
        exhausted_at,
    }
}

/// Spend by twelve equal parts of the window, or by its minutes when it has fewer; parts without spend count as zero.
fn rate_buckets(evidence: &ServiceEvidence, start: Timestamp, end: Timestamp) -> (Vec<Bucket>, f64) {
    let (first, last) = (start.as_second().div_euclid(60), (end.as_second() - 1).div_euclid(60));
    let minutes = (last - first + 1).max(1);
    let width = (minutes + 11) / 12;
    let count = (minutes + width - 1) / width;
    let mut buckets = vec![Bucket { weight: 1.0, sum: 0.0 }; count as usize];
    for (minute, spend) in evidence.spend_by_minute.range(first..=last) {
        buckets[((minute - first) / width) as usize].sum += spend;
    }
    (buckets, end.duration_since(start).as_secs_f64() / count as f64)
}

/// Half width of the 90 % interval of the mean bucket. `None` for fewer than five.
fn spread(buckets: &[Bucket]) -> Option<f64> {
    let count = buckets.len() as f64;
    if buckets.len() < 5 {
        return None;
    }
    let mean = buckets.iter().map(|bucket| bucket.sum).sum::<f64>() / count;
    let variance = buckets.iter().map(|bucket| (bucket.sum - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Some(interval::t_quantile(0.5 + interval::LEVEL / 2.0, count - 1.0) * (variance / count).sqrt())
}
