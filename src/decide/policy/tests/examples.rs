//! Files of examples: what is wrong with them is told like that of policies.

use crate::decide::policy::parse_examples;

#[test]
fn what_is_given_beside_figures_is_told_what_is_wrong_with_it() {
    let arms = "arms: [{model: openai/a, requests: 10, latency_p95_ms: 5}]";
    let text = format!(
        "tests:
  - name: a
    given:
      {arms}
      facts:
        user.regoin: EU
        cost.month: -1
        daily_cost: lots
        cost.hourly: 5
        hourly_cost: 6
        anomaly.cost: 1
        model.tier: fats
        predicted.quality: 0.9
        quality.overall: .nan
        user.region: [EU]
      memory:
        calm: {{held_for: 2, acted_ago: [1h, soon]}}
      configuration: {{max_tokens: [1]}}
    expect: {{action: keep}}
"
    );
    let told = parse_examples("t.yaml", &text).unwrap_err().to_string();
    let sieved = [
        "t.yaml:15: `tests[0].given.facts.\"user.region\"`: wants a text, a number, or `true` or `false`, got a list",
        "t.yaml:17: `tests[0].given.memory.calm.held_for`: wants a duration",
        "`tests[0].given.memory.calm.acted_ago[1]`: `soon` is not a duration",
        "t.yaml:18: `tests[0].given.configuration.max_tokens`: wants a text, a number, or `true` or `false`, got a list",
        "t.yaml:14: `tests[0].given.facts.\"quality.overall\"`: wants a text, a number",
    ];
    let keep = |line: &&str| {
        !["region: [EU]", "calm:", "memory:", "max_tokens", "quality.overall: .nan"]
            .iter()
            .any(|part| line.contains(part))
    };
    for part in sieved {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let sound: Vec<&str> = text.lines().filter(keep).collect();
    let told = parse_examples("t.yaml", &(sound.join("\n") + "\n")).unwrap_err().to_string();
    for part in [
        "t.yaml:6: `tests[0].given.facts.\"user.regoin\"`: is no name that conditions know; did you mean `user.region`?",
        "t.yaml:7: `tests[0].given.facts.\"cost.month\"`: wants 0 or more, got -1",
        "t.yaml:8: `tests[0].given.facts.daily_cost`: wants a number",
        "t.yaml:10: `tests[0].given.facts.hourly_cost`: says `cost.hourly` once more; keep one",
        "t.yaml:11: `tests[0].given.facts.\"anomaly.cost\"`: wants `true` or `false`",
        "t.yaml:12: `tests[0].given.facts.\"model.tier\"`: wants `fast`, `balanced` or `advanced`, got `fats`",
        "t.yaml:13: `tests[0].given.facts.\"predicted.quality\"`: is what the plan finds out of each candidate",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn mistakes_are_told_with_their_line() {
    let text = "tests:
  - name: a
    given:
      now: yesterday
      arms:
        - {model: openai/a, requests: 10, latency_p95_ms: 5}
        - {model: openai/b, requests: 20, latency_p95_ms: 5}
        - {model: openai/b, requests: 5, latency_p95_ms: 5, serves_now: false}
      findings: [{kind: drfit}, {kind: drift, metric: lag}]
    expect: {}
";
    let told = parse_examples("t.yaml", text).unwrap_err().to_string();
    for part in [
        "t.yaml:4: `tests[0].given.now`: wants a time such as `2026-03-02T12:00:00Z`, got `yesterday`",
        "t.yaml:7: `tests[0].given.arms[1]`: serves more than the first one, which is the present",
        "t.yaml:8: `tests[0].given.arms[2]`: repeats a model with the same `config_version`",
        "t.yaml:9: `tests[0].given.findings[0].kind`: unknown variant `drfit`, expected one of `no_traffic`",
        "t.yaml:9: `tests[0].given.findings[1].metric`: unknown variant `lag`, expected one of `requests`",
        "t.yaml:10: `tests[0].expect`: expects nothing",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let told = parse_examples("t.yaml", "tests:\n  - {name: a, given: {arms: []}, expect: {action: chnage}}\n")
        .unwrap_err()
        .to_string();
    assert!(told.contains("did you mean `change`?"), "{told}");
    assert!(told.contains("`tests[0].given.arms`: has 0 entries, wants 1..=100"), "{told}");
    assert!(parse_examples("t.yaml", "").unwrap_err().to_string().contains("begin with `tests:`"));
}
