//! What the verdicts come to.

use std::collections::BTreeMap;

use super::Inputs;
use crate::domain::{
    format::counted,
    gate::{
        GateComparison, GateLimitReading, GateMetric, GateOutcome, GateReason, GateVerdict, ReasonKind, Slice,
        TrendReading,
    },
    gate_rules::{GateRules, OnInconclusive},
};

/// Slices that a reason names.
const MOST_NAMED: usize = 5;

/// The candidate's own figures against the limits of the policy. What is not known holds no limit.
pub(super) fn limits(comparisons: &[GateComparison], rules: &GateRules) -> Vec<GateLimitReading> {
    let read = |(metric, limit): (&GateMetric, &crate::domain::gate_rules::GateLimit)| {
        let candidate = overall(comparisons, *metric).and_then(|comparison| comparison.candidate_raw);
        let holds = candidate
            .is_some_and(|value| limit.min.is_none_or(|min| value >= min) && limit.max.is_none_or(|max| value <= max));
        GateLimitReading { metric: *metric, candidate, min: limit.min, max: limit.max, holds }
    };
    rules.limits.iter().map(read).collect()
}

fn overall(comparisons: &[GateComparison], metric: GateMetric) -> Option<&GateComparison> {
    comparisons.iter().find(|one| one.metric == metric && one.slice == Slice::Overall && one.class.is_none())
}

/// Values of a figure that were to be expected for their lack to be more than chance.
const EXPECTED: f64 = 30.0;

/// Whether the candidate would have values if it told them as often as the baseline, and has none. What is missing is never good.
fn vanished(one: &GateComparison, inputs: &Inputs<'_>) -> bool {
    let share = one.requests[0] as f64 / inputs.baseline.len() as f64;
    let overall = one.guards && one.slice == Slice::Overall && one.lack.is_some();
    overall && one.requests[1] == 0 && share * inputs.candidate.len() as f64 >= EXPECTED
}

/// The outcome, and what speaks against passing.
pub(super) fn outcome(
    inputs: &Inputs<'_>,
    comparisons: &[GateComparison],
    limits: &[GateLimitReading],
    trends: &[TrendReading],
) -> (GateOutcome, Vec<GateReason>) {
    let rules = inputs.rules;
    let (mut fails, mut warns, mut open) = (Vec::new(), Vec::new(), Vec::new());
    let reason = |kind, metric, summary| GateReason { kind, metric, fails: true, summary };
    let regressions: Vec<&GateComparison> =
        comparisons.iter().filter(|one| one.guards && one.verdict == GateVerdict::Regression).collect();
    let (known, new): (Vec<&GateComparison>, Vec<&GateComparison>) =
        regressions.into_iter().partition(|one| one.suppressed.is_some());
    for one in known {
        let Some(known) = &one.suppressed else { continue };
        let summary = format!("{} got worse; suppressed until {}: {}", one.about(), known.until, known.reason);
        warns.push(reason(ReasonKind::Suppressed, Some(one.metric), summary));
    }
    // A metric that got worse everywhere is one reason.
    let mut by_metric: BTreeMap<GateMetric, Vec<&GateComparison>> = BTreeMap::new();
    for one in new {
        by_metric.entry(one.metric).or_default().push(one);
    }
    for (metric, worse) in by_metric {
        let slices: Vec<String> =
            worse.iter().filter(|one| one.slice != Slice::Overall).map(|one| one.slice.label()).collect();
        let overall = slices.len() < worse.len();
        let named = slices.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = slices.len().saturating_sub(MOST_NAMED);
        let named = if more > 0 { format!("{named} and {more} more") } else { named };
        let summary = match (overall, slices.is_empty()) {
            (true, true) => format!("{} got worse", metric.words()),
            (true, false) => format!("{} got worse, also by itself in {named}", metric.words()),
            (false, _) => format!("{} got worse in {named}", metric.words()),
        };
        fails.push(reason(ReasonKind::Regression, Some(metric), summary));
    }
    for limit in limits.iter().filter(|limit| !limit.holds) {
        let summary = match limit.candidate {
            Some(_) => format!("{} of the candidate is past its limit", limit.metric.words()),
            None => format!("{} has a limit, and the candidate does not tell it", limit.metric.words()),
        };
        fails.push(reason(ReasonKind::Limit, Some(limit.metric), summary));
    }
    for trend in trends.iter().filter(|trend| !trend.holds) {
        let summary = format!("{} of the candidate is outside of what its history lets expect", trend.metric.words());
        fails.push(reason(ReasonKind::History, Some(trend.metric), summary));
    }
    for metric in &rules.required {
        if overall(comparisons, *metric).is_none_or(|one| one.candidate.is_none()) {
            let summary = format!("{} is required, and cannot be compared", metric.words());
            fails.push(reason(ReasonKind::Required, Some(*metric), summary));
        }
    }
    for one in comparisons.iter().filter(|one| vanished(one, inputs)) {
        let summary = format!("the candidate does not tell {} any more, and the baseline does", one.metric.words());
        fails.push(reason(ReasonKind::Missing, Some(one.metric), summary));
    }
    for (name, side) in [("baseline", inputs.baseline), ("candidate", inputs.candidate)] {
        if (side.len() as u64) < rules.min_requests {
            let (has, needs) = (counted(side.len() as u64, "request"), counted(rules.min_requests, "request"));
            open.push(reason(ReasonKind::Sample, None, format!("the {name} has {has}, and {needs} are needed")));
        }
    }
    for trend in trends {
        if let Some(lack) = &trend.lack {
            let summary = format!("the history of {}: {lack}", trend.metric.words());
            open.push(reason(ReasonKind::Open, Some(trend.metric), summary));
        }
    }
    let undecided = comparisons
        .iter()
        .filter(|one| one.guards && one.slice == Slice::Overall && one.verdict == GateVerdict::Inconclusive);
    for one in undecided {
        let summary = format!("whether {} got worse beyond its margin is open", one.metric.words());
        open.push(reason(ReasonKind::Open, Some(one.metric), summary));
    }
    match rules.on_inconclusive {
        OnInconclusive::Pass => {}
        OnInconclusive::Warn => warns.extend(open),
        OnInconclusive::Fail => fails.extend(open),
    }
    let outcome = match (fails.is_empty(), warns.is_empty()) {
        (false, _) => GateOutcome::Failed,
        (true, false) => GateOutcome::Warned,
        (true, true) => GateOutcome::Passed,
    };
    let warns = warns.into_iter().map(|reason| GateReason { fails: false, ..reason });
    (outcome, fails.into_iter().chain(warns).collect())
}
