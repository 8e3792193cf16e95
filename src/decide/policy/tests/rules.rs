//! Rules, governance, parameters and the other sections that say what may be done.

use super::{problems, read};
use crate::domain::{
    Severity,
    policy::{Adjustment, GovernanceAction, GovernanceKind, Mode, Parameter, Then},
};

const ACTING: &str = "
extends: balanced
rules:
  - {id: dear, description: too dear, when: cost.per_request > 0.05, for: 1h, cooldown: 6h, max_per_day: 2, priority: 5, then: {switch_model: openai/x}}
  - {id: back, when: errors.rate > 0.1, then: {rollback: true}}
  - {id: shorter, when: tokens.output > 900, then: {adjust: {max_tokens: {times: 0.8}, temperature: {set: 0.2}, top_p: {add: -0.1}}}}
  - {id: try, when: quality.overall < 0.8, mode: observe, then: {experiment: openai/y}}
  - {id: tell, when: errors.rate > 0.02, then: {alert: {severity: high, message: look}}}
  - {id: never, when: now.weekday > 5, then: {deny: weekend}}
  - {id: mind, when: now.hour < 6, then: {warn: night}}
parameters:
  temperature: {min: 0, max: 1, max_step: 0.1}
  top_p: {min: 0.5, max: 1, max_step: 0.1}
  max_tokens: {min: 64, max: 4096, max_step_percent: 25}
";

#[test]
fn every_kind_of_rule_is_read() {
    let rules = read(ACTING).unwrap_or_else(|problems| panic!("{problems}")).default.rules;
    let dear = &rules[0];
    assert_eq!((dear.hold_minutes, dear.cooldown_minutes, dear.max_per_day, dear.priority), (60, 360, Some(2), 5));
    assert_eq!((dear.mode, rules[3].mode), (Mode::Enforce, Mode::Observe));
    assert_eq!(dear.then, Then::SwitchModel("openai/x".into()));
    assert_eq!(rules[1].then, Then::Rollback);
    let Then::Adjust(moves) = &rules[2].then else { panic!("{:?}", rules[2]) };
    assert_eq!(moves[&Parameter::MaxTokens], Adjustment::Times(0.8));
    assert_eq!(moves[&Parameter::Temperature], Adjustment::Set(0.2));
    assert_eq!(moves[&Parameter::TopP], Adjustment::Add(-0.1));
    assert_eq!(rules[3].then, Then::Experiment("openai/y".into()));
    assert_eq!(rules[4].then, Then::Alert { severity: Severity::High, message: "look".into() });
    assert_eq!(rules[5].then, Then::Deny("weekend".into()));
    assert_eq!(rules[6].then, Then::Warn("night".into()));
}

#[test]
fn rules_add_up_and_an_id_overrides_the_fields_it_names() {
    let text = format!(
        "{ACTING}services:\n  chat:\n    rules:\n      - {{id: dear, mode: off, then: {{warn: dear}}}}\n      - {{id: own, when: errors.rate > 0.5, then: {{rollback: true}}}}\n"
    );
    let policy = read(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let chat = &policy.rules("chat").rules;
    assert_eq!((chat.len(), policy.default.rules.len()), (8, 7));
    assert_eq!((chat[0].mode, &chat[0].then, chat[0].hold_minutes), (Mode::Off, &Then::Warn("dear".into()), 60));
    assert_eq!(chat[7].id, "own");
    assert_eq!(policy.default.rules[0].mode, Mode::Enforce);
}

#[test]
fn governance_is_read() {
    let text = "
extends: balanced
policies:
  - id: spend
    name: Daily spend
    type: cost
    rules:
      - {condition: daily_cost > 40, action: deny, message: enough for today}
      - {condition: quality_score < 0.6, action: warn}
services: {chat: {policies: [{id: eu, type: compliance, rules: [{condition: model.region != 'EU', action: deny}]}]}}
";
    let policy = read(text).unwrap_or_else(|problems| panic!("{problems}"));
    let spend = &policy.default.governance[0];
    assert_eq!((spend.kind, spend.rules.len()), (GovernanceKind::Cost, 2));
    assert_eq!((spend.rules[0].action, spend.rules[1].action), (GovernanceAction::Deny, GovernanceAction::Warn));
    assert_eq!(spend.rules[1].message, "quality_score < 0.6");
    assert_eq!(policy.rules("chat").governance.len(), 2);
}

#[test]
fn what_a_rule_lacks_or_has_too_much_of_is_told_with_its_line() {
    let text = "extends: balanced
rules:
  - {id: a, when: errors.rate > 0.1}
  - {id: b, then: {rollback: true}}
  - {id: c, when: errors.rate > 0.1, then: {rollback: true, warn: hm}}
  - {id: d, when: errors.rate > 0.1, then: {}}
  - {id: e, when: errors.rate > 0.1, then: {adjust: {top_p: {set: 1, add: 2}}}}
  - {id: f, when: errors.rate > 0.1, for: 90s, cooldown: 5, then: {rollback: false}}
  - {when: errors.rate > 0.1, then: {rollback: true}}
  - {id: a, when: errors.rate > 0.1, then: {rollback: true}}
  - nothing
policies:
  - {id: p}
";
    let told = problems(text);
    for part in [
        "x.yaml:3: `rules[0]`: states no `then`; say what it does",
        "x.yaml:4: `rules[1]`: states no `when`; say when it fires",
        "x.yaml:5: `rules[2].then`: wants one thing to do, got rollback, warn; make a rule of each",
        "x.yaml:6: `rules[3].then`: says nothing to do; write one of `switch_model`",
        "x.yaml:7: `rules[4].then.adjust.top_p`: wants exactly one of `set`, `add` or `times`",
        "x.yaml:8: `rules[5].for`: `90s` is not a whole number of minutes",
        "x.yaml:8: `rules[5].cooldown`: wants a duration such as `15m`, `1h30m` or `2d`, got the number 5; write `5m` or `5h`",
        "x.yaml:9: `rules[6]`: lacks `id`, which is required",
        "x.yaml:10: `rules[7].id`: repeats the id `a`, first used on line 3; give each its own",
        "x.yaml:11: `rules[8]`: wants a mapping of settings, got the text `nothing`",
        "x.yaml:13: `policies[0]`: states no `type`",
        "x.yaml:13: `policies[0]`: states no `rules`",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn conditions_are_compiled_when_the_file_is_read() {
    let text = "extends: balanced
rules:
  - {id: a, when: erors.rate > 0.1, then: {rollback: true}}
  - {id: b, when: quality.overall >= 85, then: {rollback: true}}
policies:
  - id: p
    type: cost
    rules:
      - {condition: daily_cost > 1, action: deny}
      - {condition: daily_cost >= 0, action: deny}
services: {chat: {rules: [{id: c, when: errors.rate >, then: {rollback: true}}]}}
";
    let told = problems(text);
    for part in [
        "x.yaml:3: `rules[0].when`: knows no `erors.rate`; did you mean `errors.rate`?",
        "x.yaml:4: `rules[1].when`: holds `quality.overall` against 85; quality runs from 0 to 1; write 0.85",
        "x.yaml:10: `policies[0].rules[1].condition`: is true whatever the values, so it always fires",
        "x.yaml:11: `services.chat.rules[0].when`: is not valid CEL at column 14",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert_eq!(told.lines().count(), 4, "{told}");
    let names = &read(ACTING).unwrap().default.rules[2].when.names;
    assert_eq!(names.iter().collect::<Vec<_>>(), ["tokens.output"]);
}

#[test]
fn ranges_and_experiments_agree_with_themselves() {
    let text = "extends: balanced
parameters:
  temperature: {min: 1, max: 0.5, max_step: 0.1}
  top_p: {min: 0, max: 2, max_step: 0.1}
  top_k: {min: 1.5, max: 40, max_step: 5}
  max_tokens: {min: 64, max: 4096}
experiments: {floor_percent: 12, points_per_day: 6}
services:
  chat:
    parameters:
      temperature: {min: 0, max: 1, max_step: 2}
";
    let told = problems(text);
    for part in [
        "x.yaml:3: `parameters.temperature`: wants `min` below `max`, got 1 and 0.5",
        "x.yaml:4: `parameters.top_p`: goes from 0 to 2; no model takes less than 0 or more than 1",
        "x.yaml:5: `parameters.top_k`: wants whole numbers, got 1.5 and 40",
        "x.yaml:6: `parameters.max_tokens`: states no limit for one step",
        "x.yaml:7: `experiments.points_per_day`: wants percentage points, more than 0 and at most 5, got 6",
        "x.yaml:11: `services.chat.parameters.temperature`: allows steps of 2, more than the whole range from 0 to 1",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let told = problems("extends: balanced\nexperiments: {floor_percent: 12}");
    assert!(told.contains("keeps 12 % for each arm, but `max_share_percent` allows 10 % for all"), "{told}");
}

#[test]
fn the_other_sections_are_read_and_limits_can_be_lifted() {
    let text = "
extends: conservative
max_changes_per_tick: unlimited
task: extraction
backup_model: openai/z
constraints: {quality_min: 0.8, latency_p95_ms: 2000}
soft_constraints: {error_rate: 0.01, quality_min: unlimited}
models: {regions: [EU]}
experiments: {mode: observe}
rollout: {deadline_hours: 12}
prompts:
  short: {system_prompt: \"Be\\nbrief.\", note: half the tokens}
services: {chat: {constraints: {quality_min: unlimited}}}
";
    let policy = read(text).unwrap_or_else(|problems| panic!("{problems}"));
    let rules = &policy.default;
    assert_eq!(policy.max_changes_per_tick, None);
    assert_eq!((rules.constraints.quality_min, policy.rules("chat").constraints.quality_min), (Some(0.8), None));
    assert_eq!((rules.soft.error_rate, rules.soft.quality_min), (Some(0.01), None));
    assert_eq!((rules.experiments.mode, rules.experiments.max_share_percent), (Mode::Observe, 10.0));
    assert_eq!(rules.prompts["short"].system_prompt, "Be\nbrief.");
    assert_eq!((rules.rollout.deadline_hours, rules.backup_model.as_deref()), (12.0, Some("openai/z")));
}
