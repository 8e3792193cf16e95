//! The forms in which a gate says what it found, for pipelines and people.

mod support;

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;
use support::{
    Run,
    gated::{SAME, Told, gate, log, two},
    optimizer, root,
};
use tempfile::tempdir;

fn schema(name: &str) -> jsonschema::Validator {
    let text = fs::read_to_string(support::root().join("testdata/schemas").join(name)).unwrap();
    // One pattern of the published SARIF schema, of language codes, has a bracket too many.
    let text = text.replace("{2}]?$", "{2}$");
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

#[track_caller]
fn keeps_to(schema: &jsonschema::Validator, value: &Value) {
    let errors: Vec<String> = schema.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn every_form_says_the_same() {
    let folder = tempdir().unwrap();
    let odd = |number: u64| {
        if number.is_multiple_of(2) { "pay|<b>`@x`\u{1f600}\n\"q\"".to_owned() } else { "search".to_owned() }
    };
    let baseline = log(folder.path(), "main", SAME, &odd);
    let candidate = log(folder.path(), "slow", Told { seed: 3, slower: 1.4, ..SAME }, &odd);
    let files = [
        "--json",
        "r.json",
        "--junit",
        "r.xml",
        "--sarif",
        "r.sarif",
        "--markdown",
        "r.md",
        "--code-quality",
        "q.json",
    ];
    let run = gate(&folder, &[&["--baseline", &baseline, "--candidate", &candidate][..], &files].concat());
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stdout.starts_with("Gate FAILED\n") && run.stdout.contains("because   latency p50 got worse"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 100), "{}", run.stdout);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let json: Value = serde_json::from_str(&read("r.json")).unwrap();
    let worse: Vec<&Value> = json["comparisons"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["verdict"] == "regression" && one["guards"] == true)
        .collect();
    assert!(worse.len() >= 6, "overall and in both services: {}", worse.len());
    let schema: Value = serde_json::from_str(&gate(&folder, &["--schema"]).stdout).unwrap();
    let errors: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let sarif: Value = serde_json::from_str(&read("r.sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), worse.len());
    let quality: Value = serde_json::from_str(&read("q.json")).unwrap();
    assert_eq!(quality.as_array().unwrap().len(), worse.len());
    let prints: BTreeSet<&str> =
        quality.as_array().unwrap().iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), worse.len(), "told apart");
    let junit = read("r.xml");
    assert_eq!(junit.matches("<failure").count(), worse.len());
    assert!(!junit.contains("<b>") && junit.contains("&lt;b&gt;"), "{junit}");
    let markdown = read("r.md");
    assert!(!markdown.contains("<b>") && !markdown.contains("@x"), "{markdown}");
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(markdown.lines().filter(|line| line.starts_with('|')).all(|line| cells(line) == 9), "{markdown}");
}

#[test]
fn github_gets_a_summary_and_annotations() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", SAME, &two);
    let candidate = log(folder.path(), "slow", Told { seed: 3, slower: 1.4, ..SAME }, &two);
    let summary = folder.path().join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    let mut command = optimizer(folder.path());
    command.env("GITHUB_STEP_SUMMARY", &summary).env("GITHUB_ACTIONS", "true");
    let run: Run = command.args(["gate", "--baseline", &baseline, "--candidate", &candidate]).output().unwrap().into();
    let written = fs::read_to_string(summary).unwrap();
    assert!(written.starts_with("before\n### ❌ Gate failed"), "{written}");
    let lines: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("::error title=")).collect();
    assert!(!lines.is_empty() && lines.len() <= 10, "{}", run.stderr);
    assert!(lines[0].contains("latency p50 got worse::latency p50: "), "{}", lines[0]);
}

/// A policy of which nothing but the margins is kept.
const STRICT: &str = "extends: balanced\ngate: {limits: {latency_p95_ms: {max: 1}}, required: [ttft_p95_ms], \
     on_inconclusive: fail, min_requests: 1000000}\n";

/// The schema of Jenkins, through the validator of libxml.
fn junit_keeps_to_its_schema(path: &std::path::Path) {
    let schema = root().join("testdata/schemas/jenkins-junit.xsd");
    let checked = Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).arg(path).output();
    let checked = checked.expect("scripts/ensure-xmllint installs it");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn whatever_fails_is_told_in_every_form() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", SAME, &two);
    let candidate = log(folder.path(), "alike", Told { seed: 2, ..SAME }, &two);
    fs::write(folder.path().join("p.yaml"), STRICT).unwrap();
    let files = ["--junit", "r.xml", "--sarif", "r.sarif", "--code-quality", "q.json", "--json", "r.json"];
    let sides = ["--baseline", &baseline, "--candidate", &candidate, "--policy", "p.yaml"];
    let mut command = optimizer(folder.path());
    command.env("GITHUB_ACTIONS", "true");
    let run: Run = command.arg("gate").args(sides).args(files).output().unwrap().into();
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let json: Value = serde_json::from_str(&read("r.json")).unwrap();
    let kinds: Vec<&str> =
        json["reasons"].as_array().unwrap().iter().map(|reason| reason["kind"].as_str().unwrap()).collect();
    assert!(["limit", "required", "sample"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    assert!(!kinds.contains(&"regression"), "{kinds:?}");
    let told = kinds.len();
    assert_eq!(read("r.xml").matches("<failure").count(), told, "{}", read("r.xml"));
    let sarif: Value = serde_json::from_str(&read("r.sarif")).unwrap();
    keeps_to(&schema("sarif-2.1.0.json"), &sarif);
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), told);
    let quality: Value = serde_json::from_str(&read("q.json")).unwrap();
    assert_eq!(quality.as_array().unwrap().len(), told);
    assert_eq!(run.stderr.lines().filter(|line| line.starts_with("::error")).count(), told, "{}", run.stderr);
    assert_eq!(run.stdout.matches("because ").count(), told, "{}", run.stdout);
}

#[test]
fn published_schemas_are_kept_to() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", SAME, &two);
    for told in [Told { seed: 2, ..SAME }, Told { seed: 3, slower: 1.4, ..SAME }] {
        let candidate = log(folder.path(), "a b#c%", told, &two);
        gate(&folder, &["--baseline", &baseline, "--candidate", &candidate, "--sarif", "r.sarif"]);
        let sarif = fs::read_to_string(folder.path().join("r.sarif")).unwrap();
        keeps_to(&schema("sarif-2.1.0.json"), &serde_json::from_str(&sarif).unwrap());
    }
    let odd = log(folder.path(), "odd", Told { seed: 3, slower: 1.4, ..SAME }, &|number| {
        ["pay|<b>`@x`\u{1f600}\n\"q\" ]]> &amp;", "search"][usize::try_from(number % 2).unwrap()].to_owned()
    });
    fs::write(folder.path().join("p.yaml"), STRICT).unwrap();
    for (candidate, more) in [(&odd, &[][..]), (&odd, &["--policy", "p.yaml"]), (&baseline, &["--policy", "p.yaml"])] {
        gate(&folder, &[&["--baseline", &odd, "--candidate", candidate, "--junit", "r.xml"][..], more].concat());
        junit_keeps_to_its_schema(&folder.path().join("r.xml"));
    }
    let printed = gate(&folder, &["--schema"]).stdout;
    let published = fs::read_to_string(support::root().join("docs/schema/gate.v1.json")).unwrap();
    assert!(printed == published, "`optimizer gate --schema > docs/schema/gate.v1.json`");
    for (file, name) in [("github-actions.yml", "github-workflow.json"), ("gitlab-ci.yml", "gitlab-ci.json")] {
        let text = fs::read_to_string(support::root().join("ci").join(file)).unwrap();
        let pipeline: Value = serde_yaml::from_str(&text).unwrap();
        keeps_to(&schema(name), &pipeline);
        // What they call is what there is.
        let help = gate(&folder, &["--help"]).stdout;
        let called = text.split_whitespace().filter(|word| word.starts_with("--") && text.contains("optimizer gate"));
        for flag in called
            .filter(|flag| ["--junit", "--sarif", "--markdown", "--json", "--code-quality", "--policy"].contains(flag))
        {
            assert!(help.contains(flag), "{file} calls {flag}");
        }
    }
}
