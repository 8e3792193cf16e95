//! The whole reasoning about one service, in words.

use std::fmt::Write as _;

use super::{fold::fold_page, words};
use crate::domain::{
    Plan,
    format::{count, counted, ms, percent, usd},
    plan::{
        Candidate, CheckOutcome, CheckWeight, Decision, Estimate, Measure, RuleOutcome, RuleState, Rung, Standing,
        StepOutcome,
    },
};

/// The plan cut down to one service; `None` when it has no such service.
#[must_use]
pub fn only(plan: &Plan, service: &str) -> Option<Plan> {
    plan.services.iter().any(|summary| summary.service == service).then(|| {
        let mut cut = plan.clone();
        cut.services.retain(|summary| summary.service == service);
        cut.findings.retain(|finding| finding.service.as_deref().is_none_or(|name| name == service));
        cut.decisions.retain(|decision| decision.service == service);
        cut
    })
}

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
    let _ = writeln!(text, "  decision    {}", decision.id);
    let _ = writeln!(text, "  decided by  {rung}");
    if let Some(proposed) = &decision.proposed {
        let from = decision.current.as_ref().map_or_else(String::new, ToString::to_string);
        let _ = writeln!(text, "  moves       {from} → {proposed}");
        let steps: Vec<String> = decision.rollout_percent.iter().map(|step| format!("{step} %")).collect();
        let _ = writeln!(text, "  in steps    {}", steps.join(" → "));
    }
    if !decision.settings.is_empty() {
        let settings: Vec<String> = decision.settings.iter().map(words::setting).collect();
        let _ = writeln!(text, "  sets        {}", settings.join(", "));
    }
    let _ = writeln!(text, "  because     {}", words::why(decision));
    if let Some(canary) = &decision.canary {
        let deadline = crate::domain::format::hours(canary.deadline_hours);
        let _ = writeln!(text, "  verdict     {}; {deadline} are allowed", canary.detail);
    }
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
    if !decision.would_change.is_empty() {
        text += "\n  What would change the answer\n";
        for line in &decision.would_change {
            let _ = writeln!(text, "    {line}");
        }
    }
    if !decision.ladder.is_empty() {
        text += "\n  Who was asked\n";
        for step in &decision.ladder {
            let _ = writeln!(text, "    {:<23}{:<10}{}", step.by, outcome(step.outcome), step.why);
        }
    }
    if !decision.rules.is_empty() {
        text += "\n  Rules of the policy\n";
        for rule in &decision.rules {
            text += &ruled(rule);
        }
    }
    if !decision.similar.is_empty() {
        text += "\n  Changes like this one\n";
        for change in &decision.similar {
            let _ = writeln!(text, "    {}", words::past(change));
        }
    }
    for candidate in &decision.candidates {
        text += &weighed(candidate);
    }
    text
}

/// A value as a condition saw it.
fn shown(value: &serde_json::Value) -> String {
    match value.as_f64() {
        Some(number) => crate::domain::format::quantity(number),
        None if value.is_null() => "unknown".to_owned(),
        None => value.to_string(),
    }
}

fn outcome(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Decided => "decides",
        StepOutcome::Nothing => "nothing",
        StepOutcome::Abstained => "abstains",
        StepOutcome::Failed => "FAILED",
    }
}

fn ruled(rule: &RuleOutcome) -> String {
    let state = match rule.state {
        RuleState::Fired => "acts",
        RuleState::Observed => "observed",
        RuleState::NotMet => "not met",
        RuleState::Waiting => "waits",
        RuleState::CoolingDown => "rests",
        RuleState::UsedUp => "used up",
        RuleState::Unknown => "unknown",
        RuleState::Failed => "FAILED",
        RuleState::Overruled => "overruled",
        RuleState::Refused => "refused",
        RuleState::Off => "off",
    };
    let values: Vec<String> = rule.values.iter().map(|(name, value)| format!("{name} = {}", shown(value))).collect();
    format!("    {:<23}{state:<10}{}\n      {} with {}\n", rule.id, rule.detail, rule.condition, values.join(", "))
}

fn weighed(candidate: &Candidate) -> String {
    let standing = match candidate.standing {
        Standing::Current => "now",
        Standing::Chosen => "chosen",
        Standing::NotWorthIt => "not worth it",
        Standing::Dominated => "dominated",
        Standing::Outranked => "outranked",
        Standing::Refused => "refused",
        Standing::Promising => "promising",
    };
    let settings: Vec<String> =
        candidate.settings.iter().filter(|one| one.key != "model").map(words::setting).collect();
    let settings = if settings.is_empty() { String::new() } else { format!(" with {}", settings.join(", ")) };
    let mut text = format!("\n  {}{settings} ({standing}: {})\n", candidate.arm, candidate.why);
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
    for borrowed in &candidate.borrowed {
        let _ = writeln!(text, "    {} from {}", borrowed.measure.name(), borrowed.from);
    }
    if let Some(trial) = &candidate.trial {
        let _ = writeln!(text, "    worth a trial: {trial}");
    }
    for check in &candidate.checks {
        let soft = if check.weight == CheckWeight::Soft { "wish: " } else { "" };
        let mark = match check.outcome {
            CheckOutcome::Holds => "holds  ",
            CheckOutcome::Fails => "fails  ",
            CheckOutcome::Unknown => "unknown",
        };
        let sure = check
            .probability
            .map_or_else(String::new, |probability| format!("; holds with probability {probability:.3}"));
        let _ = writeln!(text, "    {mark} {soft}{}: {}{sure}", check.rule, check.detail);
    }
    if let Some(improvement) = candidate.improvement {
        let confidence = candidate.confidence.map_or_else(|| "unknown".to_owned(), words::sureness);
        let _ = writeln!(
            text,
            "    weighted improvement {}, confidence {confidence}",
            crate::domain::format::change(improvement)
        );
    }
    if let Some(dominated) = candidate.dominated {
        let _ = writeln!(text, "    worse than another in everything with probability {dominated:.3}");
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
