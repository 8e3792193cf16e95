//! Each kind of mistake with its exact message.

use super::problems;

/// Each text, after `extends: balanced` on line 1, with all that is said about it.
fn table(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(problems(&format!("extends: balanced\n{text}")), *message, "{text}");
    }
}

#[test]
fn sound() {
    table(&[("", ""), ("mode: off", ""), ("services: {a: {}}", ""), ("thresholds: {latency_p95_ms: 5e3}", "")]);
}

#[test]
fn unknown_keys() {
    table(&[
        (
            "thresholds: {latency_p95: 1}",
            "x.yaml:2: `thresholds.latency_p95`: is not a known setting; did you mean `latency_p95_ms`?",
        ),
        ("Mode: off", "x.yaml:2: `Mode`: is not a known setting; did you mean `mode`?"),
        (
            "latency_p95_ms: 1",
            "x.yaml:2: `latency_p95_ms`: is not a known setting; it belongs under `constraints`, `soft_constraints` or `thresholds`",
        ),
        (
            "services:\n  helpdesk:\n    error_rate: 0.1",
            "x.yaml:4: `services.helpdesk.error_rate`: is not a known setting; it belongs under `constraints`, `soft_constraints` or `thresholds`",
        ),
        (
            "rollout: {mode: off}",
            "x.yaml:2: `rollout.mode`: is not a known setting; it belongs one level up, not under `rollout`",
        ),
        (
            "evidence: {colour: red}",
            "x.yaml:2: `evidence.colour`: is not a known setting; known here: min_requests, min_scored",
        ),
        ("services: {5: {}}", "x.yaml:2: `services.5`: is a key that is not text; put it in quotes: `\"5\"`"),
        ("services: {'': {}}", "x.yaml:2: `services.\"\"`: is no name; names have 1 to 128 printable characters"),
        (
            "\"a\\eb\": 1",
            "x.yaml:2: `\"a\\u{1b}b\"`: is not a known setting; known here: backup_model, constraints, daily_budget_usd, decision, evidence, experiments, extends, gate, max_changes_per_tick, mode, models, monthly_budget_usd, name, objectives, parameters, policies, prompts, rollback, rollout, rules, scores, services, soft_constraints, task, thresholds, total_daily_budget_usd, total_monthly_budget_usd",
        ),
    ]);
}

#[test]
fn units() {
    table(&[
        (
            "thresholds:\n  latency_p95_ms: 5s",
            "x.yaml:3: `thresholds.latency_p95_ms`: wants milliseconds, 1..=3600000, as a plain number; for `5s` write 5000",
        ),
        (
            "rollback: {quality_drop_percent: 20%}",
            "x.yaml:2: `rollback.quality_drop_percent`: wants percent, 0..=100, as a plain number; for `20%` write 20",
        ),
        (
            "thresholds: {error_rate: 5%}",
            "x.yaml:2: `thresholds.error_rate`: wants a share, 0..=1, as a plain number; for `5%` write 0.05",
        ),
        (
            "thresholds: {quality_min: 85}",
            "x.yaml:2: `thresholds.quality_min`: wants a score, 0..=1, got 85; did you mean 0.85?",
        ),
        (
            "decision: {min_confidence: 90}",
            "x.yaml:2: `decision.min_confidence`: wants a probability, 0..=1, got 90; did you mean 0.9?",
        ),
        (
            "thresholds: {cost_per_request_usd: $0.10}",
            "x.yaml:2: `thresholds.cost_per_request_usd`: wants US dollars, more than 0 and at most 10000, as a plain number; for `$0.10` write 0.1",
        ),
        (
            "total_daily_budget_usd: 0",
            "x.yaml:2: `total_daily_budget_usd`: wants US dollars, more than 0 and at most 1000000000, or `unlimited`, got 0; for no limit write `unlimited`",
        ),
        (
            "daily_budget_usd: unlimitd",
            "x.yaml:2: `daily_budget_usd`: wants US dollars, more than 0 and at most 1000000000, or `unlimited`, got the text `unlimitd`",
        ),
        (
            "rollback: {cost_ratio: 2x}",
            "x.yaml:2: `rollback.cost_ratio`: wants a multiple, 1..=1000, as a plain number; for `2x` write 2",
        ),
        (
            "evidence: {min_requests: '300'}",
            "x.yaml:2: `evidence.min_requests`: wants whole requests, 1..=1000000000, as a plain number; for `300` write 300",
        ),
        (
            "rollout: {bake_minutes: [5, 1h, 15]}",
            "x.yaml:2: `rollout.bake_minutes[1]`: wants whole minutes, 0..=43200, as a plain number; for `1h` write 60",
        ),
    ]);
}

#[test]
fn types_and_ranges() {
    table(&[
        (
            "thresholds: {error_rate: .nan}",
            "x.yaml:2: `thresholds.error_rate`: wants a share, 0..=1, got `.nan`, which is no number",
        ),
        ("thresholds: {error_rate: .inf}", "x.yaml:2: `thresholds.error_rate`: wants a share, 0..=1, got inf"),
        ("thresholds: {error_rate: -0.1}", "x.yaml:2: `thresholds.error_rate`: wants a share, 0..=1, got -0.1"),
        (
            "thresholds: {latency_p95_ms: 1e300}",
            "x.yaml:2: `thresholds.latency_p95_ms`: wants milliseconds, 1..=3600000, got 1e300",
        ),
        (
            "thresholds: {latency_p95_ms: fast}",
            "x.yaml:2: `thresholds.latency_p95_ms`: wants milliseconds, 1..=3600000, got the text `fast`",
        ),
        (
            "thresholds: {latency_p95_ms: true}",
            "x.yaml:2: `thresholds.latency_p95_ms`: wants milliseconds, 1..=3600000, got `true`",
        ),
        (
            "thresholds: {latency_p95_ms: [1]}",
            "x.yaml:2: `thresholds.latency_p95_ms`: wants milliseconds, 1..=3600000, got a list",
        ),
        (
            "thresholds: {latency_p95_ms: }",
            "x.yaml:2: `thresholds.latency_p95_ms`: has no value; give it one (milliseconds, 1..=3600000) or delete the line",
        ),
        ("thresholds:", "x.yaml:2: `thresholds`: has no value; give it one (a mapping of settings) or delete the line"),
        ("thresholds: 5", "x.yaml:2: `thresholds`: wants a mapping of settings, got the number 5"),
        (
            "evidence: {min_requests: 2.5}",
            "x.yaml:2: `evidence.min_requests`: wants whole requests, 1..=1000000000, got 2.5",
        ),
        (
            "evidence: {min_requests: 300.0}",
            "x.yaml:2: `evidence.min_requests`: wants whole requests, 1..=1000000000; write 300 without the point",
        ),
        (
            "rollback: {automatic: yes}",
            "x.yaml:2: `rollback.automatic`: wants `true` or `false`, got the text `yes`; write `true`",
        ),
        (
            "mode: enforced",
            "x.yaml:2: `mode`: wants `enforce`, `observe` or `off`, got `enforced`; did you mean `enforce`?",
        ),
        ("mode: false", "x.yaml:2: `mode`: wants `enforce`, `observe` or `off`, got `false`"),
        ("name: 5", "x.yaml:2: `name`: wants text, got the number 5; put it in quotes: `\"5\"`"),
        ("name: ''", "x.yaml:2: `name`: has 0 characters, wants 1..=128"),
        (
            "models: {deny: openai/gpt-4}",
            "x.yaml:2: `models.deny`: wants a list, each entry a model as `provider/model`, got the text `openai/gpt-4`; write `[\"openai/gpt-4\"]`",
        ),
        (
            "models: {deny: [gpt-4*]}",
            "x.yaml:2: `models.deny[0]`: wants a model as `provider/model`, `*` for any characters, got `gpt-4*`; did you mean `\"*/gpt-4*\"`?",
        ),
        (
            "models: {consider: ['openai/*']}",
            "x.yaml:2: `models.consider[0]`: wants one model, got the pattern `openai/*`; name each model that is to be weighed",
        ),
    ]);
}

#[test]
fn values_that_disagree() {
    table(&[
        (
            "objectives: {cost: 0, latency: 0, quality: 0}",
            "x.yaml:2: `objectives`: wants weights that add up to 1, but all are 0; give at least one of cost, latency and quality a weight",
        ),
        (
            "objectives: {cost: 0.5, latency: 0.5, quality: 0.5}",
            "x.yaml:2: `objectives`: wants weights that add up to 1, but cost 0.5, latency 0.5 and quality 0.5 make 1.5; in the same proportion: cost 0.333, latency 0.333, quality 0.333",
        ),
        (
            "rollout: {steps_percent: [25, 5, 50, 100]}",
            "x.yaml:2: `rollout.steps_percent`: wants ascending shares, but 25 is followed by 5",
        ),
        (
            "rollout: {steps_percent: [5, 25, 50, 90]}",
            "x.yaml:2: `rollout.steps_percent`: wants 100 as the last share, got 90; add it",
        ),
        ("scores: {stars: {worst: 1}}", "x.yaml:2: `scores.stars`: lacks `best`, which is required"),
        (
            "scores: {stars: {worst: 5, best: 5}}",
            "x.yaml:2: `scores.stars`: wants two different ends; `worst` is the value of the worst answer, `best` of a perfect one",
        ),
        ("rollout: {steps_percent: []}", "x.yaml:2: `rollout.steps_percent`: has 0 entries, wants 1..=20"),
        (
            "rollout: {steps_percent: [0.05, 100]}",
            "x.yaml:2: `rollout.steps_percent[0]`: wants whole percent, 1..=100, got 0.05; did you mean 5?",
        ),
        (
            "rollout:\n  bake_minutes: [5]",
            "x.yaml:3: `rollout.bake_minutes`: wants 3 entries, one for each of the 4 shares in `steps_percent` but the last, got 1",
        ),
        // A weight that was refused says nothing about the sum.
        (
            "objectives: {cost: 40, latency: 0.3, quality: 0.3}",
            "x.yaml:2: `objectives.cost`: wants a weight, 0..=1, got 40; did you mean 0.4?",
        ),
    ]);
}

#[test]
fn all_at_once_in_line_order() {
    table(&[(
        "services:\n  b: {mode: on, daily_budget_usd: -1}\nmode: enforce\nthresholds: {error_rate: 5}\nmode: off",
        "x.yaml:3: `services.b.mode`: wants `enforce`, `observe` or `off`, got `on`\n\
         x.yaml:3: `services.b.daily_budget_usd`: wants US dollars, more than 0 and at most 1000000000, or `unlimited`, got -1\n\
         x.yaml:5: `thresholds.error_rate`: wants a share, 0..=1, got 5; did you mean 0.05?\n\
         x.yaml:6: `mode`: is written twice, first on line 4; keep one of the two",
    )]);
}

#[test]
fn not_a_policy_at_all() {
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let deeper = "[".repeat(100_000);
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]";
    let large = format!("name: {}", "x".repeat(5 * 1024 * 1024));
    for (text, message) in [
        ("", "x.yaml: is empty; begin with `extends: balanced`"),
        ("# nothing yet\n", "x.yaml: is empty; begin with `extends: balanced`"),
        ("---\n", "x.yaml: is empty; begin with `extends: balanced`"),
        ("{}", "x.yaml: is empty; begin with `extends: balanced`"),
        ("- a", "x.yaml: wants a mapping of settings such as `extends: balanced`, got a list"),
        ("balanced", "x.yaml: wants a mapping of settings such as `extends: balanced`, got the text `balanced`"),
        ("mode: off\n---\nmode: off", "x.yaml:2: begins a second document; a file holds one, so delete the `---`"),
        (&deep, "x.yaml:1: is nested more than 16 levels deep; a policy needs five"),
        (&deeper, "x.yaml:1:256: is not valid YAML: recursion limit exceeded"),
        (&large, "x.yaml: is 5242886 bytes long; the most that is read is 4194304"),
        (
            bomb,
            "x.yaml:1: `a`: carries an anchor (`&name`), which is not supported; write the value out where it is needed\n\
             x.yaml:2: `b`: carries an anchor (`&name`), which is not supported; write the value out where it is needed\n\
             x.yaml:2: `b[0]`: uses an alias (`*name`), which is not supported; write the value out, and put text that begins with `*` in quotes\n\
             x.yaml:2: `b[1]`: uses an alias (`*name`), which is not supported; write the value out, and put text that begins with `*` in quotes\n\
             x.yaml:3: `c[0]`: uses an alias (`*name`), which is not supported; write the value out, and put text that begins with `*` in quotes\n\
             x.yaml:3: `c[1]`: uses an alias (`*name`), which is not supported; write the value out, and put text that begins with `*` in quotes",
        ),
        (
            "mode: !secret off",
            "x.yaml:1: `mode`: carries a tag (`!name`), which is not supported; write the plain value",
        ),
        ("? [a]\n: 1", "x.yaml:1: has a key that is not text; a key is a name such as `mode`"),
        (
            "mode: off",
            "x.yaml: states no `total_daily_budget_usd` and 30 other settings; add what is missing, or `extends: balanced` to take it from a profile",
        ),
        (
            "rollout:\n\tsteps_percent: [100]",
            "x.yaml:2:2: is not valid YAML: tabs disallowed within this context (block indentation); indent with spaces, YAML does not allow tabs",
        ),
        ("mode: [off", "x.yaml:2:1: is not valid YAML: while parsing a flow sequence, expected ',' or ']'"),
        (
            "mode: off\n  name: x",
            "x.yaml:2:7: is not valid YAML: mapping values are not allowed in this context; check the indentation, and put text with a `: ` in quotes",
        ),
        (
            "models: {deny: [*/gpt-4]}",
            "x.yaml:1:17: is not valid YAML: while parsing node, found unknown anchor; put text that begins with `*` in quotes",
        ),
    ] {
        assert_eq!(problems(text), message, "{text:.80}");
    }
}
