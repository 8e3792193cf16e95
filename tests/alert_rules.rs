//! The alerts fire when they should and are silent when they should be: `promtool` plays hours of metrics to the rules.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The rules of the manifest, without what is around them for the operator.
fn of_the_manifest() -> Value {
    let manifest: Value = serde_yaml::from_str(&read("ci/alerts.yaml")).unwrap();
    assert_eq!(manifest["kind"], "PrometheusRule");
    manifest["spec"].clone()
}

/// What is exported, a value a minute (`0+60x99`: begins with 0, 99 times 60 more), and whether the alert fires at that minute.
struct Case {
    alert: &'static str,
    series: &'static [(&'static str, &'static str)],
    minute: u32,
    labels: Option<Value>,
}

fn case(alert: &'static str, series: &'static [(&'static str, &'static str)], minute: u32, fires: bool) -> Case {
    Case { alert, series, minute, labels: fires.then(|| json!({})) }
}

impl Case {
    /// With the labels of the series that it fires for.
    fn of(self, labels: Value) -> Self {
        Self { labels: Some(labels), ..self }
    }
}

/// What `promtool test rules` says.
fn promtool(rules: &Value, cases: &[Case]) -> (bool, String) {
    let all: Vec<&Value> =
        rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    let tests: Vec<Value> = cases
        .iter()
        .map(|case| {
            let rule =
                all.iter().find(|rule| rule["alert"] == case.alert).unwrap_or_else(|| panic!("no {}", case.alert));
            let fires = case.labels.iter().map(|labels| {
                let mut labels = labels.clone();
                for (name, value) in rule["labels"].as_object().into_iter().flatten() {
                    labels[name] = value.clone();
                }
                json!({"exp_labels": labels, "exp_annotations": rule.get("annotations").unwrap_or(&json!({}))})
            });
            let series: Vec<Value> =
                case.series.iter().map(|(series, values)| json!({"series": series, "values": values})).collect();
            json!({
                "name": format!("{} at {} min", case.alert, case.minute),
                "interval": "1m",
                "input_series": series,
                "alert_rule_test": [{
                    "eval_time": format!("{}m", case.minute),
                    "alertname": case.alert,
                    "exp_alerts": fires.collect::<Vec<_>>(),
                }],
            })
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &Value| fs::write(folder.path().join(name), content.to_string()).unwrap();
    // JSON is YAML too.
    write("rules.yml", rules);
    write("tests.yml", &json!({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}));
    let output = Command::new("promtool")
        .args(["test", "rules", "tests.yml"])
        .current_dir(folder.path())
        .output()
        .expect("promtool starts (scripts/ensure-prometheus)");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// A run a minute: its end is the present time.
const RUNS: (&str, &str) = ("optimizer_last_run_timestamp_seconds{instance=\"eu\"}", "0+60x300");
/// The last one ended at the beginning.
const GONE: (&str, &str) = ("optimizer_last_run_timestamp_seconds{instance=\"eu\"}", "0x300");
const FROZEN: (&str, &str) = ("optimizer_frozen{service=\"*\",reach=\"forward\"}", "1x1600");
const RESUMED: (&str, &str) = ("optimizer_frozen{service=\"*\",reach=\"forward\"}", "1x40 stale");
const STEADY: (&str, &str) = ("optimizer_rollbacks_total{instance=\"eu\"}", "3x300");
/// One more at minute 11.
const ROLLED_BACK: (&str, &str) = ("optimizer_rollbacks_total{instance=\"eu\"}", "3x10 4x300");

const FINE: (&str, &str) = ("optimizer_last_success_timestamp_seconds{instance=\"eu\"}", "0+60x300");
const FAILS: (&str, &str) = ("optimizer_last_success_timestamp_seconds{instance=\"eu\"}", "0x300");
const OLD: (&str, &str) = ("optimizer_data_until_timestamp_seconds{instance=\"eu\"}", "0x300");

#[test]
fn the_alerts_of_the_manifest() {
    let cases = [
        case("OptimizerHasNotRun", &[RUNS], 200, false),
        case("OptimizerHasNotRun", &[GONE], 45, false),
        case("OptimizerHasNotRun", &[GONE], 49, false),
        case("OptimizerHasNotRun", &[GONE], 51, true),
        case("OptimizerHasNotRun", &[], 4, false),
        case("OptimizerHasNotRun", &[], 6, true),
        case("OptimizerRolledBack", &[STEADY], 100, false),
        case("OptimizerRolledBack", &[ROLLED_BACK], 10, false),
        case("OptimizerRolledBack", &[ROLLED_BACK], 12, true),
        case("OptimizerRolledBack", &[ROLLED_BACK], 69, true),
        case("OptimizerRolledBack", &[ROLLED_BACK], 72, false),
        case("OptimizerRolledBack", &[], 100, false),
        case("OptimizerFrozen", &[FROZEN], 59, false),
        case("OptimizerFrozen", &[FROZEN], 61, true),
        case("OptimizerFrozen", &[RESUMED], 61, false),
        case("OptimizerFrozen", &[], 100, false),
        case("OptimizerFails", &[FINE], 200, false),
        case("OptimizerFails", &[FAILS], 64, false),
        case("OptimizerFails", &[FAILS], 66, true),
        case("OptimizerReadsOldTraffic", &[OLD], 124, false),
        case("OptimizerReadsOldTraffic", &[OLD], 126, true),
    ];
    let rules = of_the_manifest();
    let (fine, said) = promtool(&rules, &cases);
    assert!(fine, "{said}");
    let tested = |rule: &Value| cases.iter().any(|case| rule["alert"] == case.alert);
    assert!(rules["groups"][0]["rules"].as_array().unwrap().iter().all(tested), "an alert without a case");
}

#[test]
fn a_wrong_expectation_is_noticed() {
    for wrong in [
        case("OptimizerHasNotRun", &[RUNS], 200, true),
        case("OptimizerHasNotRun", &[GONE], 51, false),
        case("OptimizerRolledBack", &[ROLLED_BACK], 12, true).of(json!({"instance": "us"})),
    ] {
        let (fine, said) = promtool(&of_the_manifest(), &[wrong]);
        assert!(!fine && said.contains("FAILED"), "{said}");
    }
}
