//! What is promised of a plan as a whole.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_models_services_and_rules_changes_nothing(
        arms in prop::collection::vec(told(), 2..5),
        turn in 0_usize..5,
    ) {
        let rules = [
            "{id: one, when: cost.per_request > 0.01, then: {switch_model: maker/m1}}",
            "{id: two, when: errors.rate >= 0.01, then: {switch_model: maker/m0}}",
            "{id: three, when: quality.overall < 0.5, then: {deny: too bad}}",
        ];
        let name = |index: usize| arm(&format!("m{index}"));
        let service = |turn: usize| {
            let mut arms: Vec<(Arm, Told)> = arms.iter().enumerate().map(|(index, told)| (name(index), *told)).collect();
            let length = arms.len();
            arms.rotate_left(turn % length);
            arms
        };
        let with = |turn: usize| {
            let mut turned = rules;
            turned.rotate_left(turn % 3);
            let policy = policy(&format!("rules: [{}]", turned.join(", ")));
            let mut services = vec![("a", service(turn)), ("b", service(turn))];
            services.rotate_left(turn % 2);
            let mut plan = planned(&services, &policy);
            // The policy's own hash knows the order of its rules.
            plan.policy.sha256.clear();
            plan.id.clear();
            plan.decisions.iter_mut().for_each(|decision| decision.id.clear());
            plan
        };
        prop_assert_eq!(with(0), with(turn));
    }

    #[test]
    fn a_plan_on_its_own_outcome_proposes_nothing(strong in told(), other in told(), third in told()) {
        let arms = vec![(arm("a"), strong), (arm("b"), other), (arm("c"), third)];
        let decision = decided(arms.clone());
        if let (Action::Change, Some(chosen)) = (decision.action, &decision.proposed) {
            // The traffic has moved as it said, and everything does what it did.
            let requests = arms.iter().map(|(_, told)| told.requests).max().unwrap() + 1;
            let scaled = |told: Told| {
                let errors = (u64::from(told.errors) * u64::from(requests) / u64::from(told.requests)) as u32;
                Told { requests, errors, ..told }
            };
            let after = arms.into_iter().map(|(name, told)| if name == *chosen { (name, scaled(told)) } else { (name, told) });
            let again = decided(after.collect());
            prop_assert!(again.action != Action::Change || again.proposed != decision.current, "back and forth: {}", again.reason);
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_and_others_another_id() {
    let arms = || vec![(arm("strong"), STRONG), (arm("cheap"), Told { requests: 1500, cost: 0.001, ..STRONG })];
    let bytes = |plan: &Plan| serde_json::to_vec(plan).unwrap();
    let (one, two) = (planned(&[("chat", arms())], &balanced()), planned(&[("chat", arms())], &balanced()));
    assert_eq!(bytes(&one), bytes(&two));
    let mut ids = std::collections::BTreeSet::from([one.id.clone()]);
    let mut told = arms();
    told[1].1.cost = 0.001_01;
    ids.insert(planned(&[("chat", told)], &balanced()).id);
    ids.insert(planned(&[("chat", arms())], &policy("max_changes_per_tick: 3")).id);
    assert_eq!(ids.len(), 3);
    assert_ne!(one.decisions[0].id, "");
}

#[test]
fn who_was_asked_is_on_record_down_to_the_one_that_decided() {
    let decision =
        decided(vec![(arm("strong"), STRONG), (arm("cheap"), Told { requests: 1500, cost: 0.001, ..STRONG })]);
    let asked: Vec<&str> = decision.ladder.iter().map(|step| step.by.as_str()).collect();
    assert_eq!(asked, ["revert", "rollback rules", "escape", "backup model", "policy rules", "budget", "choice"]);
    let canary = decision.canary.unwrap();
    assert!(canary.hours <= canary.deadline_hours && canary.requests > 0);
    assert!(decision.would_change.iter().any(|line| line.contains("quality loss")), "{:?}", decision.would_change);
}

#[test]
fn a_rollout_that_would_come_to_no_verdict_is_not_begun() {
    let few = Told { requests: 400, errors: 0, ..STRONG };
    let arms = vec![(arm("strong"), few), (arm("cheap"), Told { requests: 390, cost: 0.001, ..few })];
    let decision = planned(&[("chat", arms)], &policy("rollout: {deadline_hours: 4}")).decisions.remove(0);
    assert_ne!(decision.action, Action::Change);
    let choice = decision.ladder.iter().find(|step| step.by == "choice").unwrap();
    assert!(choice.why.contains("too little traffic for a canary"), "{}", choice.why);
}

#[test]
fn changes_of_the_past_to_the_same_model_stand_beside_the_proposal() {
    use crate::domain::memory::{Outcome, PastChange};
    let change = |service: &str, to: &str, day: u8, outcome: Outcome| PastChange {
        at: format!("2025-12-{day:02}T00:00:00Z").parse().unwrap(),
        service: service.into(),
        segment: Segment::Simple,
        from: arm("strong"),
        to: arm(to),
        share_percent: 100.0,
        outcome,
    };
    let back = Outcome::RolledBack { because: "quality".into() };
    let memory = Memory {
        changes: vec![
            change("chat", "cheap", 1, back.clone()),
            change("other", "cheap", 20, Outcome::Open),
            change("other", "dear", 21, Outcome::Open),
        ],
        ..Memory::default()
    };
    let cheap = Told { requests: 1500, cost: 0.001, ..STRONG };
    let observation = observation(&[("chat", vec![(arm("strong"), STRONG), (arm("cheap"), cheap)])]);
    let inputs = Inputs {
        observation: &observation,
        findings: &[],
        policy: &balanced(),
        models: &ModelTable::default(),
        configurations: &BTreeMap::new(),
        memory: &memory,
        followed: false,
    };
    let decision = plan(&inputs).plan.decisions.remove(0);
    let found: Vec<(&str, &Outcome)> =
        decision.similar.iter().map(|one| (one.service.as_str(), &one.outcome)).collect();
    assert_eq!(found, [("chat", &back), ("other", &Outcome::Open)], "this service's own first");
}

#[test]
fn a_rollout_of_one_step_is_the_operators_choice() {
    let arms = vec![(arm("strong"), STRONG), (arm("cheap"), Told { requests: 1500, cost: 0.001, ..STRONG })];
    let at_once = policy("rollout: {steps_percent: [100], bake_minutes: []}");
    let decision = planned(&[("chat", arms)], &at_once).decisions.remove(0);
    assert_eq!((decision.action, decision.rollout_percent), (Action::Change, vec![100]), "{}", decision.reason);
    assert_eq!(decision.canary, None);
}
