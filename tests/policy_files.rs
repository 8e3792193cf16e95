//! The schemas in `docs/schema/` are those of the program, and the files in `policies/` keep to them in the eyes of an
//! independent validator. `UPDATE_SCHEMAS=1 cargo test --test policy_files` writes the schemas anew.

use std::{path::Path, time::Instant};

use optimizer::decide::policy::{MODELS, PROFILES, Source, models_schema, parse, profile, schema};
use serde_json::Value;

fn published(name: &str, current: &Value) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name);
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        let text = serde_json::to_string_pretty(current).expect("a schema is plain JSON");
        std::fs::write(&path, text + "\n").expect("the schema can be written");
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).expect("a published schema is JSON")
}

fn assert_valid(schema: &Value, name: &str, text: &str) {
    let value: Value = serde_yaml::from_str(text).expect("YAML");
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

#[test]
fn the_policy_schema_is_current_and_the_profiles_keep_to_it() {
    let schema = schema();
    assert_eq!(published("policy.v1.json", &schema), schema, "run with UPDATE_SCHEMAS=1 to write it anew");
    for name in PROFILES {
        assert_valid(&schema, name, profile(name).expect("a built-in profile"));
    }
}

#[test]
fn the_price_schema_is_current_and_the_table_keeps_to_it() {
    let schema = models_schema();
    assert_eq!(published("models.v1.json", &schema), schema, "run with UPDATE_SCHEMAS=1 to write it anew");
    assert_valid(&schema, "models.yaml", MODELS);
}

#[test]
fn ten_thousand_rules_load_quickly() {
    let rule = |index| {
        format!(
            "  - {{id: r{index}, when: errors.rate > 0.05 && requests.count > {index}, for: 1h, then: {{warn: hm}}}}\n"
        )
    };
    let text = "extends: balanced\nrules:\n".to_owned() + &(0..10_000).map(rule).collect::<String>();
    let begun = Instant::now();
    let policy = parse(Source { name: "x.yaml", text: &text }, &|_| Err(String::new())).expect("a sound policy");
    println!("loaded in {:?}", begun.elapsed());
    assert_eq!(policy.default.rules.len(), 10_000);
    // Less than half a second where it is built for release.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    for text in [
        "mode: fast",
        "modus: off",
        "thresholds: {error_rate: 5}",
        "thresholds: {cost_per_request_usd: 0}",
        "thresholds:",
        "total_daily_budget_usd: 0",
        "services: {a: {rollout: {steps_percent: [0, 100]}}}",
    ] {
        let value: Value = serde_yaml::from_str(text).expect("YAML");
        assert!(!validator.is_valid(&value), "{text}");
    }
    for text in ["total_daily_budget_usd: unlimited", "daily_budget_usd: 5", "services: {a: {mode: off}}"] {
        let value: Value = serde_yaml::from_str(text).expect("YAML");
        assert!(validator.is_valid(&value), "{text}");
    }
}
