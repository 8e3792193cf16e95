//! Whether a canary would come to a verdict in time: a rollout that cannot tell harm from none is a change without a look.

use super::{candidates::Weighed, case::Case};
use crate::{
    domain::{
        format,
        plan::{CanaryOutlook, Measure},
    },
    stats::{
        Rollup,
        compare::{LATENCY_QUANTILE, Measures},
        evidence::judge::PROMOTE_ALPHA,
        interval::log_quantile,
        power::{Design, Sides},
    },
};

/// Chance of calling a guard sound where there is harm at its margin, as rollouts have it.
const ALPHA: f64 = PROMOTE_ALPHA;

/// Chance of a verdict where there is one to find: where there is no harm, or where the candidate is as much better than the present as
/// is expected.
const POWER: f64 = 0.8;

/// A stage is looked at in every tick, so its tests hold at any time, and take more requests than one look at the end: so many times more,
/// as measured on simulated rollouts (`make scoreboard PARTS=evidence`).
const LOOKS: f64 = 1.83;

/// What one guard needs.
struct Need {
    measure: Measure,
    /// Requests of both sides together.
    requests: f64,
}

/// What the rollout's steps look like for this candidate: the first step that comes to a verdict before the deadline, or what stands in
/// the way of all of them.
pub(super) fn outlook(
    case: &Case<'_>,
    incumbent: &Weighed,
    after: &Weighed,
) -> Result<Option<CanaryOutlook>, CanaryOutlook> {
    let steps = &case.rules.rollout.steps_percent;
    let mut last = None;
    // At the last step nothing is left to compare with.
    for share in steps.iter().copied().filter(|share| *share < 100) {
        match at(case, incumbent, after, f64::from(share), case.rules.rollout.deadline_hours) {
            Some(outlook) if outlook.hours <= outlook.deadline_hours => return Ok(Some(outlook)),
            Some(outlook) => last = Some(outlook),
            None => {}
        }
    }
    let Some(first) = steps.first().filter(|share| **share < 100) else {
        // Whoever wrote a rollout of one step wants no canary.
        return Ok(None);
    };
    Err(last.unwrap_or(CanaryOutlook {
        share_percent: *first,
        requests: 0,
        hours: 0.0,
        deadline_hours: case.rules.rollout.deadline_hours,
        measure: Measure::ErrorRate,
        detail: "too little is known of what runs now to judge by".to_owned(),
    }))
}

/// What a verdict takes at this share, in percent; none where nothing can be judged.
pub(super) fn at(
    case: &Case<'_>,
    incumbent: &Weighed,
    after: &Weighed,
    share: f64,
    deadline_hours: f64,
) -> Option<CanaryOutlook> {
    let evidence = &case.arms.get(&incumbent.candidate.arm)?.lookback;
    let shares = [1.0 - share / 100.0, share / 100.0];
    let slowest =
        needs(case, evidence, &after.overall, shares).into_iter().max_by(|a, b| a.requests.total_cmp(&b.requests))?;
    let requests = slowest.requests * LOOKS * shares[1];
    let per_hour = case.requests_per_day() / 24.0 * shares[1];
    let hours = if per_hour > 0.0 { requests / per_hour } else { f64::MAX };
    Some(CanaryOutlook {
        share_percent: share.round().clamp(0.0, 100.0) as u8,
        requests: requests.ceil() as u64,
        hours,
        deadline_hours,
        measure: slowest.measure,
        detail: format!(
            "at {share:.0} % a verdict on {} takes {}, {}",
            slowest.measure.name(),
            format::counted(requests.ceil() as u64, "request"),
            format::hours(hours)
        ),
    })
}

/// Requests of both sides with which each guard tells what is there from a harm at its margin.
fn needs(case: &Case<'_>, present: &Rollup, after: &Measures, shares: [f64; 2]) -> Vec<Need> {
    let design = Design::new(ALPHA, POWER, Sides::One).expect("constants in range");
    let limits = &case.rules.rollback;
    let need = |measure, effect: f64, variances: [f64; 2], carried: f64| {
        let requests = design.requests(effect, variances, shares)? / carried;
        requests.is_finite().then_some(Need { measure, requests })
    };
    let errors = present.error_rate().and_then(|rate| {
        // No failure yet is not no failure ever: half a one, as in a Jeffreys interval.
        let rate = rate.max(0.5 / present.requests.served.max(1.0));
        let margin = limits.error_rate_increase_points / 100.0;
        let harmed = (rate + 2.0 * margin).min(0.5);
        let better = after.errors.map_or(0.0, |after| (rate - after.estimate().value).max(0.0));
        need(Measure::ErrorRate, margin + better, [rate * (1.0 - rate), harmed * (1.0 - harmed)], 1.0)
    });
    let quality = present.quality.mean().zip(present.quality.variance()).and_then(|(mean, variance)| {
        let spread = variance * present.quality_design_effect().unwrap_or(1.0).max(1.0);
        let coverage = present.quality_coverage();
        (coverage > 0.0).then_some(())?;
        let better = after.quality.map_or(0.0, |after| (after.value - mean).max(0.0));
        need(Measure::Quality, mean * limits.quality_drop_percent / 100.0 + better, [spread, spread], coverage)
    });
    let effective = present.effective_latency();
    let latency = log_quantile(&present.latency, LATENCY_QUANTILE, effective).and_then(|log| {
        let spread = log.standard_error.powi(2) * present.latency.rows() as f64;
        let succeeded = present.requests.succeeded / present.requests.weight.max(f64::MIN_POSITIVE);
        let better = after.log_latency_p95.map_or(0.0, |after| (log.value - after.value).max(0.0));
        let margin = (limits.latency_increase_percent / 100.0).ln_1p();
        need(Measure::LatencyP95Ms, margin + better, [spread, spread], succeeded)
    });
    let cost = present.cost.mean().zip(present.cost.variance()).and_then(|(mean, variance)| {
        let spread = variance * present.cost_design_effect().unwrap_or(1.0).max(1.0);
        let better = after.cost.map_or(0.0, |after| (mean - after.value).max(0.0));
        need(Measure::CostPerRequestUsd, mean * (limits.cost_ratio - 1.0) + better, [spread, spread], 1.0)
    });
    [errors, quality, latency, cost].into_iter().flatten().collect()
}
