//! Rules and governance of the policy, as a plan obeys them.

use jiff::SignedDuration;

use super::*;
use crate::domain::{memory::RuleMemory, plan::RuleState};

/// The strong model in force, a cheaper equal one beside it.
fn chat() -> Observation {
    let cheap = Told { requests: 1500, cost: 0.001, ..STRONG };
    observation(&[("chat", vec![(arm("strong"), STRONG), (arm("cheap"), cheap)])])
}

/// The plan of a tick so many minutes later, and what it hands on.
fn tick(policy: &Policy, memory: &Memory, minutes: i64) -> (Plan, Memory) {
    let mut observation = chat();
    let later = |window: Window| {
        let end = window.end() + SignedDuration::from_mins(minutes);
        Window::ending_at(end, window.end().duration_since(window.start())).unwrap()
    };
    observation.windows.window = later(observation.windows.window);
    observation.windows.lookback = later(observation.windows.lookback);
    let findings = crate::orient::findings(&observation, None, policy).findings;
    let planned = plan(&Inputs {
        observation: &observation,
        findings: &findings,
        policy,
        models: &ModelTable::default(),
        configurations: &BTreeMap::new(),
        memory,
        followed: false,
    });
    (planned.plan, planned.memory)
}

fn first(policy: &Policy) -> Decision {
    tick(policy, &Memory::default(), 0).0.decisions.remove(0)
}

fn state(decision: &Decision, id: &str) -> RuleState {
    decision.rules.iter().find(|rule| rule.id == id).unwrap().state
}

#[test]
fn a_rule_that_forbids_keeps_everything_below_it_still() {
    let policy = policy("rules: [{id: freeze, when: requests.count > 10, then: {deny: the launch is today}}]");
    let decision = first(&policy);
    assert_eq!((decision.action, decision.rung), (Action::Refused, Rung::BusinessRule));
    assert!(decision.reason.contains("the launch is today"), "{}", decision.reason);
    assert_eq!(state(&decision, "freeze"), RuleState::Fired);
}

#[test]
fn the_higher_priority_wins_and_of_equals_what_forbids() {
    let rules = |freeze: i32| {
        policy(&format!(
            "rules: [{{id: freeze, priority: {freeze}, when: requests.count > 10, then: {{deny: no}}}}, \
             {{id: go, priority: 5, when: cost.per_request > 0.001, then: {{switch_model: maker/cheap}}}}]"
        ))
    };
    let below = first(&rules(4));
    assert_eq!((below.action, below.rung), (Action::Change, Rung::BusinessRule));
    assert_eq!((state(&below, "go"), state(&below, "freeze")), (RuleState::Fired, RuleState::Overruled));
    let equal = first(&rules(5));
    assert_eq!(equal.action, Action::Refused);
    assert_eq!(state(&equal, "go"), RuleState::Overruled);
}

#[test]
fn a_rule_cannot_go_past_a_hard_constraint() {
    let mut policy = policy("rules: [{id: go, when: cost.per_request > 0.001, then: {switch_model: maker/cheap}}]");
    policy.default.models.deny = vec!["maker/cheap".to_owned()];
    let decision = first(&policy);
    assert_eq!((decision.action, state(&decision, "go")), (Action::Refused, RuleState::Refused));
}

#[test]
fn what_forbids_does_so_when_it_cannot_tell_and_what_acts_does_not() {
    // Nobody tells where users are.
    let forbids = policy("rules: [{id: eu, when: user.region == 'EU', then: {deny: EU only}}]");
    let decision = first(&forbids);
    assert_eq!((decision.action, state(&decision, "eu")), (Action::Refused, RuleState::Fired));
    let acts = policy("rules: [{id: eu, when: user.region == 'EU', then: {switch_model: maker/cheap}}]");
    assert_eq!(state(&first(&acts), "eu"), RuleState::Unknown);
    // Nor whether there is a trend, in a plan without history.
    let trend = policy("rules: [{id: up, when: trend.cost > 0.1, then: {switch_model: maker/cheap}}]");
    assert_eq!(state(&first(&trend), "up"), RuleState::Unknown);
}

#[test]
fn a_condition_that_cannot_be_computed_is_told_and_forbids() {
    let policy = policy(
        "rules: [{id: ratio, when: cost.per_request / (requests.count - requests.count) > 1, then: {deny: odd}}]",
    );
    let decision = first(&policy);
    assert_eq!((decision.action, state(&decision, "ratio")), (Action::Refused, RuleState::Fired));
    assert!(decision.rules[0].detail.contains("zero"), "{}", decision.rules[0].detail);
}

const SWITCH: &str = "then: {switch_model: maker/cheap}";

#[test]
fn a_rule_waits_until_its_condition_has_held_at_every_tick() {
    let policy = policy(&format!("rules: [{{id: go, when: cost.per_request > 0.001, for: 1h, {SWITCH}}}]"));
    let (plan, memory) = tick(&policy, &Memory::default(), 0);
    assert_eq!(state(&plan.decisions[0], "go"), RuleState::Waiting);
    let (plan, memory) = tick(&policy, &memory, 45);
    assert_eq!(state(&plan.decisions[0], "go"), RuleState::Waiting);
    let (plan, acted) = tick(&policy, &memory, 60);
    assert_eq!(state(&plan.decisions[0], "go"), RuleState::Fired);
    assert_eq!(acted.rules["chat"]["go"].fired.len(), 1);
    // Nobody looked for two hours: whether it held, nobody knows.
    let (plan, _) = tick(&policy, &memory, 45 + 120);
    assert_eq!(state(&plan.decisions[0], "go"), RuleState::Waiting);
}

#[test]
fn a_rule_rests_and_a_clock_put_back_does_not_wake_it() {
    let policy = policy(&format!("rules: [{{id: go, when: cost.per_request > 0.001, cooldown: 2h, {SWITCH}}}]"));
    let (plan, memory) = tick(&policy, &Memory::default(), 0);
    assert_eq!(state(&plan.decisions[0], "go"), RuleState::Fired);
    for (minutes, expected) in [(119, RuleState::CoolingDown), (-600, RuleState::CoolingDown), (120, RuleState::Fired)]
    {
        let (plan, _) = tick(&policy, &memory, minutes);
        assert_eq!(state(&plan.decisions[0], "go"), expected, "{minutes} minutes later");
    }
}

#[test]
fn a_rule_acts_so_often_a_day_and_no_more() {
    let policy = policy(&format!("rules: [{{id: go, when: cost.per_request > 0.001, max_per_day: 2, {SWITCH}}}]"));
    let mut memory = Memory::default();
    let mut states = Vec::new();
    // From noon on; the fourth is on the next day.
    for minutes in [0, 60, 120, 13 * 60] {
        let (plan, next) = tick(&policy, &memory, minutes);
        states.push(state(&plan.decisions[0], "go"));
        memory = next;
    }
    assert_eq!(states, [RuleState::Fired, RuleState::Fired, RuleState::UsedUp, RuleState::Fired]);
}

#[test]
fn what_is_only_observed_does_nothing_and_what_is_deferred_has_not_acted() {
    let observed = policy(&format!("rules: [{{id: go, mode: observe, when: cost.per_request > 0.001, {SWITCH}}}]"));
    let decision = first(&observed);
    assert_eq!((state(&decision, "go"), decision.rung), (RuleState::Observed, Rung::Optimizer));
    let mut none = policy(&format!("rules: [{{id: go, when: cost.per_request > 0.001, {SWITCH}}}]"));
    none.max_changes_per_tick = Some(0);
    let (plan, memory) = tick(&none, &Memory::default(), 0);
    assert_eq!(plan.decisions[0].action, Action::Deferred);
    assert_eq!(memory.rules["chat"]["go"].fired, []);
}

#[test]
fn alerts_go_with_the_findings() {
    let policy = policy(
        "rules: [{id: dear, when: cost.per_request > 0.001, then: {alert: {severity: high, message: look here}}}]",
    );
    let (plan, _) = tick(&policy, &Memory::default(), 0);
    let found = plan.findings.iter().find(|finding| finding.kind == FindingKind::Rule).unwrap();
    assert!(found.summary.contains("look here") && found.severity == crate::domain::Severity::High);
    assert_eq!(plan.decisions[0].action, Action::Change, "an alert changes nothing");
}

#[test]
fn governance_is_asked_of_every_candidate() {
    let rule = |condition: &str, action: &str| {
        let rule = format!("{{condition: \"{condition}\", action: {action}, message: not here}}");
        policy(&format!("policies: [{{id: gdpr, name: Residency, type: compliance, rules: [{rule}]}}]"))
    };
    let denied = first(&rule("model.id == 'cheap'", "deny"));
    assert_eq!(denied.action, Action::Refused);
    assert!(denied.reason.contains("not here"), "{}", denied.reason);
    assert!(denied.would_change.iter().any(|line| line.contains("governance gdpr")), "{:?}", denied.would_change);
    assert_eq!(first(&rule("model.id == 'other'", "deny")).action, Action::Change);
    assert_eq!(first(&rule("model.region != 'EU'", "deny")).action, Action::Refused, "unknown is no");
    assert_eq!(first(&rule("model.id == 'cheap'", "warn")).action, Action::Change);
    assert_eq!(first(&rule("predicted.quality < 0.95", "deny")).action, Action::Refused);
}

#[test]
fn what_is_long_past_is_forgotten() {
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let old = RuleMemory { fired: vec!["2026-01-01T00:00:00Z".parse().unwrap()], ..RuleMemory::default() };
    let memory =
        Memory { rules: BTreeMap::from([("chat".into(), BTreeMap::from([("go".into(), old)]))]), ..Memory::default() };
    assert_eq!(memory.fresh(now), Memory::default());
}

#[test]
fn a_service_that_is_off_hears_of_no_rule() {
    let policy = policy("mode: off\nrules: [{id: dear, when: cost.per_request > 0.001, then: {warn: look}}]");
    let (plan, memory) = tick(&policy, &Memory::default(), 0);
    assert!(plan.findings.iter().all(|finding| finding.kind != FindingKind::Rule));
    assert_eq!(memory, Memory::default());
}
