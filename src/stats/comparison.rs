//! What some requests do against others: by how much each figure differs, how large that is beside its spread, and how sure.

use super::{
    Rollup, Sketch,
    compare::UNPRICED_TOLERANCE,
    hypothesis::{
        Alternative, Binned, Bounds,
        effect_size::{self, EffectSize},
        proportions::{self, Proportion},
        welch::{Summary, welch},
    },
};
use crate::domain::Metric;

/// Level of the intervals.
const LEVEL: f64 = 0.90;

/// One figure on both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    pub metric: Metric,
    /// Means, in the metric's unit.
    pub now: f64,
    pub then: f64,
    /// 90 % interval of `now` − `then`.
    pub difference: Option<[f64; 2]>,
    /// That the means differ, two-sided: the larger of Welch's and the Mann–Whitney test, because Welch's alone is too eager
    /// where few skewed values stand against many. Of error rates, the test of two proportions.
    pub p_value: Option<f64>,
    /// Of the Mann–Whitney test, which asks whether values tend to be larger; two-sided. None for error rates.
    pub mann_whitney_p: Option<f64>,
    /// Hedges' g: the difference in standard deviations. None for error rates.
    pub hedges_g: Option<EffectSize>,
    /// Independent requests each side is worth.
    pub requests: [f64; 2],
}

/// Every figure that both sides know. Requests that were slow together count once: numbers of requests are those after the
/// design effect, where it is known; where it is not, that of the other side stands in.
#[must_use]
pub fn all(now: &Rollup, then: &Rollup) -> Vec<Comparison> {
    let priced = |rollup: &Rollup| rollup.requests.unpriced <= UNPRICED_TOLERANCE * rollup.requests.succeeded;
    let costs = priced(now) && priced(then);
    let sketches: [(Metric, &Sketch, &Sketch); 6] = [
        (Metric::Latency, &now.latency, &then.latency),
        (Metric::Ttft, &now.ttft, &then.ttft),
        (Metric::CostPerRequest, &now.cost, &then.cost),
        (Metric::InputTokens, &now.input_tokens, &then.input_tokens),
        (Metric::OutputTokens, &now.output_tokens, &then.output_tokens),
        (Metric::Quality, &now.quality, &then.quality),
    ];
    let known = sketches.into_iter().filter(|(metric, ..)| costs || *metric != Metric::CostPerRequest);
    let means = known.filter_map(|(metric, a, b)| of_sketches(metric, a, b, effective(metric, now, then)));
    means.chain(of_errors(now, then)).collect()
}

/// Independent requests that each side of a metric is worth.
#[must_use]
pub fn effective(metric: Metric, now: &Rollup, then: &Rollup) -> [f64; 2] {
    let effect = |rollup: &Rollup| worst_design_effect(rollup);
    // Only one side may be long enough to tell how alike neighbours are.
    let stand_in = effect(now).or(effect(then)).unwrap_or(1.0).max(effect(then).unwrap_or(1.0));
    [now, then].map(|rollup| {
        let rows = sketch(metric, rollup).rows() as f64 * rollup.requests.weight_efficiency();
        let effect = match metric {
            Metric::Latency => rollup.latency_design_effect(),
            Metric::CostPerRequest => rollup.cost_design_effect(),
            Metric::Quality => rollup.quality_design_effect(),
            _ => None,
        };
        rows / effect.unwrap_or(stand_in)
    })
}

/// The largest that is known of the three metrics that are kept by time bucket: requests that come together are alike in more
/// than one way.
fn worst_design_effect(rollup: &Rollup) -> Option<f64> {
    let known = [rollup.latency_design_effect(), rollup.cost_design_effect(), rollup.quality_design_effect()];
    known.into_iter().flatten().reduce(f64::max)
}

fn sketch(metric: Metric, rollup: &Rollup) -> &Sketch {
    match metric {
        Metric::Latency | Metric::Requests | Metric::ErrorRate => &rollup.latency,
        Metric::Ttft => &rollup.ttft,
        Metric::CostPerRequest => &rollup.cost,
        Metric::InputTokens => &rollup.input_tokens,
        Metric::OutputTokens => &rollup.output_tokens,
        Metric::Quality => &rollup.quality,
    }
}

fn of_sketches(metric: Metric, now: &Sketch, then: &Sketch, requests: [f64; 2]) -> Option<Comparison> {
    let (a, b) = (Summary::of_sketch(now, requests[0]).ok()?, Summary::of_sketch(then, requests[1]).ok()?);
    let difference = welch(&a, &b).ok();
    let sides = Binned::of_sketches(now, then, requests).ok();
    let ranks = sides.map(|sides| sides.mann_whitney(Alternative::TwoSided).p_value);
    Some(Comparison {
        metric,
        now: a.mean,
        then: b.mean,
        difference: difference.and_then(|found| found.interval(LEVEL, Alternative::TwoSided)).and_then(closed),
        p_value: difference.map(|found| found.p_value(Alternative::TwoSided, 0.0).max(ranks.unwrap_or(0.0))),
        mann_whitney_p: ranks,
        hedges_g: effect_size::hedges_g(&a, &b, LEVEL).ok(),
        requests,
    })
}

fn of_errors(now: &Rollup, then: &Rollup) -> Option<Comparison> {
    if !now.requests.failures_are_seen() || !then.requests.failures_are_seen() {
        return None;
    }
    let effect = worst_design_effect(now).into_iter().chain(worst_design_effect(then)).fold(1.0, f64::max);
    let requests = [now, then].map(|rollup| rollup.requests.rows as f64 * rollup.requests.weight_efficiency() / effect);
    let side =
        |rollup: &Rollup, n: f64| Proportion::new(n * rollup.requests.provider_errors / rollup.requests.served, n).ok();
    let (a, b) = (side(now, requests[0])?, side(then, requests[1])?);
    let test = proportions::difference(&a, &b, proportions::Variance::Pooled).ok();
    Some(Comparison {
        metric: Metric::ErrorRate,
        now: a.value(),
        then: b.value(),
        difference: proportions::newcombe(&a, &b, LEVEL).and_then(closed),
        // None of n on both sides: nothing speaks for a difference.
        p_value: Some(test.map_or(1.0, |test| test.p_value(Alternative::TwoSided, 0.0))),
        mann_whitney_p: None,
        hedges_g: None,
        requests,
    })
}

fn closed(bounds: Bounds) -> Option<[f64; 2]> {
    bounds.low.zip(bounds.high).map(|(low, high)| [low, high])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Bucket, Requests};

    fn rollup(latencies: impl Iterator<Item = f64>, failed: f64) -> Rollup {
        let latency = Sketch::from_values(latencies);
        let rows = latency.rows() as f64 + failed;
        let requests = Requests {
            rows: rows as u64,
            weight: rows,
            weight_squared: rows,
            served: rows,
            succeeded: rows - failed,
            provider_errors: failed,
            ..Requests::default()
        };
        Rollup { requests, latency, ..Rollup::default() }
    }

    #[test]
    fn a_real_difference_is_seen_and_sized() {
        let then = rollup((0..400).map(|i| 800.0 + f64::from(i)), 0.0);
        let now = rollup((0..400).map(|i| 900.0 + f64::from(i)), 40.0);
        let found = all(&now, &then);
        let latency = found.iter().find(|comparison| comparison.metric == Metric::Latency).unwrap();
        assert!((latency.now - latency.then - 100.0).abs() < 1e-6);
        assert!(latency.p_value.unwrap() < 1e-6 && latency.mann_whitney_p.unwrap() < 1e-6);
        let [low, high] = latency.difference.unwrap();
        assert!(low > 80.0 && high < 120.0, "{low} {high}");
        let g = latency.hedges_g.unwrap();
        assert!((g.value - 100.0 / 115.7).abs() < 0.01, "{g:?}");
        let errors = found.iter().find(|comparison| comparison.metric == Metric::ErrorRate).unwrap();
        assert!((errors.now - 40.0 / 440.0).abs() < 1e-12 && errors.p_value.unwrap() < 1e-6);
        assert!(found.iter().all(|comparison| comparison.metric != Metric::Quality), "nobody scored anything");
    }

    #[test]
    fn requests_that_come_together_count_less_on_both_sides() {
        let buckets = |means: &[f64]| means.iter().map(|mean| Bucket { weight: 40.0, sum: 40.0 * mean }).collect();
        let mut then = rollup((0..400).map(|i| 800.0 + f64::from(i)), 0.0);
        let now = then.clone();
        then.latency_buckets = buckets(&[820.0, 860.0, 900.0, 940.0, 980.0, 1020.0, 1060.0, 1100.0, 1140.0, 1180.0]);
        let [alone, together] = effective(Metric::Latency, &now, &then);
        assert!(together < 20.0 && (alone - together).abs() < 1e-9, "{alone} {together}");
    }

    #[test]
    fn nothing_to_compare_is_no_difference() {
        assert!(all(&Rollup::default(), &Rollup::default()).is_empty());
        let few = rollup(std::iter::once(5.0), 0.0);
        assert!(all(&few, &few).iter().all(|comparison| comparison.p_value.is_none_or(|p| p > 0.9)));
    }
}
