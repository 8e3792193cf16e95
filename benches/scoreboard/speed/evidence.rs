//! Made-up requests of one service, added up as a tick does.

use std::collections::BTreeMap;

use optimizer::{
    domain::{Arm, Segment},
    stats::{ArmEvidence, Bucket, Reference, Requests, Rollup, ServiceEvidence, Sketch, history::values},
};
use rand_chacha::ChaCha8Rng;

use crate::calibration::distribution::{poisson, standard_normal};

/// Requests of an hour.
const HOURLY: usize = 200;
const DAYS: usize = 7;

/// The models that share the traffic.
pub fn arms() -> [Arm; 2] {
    ["gpt-4o", "gpt-4o-mini"].map(|model| Arm {
        provider: Some("openai".into()),
        model: model.into(),
        config_version: Some("v1".into()),
    })
}

/// A service whose window is like its days before.
pub fn service(first_minute: i64, random: &mut ChaCha8Rng) -> ServiceEvidence {
    let mut hour = || requests(HOURLY, 12, random);
    let (window, before) = (hour(), hour());
    let days: Vec<Rollup> = (0..DAYS).map(|_| hour()).collect();
    let rest = requests(5 * HOURLY, 24, random);
    let lookback = window.merged(&before).merged(&rest);
    let arms = arms().map(|arm| {
        let window = requests(HOURLY / 2, 12, random);
        let lookback = window.merged(&requests(3 * HOURLY, 24, random));
        (arm, ArmEvidence { window, lookback })
    });
    ServiceEvidence {
        window,
        before,
        lookback,
        segments: BTreeMap::from([(Segment::Unlabelled, BTreeMap::from(arms))]),
        spend_by_minute: (0..1_440).map(|minute| (first_minute + minute, 0.01)).collect(),
        version_since: BTreeMap::from([("v1".to_owned(), first_minute)]),
        reference: Some(Reference {
            rollup: days.iter().fold(Rollup::default(), |sum, day| sum.merged(day)),
            days: days.iter().map(|day| values(day, Some(60.0))).collect(),
            covered_minutes: Some(60.0),
        }),
    }
}

/// So many requests in so many time buckets.
pub fn requests(rows: usize, buckets: usize, random: &mut ChaCha8Rng) -> Rollup {
    let mut sketch = |middle: f64, spread: f64| {
        Sketch::from_values((0..rows).map(|_| middle * (spread * standard_normal(random)).exp()).collect::<Vec<_>>())
    };
    let (latency, ttft) = (sketch(800.0, 0.4), sketch(200.0, 0.4));
    let (input_tokens, output_tokens) = (sketch(400.0, 0.5), sketch(200.0, 0.6));
    let (cost, quality) =
        (sketch(0.002, 0.5), Sketch::from_values((0..rows).map(|row| f64::from(u8::from(row % 7 > 0)))));
    let failed = poisson(0.01 * rows as f64, random);
    let rows_f = rows as f64;
    let mut bucket = |sketch: &Sketch| -> Vec<Bucket> {
        let share = |random: &mut ChaCha8Rng| 1.0 + 0.05 * standard_normal(random);
        let weight = sketch.weight() / buckets as f64;
        let sum = sketch.sum() / buckets as f64;
        (0..buckets).map(|_| Bucket { weight, sum: sum * share(random) }).collect()
    };
    let (latency_buckets, quality_buckets, cost_buckets) = (bucket(&latency), bucket(&quality), bucket(&cost));
    Rollup {
        requests: Requests {
            rows: rows as u64,
            weight: rows_f,
            weight_squared: rows_f,
            served: rows_f,
            succeeded: rows_f - failed,
            provider_errors: failed,
            ..Requests::default()
        },
        latency,
        cost,
        quality,
        input_tokens,
        output_tokens,
        ttft,
        latency_buckets,
        quality_buckets,
        cost_buckets,
    }
}
