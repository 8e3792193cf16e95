//! Other ways to write the same either load, or fail on the line to change with what to write there.

use super::{problems, read};
use crate::decide::policy::parse_models;
use crate::domain::policy::{Adjustment, Mode, Parameter, Then};

fn told(text: &str, parts: &[&str]) {
    let told = problems(text);
    for part in parts {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert_eq!(told.lines().count(), parts.len(), "{told}");
}

#[test]
fn objectives_and_constraints_as_lists() {
    let text = "
extends: balanced
objectives:
  - {metric: cost.perRequest, goal: minimize, weight: 0.7}
  - {metric: quality.overall, goal: maximize, weight: 0.3, min: 0.75}
constraints:
  - {metric: latency.p95, max: 1800}
  - {metric: errors.rate, max: 0.02}
";
    let rules = read(text).unwrap_or_else(|problems| panic!("{problems}")).default;
    assert_eq!((rules.objectives.cost, rules.objectives.latency, rules.objectives.quality), (0.7, 0.0, 0.3));
    assert_eq!((rules.constraints.latency_p95_ms, rules.constraints.quality_min), (Some(1800.0), Some(0.75)));
    assert_eq!((rules.constraints.error_rate, rules.constraints.quality_drop_percent), (0.02, 5.0));
    told(
        "extends: balanced
objectives:
  - {metric: cost.perRequest, goal: maximize, weight: 0.7}
  - {metric: weather, weight: 0.3}
constraints:
  - {metric: quality.overall, min: 90}
  - {metric: latency.p95, min: 3}
",
        &[
            "x.yaml:3: `objectives[0].goal`: wants to maximize cost.perRequest, which is the wrong way round; write `minimize`",
            "x.yaml:4: `objectives[1].metric`: is no objective, got `weather`; there are `cost.per_request`",
            "x.yaml:6: `constraints.quality_min`: wants a score, 0..=1, or `unlimited`, got 90; did you mean 0.9?",
            "x.yaml:7: `constraints[1].min`: is no limit there is for latency.p95; it has a `max`",
            "x.yaml:7: `constraints[1]`: states no `max`, the limit of latency.p95",
        ],
    );
    told(
        "extends: balanced\nobjectives:\n  - {metric: cost.perRequest, weight: 0}\n",
        &["x.yaml:2: `objectives`: wants weights that add up to 1, but all are 0"],
    );
}

#[test]
fn conditions_and_actions_in_parts() {
    let text = "
extends: balanced
parameters: {max_tokens: {min: 10, max: 900, max_step: 100}}
rules:
  - id: cheaper
    name: go cheaper
    priority: 3
    cooldownPeriod: 7200000
    maxApplicationsPerDay: 4
    condition:
      type: composite
      logicalOperator: AND
      subConditions:
        - {type: metric, metric: quality.overall, operator: '>=', threshold: 0.9, duration: 1800000}
        - {type: composite, logicalOperator: NOT, subConditions: [{type: trend, metric: cost.perRequest, operator: <, threshold: -0.1}]}
    action: {type: model_switch, parameters: {targetModel: openai/small, rolloutStrategy: canary}}
  - id: back
    enabled: false
    condition: {type: anomaly, metric: errors.rate, operator: '>', threshold: 0.08}
    action: {type: rollback, parameters: {targetVersion: previous, immediate: true}}
  - id: short
    condition: {type: metric, metric: tokens.output, operator: '=', threshold: 5}
    action: {type: config_change, parameters: {maxTokens: 300}}
  - {id: plain, when: errors.rate > 0.5, then: rollback}
";
    let rules = read(text).unwrap_or_else(|problems| panic!("{problems}")).default.rules;
    let cheaper = &rules[0];
    assert_eq!(cheaper.when.text, "(quality.overall >= 0.9) && (!(trend.cost < -0.1))");
    assert_eq!((cheaper.hold_minutes, cheaper.cooldown_minutes, cheaper.max_per_day), (30, 120, Some(4)));
    assert_eq!(
        (cheaper.description.as_str(), &cheaper.then),
        ("go cheaper", &Then::SwitchModel("openai/small".into()))
    );
    assert_eq!((rules[1].mode, &rules[1].then), (Mode::Off, &Then::Rollback));
    assert_eq!(rules[1].when.text, "anomaly.error_rate && errors.rate > 0.08");
    let moves = [(Parameter::MaxTokens, Adjustment::Set(300.0))].into();
    assert_eq!((rules[2].when.text.as_str(), &rules[2].then), ("tokens.output == 5", &Then::Adjust(moves)));
    assert_eq!(rules[3].then, Then::Rollback);
    told(
        "extends: balanced
rules:
  - id: a
    condition:
      type: metric
      metric: quality.overall
      operator: '>='
      threshold: 88
    action:
      type: model_switch
      parameters:
        targetModel: small-4
        canaryPercentage: 10
  - id: b
    condition: {type: composite, logicalOperator: XOR, subConditions: [{type: metric, metric: eror_rate, operator: '>', threshold: 1}]}
    action: {type: explode}
",
        &[
            "x.yaml:8: `rules[0].condition.threshold`: is more than `quality.overall` can be, which runs from 0 to 1; write 0.88",
            "x.yaml:12: `rules[0].then.switch_model`: wants a model as `provider/model`, got `small-4`",
            "x.yaml:13: `rules[0].action.parameters.canaryPercentage`: is the first share under `rollout",
            "x.yaml:15: `rules[1].condition.subConditions[0].metric`: knows no `eror_rate`; did you mean `error_rate`?",
            "x.yaml:15: `rules[1].condition.logicalOperator`: is `AND`, `OR` or `NOT`, got `XOR`",
            "x.yaml:16: `rules[1].action.type`: is `model_switch`, `rollback`",
        ],
    );
}

#[test]
fn settings_of_other_names_say_what_to_write() {
    told(
        "extends: balanced
thresholds:
  minImprovement: 0.2
  error_rate_pct: 4
  daily_budget: 70
  psi_threshold: 0.2
deployment:
  steps: [2%, 100%]
  durations: [1h]
rollback:
  errorRateIncrease: 0.03
",
        &[
            "x.yaml:3: `thresholds.minImprovement`: is called otherwise here; write `decision: { min_improvement: 0.2 }`",
            "x.yaml:4: `thresholds.error_rate_pct`: is called otherwise here; write `error_rate: 0.04`",
            "x.yaml:5: `thresholds.daily_budget`: is called otherwise here; write `total_daily_budget_usd: 70`",
            "x.yaml:6: `thresholds.psi_threshold`: is not set here",
            "x.yaml:8: `deployment.steps`: is called otherwise here; write `rollout: { steps_percent: [2, 100] }`",
            "x.yaml:9: `deployment.durations`: is called otherwise here; write `rollout: { bake_minutes: [60] }`",
            "x.yaml:11: `rollback.errorRateIncrease`: is called otherwise here; write `rollback: { error_rate_increase_points: 3 }`",
        ],
    );
    told(
        "optimizer:
  mode: standalone
  strategy: balanced
  constraints:
    budget: {dailyMax: 30}
    performance:
      maxP95Latency: 900
      maxErrorRate: 0.02
    quality: {minOverallScore: 90}
  rollback: {automatic: true}
",
        &[
            "x.yaml:2: `optimizer.mode`: says how a service runs",
            "x.yaml:3: `optimizer.strategy`: is called otherwise here; write `extends: balanced`",
            "x.yaml:5: `optimizer.constraints.budget.dailyMax`: is called otherwise here; write `total_daily_budget_usd: 30`",
            "x.yaml:7: `optimizer.constraints.performance.maxP95Latency`: is called otherwise here; write `constraints: { latency_p95_ms: 900 }`",
            "x.yaml:8: `optimizer.constraints.performance.maxErrorRate`: is called otherwise here; write `constraints: { error_rate: 0.02 }`",
            "x.yaml:9: `optimizer.constraints.quality.minOverallScore`: is called otherwise here; write `constraints: { quality_min: 0.9 }`",
            "x.yaml:10: `optimizer.rollback.automatic`: stands at the top of the file; write `rollback: { automatic: true }`",
        ],
    );
    told(
        "extends: balanced
thresholds:
  - name: slow
    enabled: true
    maxLatencyMs: 900
    preferredModel: small-4
  - {name: wrong, minQualityScore: 60, minAccuracy: 0.5, escalationModel: large-4}
",
        &[
            "x.yaml:3: `thresholds[0]`: is a rule here; write under `rules`: `- { id: slow, when: \"latency.p95 > 900\", then: { switch_model: provider/small-4 } }`",
            "x.yaml:7: `thresholds[1].minAccuracy`: has no counterpart here",
            "x.yaml:7: `thresholds[1]`: is a rule here; write under `rules`: `- { id: wrong, when: \"quality.overall < 0.6\", then: { switch_model: provider/large-4 } }`",
        ],
    );
}

#[test]
fn a_price_table_of_another_kind_says_what_to_write() {
    let text = "models:
  - id: claude-x
    name: X
    tier: fast
    costPer1kTokensInput: 0.002
    costPer1kTokensOutput: 0.01
    averageLatencyMs: 700
    capabilities: [chat]
";
    let told = parse_models("m.yaml", text).unwrap_err().to_string();
    for part in [
        "m.yaml:2: `models[0].id`: is two settings here; write `provider: anthropic, model: claude-x`",
        "m.yaml:3: `models[0].name`: is not used here; delete it",
        "m.yaml:5: `models[0].costPer1kTokensInput`: is a price per thousand; write `input_usd_per_mtok: 2`, per million",
        "m.yaml:6: `models[0].costPer1kTokensOutput`: is a price per thousand; write `output_usd_per_mtok: 10`",
        "m.yaml:7: `models[0].averageLatencyMs`: is a mean",
        "m.yaml:8: `models[0].capabilities`: is not used here",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert!(!told.contains("lacks"), "{told}");
}
