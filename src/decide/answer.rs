//! What would change the answer, and what became of changes like this one.

use super::{candidates::Weighed, case::Case, checks};
use crate::{
    domain::{
        Arm, format,
        memory::PastChange,
        plan::{CheckOutcome, CheckWeight},
    },
    stats::compare,
};

/// What would have to be different for something to move.
pub(super) fn of_staying(
    case: &Case<'_>,
    incumbent: &Weighed,
    others: &[Weighed],
    tempting: Option<&Weighed>,
) -> Vec<String> {
    let mut lines = Vec::new();
    // The one that tempts, and the one that lacks least.
    let lacking = others
        .iter()
        .rev()
        .filter(|other| other.candidate.improvement.is_none())
        .max_by_key(|other| other.candidate.requests);
    for weighed in [tempting, lacking].into_iter().flatten() {
        let name = weighed.candidate.arm.to_string();
        if lines.iter().any(|line: &String| line.starts_with(&name)) {
            continue;
        }
        lines.extend(missing_requests(case, weighed).map(|what| format!("{name}: {what}")));
        lines.extend(limits(case, incumbent, weighed).into_iter().map(|what| format!("{name}: {what}")));
    }
    lines
}

/// How many more requests it has to serve, and how long that takes at its share.
fn missing_requests(case: &Case<'_>, weighed: &Weighed) -> Option<String> {
    let candidate = &weighed.candidate;
    let need = case.rules.evidence;
    let lacking = candidate.checks.iter().any(|check| {
        check.outcome == CheckOutcome::Unknown
            && [checks::ENOUGH_REQUESTS, checks::ENOUGH_SCORES].contains(&&*check.rule)
    });
    if !lacking {
        return None;
    }
    let requests = need.min_requests.saturating_sub(candidate.requests);
    let scores = need.min_scored.saturating_sub(candidate.scored);
    let what = match (requests, scores) {
        (0, 0) => return None,
        (0, scores) => format::counted(scores, "more quality score"),
        (requests, 0) => format::counted(requests, "more request"),
        (requests, scores) => {
            format!(
                "{} and {}",
                format::counted(requests, "more request"),
                format::counted(scores, "more quality score")
            )
        }
    };
    let per_hour = candidate.requests as f64 / (24.0 * case.evidence_days);
    let coverage = if candidate.requests > 0 { candidate.scored as f64 / candidate.requests as f64 } else { 0.0 };
    let hours = (requests as f64 / per_hour).max(if scores > 0 { scores as f64 / (per_hour * coverage) } else { 0.0 });
    Some(if candidate.requests > 0 && candidate.scored == 0 && scores > 0 {
        format!("{what}; none of its requests is scored")
    } else if hours.is_finite() && hours > 0.0 {
        format!("{what}, {} at the rate it has now", format::hours(hours))
    } else {
        format!("{what}; it serves none here now")
    })
}

/// The limits that would have to be wider, each with the value from which on it would hold.
fn limits(case: &Case<'_>, incumbent: &Weighed, weighed: &Weighed) -> Vec<String> {
    let rules = case.rules;
    let risk = rules.decision.max_risk;
    let (own, present) = (&weighed.measures, &incumbent.measures);
    let failing = |rule: &str| {
        let hard = weighed.candidate.checks.iter().filter(|check| check.weight == CheckWeight::Hard);
        hard.clone().any(|check| check.outcome == CheckOutcome::Fails && check.rule == rule)
    };
    let mut lines = Vec::new();
    if failing("quality loss")
        && let Some((new, now)) = own.quality.zip(present.quality)
        && let Some(loss) = smallest(|loss| compare::keeps_quality(&new, &now, loss), 1.0, risk)
    {
        lines.push(format!(
            "a limit on quality loss of {} instead of {}",
            format::percent(loss),
            format::percent(rules.constraints.quality_drop_percent / 100.0)
        ));
    }
    if failing("latency growth")
        && let Some((new, now)) = own.log_latency_p95.zip(present.log_latency_p95)
        && let Some(growth) = smallest(|growth| compare::keeps_latency(&new, &now, growth), 100.0, risk)
    {
        lines.push(format!(
            "a limit on latency growth of {} instead of {}",
            format::percent(growth),
            format::percent(rules.constraints.latency_increase_percent / 100.0)
        ));
    }
    if failing("error rate")
        && let Some(errors) = own.errors
        && let Some(rate) = smallest(|rate| errors.probability_at_most(rate), 1.0, risk)
    {
        lines.push(format!(
            "a limit on errors of {} instead of {}",
            format::percent(rate),
            format::percent(rules.constraints.error_rate)
        ));
    }
    let candidate = &weighed.candidate;
    let others = candidate.checks.iter().filter(|check| {
        let governed = check.rule.starts_with("governance ") || check.rule == "permitted" || check.rule == "well now";
        governed && check.weight == CheckWeight::Hard && check.outcome == CheckOutcome::Fails
    });
    lines.extend(others.map(|check| format!("`{}` not refusing it: {}", check.rule, check.detail)));
    let unsure = |confidence: &f64| *confidence < rules.decision.min_confidence && weighed.allowed();
    if let Some(confidence) = candidate.confidence.filter(unsure) {
        lines.push(format!(
            "a confidence of {} being enough instead of {}",
            format::percent(confidence),
            format::percent(rules.decision.min_confidence)
        ));
    }
    lines
}

/// The smallest limit in `0..=most`, at which something holds with no more than the tolerated risk.
fn smallest(holds: impl Fn(f64) -> f64, most: f64, risk: f64) -> Option<f64> {
    if 1.0 - holds(most) > risk {
        return None;
    }
    let (mut low, mut high) = (0.0, most);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if 1.0 - holds(middle) <= risk { high = middle } else { low = middle }
    }
    Some(high)
}

/// What would have to be different for this change not to be made.
pub(super) fn of_moving(case: &Case<'_>, incumbent: &Weighed, after: &Weighed) -> Vec<String> {
    let mut lines = Vec::new();
    let constraints = &case.rules.constraints;
    let risk = case.rules.decision.max_risk;
    let (own, present) = (&after.measures, &incumbent.measures);
    if let Some((new, now)) = own.quality.zip(present.quality)
        && let Some(loss) = smallest(|loss| compare::keeps_quality(&new, &now, loss), 1.0, risk)
        && loss > 0.001
        && loss <= constraints.quality_drop_percent / 100.0
    {
        lines.push(format!(
            "it would be refused with a limit on quality loss below {} (now {})",
            format::percent(loss),
            format::percent(constraints.quality_drop_percent / 100.0)
        ));
    }
    if let Some((new, now)) = own.log_latency_p95.zip(present.log_latency_p95)
        && let Some(growth) = smallest(|growth| compare::keeps_latency(&new, &now, growth), 100.0, risk)
        && growth > 0.001
        && growth <= constraints.latency_increase_percent / 100.0
    {
        lines.push(format!(
            "it would be refused with a limit on latency growth below {} (now {})",
            format::percent(growth),
            format::percent(constraints.latency_increase_percent / 100.0)
        ));
    }
    if let Some(gain) = after.candidate.improvement.filter(|gain| *gain >= case.rules.decision.min_improvement) {
        lines.push(format!(
            "it would not be worth it if {} were needed (now {})",
            format::percent(gain + 0.001),
            format::percent(case.rules.decision.min_improvement)
        ));
    }
    lines
}

/// How many changes of the past are shown.
const SIMILAR: usize = 3;

/// Changes to the same model: in this service first, then from the same model elsewhere; the newest first.
pub(super) fn similar(case: &Case<'_>, from: &Arm, to: &Arm) -> Vec<PastChange> {
    let alike = |change: &&PastChange| {
        change.at <= case.now
            && change.to.same_model(to)
            && (change.service == case.service || change.from.same_model(from))
    };
    let mut found: Vec<&PastChange> = case.memory.changes.iter().filter(alike).collect();
    found.sort_by_key(|change| (change.service != case.service, std::cmp::Reverse(change.at)));
    found.into_iter().take(SIMILAR).cloned().collect()
}
