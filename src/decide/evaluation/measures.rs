//! The measures of a request, and how an estimate of each is shown.

use crate::{
    domain::{Metric, format::percent, plan::Estimate},
    stats::{
        Rollup,
        compare::{UNPRICED_TOLERANCE, cost, errors},
        interval::{Rate, mean},
        off_policy::{LoggedRequest, LoggedSegment, Measured, MeasuredValue},
    },
};

/// What is evaluated.
pub(super) const MEASURES: [Metric; 4] = [Metric::Quality, Metric::CostPerRequest, Metric::Latency, Metric::ErrorRate];

/// Fewer failures than this, and the error of their rate is not normal.
const FEW_FAILURES: f64 = 10.0;

/// Parts a day may be cut into, hours being the finest.
const PARTS_OF_DAY: [usize; 8] = [24, 12, 8, 6, 4, 3, 2, 1];

/// Requests of a context for each arm, on average: with fewer, the model of the reward learns more chance than truth.
const REQUESTS_OF_CONTEXT: usize = 50;

const DAY_SECONDS: i64 = 86_400;

/// Lengths of the input: three of as many requests, and unknown.
const LENGTHS: usize = 4;

/// The requests of a segment with their contexts: length of the input by part of the UTC day.
pub(super) struct Log<'a> {
    log: &'a LoggedSegment,
    contexts: Vec<usize>,
}

impl<'a> Log<'a> {
    pub(super) fn new(log: &'a LoggedSegment) -> Self {
        let mut lengths: Vec<f64> = log.requests.iter().filter_map(|request| request.input_tokens).collect();
        lengths.sort_unstable_by(f64::total_cmp);
        let bounds = [1, 2].map(|third| lengths.get(third * lengths.len() / 3).copied().unwrap_or(f64::INFINITY));
        let known = LENGTHS - 1;
        let enough = known * REQUESTS_OF_CONTEXT * log.arms.len();
        let parts = PARTS_OF_DAY.into_iter().find(|parts| parts * enough <= log.requests.len()).unwrap_or(1);
        let context = |request: &LoggedRequest| {
            let length =
                request.input_tokens.map_or(known, |tokens| bounds.iter().filter(|bound| tokens >= **bound).count());
            length * parts + request.at.rem_euclid(DAY_SECONDS) as usize * parts / DAY_SECONDS as usize
        };
        Self { log, contexts: log.requests.iter().map(context).collect() }
    }

    /// One measure of every request; the reason where it is not known of enough of them.
    pub(super) fn of(&self, measure: Metric) -> Result<Vec<Measured>, String> {
        let requests = &self.log.requests;
        if measure == Metric::CostPerRequest {
            let succeeded = requests.iter().filter(|request| request.succeeded);
            let (all, unpriced) = succeeded.fold((0_u64, 0_u64), |(all, unpriced), request| {
                (all + 1, unpriced + u64::from(request.cost_usd.is_none()))
            });
            if unpriced as f64 > UNPRICED_TOLERANCE * all as f64 {
                return Err(format!(
                    "the cost of {} of its successes is unknown",
                    percent(unpriced as f64 / all as f64)
                ));
            }
        }
        if measure == Metric::ErrorRate && requests.iter().any(|request| request.failed.is_none()) {
            return Err("failures are not in this log".to_owned());
        }
        let measured = |(request, context): (&LoggedRequest, &usize)| Measured {
            context: *context,
            action: request.arm,
            propensity: request.propensity,
            at: request.at,
            value: match measure {
                Metric::Quality => request.quality,
                Metric::CostPerRequest => request.cost_usd,
                Metric::Latency => request.latency_ms,
                _ => request.failed.map(|failed| f64::from(u8::from(failed))),
            },
        };
        let measured: Vec<Measured> = requests.iter().zip(&self.contexts).map(measured).collect();
        if measured.iter().all(|measured| measured.value.is_none()) {
            return Err(format!("no request carries a {}", measure.name().trim_start_matches("mean ")));
        }
        Ok(measured)
    }
}

/// The mean over what an arm served, with the interval that the plan's figures have.
pub(super) fn plain(measure: Metric, arm: &Rollup) -> Option<Estimate> {
    match measure {
        Metric::Quality => mean(&arm.quality, arm.effective_quality()).map(|mean| mean.estimate()),
        Metric::CostPerRequest => cost(arm).map(|mean| mean.estimate()),
        Metric::Latency => mean(&arm.latency, arm.effective_latency()).map(|mean| mean.estimate()),
        _ => errors(arm).map(|rate| rate.estimate()),
    }
}

/// With the interval cut to what the measure can be. A rate of few failures is no surer than that many effective requests make it.
pub(super) fn estimate(measure: Metric, value: &MeasuredValue) -> Estimate {
    let mut estimate = value.estimate.estimate();
    let most = if matches!(measure, Metric::Quality | Metric::ErrorRate) { 1.0 } else { f64::INFINITY };
    let cut = |value: f64| value.clamp(0.0, most);
    estimate = Estimate { value: cut(estimate.value), low: cut(estimate.low), high: cut(estimate.high) };
    let failures = estimate.value * value.effective_requests;
    if measure == Metric::ErrorRate
        && failures < FEW_FAILURES
        && let Some(rate) = Rate::new(failures, value.effective_requests).map(|rate| rate.estimate())
    {
        estimate.low = estimate.low.min(rate.low);
        estimate.high = estimate.high.max(rate.high);
    }
    estimate
}
