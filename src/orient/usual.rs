//! The window against the same hours of the days before. Days differ by more than the chance of single requests, so the days
//! themselves are the sample: a value is unusual when it lies outside of what days like these let expect for one more.

use super::{Analyzer, Subject, TestsDone};
use crate::{
    domain::{
        Evidence, Finding, FindingKind, Metric, Severity,
        finding::Test,
        format::{counted, ms},
        metric::Harm,
    },
    stats::{
        Rollup, Sketch,
        history::values,
        interval::{self, student_t_upper_tail, t_quantile},
    },
};

/// Fewer days show no variation between them.
const MIN_DAYS: usize = 4;

/// A window or a day with fewer requests has no figure worth comparing.
const MIN_REQUESTS: u64 = 30;

/// Smaller changes are nobody's business, however sure: a quarter more, or a fifth less.
const SMALLEST_RATIO: f64 = 1.25;

pub(super) struct Usual;

impl Analyzer for Usual {
    fn analyze(&self, subject: &Subject<'_>, done: &mut TestsDone) -> Vec<Finding> {
        Metric::ALL.into_iter().filter_map(|metric| unusual(subject, metric, done)).collect()
    }
}

fn unusual(subject: &Subject<'_>, metric: Metric, done: &mut TestsDone) -> Option<Finding> {
    let reference = subject.evidence.reference.as_ref()?;
    let window = &subject.evidence.window;
    if window.requests.rows < MIN_REQUESTS && metric != Metric::Requests {
        return None;
    }
    let now = values(window, reference.covered_minutes)[metric as usize]?;
    let days: Vec<f64> = reference.days.iter().filter_map(|day| day[metric as usize]).collect();
    let noise = noise(metric, window, &reference.rollup);
    let Prediction { expected, statistic, p_value } = prediction(metric, &days, now, noise)?;
    done.add(FindingKind::WorseThanUsual, p_value);
    let usual = (expected[0] * expected[1]).sqrt();
    let usual = if metric == Metric::ErrorRate { f64::midpoint(expected[0], expected[1]) } else { usual };
    let worse = match metric.harm() {
        Harm::Up => now > usual,
        Harm::Down => now < usual,
        Harm::Neither => true,
    };
    let (high, low) = if now > usual { (now, usual) } else { (usual, now) };
    if !worse || high < SMALLEST_RATIO * low || (metric == Metric::ErrorRate && high - low < 0.01) {
        return None;
    }
    let severity = match metric.harm() {
        Harm::Neither => Severity::Low,
        Harm::Up | Harm::Down => Severity::of_ratio(high, low),
    };
    let detail = if metric == Metric::Latency { percentiles(window, &reference.rollup) } else { String::new() };
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::WorseThanUsual,
        severity,
        observed: now,
        limit: usual,
        unit: metric.unit().into(),
        interval: None,
        requests: window.requests.rows,
        cause: None,
        summary: format!(
            "{} {}; in the same hours of {} before between {} and {}{detail}",
            metric.name(),
            metric.show(now),
            counted(days.len() as u64, "day"),
            metric.show(expected[0]),
            metric.show(expected[1]),
        ),
        evidence: Evidence {
            metric: Some(metric),
            expected: Some(expected),
            tests: vec![Test { name: "t prediction of one more day".into(), statistic, p_value: Some(p_value) }],
            ..Evidence::default()
        },
    })
}

fn percentiles(window: &Rollup, before: &Rollup) -> String {
    let pair = |name: &str, q: f64| {
        let (now, then) = (window.latency.quantile(q)?, before.latency.quantile(q)?);
        Some(format!("{name} {} → {}", ms(then), ms(now)))
    };
    let pairs: Vec<String> =
        [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)].iter().filter_map(|(n, q)| pair(n, *q)).collect();
    if pairs.is_empty() { String::new() } else { format!(" ({})", pairs.join(", ")) }
}

/// Standard error of the window's value from the chance of single requests alone: relative, but of an error rate absolute.
fn noise(metric: Metric, window: &Rollup, before: &Rollup) -> f64 {
    let relative = |sketch: &Sketch, requests: f64| {
        interval::mean(sketch, requests).map_or(0.0, |mean| mean.standard_error / mean.value.max(f64::MIN_POSITIVE))
    };
    let rows = |sketch: &Sketch| window.effective(sketch, &[]);
    match metric {
        Metric::Requests => 1.0 / (window.requests.rows.max(1) as f64).sqrt(),
        Metric::Latency => relative(&window.latency, window.effective_latency()),
        Metric::CostPerRequest => relative(&window.cost, window.effective_cost()),
        Metric::Quality => relative(&window.quality, window.effective_quality()),
        Metric::Ttft => relative(&window.ttft, rows(&window.ttft)),
        Metric::InputTokens => relative(&window.input_tokens, rows(&window.input_tokens)),
        Metric::OutputTokens => relative(&window.output_tokens, rows(&window.output_tokens)),
        Metric::ErrorRate => {
            // Never zero: that nothing failed in a few requests does not say that nothing ever does.
            let served = window.requests.served + before.requests.served;
            let failed = window.requests.provider_errors + before.requests.provider_errors;
            let rate = (failed + 0.5) / (served + 1.0);
            (rate * (1.0 - rate).max(0.0) / window.requests.served.max(1.0)).sqrt()
        }
    }
}

struct Prediction {
    /// 90 % interval for the value of one more day.
    expected: [f64; 2],
    statistic: f64,
    /// Two-sided.
    p_value: f64,
}

/// The interval for one more draw from a normal sample: mean ± t · s · √(1 + 1/n) (Hahn and Meeker, "Statistical Intervals",
/// 2nd ed., 2017, §4.7, doi:10.1002/9781118594841). On the logarithm where values are above zero, since days differ by
/// factors; error rates as they are. Days that happen to agree do not promise that all do: the spread is at least `noise`.
fn prediction(metric: Metric, days: &[f64], now: f64, noise: f64) -> Option<Prediction> {
    if days.len() < MIN_DAYS {
        return None;
    }
    let plain = metric == Metric::ErrorRate;
    if !plain && (now <= 0.0 || days.iter().any(|day| *day <= 0.0)) {
        return None;
    }
    let scale = |value: f64| if plain { value } else { value.ln() };
    let back = |value: f64| if plain { value.max(0.0) } else { value.exp() };
    let count = days.len() as f64;
    let mean = days.iter().map(|day| scale(*day)).sum::<f64>() / count;
    let variance = days.iter().map(|day| (scale(*day) - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let floor = noise.max(if plain { 1e-3 } else { 1e-2 });
    let spread = variance.sqrt().max(floor) * (1.0 + 1.0 / count).sqrt();
    let statistic = (scale(now) - mean) / spread;
    let half = t_quantile(0.95, count - 1.0) * spread;
    Some(Prediction {
        expected: [back(mean - half), back(mean + half)],
        statistic,
        p_value: (2.0 * student_t_upper_tail(statistic.abs(), count - 1.0)).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_day_like_the_others_is_usual() {
        let days = [100.0, 110.0, 95.0, 105.0, 102.0, 98.0];
        let usual = prediction(Metric::Latency, &days, 104.0, 0.0).unwrap();
        assert!(usual.p_value > 0.3, "{}", usual.p_value);
        assert!(usual.expected[0] < 95.0 && usual.expected[1] > 110.0, "{:?}", usual.expected);
        let twice = prediction(Metric::Latency, &days, 208.0, 0.0).unwrap();
        assert!(twice.p_value < 1e-4, "{}", twice.p_value);
        // In other units the same.
        let seconds = prediction(Metric::Latency, &days.map(|day| day / 1e3), 0.208, 0.0).unwrap();
        assert!((seconds.p_value / twice.p_value - 1.0).abs() < 1e-9);
    }

    #[test]
    fn too_few_days_zeros_and_constants() {
        assert!(prediction(Metric::Latency, &[1.0; 3], 5.0, 0.0).is_none());
        assert!(prediction(Metric::Latency, &[1.0; 6], 0.0, 0.0).is_none());
        assert!(prediction(Metric::CostPerRequest, &[0.0; 6], 0.1, 0.0).is_none());
        let constant = prediction(Metric::Latency, &[5.0; 6], 5.0, 0.0).unwrap();
        assert!((constant.p_value - 1.0).abs() < 1e-9 && constant.statistic.is_finite());
        let news = prediction(Metric::ErrorRate, &[0.0; 6], 0.2, 0.0).unwrap();
        assert!(news.p_value < 1e-4 && news.statistic.is_finite());
    }
}
