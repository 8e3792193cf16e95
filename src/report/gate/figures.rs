//! Numbers of a comparison, as people read them.

use crate::{
    domain::{
        format::{self, percent, quantity},
        gate::{GateComparison, GateMetric, GateOutcome, GateReport, GateSide, GateVerdict, UnitKind},
    },
    report::words,
};

/// A figure with its unit.
pub(in crate::report) fn figure(metric: GateMetric, value: f64) -> String {
    match metric {
        GateMetric::LatencyP50Ms
        | GateMetric::LatencyP95Ms
        | GateMetric::LatencyP99Ms
        | GateMetric::TtftP50Ms
        | GateMetric::TtftP95Ms => format::ms(value),
        GateMetric::ErrorRate | GateMetric::QualityCoverage => percent(value),
        GateMetric::CostPerRequestUsd | GateMetric::CostPer1kTokensUsd => format::usd(value),
        GateMetric::InputTokens | GateMetric::OutputTokens => quantity(value),
        GateMetric::Quality => format!("{value:.4}"),
    }
}

pub(in crate::report) fn or_dash(metric: GateMetric, value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| figure(metric, value))
}

/// The change and its interval: relative where there is a relation, in points where it is a share.
pub(in crate::report) fn change(one: &GateComparison) -> [String; 2] {
    let points = matches!(one.metric, GateMetric::ErrorRate | GateMetric::QualityCoverage);
    let (value, interval, unit) =
        if points { (one.difference, one.difference_90, "points") } else { (one.change, one.change_90, "%") };
    let Some(value) = value else { return [String::new(), String::new()] };
    let signed = |value: f64| {
        // Minus nothing is nothing.
        let shown = 100.0 * value;
        if shown.abs() < 0.05 { "0.0".to_owned() } else { format!("{shown:+.1}").replace('-', "−") }
    };
    let end = |end: Option<f64>| end.map_or_else(|| "?".to_owned(), signed);
    [format!("{} {unit}", signed(value)), format!("{} … {}", end(interval[0]), end(interval[1]))]
}

pub(in crate::report) fn p_value(one: &GateComparison) -> String {
    one.p_value_corrected
        .map_or_else(String::new, |p| if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") })
}

pub(in crate::report) fn verdict(one: &GateComparison) -> &'static str {
    match (one.verdict, &one.suppressed) {
        (GateVerdict::Regression, None) => "WORSE",
        (GateVerdict::Regression, Some(_)) => "suppressed",
        (GateVerdict::Inconclusive, _) => "open",
        (GateVerdict::Equivalent, _) => "same",
        (GateVerdict::Improvement, _) => "better",
    }
}

pub(in crate::report) fn outcome(report: &GateReport) -> &'static str {
    match (report.outcome, report.enforced) {
        (GateOutcome::Passed, _) => "passed",
        (GateOutcome::Warned, _) => "passed, with something to look at",
        (GateOutcome::Failed, true) => "FAILED",
        (GateOutcome::Failed, false) => "would have failed; the policy only observes",
    }
}

pub(in crate::report) fn side(side: &GateSide) -> String {
    let span = match (side.from, side.until) {
        (Some(from), Some(until)) => format!(", {} … {}", words::instant(from), words::instant(until)),
        _ => String::new(),
    };
    format!("{}: {}{span}", side.name, format::counted(side.requests, "request"))
}

/// How the sides were compared, in a sentence.
pub(in crate::report) fn compared(report: &GateReport) -> String {
    let unit = &report.unit;
    let [baseline, candidate] = [unit.baseline, unit.candidate];
    match unit.kind {
        UnitKind::Request => {
            "request by request, as if none depended on another; too little time to see whether they do".to_owned()
        }
        UnitKind::Session => format!("session by session, {baseline} and {candidate}"),
        UnitKind::Prompt => format!("prompt by prompt, {} of them on both sides", unit.paired),
        UnitKind::Run => format!("run by run, {baseline} and {candidate}"),
        UnitKind::Minutes => {
            let minutes = unit.minutes.unwrap_or(1);
            format!("in stretches of {}, {baseline} and {candidate}", format::counted(u64::from(minutes), "minute"))
        }
    }
}

/// Whether both sides got the same kinds of requests.
pub(in crate::report) fn mix(report: &GateReport) -> String {
    let Some(mix) = &report.mix else { return String::new() };
    if !mix.changed {
        return "alike".to_owned();
    }
    let kind = |kind: &crate::domain::gate::KindShare| {
        format!("{} {:.0} → {:.0} %", kind.kind, 100.0 * kind.baseline, 100.0 * kind.candidate)
    };
    let most: Vec<String> = mix.most.iter().take(2).map(kind).collect();
    format!(
        "changed: {:.0} % of the requests are of another kind ({}); figures are on the baseline's mix",
        100.0 * mix.moved,
        most.join("; ")
    )
}

/// One comparison in a sentence.
pub(in crate::report) fn sentence(one: &GateComparison) -> String {
    if let Some(lack) = &one.lack {
        return format!("{}: {lack}", one.about());
    }
    let [change, interval] = change(one);
    let margin = one.margin.map_or_else(String::new, |margin| format!(", margin {}", figure(one.metric, margin)));
    format!(
        "{}: {} → {}, {change} ({interval}){margin}, p {}",
        one.about(),
        or_dash(one.metric, one.baseline),
        or_dash(one.metric, one.candidate),
        p_value(one)
    )
}
