//! The rules of the policy, looked at once a service and tick: which of them speak, and why the others do not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    condition::{Facts, Truth},
    conditions::Conditions,
};
use crate::domain::{
    Evidence, Finding, FindingKind, Memory, Rules, Severity, format,
    memory::RuleMemory,
    plan::{Action, Decision, RuleOutcome, RuleState, ServiceSummary},
    policy::{Mode, Rule, Then},
};

/// A rule that may act now.
#[derive(Debug, Clone)]
pub(super) struct Fired {
    pub id: String,
    pub condition: String,
    pub then: Then,
}

impl Fired {
    /// Whether it wants another configuration, or forbids one.
    pub(super) fn changes_something(&self) -> bool {
        !matches!(self.then, Then::Alert { .. } | Then::Warn(_))
    }

    /// What the trial of its adjustment is known by.
    pub(super) fn mark(&self) -> String {
        format!("rule `{}` asks for it", self.id)
    }
}

/// What the rules have to say about one service.
#[derive(Debug, Clone, Default)]
pub(super) struct Spoken {
    /// Every rule, the highest priority first.
    pub outcomes: Vec<RuleOutcome>,
    /// Those that may act, in the same order; of equals the one that forbids first.
    pub fired: Vec<Fired>,
    /// What is to be remembered of each.
    pub memory: BTreeMap<String, RuleMemory>,
}

impl Spoken {
    /// Models that rules name, as `provider/model`.
    pub(super) fn models(&self) -> Vec<String> {
        let named = self.fired.iter().filter_map(|fired| match &fired.then {
            Then::SwitchModel(name) | Then::Experiment(name) => Some(name.clone()),
            _ => None,
        });
        named.collect()
    }
}

/// Looks at every rule.
pub(super) fn speak(
    rules: &Rules,
    conditions: &Conditions<'_>,
    facts: &Facts,
    memory: Option<&BTreeMap<String, RuleMemory>>,
    now: Timestamp,
) -> Spoken {
    let mut spoken = Spoken::default();
    let mut order: Vec<&Rule> = rules.rules.iter().collect();
    let forbids = |rule: &Rule| matches!(rule.then, Then::Deny(_));
    order.sort_by_key(|rule| (std::cmp::Reverse(rule.priority), !forbids(rule), rule.id.clone()));
    for rule in order {
        let before = memory.and_then(|memory| memory.get(&rule.id)).cloned().unwrap_or_default();
        let (state, detail, since) = look(rule, conditions, facts, &before, now);
        if state == RuleState::Fired {
            let condition = rule.when.text.clone();
            spoken.fired.push(Fired { id: rule.id.clone(), condition, then: rule.then.clone() });
        }
        let looked_at = (rule.mode != Mode::Off).then_some(now);
        spoken.memory.insert(rule.id.clone(), RuleMemory { true_since: since, looked_at, fired: before.fired });
        spoken.outcomes.push(RuleOutcome {
            id: rule.id.clone(),
            priority: rule.priority,
            condition: rule.when.text.clone(),
            state,
            values: conditions.values(&rule.when, facts),
            detail,
        });
    }
    spoken
}

/// What a rule says now, in words, and since when its condition has held.
fn look(
    rule: &Rule,
    conditions: &Conditions<'_>,
    facts: &Facts,
    before: &RuleMemory,
    now: Timestamp,
) -> (RuleState, String, Option<Timestamp>) {
    if rule.mode == Mode::Off {
        return (RuleState::Off, "switched off".to_owned(), None);
    }
    // What forbids or warns does so too when it cannot tell: unknown never counts as fine.
    let careful = matches!(rule.then, Then::Deny(_) | Then::Warn(_));
    let unsure = match conditions.truth(&rule.when, facts) {
        Truth::False => return (RuleState::NotMet, "its condition does not hold".to_owned(), None),
        Truth::True => None,
        Truth::Missing(names) => Some((RuleState::Unknown, format!("{} is unknown", names.join(", ")))),
        Truth::Failed(why) => Some((RuleState::Failed, why)),
    };
    if let Some((state, why)) = unsure {
        return match (careful, rule.mode) {
            (true, Mode::Enforce) => (RuleState::Fired, format!("{why}, so it acts as if its condition held"), None),
            (true, _) => (RuleState::Observed, format!("{why}; only observed"), None),
            (false, _) => (state, why, None),
        };
    }
    let since = held_since(rule, before, now);
    let held = elapsed(since, now);
    let needed = minutes(rule.hold_minutes);
    let last = before.fired.iter().max();
    let today = |at: &&Timestamp| at.to_zoned(TimeZone::UTC).date() >= now.to_zoned(TimeZone::UTC).date();
    let fired_today = before.fired.iter().filter(today).count() as u32;
    let (state, detail) = if held < needed {
        let detail = format!("holds since {}, and has to for {}", format::instant(since), length(needed));
        (RuleState::Waiting, detail)
    } else if let Some(last) = last.filter(|last| elapsed(**last, now) < minutes(rule.cooldown_minutes)) {
        let rest = length(minutes(rule.cooldown_minutes));
        (RuleState::CoolingDown, format!("acted at {}, and rests for {rest}", format::instant(*last)))
    } else if rule.max_per_day.is_some_and(|most| fired_today >= most) {
        (RuleState::UsedUp, format!("acted {} today, which is all it may", times(fired_today)))
    } else if rule.mode == Mode::Observe {
        (RuleState::Observed, "its condition holds; only observed".to_owned())
    } else {
        (RuleState::Fired, "its condition holds".to_owned())
    };
    (state, detail, Some(since))
}

/// Since when the condition has held without a break that anybody could see. Where nobody looked for longer than it has to hold, it
/// starts anew.
fn held_since(rule: &Rule, before: &RuleMemory, now: Timestamp) -> Timestamp {
    let unbroken = before.looked_at.is_some_and(|looked| elapsed(looked, now) <= minutes(rule.hold_minutes));
    before.true_since.filter(|since| unbroken && *since <= now).unwrap_or(now)
}

/// Time since then; none where the clock has gone back, so a rest is never cut short by that.
fn elapsed(since: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(since).max(SignedDuration::ZERO)
}

fn minutes(minutes: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(minutes))
}

fn length(duration: SignedDuration) -> String {
    format::hours(duration.as_secs_f64() / 3600.0)
}

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

/// What rules that only tell have to tell.
pub(super) fn told(services: &[ServiceSummary], spoken: &[Spoken]) -> Vec<Finding> {
    let each = services.iter().zip(spoken).flat_map(|(service, spoken)| {
        spoken.fired.iter().filter_map(move |fired| {
            let (severity, message) = match &fired.then {
                Then::Alert { severity, message } => (*severity, message),
                Then::Warn(message) => (Severity::Low, message),
                _ => return None,
            };
            Some(Finding {
                service: Some(service.service.clone()),
                kind: FindingKind::Rule,
                severity,
                observed: 1.0,
                limit: 0.0,
                unit: "ratio".into(),
                interval: None,
                requests: service.requests.round() as u64,
                cause: None,
                summary: format!("rule `{}`: {message}", fired.id),
                evidence: Evidence::default(),
            })
        })
    });
    each.collect()
}

/// What the next tick has to know: since when conditions hold, and which rules acted. A rule that was overruled, refused or deferred in
/// every segment has not acted.
pub(super) fn remember(
    memory: &Memory,
    services: &[ServiceSummary],
    spoken: Vec<Spoken>,
    decisions: &[Decision],
    now: Timestamp,
) -> Memory {
    let mut next = memory.clone();
    let mut acted: BTreeSet<(&str, &str)> = BTreeSet::new();
    for decision in decisions.iter().filter(|decision| decision.action != Action::Deferred) {
        let fired = decision.rules.iter().filter(|rule| rule.state == RuleState::Fired);
        acted.extend(fired.map(|rule| (decision.service.as_str(), rule.id.as_str())));
    }
    for (service, spoken) in services.iter().zip(spoken) {
        let mut rules = spoken.memory;
        for (id, rule) in &mut rules {
            if acted.contains(&(service.service.as_str(), id.as_str())) {
                rule.fired.push(now);
            }
        }
        next.rules.insert(service.service.clone(), rules);
    }
    next.fresh(now)
}
