//! Properties of a plan that must hold whatever the data.

mod plans;
mod portfolio;
mod rules;
mod trials;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{
    Inputs, plan,
    policy::{Source, parse},
};
use crate::{
    domain::{
        Arm, Finding, FindingKind, Memory, ModelTable, Plan, Policy, Segment, Window,
        plan::{Action, CheckOutcome, Decision, Rung, SourceSummary, Standing, UntilSource, Windows},
    },
    stats::{ArmEvidence, Observation, Requests, Rollup, ServiceEvidence, Sketch},
};

/// What an arm did, in plain numbers.
#[derive(Debug, Clone, Copy)]
struct Told {
    requests: u32,
    cost: f64,
    latency: f64,
    /// Share of scored requests that were right; none: nothing was scored.
    quality: Option<f64>,
    errors: u32,
}

impl Told {
    fn rollup(self) -> Rollup {
        let good = self.requests - self.errors;
        let spread = |index: u32| 0.8 + 0.4 * f64::from(index) / f64::from(good.max(1));
        let right = |share: f64| (f64::from(good) * share).round() as u32;
        Rollup {
            requests: Requests {
                rows: u64::from(self.requests),
                weight: f64::from(self.requests),
                weight_squared: f64::from(self.requests),
                served: f64::from(self.requests),
                succeeded: f64::from(good),
                provider_errors: f64::from(self.errors),
                caller_errors: 0.0,
                unpriced: 0.0,
                unseen: 0.0,
                timeouts: 0.0,
                retried: 0.0,
            },
            latency: Sketch::from_values((0..good).map(|index| self.latency * spread(index))),
            cost: Sketch::from_values((0..good).map(|index| self.cost * spread(index))),
            quality: self.quality.map_or_else(Sketch::default, |share| {
                Sketch::from_values((0..good).map(|index| f64::from(u8::from(index < right(share)))))
            }),
            ..Rollup::default()
        }
    }
}

fn arm(model: &str) -> Arm {
    Arm { provider: Some("maker".into()), model: model.into(), config_version: Some("v1".into()) }
}

fn observation(services: &[(&str, Vec<(Arm, Told)>)]) -> Observation {
    let end: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let window = Window::ending_at(end, SignedDuration::from_hours(1)).unwrap();
    let lookback = Window::ending_at(end, SignedDuration::from_hours(24)).unwrap();
    let windows = Windows { window, before: window.before().unwrap(), lookback, until: UntilSource::Flag };
    let source = SourceSummary {
        files: 1,
        layouts: BTreeSet::from(["canonical".to_owned()]),
        rows_read: 1,
        rows_used: 1,
        rows_outside: 0,
        rows_duplicate: 0,
        rejected: BTreeMap::new(),
        passed_over: BTreeMap::new(),
        scores: None,
        oldest_event: Some(lookback.start()),
        newest_event: Some(end),
        ignored_columns: Vec::new(),
        engines: Vec::new(),
    };
    let services = services.iter().map(|(name, arms)| {
        let arms: BTreeMap<Arm, ArmEvidence> = arms
            .iter()
            .map(|(arm, told)| (arm.clone(), ArmEvidence { window: told.rollup(), lookback: told.rollup() }))
            .collect();
        let whole = arms.values().fold(Rollup::default(), |sum, arm| sum.merged(&arm.lookback));
        let evidence = ServiceEvidence {
            window: whole.clone(),
            lookback: whole,
            segments: BTreeMap::from([(Segment::Simple, arms)]),
            ..ServiceEvidence::default()
        };
        ((*name).to_owned(), evidence)
    });
    Observation { windows, source, services: services.collect(), figures: BTreeMap::new() }
}

fn balanced() -> Policy {
    parse(Source::profile("balanced").unwrap(), &|_| Err(String::new())).unwrap()
}

/// The balanced profile with what the text changes.
fn policy(yaml: &str) -> Policy {
    let text = format!("extends: balanced\n{yaml}");
    parse(Source { name: "test.yaml", text: &text }, &|_| Err(String::new()))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn made(observation: &Observation, findings: &[Finding], policy: &Policy) -> Plan {
    let inputs = Inputs {
        observation,
        findings,
        policy,
        models: &ModelTable::default(),
        configurations: &BTreeMap::new(),
        memory: &Memory::default(),
        followed: false,
    };
    plan(&inputs).plan
}

/// Something to ask a searcher: two models, of which the second may be tried.
pub(super) fn with_question(ask: impl Fn(&super::search::Question<'_>)) {
    let thin = Told { requests: 200, cost: 0.001, ..STRONG };
    let observation = observation(&[("chat", vec![(arm("strong"), STRONG), (arm("thin"), thin)])]);
    let (policy, models, memory) = (balanced(), ModelTable::default(), Memory::default());
    let evidence = &observation.services["chat"];
    let case = super::case::Case {
        service: "chat",
        segment: Segment::Simple,
        evidence,
        arms: &evidence.segments[&Segment::Simple],
        rules: &policy.default,
        findings: &[],
        evidence_days: 1.0,
        configurations: None,
        models: &models,
        memory: &memory,
        now: observation.windows.window.end(),
        elsewhere: &super::elsewhere::Elsewhere::of(&observation, &models),
        conditions: &super::conditions::Conditions::of(&policy),
        facts: &super::condition::Facts::default(),
        spoken: &super::rules::Spoken::default(),
    };
    let ideas = super::strategies::ideas(&case, &arm("strong")).0;
    let (incumbent, others) = super::candidates::weigh(&case, &arm("strong"), ideas);
    ask(&super::search::Question { case: &case, incumbent: &incumbent, others: &others, promising: &[0] });
}

fn planned(services: &[(&str, Vec<(Arm, Told)>)], policy: &Policy) -> Plan {
    let observation = observation(services);
    let findings = crate::orient::findings(&observation, None, policy).findings;
    made(&observation, &findings, policy)
}

fn decided(arms: Vec<(Arm, Told)>) -> Decision {
    planned(&[("chat", arms)], &balanced()).decisions.remove(0)
}

const STRONG: Told = Told { requests: 4000, cost: 0.01, latency: 2000.0, quality: Some(0.9), errors: 10 };

#[test]
fn a_cheaper_equal_model_is_chosen_and_the_plan_is_then_at_rest() {
    let cheap = Told { requests: 1500, cost: 0.001, ..STRONG };
    let decision = decided(vec![(arm("strong"), STRONG), (arm("cheap"), cheap)]);
    assert_eq!((decision.action, decision.proposed.as_ref()), (Action::Change, Some(&arm("cheap"))));
    // Carried out, the traffic has moved: the same plan proposes nothing more.
    let after = decided(vec![
        (arm("strong"), Told { requests: 1500, ..STRONG }),
        (arm("cheap"), Told { requests: 4000, ..cheap }),
    ]);
    assert_eq!(after.action, Action::Keep, "{}", after.reason);
}

#[test]
fn thin_evidence_is_a_reason_to_try_and_never_one_to_move() {
    let thin = Told { requests: 299, cost: 0.001, ..STRONG };
    let arms = || vec![(arm("strong"), STRONG), (arm("cheap"), thin)];
    let tried = decided(arms());
    assert_eq!((tried.action, tried.proposed), (Action::Experiment, Some(arm("cheap"))), "{}", tried.reason);
    // It has 7 % of the traffic; a day moves five points, and an experiment gets a tenth at most.
    assert_eq!(tried.rollout_percent, [10]);
    let mut policy = balanced();
    policy.default.experiments.mode = crate::domain::policy::Mode::Off;
    let refused = planned(&[("chat", arms())], &policy).decisions.remove(0);
    assert_eq!(refused.action, Action::Refused);
    assert!(refused.reason.contains("299 requests here, 300 needed"), "{}", refused.reason);
    assert!(
        refused.would_change[0].contains("1 more request and 11 more quality scores"),
        "{:?}",
        refused.would_change
    );
}

#[test]
fn an_unknown_quality_is_not_a_good_one() {
    let unscored = Told { requests: 4000, cost: 0.000_1, quality: None, ..STRONG };
    let decision = decided(vec![(arm("strong"), STRONG), (arm("cheap"), unscored)]);
    assert!(decision.proposed.is_none(), "{}", decision.reason);
    // Nor is it when nobody knows the quality of what runs now.
    let decision = decided(vec![
        (arm("strong"), Told { quality: None, ..STRONG }),
        (arm("cheap"), Told { requests: 1500, cost: 0.001, ..STRONG }),
    ]);
    assert!(decision.proposed.is_none(), "{}", decision.reason);
}

#[test]
fn a_service_that_is_off_or_silent_is_left_alone() {
    let mut policy = balanced();
    policy.default.mode = crate::domain::policy::Mode::Off;
    let arms = vec![(arm("strong"), STRONG), (arm("cheap"), Told { requests: 1500, cost: 0.001, ..STRONG })];
    let off = planned(&[("chat", arms)], &policy);
    assert_eq!(off.decisions[0].action, Action::Off);
    assert!(off.findings.iter().all(|finding| finding.service.is_none()));
}

#[test]
fn forbidden_models_are_refused_by_name() {
    let mut policy = balanced();
    policy.default.models.deny = vec!["maker/ch*".to_owned()];
    let arms = vec![(arm("strong"), STRONG), (arm("cheap"), Told { requests: 1500, cost: 0.001, ..STRONG })];
    let decision = planned(&[("chat", arms)], &policy).decisions.remove(0);
    assert_eq!(decision.action, Action::Refused);
    assert!(decision.reason.contains("the policy denies `maker/ch*`"), "{}", decision.reason);
}

fn at(version: &str) -> Arm {
    Arm { config_version: Some(version.into()), ..arm("strong") }
}

/// A service whose config went from v1 to v2.
fn reconfigured(old: Told, new: Told, policy: &Policy) -> Plan {
    let mut observation = observation(&[("chat", vec![(at("v1"), old), (at("v2"), new)])]);
    let service = observation.services.get_mut("chat").unwrap();
    service.version_since = BTreeMap::from([("v1".to_owned(), 1), ("v2".to_owned(), 2)]);
    service.segments.get_mut(&Segment::Simple).unwrap().get_mut(&at("v1")).unwrap().window = Rollup::default();
    let findings = crate::orient::findings(&observation, None, policy).findings;
    made(&observation, &findings, policy)
}

#[test]
fn a_config_is_reverted_only_when_going_back_is_sound_and_automatic() {
    let regressed = |plan: &Plan| plan.findings.iter().any(|finding| finding.kind == FindingKind::ConfigRegression);
    let worse = Told { quality: Some(0.75), ..STRONG };
    let mut policy = balanced();
    assert_eq!(reconfigured(STRONG, worse, &policy).decisions[0].action, Action::Revert);
    // The old one failed in every fourth request: worse in another way, so this is for people.
    let torn = reconfigured(Told { errors: 1000, ..STRONG }, worse, &policy);
    assert_ne!(torn.decisions[0].action, Action::Revert);
    assert!(regressed(&torn));
    policy.default.rollback.automatic = false;
    let told = reconfigured(STRONG, worse, &policy);
    assert_ne!(told.decisions[0].action, Action::Revert);
    assert!(regressed(&told));
}

#[test]
fn nobody_flees_to_a_provider_that_is_in_trouble_too() {
    let slow = Told { latency: 30_000.0, ..STRONG };
    let spare = Told { requests: 1500, ..STRONG };
    let escape = |hour: Told| {
        let mut observation = observation(&[("chat", vec![(arm("main"), slow), (arm("spare"), spare)])]);
        let service = observation.services.get_mut("chat").unwrap();
        service.segments.get_mut(&Segment::Simple).unwrap().get_mut(&arm("spare")).unwrap().window = hour.rollup();
        let policy = balanced();
        let findings = crate::orient::findings(&observation, None, &policy).findings;
        made(&observation, &findings, &policy).decisions.remove(0)
    };
    let few = Told { requests: 100, errors: 0, ..STRONG };
    assert_eq!((escape(few).action, escape(few).rung), (Action::Change, Rung::SafetyRule));
    assert!(escape(Told { latency: 30_000.0, ..few }).proposed.is_none(), "as slow right now");
    assert!(escape(Told { errors: 50, ..few }).proposed.is_none(), "half of its requests fail right now");
}

fn told() -> impl Strategy<Value = Told> {
    (1_u32..3000, 1e-5..0.2_f64, 100.0..9000.0_f64, prop::option::weighted(0.8, 0.3..1.0_f64), 0_u32..200).prop_map(
        |(requests, cost, latency, quality, errors)| Told {
            requests,
            cost,
            latency,
            quality,
            errors: errors.min(requests - 1),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_chosen_holds_every_constraint_and_is_dominated_by_nothing_allowed(
        arms in prop::collection::vec(told(), 1..6),
    ) {
        let arms: Vec<(Arm, Told)> = arms.into_iter().enumerate().map(|(index, told)| (arm(&format!("m{index}")), told)).collect();
        let decision = decided(arms);
        let chosen: Vec<_> = decision.candidates.iter().filter(|candidate| candidate.standing == Standing::Chosen).collect();
        prop_assert_eq!(chosen.len(), usize::from(decision.proposed.is_some()));
        for candidate in &chosen {
            prop_assert_eq!(Some(&candidate.arm), decision.proposed.as_ref());
            if decision.action == Action::Experiment {
                // What is tried may break a limit, but not more likely than not.
                prop_assert!(candidate.checks.iter().all(|check| check.probability.is_none_or(|probability| probability >= 0.5)));
                continue;
            }
            prop_assert!(candidate.checks.iter().all(|check| check.outcome == CheckOutcome::Holds));
            let point = |c: &crate::domain::plan::Candidate| Some([c.cost_per_request_usd?.value, c.latency_p95_ms?.value, -c.quality?.value]);
            let own = point(candidate).expect("known, or it would not be allowed");
            for other in decision.candidates.iter().filter(|other| other.checks.iter().all(|check| check.outcome == CheckOutcome::Holds) && other.arm != candidate.arm && other.standing != Standing::Current) {
                let Some(rival) = point(other) else { continue };
                let better = rival.iter().zip(&own).all(|(rival, own)| rival <= own)
                    && rival.iter().zip(&own).any(|(rival, own)| rival < own);
                prop_assert!(!better, "{:?} beats {:?}", other.arm, candidate.arm);
            }
        }
        for candidate in &decision.candidates {
            for estimate in [candidate.cost_per_request_usd, candidate.latency_p95_ms, candidate.quality, candidate.error_rate].into_iter().flatten() {
                prop_assert!(estimate.low <= estimate.value + 1e-9 && estimate.value <= estimate.high + 1e-9, "{estimate:?}");
                prop_assert!(estimate.low.is_finite() && estimate.high.is_finite());
            }
        }
    }

    #[test]
    fn taking_scores_away_never_makes_a_model_look_better(strong in told(), cheap in told()) {
        // With two models and one of them unscored, nothing can be shown to keep the quality, so nothing moves.
        let without = decided(vec![(arm("a"), strong), (arm("b"), Told { quality: None, ..cheap })]);
        prop_assert_eq!(without.proposed, None);
    }

    #[test]
    fn services_do_not_touch_each_other(one in told(), two in told(), three in told()) {
        let arms = || vec![(arm("a"), one), (arm("b"), two)];
        let mut alone = planned(&[("chat", arms())], &balanced());
        let beside = planned(&[("chat", arms()), ("zebra", vec![(arm("c"), three)])], &balanced());
        // The id names the plan, too.
        alone.decisions[0].id.clone_from(&beside.decisions[0].id);
        prop_assert_eq!(&alone.decisions[0], &beside.decisions[0]);
    }
}
