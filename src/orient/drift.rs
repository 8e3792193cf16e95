//! Whether the requests of the window are of another kind than those of the same hours of the days before: two-sample tests on
//! the sketches of both.

use super::{Analyzer, Subject, TestsDone};
use crate::{
    domain::{Evidence, Finding, FindingKind, Metric, Severity, finding::Test, format::counted},
    stats::{
        Rollup, Sketch, comparison,
        hypothesis::{Alternative, Binned},
        psi::{self, EmptyBins},
    },
};

/// Below, a distribution counts as the same, however many requests say otherwise.
const SHIFTED: f64 = 0.1;

/// Above, it counts as another one.
const ANOTHER: f64 = 0.25;

const BINS: usize = 10;

/// So many independent requests on both sides, or nothing is said.
const MIN_REQUESTS: f64 = 100.0;

/// A reference of one day shows no difference between days.
const MIN_DAYS: usize = 2;

pub(super) struct Drift;

impl Analyzer for Drift {
    fn analyze(&self, subject: &Subject<'_>, done: &mut TestsDone) -> Vec<Finding> {
        let Some(reference) = subject.evidence.reference.as_ref().filter(|reference| reference.days.len() >= MIN_DAYS)
        else {
            return Vec::new();
        };
        let (now, then) = (&subject.evidence.window, &reference.rollup);
        let pick = |rollup: &Rollup| -> [Sketch; 5] {
            let Rollup { input_tokens, output_tokens, latency, cost, quality, .. } = rollup.clone();
            [input_tokens, output_tokens, latency, cost, quality]
        };
        let metrics =
            [Metric::InputTokens, Metric::OutputTokens, Metric::Latency, Metric::CostPerRequest, Metric::Quality];
        let sides = metrics.into_iter().zip(pick(now)).zip(pick(then));
        sides
            .filter_map(|((metric, now_sketch), then_sketch)| {
                let requests = comparison::effective(metric, now, then);
                drifted(subject, metric, [&now_sketch, &then_sketch], requests, reference.days.len(), done)
            })
            .collect()
    }
}

fn drifted(
    subject: &Subject<'_>,
    metric: Metric,
    [now, then]: [&Sketch; 2],
    requests: [f64; 2],
    days: usize,
    done: &mut TestsDone,
) -> Option<Finding> {
    if requests[0].min(requests[1]) < MIN_REQUESTS {
        return None;
    }
    // The reference comes first: its quantiles make the bins of the index.
    let sides = Binned::of_sketches(then, now, [requests[1], requests[0]]).ok()?;
    let (ks, stability) = (sides.ks(Alternative::TwoSided), psi::between(&sides, BINS, EmptyBins::Add(0.5))?);
    done.add(FindingKind::Drift, ks.p_value);
    if stability.index < SHIFTED || stability.index < 2.0 * stability.without_change {
        return None;
    }
    let (median_now, median_then) = (now.quantile(0.5)?, then.quantile(0.5)?);
    Some(Finding {
        service: Some(subject.service.to_owned()),
        kind: FindingKind::Drift,
        severity: if stability.index >= ANOTHER { Severity::Medium } else { Severity::Low },
        observed: stability.index,
        limit: SHIFTED,
        unit: "psi".into(),
        interval: None,
        requests: now.rows(),
        cause: None,
        summary: format!(
            "{} is distributed otherwise than in the same hours of {} before: PSI {:.2}, KS distance {:.2}; median {} → {}",
            metric.name(),
            counted(days as u64, "day"),
            stability.index,
            ks.distance,
            metric.show(median_then),
            metric.show(median_now),
        ),
        evidence: Evidence {
            metric: Some(metric),
            tests: vec![
                Test {
                    name: "two-sample Kolmogorov–Smirnov".into(),
                    statistic: ks.distance,
                    p_value: Some(ks.p_value),
                },
                Test { name: "population stability index".into(), statistic: stability.index, p_value: None },
            ],
            ..Evidence::default()
        },
    })
}
