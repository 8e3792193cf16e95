//! The schemas in `docs/schema/` are those of the program, and the files in `policies/` keep to them in the eyes of an
//! independent validator. `UPDATE_SCHEMAS=1 cargo test --test policy_files` writes the schemas anew.

use std::{path::Path, time::Instant};

use optimizer::decide::policy::{MODELS, PROFILES, Source, examples_schema, models_schema, parse, profile, schema};
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
fn the_schema_of_policy_tests_is_current() {
    let schema = examples_schema();
    assert_eq!(published("policy-tests.v1.json", &schema), schema, "run with UPDATE_SCHEMAS=1 to write it anew");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policy/tests.yaml");
    assert_valid(&schema, "tests.yaml", &std::fs::read_to_string(path).expect("the example"));
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

fn optimizer(arguments: &[&str]) -> (Option<i32>, String, String) {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_optimizer"))
        .args(arguments)
        .current_dir(root)
        .env_remove("OPTIMIZER_POLICY")
        .env_remove("OPTIMIZER_MODELS")
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_example_policy_decides_what_its_tests_say() {
    let (code, out, err) = optimizer(&["policy", "test", "examples/policy/tests.yaml"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.ends_with("5 of 5 tests passed\n"), "{out}");
}

#[test]
fn a_policy_that_decides_otherwise_fails_its_tests() {
    let test = ["policy", "test", "examples/policy/tests.yaml", "--policy", "policies/conservative.yaml"];
    let (code, out, err) = optimizer(&test);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(
        out.contains("FAIL  a model as good for a tenth of the money is taken  (examples/policy/tests.yaml:8)"),
        "{out}"
    );
    assert!(out.contains("there is no such rule here"), "{out}");
    assert!(err.contains("of 5 tests failed"), "{err}");
    let (code, out, _) = optimizer(&[&test[..], &["--format", "json"]].concat());
    let outcomes: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (code, outcomes[0]["passed"].as_bool(), outcomes.as_array().map(Vec::len)),
        (Some(1), Some(false), Some(5))
    );
}

#[test]
fn a_folder_is_checked_as_a_whole() {
    let (code, out, err) = optimizer(&["policy", "check", "policies"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("policies/models.yaml: fine (") && out.contains("policies/balanced.yaml: fine"), "{out}");
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("a.yaml", "extends: balanced\nmode: fast\n"),
        ("b.yml", "tests:\n  - {name: x}\n"),
        ("c.yaml", "models:\n  - {provider: OpenAI, model: x}\n"),
    ] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let (code, out, err) = optimizer(&["policy", "check", folder.path().to_str().expect("a path")]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    for part in ["a.yaml:2: `mode`", "b.yml:2: `tests[0]`: lacks `given`", "c.yaml:2: `models[0].provider`"] {
        assert!(err.contains(part), "{part}\n{err}");
    }
    // What has no price is told, and is no mistake.
    std::fs::write(folder.path().join("w.yaml"), "extends: balanced\nbackup_model: openai/nobody\n").expect("written");
    let (code, out, _) = optimizer(&["policy", "check", folder.path().join("w.yaml").to_str().expect("a path")]);
    assert!(
        code == Some(0) && out.contains("warning: `backup_model` names `openai/nobody`, which has no price"),
        "{out}"
    );
}
