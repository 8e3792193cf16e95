//! Settings that cannot both be meant are told as a pair, with the line of one of them.

use super::{problems, read};
use crate::decide::policy::{parse_models, unpriced};

#[test]
fn pairs_are_named() {
    let text = "extends: conservative
total_daily_budget_usd: 900
total_monthly_budget_usd: 500
models: {allow: [openai/a, openai/b], deny: [openai/b], consider: [openai/c]}
backup_model: openai/b
rollout: {deadline_hours: 1}
parameters: {temperature: {min: 0.2, max: 1, max_step: 0.1}}
rules:
  - {id: to, when: errors.rate > 0.1, then: {switch_model: mistral/x}}
  - {id: try, when: errors.rate > 0.2, then: {experiment: openai/a}}
  - {id: set, when: errors.rate > 0.3, then: {adjust: {temperature: 0, top_k: 3}}}
  - {id: add, when: errors.rate > 0.3, then: {adjust: {temperature: {add: -0.5}}}}
  - {id: one, when: errors.rate > 0.4, then: {switch_model: openai/a}}
  - {id: two, when: errors.rate > 0.4, then: {switch_model: openai/z}}
services:
  chat: {daily_budget_usd: 40, monthly_budget_usd: 30}
";
    let told = problems(text);
    for part in [
        "x.yaml:2: `total_daily_budget_usd`: allows more in a day than in a month: `total_daily_budget_usd` is 900, `total_monthly_budget_usd` 500",
        "x.yaml:4: `models.deny`: names `openai/b`, and so does `allow`",
        "x.yaml:4: `models.consider`: names `openai/c`, but the policy allows other models only under `models`",
        "x.yaml:5: `backup_model`: names `openai/b`, but the policy denies `openai/b` under `models`",
        "x.yaml:6: `rollout.deadline_hours`: gives up after 1 hours, but `bake_minutes` alone take 1.916666667",
        "x.yaml:9: `rules[0].then.switch_model`: names `mistral/x`, but the policy allows other models only",
        "x.yaml:10: `rules[1].then.experiment`: begins an experiment, but `experiments: { mode: off }` allows none",
        "x.yaml:11: `rules[2].then.adjust.temperature`: sets 0, but `parameters` allow 0.2 to 1",
        "x.yaml:11: `rules[2].then.adjust.top_k`: changes top_k, but `parameters` allows only `temperature`",
        "x.yaml:12: `rules[3].then.adjust.temperature`: moves by -0.5, but `parameters` allow steps of 0.1",
        "x.yaml:14: `rules[5].then.switch_model`: wants `openai/z` where rule `one` wants `openai/a`",
        "x.yaml:16: `services.chat.daily_budget_usd`: allows more in a day than in a month",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn models_without_a_price_or_a_region_are_told() {
    let table = "models:\n  - {provider: openai, model: a, input_usd_per_mtok: 1, output_usd_per_mtok: 2}\n  - {provider: openai, model: b, input_usd_per_mtok: 1, output_usd_per_mtok: 2, region: eu, profile: {quality: 0.8}}\n";
    let table = parse_models("m.yaml", table).unwrap();
    let policy = read(
        "
extends: balanced
models: {consider: [openai/a, openai/b], regions: [EU]}
rules: [{id: r, when: errors.rate > 0.1, then: {switch_model: openai/q}}]
",
    )
    .unwrap();
    assert_eq!(
        unpriced(&policy, &table),
        [
            "`models.consider` names `openai/a`, but `models.regions` bars it: nobody says where it is hosted",
            "rule `r` names `openai/q`, which has no price; add it to `models.yaml`",
        ]
    );
}
