//! Figures to an observation.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Figures, Given};
use crate::{
    domain::{
        Arm, Window,
        plan::{SourceSummary, UntilSource, Windows},
    },
    stats::{ArmEvidence, Observation, Requests, Rollup, ServiceEvidence, Sketch},
};

/// Values are spread evenly from this share of the mean to as much above it, so that there is a variance and it is small.
const LOWEST: f64 = 0.8;
const SPREAD: f64 = 2.0 * (1.0 - LOWEST);

impl Given {
    /// The figures as if requests had been read. None where the time is at the edge of what can be written down.
    #[must_use]
    pub fn observation(&self) -> Option<Observation> {
        let windows = windows(self.now)?;
        let mut service = ServiceEvidence::default();
        let mut arms: BTreeMap<Arm, ArmEvidence> = BTreeMap::new();
        for (arm, figures) in &self.arms {
            let all = rollup(figures);
            let now = if figures.serves_now { all.clone() } else { Rollup::default() };
            service.lookback = service.lookback.merged(&all);
            service.window = service.window.merged(&now);
            if let Some(version) = &arm.config_version {
                let since = service.version_since.entry(version.clone()).or_insert(1);
                *since = (*since).max(1 + i64::from(figures.serves_now));
            }
            arms.insert(arm.clone(), ArmEvidence { window: now, lookback: all });
        }
        service.spend_by_minute = spend(&self.arms, &windows);
        service.segments = BTreeMap::from([(self.segment, arms)]);
        let rows = service.lookback.requests.rows;
        let source = SourceSummary {
            files: 1,
            layouts: BTreeSet::from(["example".to_owned()]),
            rows_read: rows,
            rows_used: rows,
            rows_outside: 0,
            rows_duplicate: 0,
            rejected: BTreeMap::new(),
            passed_over: BTreeMap::new(),
            scores: None,
            oldest_event: Some(windows.lookback.start()),
            newest_event: Some(self.now),
            ignored_columns: Vec::new(),
            engines: Vec::new(),
        };
        let services = BTreeMap::from([(self.service.clone(), service)]);
        Some(Observation { windows, source, services, figures: BTreeMap::new() })
    }
}

/// The last hour, the one before, and the last 24.
fn windows(now: Timestamp) -> Option<Windows> {
    let window = Window::ending_at(now, SignedDuration::from_hours(1))?;
    let lookback = Window::ending_at(now, SignedDuration::from_hours(24))?;
    Some(Windows { window, before: window.before()?, lookback, until: UntilSource::Flag })
}

/// The cost of all requests, evenly over the last 24 hours; nothing where a cost is unknown.
fn spend(arms: &BTreeMap<Arm, Figures>, windows: &Windows) -> BTreeMap<i64, f64> {
    let costs: Option<Vec<f64>> =
        arms.values().map(|figures| figures.cost_usd.map(|cost| cost * f64::from(figures.requests))).collect();
    let Some(costs) = costs else { return BTreeMap::new() };
    let (start, end) = (windows.lookback.start().as_second() / 60, windows.lookback.end().as_second() / 60);
    let each = costs.iter().sum::<f64>() / (end - start).max(1) as f64;
    (start..end).map(|minute| (minute, each)).collect()
}

fn rollup(figures: &Figures) -> Rollup {
    let Figures {
        requests, scored, quality, cost_usd, latency_p95_ms, error_rate, tokens_input, tokens_output, ..
    } = *figures;
    let errors = (f64::from(requests) * error_rate).round() as u32;
    let good = requests - errors.min(requests);
    let share = |index: u32| (f64::from(index) + 0.5) / f64::from(good.max(1));
    let around = |mean: f64| Sketch::from_values((0..good).map(|index| mean * (LOWEST + SPREAD * share(index))));
    let maybe = |mean: Option<f64>| mean.map(around).unwrap_or_default();
    let scores = quality.map_or_else(Sketch::default, |quality| {
        let scored = (f64::from(good) * scored).round() as u32;
        let right = (f64::from(scored) * quality).round() as u32;
        Sketch::from_values((0..scored).map(|index| f64::from(u8::from(index < right))))
    });
    Rollup {
        requests: Requests {
            rows: u64::from(requests),
            weight: f64::from(requests),
            weight_squared: f64::from(requests),
            served: f64::from(requests),
            succeeded: f64::from(good),
            provider_errors: f64::from(errors),
            caller_errors: 0.0,
            unpriced: if cost_usd.is_some() { 0.0 } else { f64::from(good) },
            unseen: 0.0,
            timeouts: 0.0,
            retried: 0.0,
        },
        // The 95th percentile of the spread stands at this share of its mean.
        latency: around(latency_p95_ms / (LOWEST + SPREAD * 0.95)),
        cost: maybe(cost_usd),
        quality: scores,
        input_tokens: maybe(tokens_input),
        output_tokens: maybe(tokens_output),
        ..Rollup::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Figures;
    use super::rollup;

    #[test]
    fn the_figures_come_out_as_they_went_in() {
        let figures = Figures {
            requests: 2000,
            scored: 0.5,
            quality: Some(0.8),
            cost_usd: Some(0.02),
            latency_p95_ms: 1500.0,
            error_rate: 0.1,
            tokens_input: None,
            tokens_output: Some(300.0),
            serves_now: true,
        };
        let near = |value: Option<f64>, wanted: f64| (value.unwrap() / wanted - 1.0).abs() < 0.02;
        let told = rollup(&figures);
        assert_eq!((told.requests.succeeded, told.requests.provider_errors), (1800.0, 200.0));
        assert!(near(told.latency.quantile(0.95), 1500.0), "{:?}", told.latency.quantile(0.95));
        assert!(
            near(told.cost.mean(), 0.02) && near(told.quality.mean(), 0.8) && near(told.output_tokens.mean(), 300.0)
        );
        assert_eq!((told.quality.rows(), told.input_tokens.rows()), (900, 0));
        // Nothing but failures is no division by zero.
        let failed = rollup(&Figures { error_rate: 1.0, requests: 1, ..figures });
        assert_eq!((failed.latency.rows(), failed.quality.rows()), (0, 0));
        let unpriced = rollup(&Figures { cost_usd: None, quality: None, ..figures }).requests.unpriced;
        assert!((unpriced - 1800.0).abs() < 0.5, "{unpriced}");
    }
}
