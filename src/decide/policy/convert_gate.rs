//! The gate: the written form to the domain types.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::shape_gate::{GateLimitYaml, GateMarginYaml, GateYaml, SuppressionYaml, TrendYaml};
use crate::domain::{
    gate::GateMetric,
    gate_rules::{GateLimit, GateMargin, GateProof, GateRules, OnInconclusive, Suppression, TrendRule},
    policy::Mode,
};

/// Where a policy does not say otherwise; docs/gate.md says why.
const MARGINS: [(GateMetric, Option<f64>, Option<f64>); 10] = [
    (GateMetric::LatencyP50Ms, Some(10.0), Some(0.05)),
    (GateMetric::LatencyP95Ms, Some(10.0), Some(0.05)),
    (GateMetric::LatencyP99Ms, Some(20.0), Some(0.10)),
    (GateMetric::TtftP50Ms, Some(10.0), Some(0.05)),
    (GateMetric::TtftP95Ms, Some(10.0), Some(0.05)),
    (GateMetric::ErrorRate, Some(0.005), None),
    (GateMetric::CostPerRequestUsd, None, Some(0.03)),
    (GateMetric::CostPer1kTokensUsd, None, Some(0.03)),
    (GateMetric::Quality, None, Some(0.01)),
    (GateMetric::QualityCoverage, Some(0.05), None),
];

/// The rules, or what is wrong with the suppressions: their place and a message.
pub(super) fn gate(yaml: Option<GateYaml>, report: &mut dyn FnMut(usize, String)) -> GateRules {
    let GateYaml {
        mode,
        alpha,
        proof,
        on_inconclusive,
        required,
        min_requests,
        max_baseline_age_days,
        margins,
        limits,
        history,
        suppress,
    } = yaml.unwrap_or_default();
    let mut known: BTreeMap<GateMetric, GateMargin> =
        MARGINS.into_iter().map(|(metric, absolute, relative)| (metric, GateMargin { absolute, relative })).collect();
    known.extend(margins.unwrap_or_default().into_iter().map(|(metric, margin)| {
        let GateMarginYaml { absolute, percent } = margin;
        (metric, GateMargin { absolute, relative: percent.map(|percent| percent / 100.0) })
    }));
    let limit = |(metric, GateLimitYaml { min, max })| (metric, GateLimit { min, max });
    let trend = |written| {
        let TrendYaml { metric, test, lower, upper, min_runs, max_runs } = written;
        let (min_runs, max_runs) = (min_runs.unwrap_or(5) as usize, max_runs.unwrap_or(64) as usize);
        TrendRule { metric, test, lower, upper, min_runs, max_runs }
    };
    let suppressions = suppress.unwrap_or_default().into_iter().enumerate().filter_map(|(place, written)| {
        let SuppressionYaml { metric, slice, reason, until } = written;
        let day = until.parse::<Date>();
        if day.is_err() {
            report(place, format!("`{}` is no day; write it as 2026-12-31", super::shown(&until)));
        }
        Some(Suppression { metric, slice, reason, until: day.ok()? })
    });
    let suppressions = suppressions.collect();
    GateRules {
        mode: mode.map_or(Mode::Enforce, Mode::from),
        alpha: alpha.unwrap_or(0.005),
        proof: proof.unwrap_or(GateProof::Harm),
        on_inconclusive: on_inconclusive.unwrap_or(OnInconclusive::Pass),
        required: required.unwrap_or_default(),
        min_requests: min_requests.unwrap_or(30),
        max_baseline_age_days,
        margins: known,
        limits: limits.unwrap_or_default().into_iter().map(limit).collect(),
        trends: history.unwrap_or_default().into_iter().map(trend).collect(),
        suppressions,
    }
}
