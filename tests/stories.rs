//! The five services of `testdata/`, each with one right answer.

mod support;

use serde_json::Value;
use support::{plan_json, root, run};

fn decision<'a>(plan: &'a Value, service: &str, segment: &str) -> &'a Value {
    plan["decisions"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["service"] == service && one["segment"] == segment))
        .unwrap_or_else(|| panic!("no decision for {service} {segment}"))
}

fn has_finding(plan: &Value, service: &str, kind: &str) -> bool {
    plan["findings"].as_array().expect("findings").iter().any(|one| one["service"] == service && one["kind"] == kind)
}

#[test]
fn simple_questions_move_to_the_cheaper_model_and_only_those() {
    let plan = plan_json(&root(), &[]);
    let simple = decision(&plan, "helpdesk", "simple");
    assert_eq!(simple["action"], "change");
    assert_eq!(simple["rung"], "optimizer");
    assert_eq!(simple["proposed"]["model"], "mistralai/mixtral-8x7b-instruct");
    assert!(simple["spend_change_usd_per_day"].as_f64().expect("known") < -100.0);
    assert!(simple["confidence"].as_f64().expect("known") >= 0.9);
    for segment in ["medium", "complex"] {
        let kept = decision(&plan, "helpdesk", segment);
        assert_eq!(kept["action"], "refused", "{segment}");
        assert!(kept["reason"].as_str().expect("text").contains("quality"), "{segment}: {}", kept["reason"]);
    }
}

#[test]
fn a_slow_provider_is_left_for_the_one_that_is_not() {
    let plan = plan_json(&root(), &[]);
    assert!(has_finding(&plan, "assistant", "latency_high"));
    let moved = decision(&plan, "assistant", "medium");
    assert_eq!(moved["action"], "change");
    assert_eq!(moved["rung"], "safety_rule");
    assert_eq!(moved["current"]["provider"], "together");
    assert_eq!(moved["proposed"]["provider"], "openrouter");
    let finding = plan["findings"].as_array().unwrap().iter().find(|one| one["kind"] == "latency_high").unwrap();
    assert_eq!(finding["cause"]["provider"], "together", "the finding names the provider that is slow");
}

#[test]
fn a_budget_in_danger_does_not_buy_a_worse_model() {
    let plan = plan_json(&root(), &[]);
    assert!(has_finding(&plan, "code-review", "daily_budget"));
    let refused = decision(&plan, "code-review", "complex");
    assert_eq!(refused["action"], "refused");
    assert!(refused["reason"].as_str().expect("text").contains("quality"));
    let service = plan["services"].as_array().unwrap().iter().find(|one| one["service"] == "code-review").unwrap();
    let spend = |name: &str| service["spend"][name].as_f64().expect("known");
    assert!(spend("today_usd") < 1000.0 && spend("projected_usd") > 1000.0);
    assert!(service["spend"]["exhausted_at"].as_str().expect("before midnight").starts_with("2023-11-17T2"));
}

#[test]
fn a_config_that_lost_quality_is_reverted() {
    let plan = plan_json(&root(), &[]);
    assert!(has_finding(&plan, "summarizer", "config_regression"));
    let reverted = decision(&plan, "summarizer", "medium");
    assert_eq!(reverted["action"], "revert");
    assert_eq!(reverted["rung"], "safety_rule");
    assert_eq!(reverted["current"]["config_version"], "sm-42");
    assert_eq!(reverted["proposed"]["config_version"], "sm-41");
    assert_eq!(reverted["rollout_percent"], serde_json::json!([100]));
}

#[test]
fn a_healthy_service_is_left_alone() {
    let plan = plan_json(&root(), &[]);
    let kept = decision(&plan, "translator", "simple");
    assert_eq!(kept["action"], "keep");
    assert_eq!(kept["rung"], "do_nothing");
    assert!(plan["findings"].as_array().unwrap().iter().all(|finding| finding["service"] != "translator"));
}

#[test]
fn every_row_is_accounted_for() {
    let plan = plan_json(&root(), &[]);
    let source = &plan["source"];
    let number = |name: &str| source[name].as_u64().expect("a count");
    let rejected: u64 = source["rejected"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(number("rows_read"), number("rows_used") + number("rows_outside") + number("rows_duplicate") + rejected);
    assert_eq!((number("rows_read"), number("rows_duplicate"), rejected), (64_078, 3, 4));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for format in ["table", "json", "markdown"] {
        let plan = || run(&root(), &["plan", "--dry-run", "--format", format]).stdout;
        assert_eq!(plan(), plan(), "{format}");
    }
}

#[test]
fn profiles_differ_where_they_should() {
    // Conservative allows three percent of quality to go; the simple questions would cost about that.
    let plan = plan_json(&root(), &["--policy", "policies/conservative.yaml"]);
    assert_eq!(decision(&plan, "helpdesk", "simple")["action"], "refused");
    assert_eq!(decision(&plan, "summarizer", "medium")["action"], "revert", "safety does not depend on the profile");
}

#[test]
fn explaining_shows_every_check_with_its_numbers() {
    let run = run(&root(), &["plan", "--dry-run", "--explain", "helpdesk"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for expected in [
        "Segment simple: CHANGE",
        "Segment complex: refused",
        "fails   quality loss",
        "design effect",
        "90 %",
        "5 % → 25 % → 50 % → 100 %",
    ] {
        assert!(run.stdout.contains(expected), "{expected} is missing in\n{}", run.stdout);
    }
}
