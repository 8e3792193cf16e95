//! What is tried, and what is proposed that no log knows yet.

use super::*;
use crate::domain::{Configuration, KnownConfigurations, Setting, plan::Standing};

fn configuration(pairs: &[(&str, &str)]) -> Configuration {
    Configuration(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

fn with(
    observation: &Observation,
    policy: &Policy,
    configurations: &BTreeMap<String, KnownConfigurations>,
) -> Decision {
    let findings = crate::orient::findings(observation, None, policy).findings;
    let inputs = Inputs {
        observation,
        findings: &findings,
        policy,
        models: &ModelTable::default(),
        configurations,
        memory: &Memory::default(),
        followed: false,
    };
    plan(&inputs).plan.decisions.remove(0)
}

fn alone(told: Told) -> Observation {
    observation(&[("chat", vec![(arm("strong"), told)])])
}

fn known(current: &[(&str, &str)]) -> BTreeMap<String, KnownConfigurations> {
    let known = KnownConfigurations { current: Some(configuration(current)), versions: BTreeMap::new() };
    BTreeMap::from([("chat".to_owned(), known)])
}

#[test]
fn a_declared_prompt_is_tried_on_the_floor_of_the_traffic() {
    let policy = policy("prompts: {v2: {system_prompt: Be brief., note: shorter}}");
    let decision = with(&alone(STRONG), &policy, &BTreeMap::new());
    assert_eq!(decision.action, Action::Experiment, "{}", decision.reason);
    assert_eq!(decision.proposed.as_ref().unwrap().config_version.as_deref(), Some("v2"));
    assert_eq!(decision.settings, [Setting { key: "system_prompt".into(), from: None, to: "Be brief.".into() }]);
    assert_eq!(decision.rollout_percent, [1], "the floor, since nothing is known of it");
    // Where no answer is scored, no trial could tell whether it is worse.
    let unscored = with(&alone(Told { quality: None, ..STRONG }), &policy, &BTreeMap::new());
    assert_eq!(unscored.action, Action::Keep, "{}", unscored.reason);
    let bandit = unscored.ladder.iter().find(|step| step.by == "bandit").unwrap();
    assert!(bandit.why.contains("unknown"), "{}", bandit.why);
}

#[test]
fn a_service_with_too_little_traffic_is_not_experimented_with() {
    let policy = policy("prompts: {v2: {system_prompt: Be brief.}}");
    let decision = with(&alone(Told { requests: 400, errors: 0, ..STRONG }), &policy, &BTreeMap::new());
    assert_ne!(decision.action, Action::Experiment);
    assert!(
        decision.ladder.iter().any(|step| step.by == "bandit" && step.why.contains("too little traffic")),
        "{:?}",
        decision.ladder
    );
}

#[test]
fn parameters_move_a_step_and_only_where_the_policy_lets_them() {
    let rule = "rules: [{id: cool, when: quality.overall < 0.95, then: {adjust: {temperature: {times: 0.1}}}}]";
    let range = "parameters: {temperature: {min: 0, max: 1, max_step: 0.1}}";
    let now = known(&[("temperature", "0.7"), ("model", "strong")]);
    let decision = with(&alone(STRONG), &policy(&format!("{rule}\n{range}")), &now);
    assert_eq!((decision.action, decision.rung), (Action::Experiment, Rung::BusinessRule), "{}", decision.reason);
    assert_eq!(decision.settings, [Setting { key: "temperature".into(), from: Some("0.7".into()), to: "0.6".into() }]);
    let not_known = with(&alone(STRONG), &policy(&format!("{rule}\n{range}")), &BTreeMap::new());
    assert_ne!(not_known.action, Action::Experiment, "nobody knows what it is now");
}

#[test]
fn bad_quality_asks_for_less_randomness() {
    let policy = policy("task: extraction\nparameters: {temperature: {min: 0, max: 1, max_step: 0.2}}");
    let now = known(&[("temperature", "0.7")]);
    let decision = with(&alone(Told { quality: Some(0.5), ..STRONG }), &policy, &now);
    let candidate = decision.candidates.iter().find(|candidate| !candidate.settings.is_empty()).unwrap();
    assert_eq!(candidate.settings[0].to, "0.5");
    assert!(candidate.trial.as_ref().unwrap().contains("less randomness"));
    let well = with(&alone(STRONG), &policy, &now);
    assert!(well.candidates.iter().all(|candidate| candidate.settings.is_empty()));
}

#[test]
fn versions_that_served_teach_which_parameters_to_try() {
    // Quality falls with the temperature; the one in force is the highest.
    let version = |name: &str, quality: f64| {
        (Arm { config_version: Some(name.into()), ..arm("strong") }, Told { quality: Some(quality), ..STRONG })
    };
    let arms = vec![
        version("t1", 0.88),
        version("t2", 0.87),
        version("t3", 0.86),
        (
            Arm { config_version: Some("t4".into()), ..arm("strong") },
            Told { quality: Some(0.80), requests: 6000, ..STRONG },
        ),
    ];
    let temperatures = [("t1", "0.5"), ("t2", "0.55"), ("t3", "0.6"), ("t4", "0.7")];
    let versions = temperatures.map(|(name, value)| (name.to_owned(), configuration(&[("temperature", value)])));
    let known = KnownConfigurations { current: None, versions: BTreeMap::from(versions) };
    let known = BTreeMap::from([("chat".to_owned(), known)]);
    let policy = policy("parameters: {temperature: {min: 0, max: 1, max_step: 0.5}}\ndecision: {min_improvement: 0.9}");
    let decision = with(&observation(&[("chat", arms)]), &policy, &known);
    let step = decision.ladder.iter().find(|step| step.by == "bayesian optimisation").unwrap();
    assert_eq!(decision.action, Action::Experiment, "{}", step.why);
    let wanted: f64 = decision.settings[0].to.parse().unwrap();
    assert!((0.2..=0.6).contains(&wanted), "{wanted}");
    assert!(decision.reason.contains("learnt from 4 configurations"), "{}", decision.reason);
}

#[test]
fn a_model_that_others_use_is_predicted_and_says_from_where() {
    let cheap = Told { requests: 1500, cost: 0.001, ..STRONG };
    let both = || vec![(arm("strong"), STRONG), (arm("cheap"), cheap)];
    let names = ["a", "b", "c", "d", "e"];
    let mut services: Vec<(&str, Vec<(Arm, Told)>)> = names.iter().map(|name| (*name, both())).collect();
    services.push(("zoo", vec![(arm("strong"), STRONG)]));
    let policy = policy("models: {consider: [maker/cheap]}\nmax_changes_per_tick: unlimited");
    let observation = observation(&services);
    let findings = crate::orient::findings(&observation, None, &policy).findings;
    let decision = made(&observation, &findings, &policy).decisions.pop().unwrap();
    assert_eq!((decision.service.as_str(), decision.action), ("zoo", Action::Experiment), "{}", decision.reason);
    let candidate = decision.candidates.iter().find(|candidate| candidate.standing == Standing::Chosen).unwrap();
    let quality = candidate.quality.unwrap();
    assert!(quality.low < 0.9 && 0.9 < quality.high, "{quality:?}");
    assert!(candidate.borrowed.iter().any(|one| one.from.contains("5 other services")), "{:?}", candidate.borrowed);
    assert!(candidate.requests == 0, "it has served nothing here, so it is tried and not moved to");
}

#[test]
fn the_backup_takes_over_when_nothing_known_ends_a_breach() {
    let slow = Told { latency: 30_000.0, ..STRONG };
    let decision = with(&alone(slow), &policy("backup_model: maker/spare"), &BTreeMap::new());
    assert_eq!((decision.action, decision.rung), (Action::Change, Rung::SafetyRule), "{}", decision.reason);
    assert_eq!(decision.proposed.unwrap().model, "spare");
    let denied = policy("backup_model: maker/spare\nmodels: {regions: [EU]}");
    let decision = with(&alone(slow), &denied, &BTreeMap::new());
    assert!(decision.proposed.is_none(), "where it is hosted is unknown");
}

#[test]
fn each_service_borrows_by_its_own_measure_whoever_asks_first() {
    let cheap = Told { requests: 1500, cost: 0.001, ..STRONG };
    let lenders = ["a", "b", "c"].map(|name| (name, vec![(arm("strong"), STRONG), (arm("cheap"), cheap)]));
    let mut services = lenders.to_vec();
    services.extend(["zoo-strict", "zoo"].map(|name| (name, vec![(arm("strong"), STRONG)])));
    let policy = policy(
        "models: {consider: [maker/cheap]}\nmax_changes_per_tick: unlimited\nservices: {zoo-strict: {evidence: {min_requests: 100000}}}",
    );
    for _ in 0..20 {
        let plan = planned(&services, &policy);
        let quality = |service: &str| {
            let decision = plan.decisions.iter().find(|decision| decision.service == service).unwrap();
            decision.candidates.iter().find(|candidate| candidate.arm.model == "cheap").unwrap().quality
        };
        assert!(quality("zoo").is_some() && quality("zoo-strict").is_none());
    }
}
