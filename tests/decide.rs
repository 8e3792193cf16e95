//! Deciding as a process: rules, trials, parameters and regions over the log of testdata/, and what is said where an input is wrong.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{expect, plan_json, root, run, write_lines};

fn file(folder: &Path, name: &str, text: &str) -> String {
    write_lines(folder, name, &[text.to_owned()])
}

/// The plan over testdata/ under the balanced profile with what the text changes.
fn planned(yaml: &str, more: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let policy = file(folder.path(), "p.yaml", &format!("extends: balanced\n{yaml}"));
    let mut arguments = vec!["--policy", policy.as_str()];
    arguments.extend(more);
    plan_json(&root(), &arguments)
}

fn of<'a>(plan: &'a Value, service: &str, segment: &str) -> &'a Value {
    let decisions = plan["decisions"].as_array().unwrap();
    decisions.iter().find(|one| one["service"] == service && one["segment"] == segment).unwrap()
}

fn step<'a>(decision: &'a Value, by: &str) -> &'a str {
    let steps = decision["ladder"].as_array().unwrap();
    steps.iter().find(|step| step["by"] == by).unwrap()["why"].as_str().unwrap()
}

const MIXTRAL: &str = "openrouter/mistralai/mixtral-8x7b-instruct";

#[test]
fn a_rule_may_forbid_and_says_which_values_it_saw() {
    let plan = planned("rules: [{id: calm, when: errors.rate < 0.5, then: {deny: not today}}]", &[]);
    let decision = of(&plan, "helpdesk", "simple");
    assert_eq!((decision["action"].as_str(), decision["rung"].as_str()), (Some("refused"), Some("business_rule")));
    assert!(decision["reason"].as_str().unwrap().contains("not today"));
    assert!(decision["rules"][0]["values"]["errors.rate"].as_f64().unwrap() < 0.01);
    // Going back to what worked is safety's, and comes before any rule.
    assert_eq!(of(&plan, "summarizer", "medium")["action"], "revert");
}

#[test]
fn a_model_nobody_may_host_elsewhere_is_refused_by_region() {
    let plan = planned("models: {regions: [EU]}", &[]);
    let decision = of(&plan, "helpdesk", "simple");
    assert_eq!(decision["action"], "refused");
    assert!(decision["reason"].as_str().unwrap().contains("where it is hosted is unknown"), "{}", decision["reason"]);
}

#[test]
fn a_model_the_service_has_not_used_is_priced_and_waits_for_evidence() {
    let plan = planned("services: {translator: {models: {consider: [openai/gpt-4o-mini]}}}", &[]);
    let decision = of(&plan, "translator", "simple");
    let candidates = decision["candidates"].as_array().unwrap();
    let mini = candidates.iter().find(|one| one["arm"]["model"] == "gpt-4o-mini").unwrap();
    assert!(mini["cost_per_request_usd"]["value"].as_f64().unwrap() > 0.0);
    assert!(mini["borrowed"][0]["from"].as_str().unwrap().starts_with("its price"), "{}", mini["borrowed"]);
    assert_eq!((decision["action"].as_str(), mini["quality"].is_null()), (Some("keep"), true));
}

#[test]
fn a_declared_prompt_is_tried_on_a_percent_of_the_traffic() {
    let yaml = "services: {translator: {prompts: {t-9: {system_prompt: Translate word by word., note: literal}}}}";
    let plan = planned(yaml, &[]);
    let decision = of(&plan, "translator", "simple");
    assert_eq!(
        (decision["action"].as_str(), decision["strategy"].as_str()),
        (Some("experiment"), Some("prompt_variants"))
    );
    assert_eq!(decision["rollout_percent"], serde_json::json!([1]));
    assert_eq!(decision["settings"][0]["key"], "system_prompt");
    let canary = &decision["canary"];
    assert!(canary["hours"].as_f64().unwrap() <= canary["deadline_hours"].as_f64().unwrap());
}

#[test]
fn parameters_need_to_be_known_before_they_are_changed() {
    let yaml = "rules: [{id: cool, when: tokens.output > 10, then: {adjust: {temperature: {add: -0.1}}}}]\n\
                parameters: {temperature: {min: 0, max: 1, max_step: 0.1}}\nservices: {translator: {mode: enforce}}";
    let unknown = planned(yaml, &[]);
    assert!(step(of(&unknown, "translator", "simple"), "adaptive parameters").contains("--configurations"));
    let folder = tempfile::tempdir().unwrap();
    let known =
        file(folder.path(), "c.yaml", "- {service_id: translator, configuration: {temperature: 0.70, stream: true}}");
    let plan = planned(yaml, &["--configurations", &known]);
    let decision = of(&plan, "translator", "simple");
    assert_eq!(
        decision["settings"],
        serde_json::json!([{"key": "temperature", "from": "0.7", "to": "0.6"}]),
        "{}",
        decision["reason"]
    );
}

#[test]
fn governance_denies_what_it_cannot_tell() {
    let yaml = "policies: [{id: eu, name: Residency, type: compliance, rules: [{condition: \"user.region == 'EU'\", action: deny, message: stay}]}]";
    let plan = planned(yaml, &[]);
    assert!(of(&plan, "helpdesk", "simple")["reason"].as_str().unwrap().contains("user.region is unknown"));
}

#[test]
fn one_change_at_a_time_where_the_policy_says_so() {
    let plan = planned("max_changes_per_tick: 1", &[]);
    let actions: Vec<&str> =
        plan["decisions"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    // The way back and the way out are safety's and count, but never wait.
    assert_eq!(actions.iter().filter(|action| **action == "deferred").count(), 1, "{actions:?}");
    assert_eq!(of(&plan, "helpdesk", "simple")["action"], "deferred");
}

#[test]
fn the_explanation_is_there_in_words_and_as_the_same_json() {
    let words = run(&root(), &["plan", "--dry-run", "--explain", "helpdesk"]);
    for word in ["What would change the answer", "Who was asked", "verdict     at 5 % a verdict on", "decision    "] {
        assert!(words.stdout.contains(word), "`{word}` is missing in\n{}", words.stdout);
    }
    let json = run(&root(), &["plan", "--dry-run", "--explain", "helpdesk", "--format", "json"]);
    let explained: Value = serde_json::from_str(&json.stdout).unwrap();
    let whole = plan_json(&root(), &[]);
    assert_eq!(explained["decisions"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&explained["id"], of(&explained, "helpdesk", "simple")),
        (&whole["id"], of(&whole, "helpdesk", "simple"))
    );
}

#[test]
fn the_plan_names_what_it_was_made_from() {
    let whole = plan_json(&root(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let configurations = file(folder.path(), "c.yaml", "- {service_id: helpdesk, configuration: {model: a}}");
    let told = plan_json(&root(), &["--configurations", &configurations]);
    let inputs = |plan: &Value, name: &str| plan["inputs"][name].clone();
    assert_eq!(inputs(&whole, "data_sha256"), inputs(&told, "data_sha256"));
    assert!(inputs(&whole, "configurations_sha256").is_null() && inputs(&told, "configurations_sha256").is_string());
    assert_ne!(whole["id"], told["id"]);
}

#[test]
fn configurations_that_are_none_are_refused_with_the_form() {
    let folder = tempfile::tempdir().unwrap();
    let text = |name: &str, text: &str| file(folder.path(), name, text);
    for (name, content, words) in [
        ("map.yaml", "service_id: a", "is no list of configurations"),
        ("nested.yaml", "- {service_id: a, configuration: {routing: [x]}}", "neither text nor a number"),
        ("lacks.yaml", "- {configuration: {model: a}}", "service_id"),
    ] {
        let path = text(name, content);
        let refused = run(&root(), &["plan", "--dry-run", "--configurations", &path]);
        expect(&refused, 2, &[words, "write a list of"]);
    }
    expect(
        &run(&root(), &["plan", "--dry-run", "--configurations", "nowhere.yaml"]),
        2,
        &["cannot read the configurations"],
    );
}

#[test]
fn policies_that_cannot_work_are_refused_with_every_problem() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &str, &[&str]); 7] = [
        ("weights", "objectives: {cost: 0, latency: 0, quality: 0}", &["objectives"]),
        ("always", "rules: [{id: a, when: errors.rate >= 0, then: {deny: x}}]", &["always fires"]),
        ("unknown", "rules: [{id: a, when: error.rate > 0.1, then: {deny: x}}]", &["did you mean `error_rate`"]),
        ("scale", "rules: [{id: a, when: quality.overall >= 85, then: {deny: x}}]", &["0.85"]),
        ("loops", "rules: [{id: a, when: \"[1,2,3].exists(x, x > errors.rate)\", then: {deny: x}}]", &["findings"]),
        ("twice", "models: {allow: [openai/a], deny: [openai/a]}", &["openai/a"]),
        ("range", "parameters: {temperature: {min: 1, max: 0, max_step: 0.1}}", &["temperature"]),
    ];
    for (name, yaml, words) in cases {
        let path = file(folder.path(), &format!("{name}.yaml"), &format!("extends: balanced\n{yaml}"));
        let checked = run(&root(), &["policy", "check", &path]);
        expect(&checked, 2, words);
    }
}

#[test]
fn ten_thousand_rules_are_a_plan_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |number: u32| {
        format!("  - {{id: r{number}, when: cost.per_request > {number} && errors.rate > 0.1, then: {{deny: x}}}}")
    };
    let rules: Vec<String> = (1..=10_000).map(rule).collect();
    let policy = file(folder.path(), "p.yaml", &format!("extends: balanced\nrules:\n{}", rules.join("\n")));
    let plan = plan_json(&root(), &["--policy", &policy]);
    let decision = of(&plan, "helpdesk", "simple");
    assert_eq!((decision["action"].as_str(), decision["rules"].as_array().unwrap().len()), (Some("change"), 10_000));
}

#[test]
fn what_was_weighed_is_the_same_whoever_is_named_in_the_policy() {
    // A rule that asks for what the optimizer would choose anyway changes who decided, and nothing else.
    let rule = format!("rules: [{{id: cheap, when: cost.per_request > 0.001, then: {{switch_model: {MIXTRAL}}}}}]");
    let (plain, ruled) = (planned("", &[]), planned(&rule, &[]));
    let (plain, ruled) = (of(&plain, "helpdesk", "simple"), of(&ruled, "helpdesk", "simple"));
    assert_eq!((ruled["action"].as_str(), ruled["rung"].as_str()), (Some("change"), Some("business_rule")));
    for part in ["effects", "proposed", "spend_change_usd_per_day", "confidence"] {
        assert_eq!(plain[part], ruled[part], "{part}");
    }
}
