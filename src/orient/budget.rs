//! Spend of the UTC day against its budget: as forecast from the same hours of former days where they are known, else with the
//! rate of the window carried on.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Analyzer, Subject, TestsDone};
use crate::{
    domain::{Evidence, Finding, FindingKind, Policy, Severity, format, plan::SpendOutlook},
    stats::{
        History, Observation, Point, ServiceEvidence,
        month::{MonthTotal, month_total},
        spend::outlook,
        time_series::day_total::{Method, day_total},
    },
};

pub(super) struct Budget;

impl Analyzer for Budget {
    fn analyze(&self, subject: &Subject<'_>, _: &mut TestsDone) -> Vec<Finding> {
        let mut outlook = outlook(subject.evidence, subject.observation, subject.rules.daily_budget_usd);
        let days =
            subject.past.and_then(|past| forecast(&mut outlook, &past.history.spend, past.slot_seconds, past.now));
        let requests = subject.evidence.window.requests.rows;
        let month = subject.past.zip(subject.rules.monthly_budget_usd).and_then(|(past, budget)| {
            let found = month_total(&past.history.spend_by_day, past.since, past.now)?;
            month_finding(Some(subject.service), &found, budget, requests)
        });
        finding(Some(subject.service), &outlook, days, requests).into_iter().chain(month).collect()
    }
}

/// The month's budget over all services together.
pub(super) fn total_month(observation: &Observation, history: Option<&History>, policy: &Policy) -> Option<Finding> {
    let (history, budget) = history.zip(policy.total_monthly_budget_usd)?;
    let mut spend: BTreeMap<i64, Option<f64>> = BTreeMap::new();
    for (day, usd) in history.services.values().flat_map(|service| &service.spend_by_day) {
        let sum = spend.entry(*day).or_insert(Some(0.0));
        *sum = sum.zip(*usd).map(|(sum, usd)| sum + usd);
    }
    let found = month_total(&spend, history.since?, observation.windows.window.end().as_second())?;
    month_finding(None, &found, budget, observation.services.values().map(|one| one.window.requests.rows).sum())
}

fn month_finding(service: Option<&str>, found: &MonthTotal, budget: f64, requests: u64) -> Option<Finding> {
    if found.total <= budget {
        return None;
    }
    let (spent, sure) = (found.so_far > budget, found.low > budget);
    let severity = match (spent, sure) {
        (true, _) => Severity::of_ratio(found.total, budget).max(Severity::High),
        (false, true) => Severity::of_ratio(found.total, budget).max(Severity::Medium),
        (false, false) => Severity::Low,
    };
    let summary = if spent {
        format!("this month's spend {} is past its budget of {}", format::usd(found.so_far), format::usd(budget))
    } else {
        format!(
            "spend {} this month, {} ({} … {}) by its end as on the last {}: {} the budget of {}",
            format::usd(found.so_far),
            format::usd(found.total),
            format::usd(found.low),
            format::usd(found.high),
            format::counted(found.days as u64, "day"),
            if sure { "passes" } else { "may pass" },
            format::usd(budget)
        )
    };
    Some(Finding {
        service: service.map(str::to_owned),
        kind: FindingKind::MonthlyBudget,
        severity,
        observed: found.total,
        limit: budget,
        unit: "usd_per_month".into(),
        interval: Some([found.low, found.high]),
        requests,
        cause: None,
        summary,
        evidence: Evidence::default(),
    })
}

/// The budget over all services together.
pub(super) fn total(observation: &Observation, history: Option<&History>, policy: &Policy) -> Option<Finding> {
    let budget = policy.total_daily_budget_usd?;
    let mut all = ServiceEvidence::default();
    for evidence in observation.services.values() {
        all.window.requests = all.window.requests.merged(&evidence.window.requests);
        all.window.cost = all.window.cost.merged(&evidence.window.cost);
        all.lookback.requests = all.lookback.requests.merged(&evidence.lookback.requests);
        for (minute, spend) in &evidence.spend_by_minute {
            *all.spend_by_minute.entry(*minute).or_default() += spend;
        }
    }
    let mut outlook = outlook(&all, observation, Some(budget));
    let days = history.and_then(|history| {
        let mut spend: BTreeMap<i64, f64> = BTreeMap::new();
        for point in history.services.values().flat_map(|service| &service.spend) {
            *spend.entry(point.at).or_default() += point.value;
        }
        let spend: Vec<Point> = spend.into_iter().map(|(at, value)| Point { at, value }).collect();
        forecast(&mut outlook, &spend, history.slot_seconds, observation.windows.window.end().as_second())
    });
    finding(None, &outlook, days, all.window.requests.rows)
}

/// Puts the forecast in the place of the rate carried on, where the day so far is known and former days are; says how many.
fn forecast(outlook: &mut SpendOutlook, spend: &[Point], slot_seconds: i64, now: i64) -> Option<usize> {
    let today = outlook.today_usd?;
    let found = day_total(spend, slot_seconds, now).ok()?;
    let Method::FormerDays { days } = found.method else { return None };
    // Both count the same day; the slots that are kept decide only what is still to come.
    let rest = found.total - found.so_far;
    outlook.projected_usd = Some(today + rest);
    outlook.projected_interval_usd = Some([today + (found.low - found.so_far), today + (found.high - found.so_far)]);
    outlook.exhausted_at =
        outlook.budget_usd.filter(|budget| today + rest > *budget && rest > 0.0).and_then(|budget| {
            let share = ((budget - today) / rest).clamp(0.0, 1.0);
            let seconds = share * (found.until - now) as f64;
            Timestamp::from_second(now).ok()?.checked_add(SignedDuration::from_secs(seconds as i64)).ok()
        });
    Some(days)
}

fn finding(service: Option<&str>, outlook: &SpendOutlook, days: Option<usize>, requests: u64) -> Option<Finding> {
    let (budget, projected, today) = (outlook.budget_usd?, outlook.projected_usd?, outlook.today_usd?);
    if projected <= budget {
        return None;
    }
    let spent = today > budget;
    let sure = spent || outlook.projected_interval_usd.is_none_or(|[low, _]| low > budget);
    let severity = match (spent, sure) {
        (true, _) => Severity::of_ratio(projected, budget).max(Severity::High),
        (false, true) => Severity::of_ratio(projected, budget).max(Severity::Medium),
        (false, false) => Severity::Low,
    };
    let when = outlook.exhausted_at.map_or_else(String::new, |at| format!(" at {} UTC", at.strftime("%H:%M")));
    let how = match days {
        Some(days) => format!("as in the same hours of {} before", format::counted(days as u64, "day")),
        None => "at this rate".to_owned(),
    };
    let range = match outlook.projected_interval_usd {
        Some([low, high]) if days.is_some() => format!(" ({} … {})", format::usd(low), format::usd(high)),
        _ => String::new(),
    };
    let summary = if spent {
        format!("today's spend {} is past the daily budget of {}", format::usd(today), format::usd(budget))
    } else {
        format!(
            "spend {} today, {}{range} by midnight {how}: {} the daily budget of {}{when}",
            format::usd(today),
            format::usd(projected),
            if sure { "passes" } else { "may pass" },
            format::usd(budget)
        )
    };
    Some(Finding {
        service: service.map(str::to_owned),
        kind: FindingKind::DailyBudget,
        severity,
        observed: projected,
        limit: budget,
        unit: "usd_per_day".into(),
        interval: outlook.projected_interval_usd,
        requests,
        cause: None,
        summary,
        evidence: Evidence::default(),
    })
}
