//! Two policies on the same data: where they part, in every form, and nothing is stored.

mod support;

use std::fs;

use serde_json::Value;
use support::{plan_json, root, run};
use tempfile::tempdir;

fn compared(a: &str, b: &str) -> Value {
    let run = run(&root(), &["plan", "--policy", a, "--compare", b, "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    serde_json::from_str(&run.stdout).unwrap()
}

const CAREFUL: &str = "policies/conservative.yaml";
const BOLD: &str = "policies/aggressive.yaml";

#[test]
fn json_matches_its_published_schema() {
    let schema = run(&root(), &["plan", "--schema", "comparison"]).stdout;
    let published = fs::read_to_string(root().join("docs/schema/policy-comparison.v1.json")).unwrap();
    assert!(
        published == schema,
        "regenerate it: optimizer plan --schema comparison > docs/schema/policy-comparison.v1.json"
    );
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let comparison = compared(CAREFUL, BOLD);
    let problems: Vec<String> = validator.iter_errors(&comparison).map(|error| error.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn a_policy_does_not_differ_from_itself() {
    let comparison = compared(BOLD, BOLD);
    assert_eq!((&comparison["differences"], &comparison["same"]), (&Value::Array(vec![]), &comparison["segments"]));
    assert_eq!(comparison["a"], comparison["b"]);
}

#[test]
fn each_side_is_the_plan_of_its_policy() {
    let comparison = compared(CAREFUL, BOLD);
    let mut plans = Vec::new();
    for (side, policy) in [("a", CAREFUL), ("b", BOLD)] {
        let plan = plan_json(&root(), &["--policy", policy]);
        assert_eq!(comparison[side]["plan_id"], plan["id"]);
        assert_eq!(comparison[side]["totals"], plan["totals"]);
        assert_eq!(comparison[side]["findings"], plan["findings"].as_array().unwrap().len());
        plans.push(plan);
    }
    // Counted apart from the code: who moves, and where to.
    let moves = |plan: &Value, at: usize| {
        let decision = &plan["decisions"][at];
        let action = decision["action"].as_str().unwrap();
        let settled = ["keep", "refused", "off"].contains(&action);
        if settled {
            Value::Null
        } else {
            Value::from(vec![decision["action"].clone(), decision["proposed"].clone(), decision["settings"].clone()])
        }
    };
    let all = plans[0]["decisions"].as_array().unwrap().len();
    let parted: Vec<usize> = (0..all).filter(|at| moves(&plans[0], *at) != moves(&plans[1], *at)).collect();
    let differences = comparison["differences"].as_array().unwrap();
    assert!(!differences.is_empty(), "the test data tells the two profiles apart");
    assert_eq!(differences.len(), parted.len());
    assert_eq!(comparison["segments"], all);
    assert_eq!(comparison["same"], all - parted.len());
    for difference in differences {
        for side in ["a", "b"] {
            let plan = &plans[usize::from(side == "b")];
            let decisions = plan["decisions"].as_array().unwrap();
            assert!(decisions.iter().any(|decision| decision["id"] == difference[side]["decision_id"]));
        }
    }
}

#[test]
fn tables_fit_and_markdown_is_whole() {
    let table = run(&root(), &["plan", "--policy", CAREFUL, "--compare", BOLD]).stdout;
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    assert!(table.contains("A is policy `conservative`") && table.contains("The same in "), "{table}");
    assert!(table.ends_with("Compared only: nothing was stored.\n"), "{table}");
    let page = run(&root(), &["plan", "--policy", CAREFUL, "--compare", BOLD, "--format", "markdown"]).stdout;
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let rows: Vec<usize> = page.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    assert!(
        rows.iter().filter(|cells| **cells == 7).count() >= 3 && rows.iter().all(|cells| [4, 7].contains(cells)),
        "{page}"
    );
}

#[test]
fn nothing_is_stored_and_different_scales_are_refused() {
    let folder = tempdir().unwrap();
    let log = root().join("testdata").display().to_string();
    let profile = |name: &str| root().join("policies").join(format!("{name}.yaml")).display().to_string();
    let (a, b) = (profile("balanced"), profile("aggressive"));
    let compared = run(folder.path(), &["plan", "--from", &log, "--policy", &a, "--compare", &b]);
    assert_eq!(compared.code, Some(0), "{}", compared.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let other = folder.path().join("b.yaml");
    fs::write(&other, "extends: aggressive\nscores: {helpful: {worst: 1, best: 5}}\n").unwrap();
    let refused =
        run(folder.path(), &["plan", "--from", &log, "--policy", &a, "--compare", &other.display().to_string()]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("read scores differently"), "{}", refused.stderr);
    let broken = run(folder.path(), &["plan", "--from", &log, "--compare", "none.yaml"]);
    assert_eq!(broken.code, Some(2), "{}", broken.stderr);
}
