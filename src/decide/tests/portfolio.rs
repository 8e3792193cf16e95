//! One plan over all services.

use super::*;

fn fleet(number: usize) -> Vec<(String, Vec<(Arm, Told)>)> {
    let service = |index: usize| {
        let cheap = Told { requests: 1500, cost: 0.001 + 0.000_1 * index as f64, ..STRONG };
        (format!("service-{index}"), vec![(arm("strong"), STRONG), (arm("cheap"), cheap)])
    };
    (0..number).map(service).collect()
}

fn plan_of(services: &[(String, Vec<(Arm, Told)>)], policy: &Policy) -> Plan {
    let services: Vec<(&str, Vec<(Arm, Told)>)> =
        services.iter().map(|(name, arms)| (name.as_str(), arms.clone())).collect();
    planned(&services, policy)
}

fn moving(plan: &Plan) -> Vec<&str> {
    plan.decisions.iter().filter(|one| one.action == Action::Change).map(|one| one.service.as_str()).collect()
}

#[test]
fn no_more_changes_at_once_than_the_policy_lets_and_those_that_save_most() {
    let policy = policy("max_changes_per_tick: 2");
    let plan = plan_of(&fleet(5), &policy);
    assert_eq!(moving(&plan), ["service-0", "service-1"]);
    let deferred = plan.decisions.iter().filter(|one| one.action == Action::Deferred);
    assert_eq!(deferred.clone().count(), 3);
    assert!(
        deferred.clone().all(|one| one.reason.starts_with("waits: 2 changes at once")),
        "{:?}",
        deferred.map(|one| &one.reason).collect::<Vec<_>>()
    );
}

#[test]
fn one_change_a_service() {
    let mut observation = observation(&[(
        "chat",
        vec![(arm("strong"), STRONG), (arm("cheap"), Told { requests: 1500, cost: 0.001, ..STRONG })],
    )]);
    let service = observation.services.get_mut("chat").unwrap();
    let arms = service.segments[&Segment::Simple].clone();
    service.segments.insert(Segment::Complex, arms);
    let policy = balanced();
    let findings = crate::orient::findings(&observation, None, &policy).findings;
    let plan = made(&observation, &findings, &policy);
    let actions: Vec<Action> = plan.decisions.iter().map(|decision| decision.action).collect();
    assert_eq!(actions, [Action::Change, Action::Deferred]);
}

/// A better, dearer model beside the one in force.
fn dearer(budget: &str) -> (Plan, f64) {
    let better = Told { requests: 3000, cost: 0.011, latency: 900.0, quality: Some(0.99), ..STRONG };
    let services: Vec<(String, Vec<(Arm, Told)>)> = (0..6)
        .map(|index| (format!("service-{index}"), vec![(arm("strong"), STRONG), (arm("best"), better)]))
        .collect();
    let plan =
        plan_of(&services, &policy(&format!("total_daily_budget_usd: {budget}\nmax_changes_per_tick: unlimited")));
    let more = plan
        .decisions
        .iter()
        .filter(|one| one.action == Action::Change)
        .filter_map(|one| one.spend_change_usd_per_day)
        .sum();
    (plan, more)
}

#[test]
fn raising_the_budget_never_makes_a_plan_worse() {
    let spend = dearer("unlimited").0.totals.spend_usd_per_day.unwrap();
    let mut before: Vec<String> = Vec::new();
    for extra in 0..24 {
        let budget = spend + f64::from(extra) * 2.0;
        let (plan, more) = dearer(&format!("{budget}"));
        let now: Vec<String> = moving(&plan).into_iter().map(str::to_owned).collect();
        assert!(spend + more <= budget + 1e-9, "{more} more on {budget}");
        assert!(before.iter().all(|service| now.contains(service)), "{before:?} then {now:?}");
        before = now;
    }
    assert_eq!(before.len(), 6, "in the end there is room for all");
    assert!(moving(&dearer("1").0).is_empty(), "a budget already spent lets nothing dearer through");
}

#[test]
fn a_provider_in_trouble_is_left_by_every_segment_at_once() {
    let slow = Told { latency: 30_000.0, ..STRONG };
    let mut observation =
        observation(&[("chat", vec![(arm("main"), slow), (arm("spare"), Told { requests: 1500, ..STRONG })])]);
    let service = observation.services.get_mut("chat").unwrap();
    let arms = service.segments[&Segment::Simple].clone();
    service.segments.insert(Segment::Complex, arms);
    let policy = balanced();
    let findings = crate::orient::findings(&observation, None, &policy).findings;
    let plan = made(&observation, &findings, &policy);
    let decided: Vec<(Action, Rung)> = plan.decisions.iter().map(|decision| (decision.action, decision.rung)).collect();
    assert_eq!(decided, [(Action::Change, Rung::SafetyRule); 2]);
}
