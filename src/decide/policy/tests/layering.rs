//! Profiles, files that extend them, overrides of services.

use super::{problems, profile, read};
use crate::decide::policy::{PROFILES, Problems, Source, parse};
use crate::domain::policy::{
    Constraints, DecisionLimits, Evidence, Experiments, GuardModes, Mode, ModelRules, Objectives, Policy,
    RollbackLimits, RolloutSteps, RolloutStrategy, Rules, SoftConstraints, Thresholds,
};

fn balanced() -> Rules {
    Rules {
        mode: Mode::Enforce,
        objectives: Objectives { cost: 0.4, latency: 0.3, quality: 0.3 },
        thresholds: Thresholds {
            latency_p95_ms: 5000.0,
            latency_increase_percent: 20.0,
            error_rate: 0.05,
            cost_per_request_usd: 0.10,
            quality_min: 0.7,
            quality_drop_percent: 10.0,
            quality_coverage_min: 0.05,
        },
        constraints: Constraints {
            quality_drop_percent: 5.0,
            latency_increase_percent: 20.0,
            error_rate: 0.05,
            cost_per_request_usd: None,
            quality_min: None,
            latency_p95_ms: None,
        },
        soft: SoftConstraints::default(),
        evidence: Evidence { min_requests: 300, min_scored: 300 },
        decision: DecisionLimits { min_improvement: 0.10, min_confidence: 0.8, max_risk: 0.10 },
        rollout: RolloutSteps {
            steps_percent: vec![5, 25, 50, 100],
            bake_minutes: vec![5, 10, 15],
            deadline_hours: 72.0,
            strategy: RolloutStrategy::Canary,
            holdout_percent: 0,
            holdout_hours: 24.0,
            cooldown_hours: 6.0,
            accept_unproven: false,
        },
        rollback: RollbackLimits {
            automatic: true,
            quality_drop_percent: 5.0,
            latency_increase_percent: 20.0,
            error_rate_increase_points: 5.0,
            cost_ratio: 2.0,
            critical_error_rate: 0.1,
            critical_min_requests: 50,
            guards: GuardModes {
                errors: Mode::Enforce,
                latency: Mode::Enforce,
                quality: Mode::Enforce,
                cost: Mode::Enforce,
            },
        },
        models: ModelRules { allow: vec![], deny: vec![], consider: vec![], regions: vec![] },
        backup_model: None,
        task: None,
        parameters: std::collections::BTreeMap::new(),
        prompts: std::collections::BTreeMap::new(),
        experiments: Experiments {
            mode: Mode::Enforce,
            max_share_percent: 10.0,
            points_per_day: 5.0,
            floor_percent: 1.0,
            min_probability: 0.5,
            max_days: 7.0,
        },
        rules: vec![],
        governance: vec![],
        daily_budget_usd: Some(1000.0),
        monthly_budget_usd: None,
    }
}

#[test]
fn the_profiles_hold_the_documented_numbers() {
    let mut conservative = balanced();
    conservative.constraints.quality_drop_percent = 3.0;
    conservative.evidence = Evidence { min_requests: 1000, min_scored: 1000 };
    conservative.decision = DecisionLimits { min_improvement: 0.15, min_confidence: 0.9, max_risk: 0.05 };
    conservative.rollout = RolloutSteps {
        steps_percent: vec![1, 5, 25, 50, 100],
        bake_minutes: vec![10, 15, 30, 60],
        deadline_hours: 168.0,
        holdout_percent: 5,
        cooldown_hours: 24.0,
        ..conservative.rollout
    };
    conservative.experiments.mode = Mode::Off;
    conservative.rollback.error_rate_increase_points = 2.0;
    let mut aggressive = balanced();
    aggressive.constraints.quality_drop_percent = 10.0;
    aggressive.evidence = Evidence { min_requests: 100, min_scored: 100 };
    aggressive.decision = DecisionLimits { min_improvement: 0.05, min_confidence: 0.7, max_risk: 0.20 };
    aggressive.rollout = RolloutSteps {
        steps_percent: vec![10, 50, 100],
        bake_minutes: vec![3, 5],
        deadline_hours: 48.0,
        cooldown_hours: 2.0,
        ..aggressive.rollout
    };
    aggressive.experiments.max_share_percent = 20.0;
    aggressive.experiments.floor_percent = 2.0;
    aggressive.experiments.min_probability = 0.4;
    aggressive.rollback.error_rate_increase_points = 10.0;

    for (name, default) in PROFILES.into_iter().zip([conservative, balanced(), aggressive]) {
        let services = std::collections::BTreeMap::new();
        let wanted = Policy {
            name: name.into(),
            default,
            services,
            total_daily_budget_usd: Some(1000.0),
            total_monthly_budget_usd: None,
            max_changes_per_tick: Some(20),
            scores: std::collections::BTreeMap::new(),
            gate: profile(name).gate,
        };
        assert_eq!(profile(name), wanted);
    }
}

#[test]
fn a_file_lies_over_its_profile_and_a_service_over_the_file() {
    let policy = read(
        "
extends: conservative
total_daily_budget_usd: unlimited
thresholds: { latency_p95_ms: 4000, error_rate: 0.02 }
constraints: { cost_per_request_usd: 0.5 }
services:
  helpdesk:
    mode: observe
    thresholds: { latency_p95_ms: 2500 }
    constraints: { cost_per_request_usd: unlimited }
    rollout: { steps_percent: [50, 100], bake_minutes: [5] }
    models: { deny: ['*/*-preview'] }
    daily_budget_usd: 10
  \"search.v2\": { objectives: { cost: 1, latency: 0, quality: 0 } }
",
    )
    .expect("a sound policy");
    let conservative = profile("conservative").default;

    assert_eq!(policy.name, "x", "the name of the profile is not inherited");
    assert_eq!(policy.total_daily_budget_usd, None);
    let mut default = conservative;
    default.thresholds.latency_p95_ms = 4000.0;
    default.thresholds.error_rate = 0.02;
    default.constraints.cost_per_request_usd = Some(0.5);
    assert_eq!(policy.default, default);
    let mut helpdesk = default.clone();
    helpdesk.mode = Mode::Observe;
    helpdesk.thresholds.latency_p95_ms = 2500.0;
    helpdesk.constraints.cost_per_request_usd = None;
    helpdesk.rollout = RolloutSteps {
        steps_percent: vec![50, 100],
        bake_minutes: vec![5],
        deadline_hours: 168.0,
        ..default.rollout.clone()
    };
    helpdesk.models.deny = vec!["*/*-preview".into()];
    helpdesk.daily_budget_usd = Some(10.0);
    assert_eq!(policy.rules("helpdesk"), &helpdesk);
    let search = policy.rules("search.v2").objectives;
    assert_eq!((search.cost, search.latency, search.quality), (1.0, 0.0, 0.0));
    assert_eq!(policy.rules("another"), &default);
}

/// A small world of files.
fn in_files(files: &[(&str, &str)]) -> Result<Policy, Problems> {
    let resolve = |path: &str| {
        let file = files.iter().find(|(name, _)| *name == path);
        file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
    };
    parse(Source { name: files[0].0, text: files[0].1 }, &resolve)
}

#[test]
fn a_file_extends_another_relative_to_itself() {
    let policy = in_files(&[
        (
            "teams/chat.yaml",
            "name: chat\nextends: ../company.yaml\nservices: {a: {mode: off}}\nevidence: {min_scored: 7}",
        ),
        (
            "teams/../company.yaml",
            "name: company\nextends: balanced\nservices: {a: {evidence: {min_requests: 9}}, b: {mode: observe}}",
        ),
    ])
    .expect("a sound policy");
    assert_eq!(policy.name, "chat");
    assert_eq!(policy.rules("a").mode, Mode::Off);
    assert_eq!(policy.rules("a").evidence, Evidence { min_requests: 9, min_scored: 7 });
    assert_eq!(policy.rules("b").mode, Mode::Observe);
    assert_eq!(policy.rules("c").evidence, Evidence { min_requests: 300, min_scored: 7 });
}

#[test]
fn a_circle_of_files_is_named() {
    let problems = in_files(&[
        ("a.yaml", "extends: b.yaml"),
        ("b.yaml", "name: b\nextends: ./folder/../c.yaml"),
        ("./folder/../c.yaml", "extends: a.yaml\nevidense: {}"),
    ])
    .expect_err("a circle");
    assert_eq!(
        problems.to_string(),
        "./folder/../c.yaml:1: `extends`: goes round in a circle: a.yaml → b.yaml → ./folder/../c.yaml → ./folder/../a.yaml; let one of them stand alone\n\
         ./folder/../c.yaml:2: `evidense`: is not a known setting; did you mean `evidence`?"
    );
}

#[test]
fn an_endless_chain_ends() {
    let resolve = |_: &str| Ok("extends: deeper/x.yaml".to_owned());
    let problems = parse(Source { name: "x.yaml", text: "extends: deeper/x.yaml" }, &resolve).expect_err("no bottom");
    let last = problems.to_string();
    assert!(last.ends_with("makes a chain of more than 8 files; extend a file nearer to the bottom"), "{last}");
}

#[test]
fn what_cannot_be_extended_is_said_at_its_line() {
    for (text, message) in [
        (
            "extends: x.yaml",
            "x.yaml:1: `extends`: goes round in a circle: x.yaml → x.yaml; let one of them stand alone",
        ),
        (
            "name: a\nextends: balancd",
            "x.yaml:2: `extends`: knows no profile `balancd`, only `conservative`, `balanced` or `aggressive`; did you mean `balanced`?",
        ),
        (
            "extends: company",
            "x.yaml:1: `extends`: knows no profile `company`, only `conservative`, `balanced` or `aggressive`; another file is named with its ending, `company.yaml`",
        ),
        ("extends: y.yaml", "x.yaml:1: `extends`: names `y.yaml`, which cannot be read: there is no `y.yaml`"),
    ] {
        assert_eq!(problems(text), message);
    }
}

#[test]
fn problems_of_every_file_come_together() {
    let problems = in_files(&[
        ("a.yaml", "extends: b.yaml\nmode: fast"),
        ("b.yaml", "extends: balanced\nevidence:\n  min_requests: 0"),
    ])
    .expect_err("two problems");
    assert_eq!(
        problems.to_string(),
        "a.yaml:2: `mode`: wants `enforce`, `observe` or `off`, got `fast`\n\
         b.yaml:3: `evidence.min_requests`: wants whole requests, 1..=1000000000, got 0"
    );
    assert_eq!(problems.iter().count(), 2);
}

#[test]
fn a_disagreement_is_told_where_it_was_written() {
    let problems = in_files(&[
        ("a.yaml", "extends: b.yaml\nobjectives: {cost: 0.5}"),
        ("b.yaml", "extends: balanced\nservices:\n  chat:\n    rollout: {steps_percent: [50, 100]}"),
    ])
    .expect_err("two problems");
    assert_eq!(
        problems.to_string(),
        "a.yaml:2: `objectives`: wants weights that add up to 1, but cost 0.5, latency 0.3 and quality 0.3 make 1.1; in the same proportion: cost 0.455, latency 0.273, quality 0.273\n\
         b.yaml:4: `services.chat.rollout`: wants 1 entry, one for each of the 2 shares in `steps_percent` but the last, got 3"
    );
}

#[test]
fn two_runs_give_the_same_bytes() {
    let bad = "mode: 5\nfoo: 1\nservices: {b: {x: 1}, a: {y: 2}}\nobjectives: {cost: 9}";
    assert_eq!(problems(bad), problems(bad));
    let good = || serde_json::to_string(&profile("aggressive")).expect("plain types");
    assert_eq!(good(), good());
}
