//! The whole reasoning about one service, in words.

use std::fmt::Write as _;

use super::{fold::fold_page, words};
use crate::domain::{
    Plan,
    format::{count, counted, ms, percent, usd},
    plan::{Candidate, CheckOutcome, Decision, Estimate, Measure, Rung, Standing},
};

/// Everything the plan knows of `service`, in lines of at most `width` columns; `None` when it has no such service.
#[must_use]
pub fn explain(plan: &Plan, service: &str, width: u16) -> Option<String> {
    let summary = plan.services.iter().find(|summary| summary.service == service)?;
    let mut text = format!("{service} in plan {} under policy `{}`\n\n", plan.id, plan.policy.name);
    let unknown = || "unknown".to_owned();
    let _ = writeln!(
        text,
        "In the window: {}; latency p50 {}, p95 {}, p99 {};\n\
         provider errors {}, caller errors {}; {} a request; quality {}, {} of requests scored.",
        counted(summary.requests.round() as u64, "request"),
        summary.latency_p50_ms.map_or_else(unknown, ms),
        summary.latency_p95_ms.map_or_else(unknown, ms),
        summary.latency_p99_ms.map_or_else(unknown, ms),
        summary.error_rate.map_or_else(unknown, percent),
        summary.caller_error_rate.map_or_else(unknown, percent),
        summary.cost_per_request_usd.map_or_else(unknown, usd),
        summary.quality.map_or_else(unknown, |quality| format!("{quality:.3}")),
        percent(summary.quality_coverage),
    );
    let spend = &summary.spend;
    let interval = spend
        .projected_interval_usd
        .map_or_else(String::new, |[low, high]| format!(" (90 % between {} and {})", usd(low), usd(high)));
    let _ = writeln!(
        text,
        "Spend since midnight UTC {}; {} by the next at the window's rate{interval};\nbudget {}.",
        spend
            .today_usd
            .map_or_else(|| "unknown (the data does not cover the day, or a cost is unknown)".to_owned(), usd),
        spend.projected_usd.map_or_else(unknown, usd),
        spend.budget_usd.map_or_else(|| "none".to_owned(), usd),
    );
    let findings: Vec<_> = plan.findings.iter().filter(|finding| finding.service.as_deref() == Some(service)).collect();
    if !findings.is_empty() {
        text += "\nFindings\n";
        for finding in findings {
            let _ = writeln!(text, "  {:<9}{}", finding.severity.to_string(), finding.summary);
        }
    }
    for decision in plan.decisions.iter().filter(|decision| decision.service == service) {
        text += "\n";
        text += &one(decision);
    }
    Some(fold_page(&text, usize::from(width)))
}

fn one(decision: &Decision) -> String {
    let mut text = format!("Segment {}: {}\n", decision.segment.name(), words::action(decision.action));
    let rung = match decision.rung {
        Rung::SafetyRule => "a safety rule (1 of 4 on the ladder)",
        Rung::BusinessRule => "a business rule (2 of 4); no safety rule applied",
        Rung::Optimizer => "the optimizer (3 of 4); no safety or business rule applied",
        Rung::DoNothing => "no rung: safety rules, business rules and the optimizer proposed nothing that is allowed",
    };
    let _ = writeln!(text, "  decided by  {rung}");
    if let Some(proposed) = &decision.proposed {
        let from = decision.current.as_ref().map_or_else(String::new, ToString::to_string);
        let _ = writeln!(text, "  moves       {from} → {proposed}");
        let steps: Vec<String> = decision.rollout_percent.iter().map(|step| format!("{step} %")).collect();
        let _ = writeln!(text, "  in steps    {}", steps.join(" → "));
    }
    let _ = writeln!(text, "  because     {}", words::why(decision));
    for effect in &decision.effects {
        let change = effect.relative.map(crate::domain::format::change).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {:<18}{} → {} {change}",
            effect.measure.name(),
            estimate(effect.measure, effect.now),
            estimate(effect.measure, effect.after)
        );
    }
    for candidate in &decision.candidates {
        text += &weighed(candidate);
    }
    text
}

fn weighed(candidate: &Candidate) -> String {
    let standing = match candidate.standing {
        Standing::Current => "now",
        Standing::Chosen => "chosen",
        Standing::NotWorthIt => "not worth it",
        Standing::Dominated => "dominated",
        Standing::Outranked => "outranked",
        Standing::Refused => "refused",
    };
    let mut text = format!("\n  {} ({standing}: {})\n", candidate.arm, candidate.why);
    let design = candidate.design_effect.map_or_else(|| "unknown".to_owned(), |effect| format!("{effect:.2}"));
    let _ = writeln!(
        text,
        "    {} of the window; evidence: {}, {} scored, design effect {design}",
        percent(candidate.share),
        counted(candidate.requests, "request"),
        count(candidate.scored),
    );
    for (measure, value) in [
        (Measure::CostPerRequestUsd, candidate.cost_per_request_usd),
        (Measure::LatencyP95Ms, candidate.latency_p95_ms),
        (Measure::Quality, candidate.quality),
        (Measure::ErrorRate, candidate.error_rate),
    ] {
        let shown = value.map_or_else(|| "unknown".to_owned(), |value| estimate(measure, value));
        let _ = writeln!(text, "    {:<18}{shown}", measure.name());
    }
    for check in &candidate.checks {
        let mark = match check.outcome {
            CheckOutcome::Holds => "holds  ",
            CheckOutcome::Fails => "fails  ",
            CheckOutcome::Unknown => "unknown",
        };
        let sure = check
            .probability
            .map_or_else(String::new, |probability| format!("; holds with probability {probability:.3}"));
        let _ = writeln!(text, "    {mark} {}: {}{sure}", check.rule, check.detail);
    }
    if let Some(improvement) = candidate.improvement {
        let confidence = candidate.confidence.map_or_else(|| "unknown".to_owned(), words::sureness);
        let _ = writeln!(
            text,
            "    weighted improvement {}, confidence {confidence}",
            crate::domain::format::change(improvement)
        );
    }
    text
}

fn estimate(measure: Measure, estimate: Estimate) -> String {
    let show = |value: f64| match measure {
        Measure::CostPerRequestUsd => usd(value),
        Measure::LatencyP95Ms => ms(value),
        Measure::Quality => format!("{value:.3}"),
        Measure::ErrorRate => percent(value),
    };
    format!("{} (90 %: {} to {})", show(estimate.value), show(estimate.low), show(estimate.high))
}
