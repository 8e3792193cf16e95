//! Spend of the UTC day against its budget.

use super::{Analyzer, Subject};
use crate::{
    domain::{Finding, FindingKind, Policy, Severity, format, plan::SpendOutlook},
    stats::{Observation, ServiceEvidence, spend::outlook},
};

pub(super) struct Budget;

impl Analyzer for Budget {
    fn analyze(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let outlook = outlook(subject.evidence, subject.observation, subject.rules.daily_budget_usd);
        finding(Some(subject.service), &outlook, subject.evidence.window.requests.rows).into_iter().collect()
    }
}

/// The budget over all services together.
pub(super) fn total(observation: &Observation, policy: &Policy) -> Option<Finding> {
    let budget = policy.total_daily_budget_usd?;
    let mut all = ServiceEvidence::default();
    for evidence in observation.services.values() {
        all.window = all.window.merged(&evidence.window);
        all.lookback = all.lookback.merged(&evidence.lookback);
        for (minute, spend) in &evidence.spend_by_minute {
            *all.spend_by_minute.entry(*minute).or_default() += spend;
        }
    }
    finding(None, &outlook(&all, observation, Some(budget)), all.window.requests.rows)
}

fn finding(service: Option<&str>, outlook: &SpendOutlook, requests: u64) -> Option<Finding> {
    let (budget, projected, today) = (outlook.budget_usd?, outlook.projected_usd?, outlook.today_usd?);
    if projected <= budget {
        return None;
    }
    let spent = today > budget;
    let floor = if spent { Severity::High } else { Severity::Medium };
    let severity = Severity::of_ratio(projected, budget).max(floor);
    let when = outlook.exhausted_at.map_or_else(String::new, |at| format!(" at {} UTC", at.strftime("%H:%M")));
    let summary = if spent {
        format!("today's spend {} is past the daily budget of {}", format::usd(today), format::usd(budget))
    } else {
        format!(
            "spend {} today, {} by midnight at this rate: passes the daily budget of {}{when}",
            format::usd(today),
            format::usd(projected),
            format::usd(budget)
        )
    };
    Some(Finding {
        service: service.map(str::to_owned),
        kind: FindingKind::DailyBudget,
        severity,
        observed: projected,
        limit: budget,
        unit: "usd_per_day",
        interval: outlook.projected_interval_usd,
        requests,
        cause: None,
        summary,
    })
}
