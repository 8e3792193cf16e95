//! What conditions of the policy can ask: figures of the service in the window, its findings, the time, and of governance the change
//! that is proposed. A name without a value is unknown, never zero.

use super::{
    candidates::Weighed,
    case::Case,
    condition::{Facts, FindingFact},
};
use crate::{
    domain::{Arm, Finding, FindingKind, Metric, ModelTable, plan::ServiceSummary, policy::Tier},
    stats::{Observation, ServiceEvidence, regression},
};

/// Everything that is known of a service before anything is proposed.
pub(super) fn of_service(
    summary: &ServiceSummary,
    evidence: &ServiceEvidence,
    findings: &[&Finding],
    observation: &Observation,
    models: &ModelTable,
    followed: bool,
) -> Facts {
    let mut facts = Facts::default();
    let window = &observation.windows.window;
    let hours = window.seconds() / 3600.0;
    facts.text("service.id", Some(&summary.service));
    facts.number("requests.count", Some(summary.requests));
    facts.number("requests.per_minute", Some(summary.requests / (60.0 * hours)));
    facts.number("latency.p50_ms", summary.latency_p50_ms);
    facts.number("latency.p95_ms", summary.latency_p95_ms);
    facts.number("latency.p99_ms", summary.latency_p99_ms);
    facts.number("errors.rate", summary.error_rate);
    facts.number("cost.per_request", summary.cost_per_request_usd);
    facts.number("cost.hourly", summary.cost_per_request_usd.map(|cost| cost * summary.requests / hours));
    facts.number("cost.today", summary.spend.today_usd);
    facts.number("cost.projected_today", summary.spend.projected_usd);
    facts.number("quality.overall", summary.quality);
    facts.number("quality.coverage", Some(summary.quality_coverage));
    facts.number("tokens.input", evidence.window.input_tokens.mean());
    facts.number("tokens.output", evidence.window.output_tokens.mean());
    // What serves most of the service stands for it.
    let arms = evidence.segments.values().filter_map(regression::current_arm);
    let present = arms.max_by(|a, b| a.1.window.requests.weight.total_cmp(&b.1.window.requests.weight));
    if let Some((arm, _)) = present {
        of_model(&mut facts, arm, models);
    }
    facts.now(window.end());
    of_findings(&mut facts, findings, followed, evidence.reference.is_some());
    facts
}

fn of_model(facts: &mut Facts, arm: &Arm, models: &ModelTable) {
    facts.text("model.id", Some(&arm.model));
    facts.text("model.provider", arm.provider.as_deref());
    let entry = models.entry(arm.provider.as_deref(), &arm.model);
    facts.text("model.region", entry.and_then(|model| model.region.as_deref()));
    let tier = entry.and_then(|model| model.tier).map(|tier| match tier {
        Tier::Fast => "fast",
        Tier::Balanced => "balanced",
        Tier::Advanced => "advanced",
    });
    facts.text("model.tier", tier);
}

/// Trends, anomalies and drift by metric. Where nobody could look for them (a plan without history) they are unknown.
fn of_findings(facts: &mut Facts, findings: &[&Finding], followed: bool, referred: bool) {
    const FIGURES: [(Metric, [&str; 3]); 8] = [
        (Metric::Requests, ["trend.requests", "anomaly.requests", "drift.requests"]),
        (Metric::Latency, ["trend.latency", "anomaly.latency", "drift.latency"]),
        (Metric::Ttft, ["trend.ttft", "anomaly.ttft", "drift.ttft"]),
        (Metric::ErrorRate, ["trend.error_rate", "anomaly.error_rate", "drift.error_rate"]),
        (Metric::CostPerRequest, ["trend.cost", "anomaly.cost", "drift.cost"]),
        (Metric::InputTokens, ["trend.input_tokens", "anomaly.input_tokens", "drift.input_tokens"]),
        (Metric::OutputTokens, ["trend.output_tokens", "anomaly.output_tokens", "drift.output_tokens"]),
        (Metric::Quality, ["trend.quality", "anomaly.quality", "drift.quality"]),
    ];
    let of = |kind, metric| {
        findings.iter().find(move |finding| finding.kind == kind && finding.evidence.metric == Some(metric))
    };
    for (metric, [trend, anomaly, drift]) in FIGURES {
        let steady = || followed.then_some(0.0);
        facts.number(trend, of(FindingKind::Trend, metric).map_or_else(steady, |finding| Some(relative(finding))));
        let seen = |kind, looked: bool| {
            let found = of(kind, metric).is_some();
            (found || looked).then_some(found)
        };
        facts.flag(anomaly, seen(FindingKind::Anomaly, followed));
        facts.flag(drift, seen(FindingKind::Drift, referred));
    }
    facts.findings(findings.iter().map(|finding| FindingFact::from(*finding)).collect());
}

/// The same facts with what a candidate is and would do.
pub(super) fn with_candidate(case: &Case<'_>, weighed: &Weighed, incumbent: &Weighed) -> Facts {
    let mut facts = case.facts.clone();
    let candidate = &weighed.candidate;
    facts.text("segment", Some(case.segment.name()));
    of_model(&mut facts, &candidate.arm, case.models);
    let first = case.rules.rollout.steps_percent.first().copied().unwrap_or(100);
    facts.number("change.percentage", Some(f64::from(first)));
    let same = candidate.arm.same_model(&incumbent.candidate.arm);
    facts.text("change.action", Some(if same { "configuration" } else { "model" }));
    facts.number("predicted.cost_per_request", candidate.cost_per_request_usd.map(|cost| cost.value));
    facts.number("predicted.quality", candidate.quality.map(|quality| quality.value));
    facts.number("predicted.latency_p95_ms", candidate.latency_p95_ms.map(|latency| latency.value));
    facts.number("predicted.error_rate", candidate.error_rate.map(|rate| rate.value));
    facts
}

/// The slope of a trend as a share of the figure's recent mean, a day.
fn relative(finding: &Finding) -> f64 {
    let recent: Vec<f64> = finding.evidence.recent.iter().flatten().copied().collect();
    let mean = recent.iter().sum::<f64>() / recent.len() as f64;
    if mean > 0.0 { finding.observed / mean } else { f64::NAN }
}
