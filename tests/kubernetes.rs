//! What runs it on a schedule: `ci/cronjob.yaml`, and what `ci/kustomization.yaml` makes of it, against the published schemas of
//! Kubernetes 1.31 and against what this program knows.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn objects(text: &str) -> Vec<Value> {
    use serde::Deserialize;
    serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}

/// The file as it is: state on a volume.
fn sqlite() -> Vec<Value> {
    objects(&fs::read_to_string(root().join("ci/cronjob.yaml")).unwrap())
}

/// As kustomize renders it: state in PostgreSQL.
fn postgres() -> Vec<Value> {
    let output = Command::new("kubectl").args(["kustomize", "ci"]).current_dir(root()).output();
    let output = output.expect("kubectl is installed: scripts/ensure-packing");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    objects(&String::from_utf8(output.stdout).unwrap())
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

fn job(objects: &[Value]) -> &Value {
    &of_kind(objects, "CronJob")["spec"]["jobTemplate"]["spec"]
}

fn pod(objects: &[Value]) -> &Value {
    &job(objects)["template"]["spec"]
}

fn names<'a>(list: &'a Value, of: &str) -> BTreeSet<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[of].as_str().unwrap()).collect()
}

fn help() -> String {
    help_of("run")
}

fn help_of(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_optimizer")).args([command, "--help"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn both_keep_to_the_schemas_of_kubernetes() {
    let schema = fs::read_to_string(root().join("testdata/schemas/kubernetes-1.31.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    for (name, objects) in [("as it is", sqlite()), ("rendered", postgres())] {
        for object in &objects {
            let problems: Vec<_> =
                validator.iter_errors(object).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(problems.is_empty(), "{name}, {}: {problems:#?}", object["kind"]);
        }
    }
    // A word that is not known, deep inside, is found.
    let mut wrong = of_kind(&sqlite(), "CronJob").clone();
    wrong["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["comand"] = "x".into();
    assert!(!validator.is_valid(&wrong), "the schema has no teeth");
}

#[test]
fn one_run_at_a_time_and_a_held_lease_is_no_failure() {
    for objects in [sqlite(), postgres()] {
        let spec = &of_kind(&objects, "CronJob")["spec"];
        assert_eq!((&spec["schedule"], &spec["concurrencyPolicy"]), (&"*/15 * * * *".into(), &"Forbid".into()));
        let deadline = job(&objects)["activeDeadlineSeconds"].as_i64().unwrap();
        assert!(300 < deadline && deadline < 900, "longer than a lease, shorter than the schedule: {deadline}");
        for limit in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
            assert!(spec[limit].as_i64().is_some_and(|limit| limit > 0), "{limit}");
        }
        assert_eq!(pod(&objects)["restartPolicy"], "Never", "podFailurePolicy asks for it");
        let rules = job(&objects)["podFailurePolicy"]["rules"].as_array().unwrap();
        let codes = fs::read_to_string(root().join("docs/exit-codes.md")).unwrap();
        for (code, action, meaning) in [(75, "Ignore", "another run acts"), (2, "FailJob", "bad usage")] {
            let fits = |rule: &&Value| rule["onExitCodes"]["values"] == serde_json::json!([code]);
            let rule = rules.iter().find(fits).unwrap_or_else(|| panic!("no rule for {code}"));
            assert_eq!((&rule["action"], &rule["onExitCodes"]["operator"]), (&action.into(), &"In".into()));
            assert_eq!(rule["onExitCodes"]["containerName"], pod(&objects)["containers"][0]["name"]);
            assert!(codes.contains(&format!("| {code} | {meaning}")), "the documented meaning of {code} is another");
        }
    }
}

/// It sees what the run sees, with the same rights, and keeps it from beginning only where it could not begin.
#[test]
fn a_doctor_looks_before_each_run() {
    let help = help_of("doctor");
    for objects in [sqlite(), postgres()] {
        let (doctor, run) = (&pod(&objects)["initContainers"][0], &pod(&objects)["containers"][0]);
        for same in ["image", "resources", "securityContext", "volumeMounts"] {
            assert_eq!(doctor[same], run[same], "{same}");
        }
        // What only acting takes: how long, and who hears of it.
        let of_run = |variable: &&Value| {
            ["OPTIMIZER_DEADLINE", "OPTIMIZER_METRICS"].iter().all(|only| variable["name"] != *only)
        };
        let seen: Vec<&Value> = run["env"].as_array().unwrap().iter().filter(of_run).collect();
        assert_eq!(doctor["env"].as_array().unwrap().iter().collect::<Vec<_>>(), seen);
        let words = |container: &Value| -> Vec<String> {
            container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        let (doctors, runs) = (words(doctor), words(run));
        assert_eq!(doctors[..4], ["doctor", "--before-run", "--every", "15m"]);
        assert_eq!(doctors[4..], runs[1..], "it looks at another source");
        for flag in doctors.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{flag} <")) || help.contains(&format!("{flag}\n")), "{flag}");
        }
        for name in names(&doctor["env"], "name").iter().filter(|name| name.starts_with("OPTIMIZER_")) {
            assert!(help.contains(&format!("[env: {name}=")), "{name}");
        }
        let rules = job(&objects)["podFailurePolicy"]["rules"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["onExitCodes"]["containerName"] == doctor["name"]).unwrap();
        assert_eq!((&rule["action"], &rule["onExitCodes"]["values"]), (&"FailJob".into(), &serde_json::json!([2])));
    }
}

#[test]
fn it_may_do_nothing_but_its_work() {
    for objects in [sqlite(), postgres()] {
        assert_eq!(of_kind(&objects, "ServiceAccount")["automountServiceAccountToken"], false);
        let pod = pod(&objects);
        assert_eq!(pod["automountServiceAccountToken"], false);
        let security = &pod["securityContext"];
        assert_eq!((&security["runAsNonRoot"], &security["runAsUser"]), (&true.into(), &65532.into()));
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
        let container = &pod["containers"][0];
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["capabilities"], serde_json::json!({ "drop": ["ALL"] }));
        assert_eq!(container["resources"]["requests"]["memory"], "256Mi");
        assert_eq!(container["resources"]["limits"]["memory"], "512Mi");
        let network = &of_kind(&objects, "NetworkPolicy")["spec"];
        assert_eq!(network["policyTypes"], serde_json::json!(["Ingress", "Egress"]));
        assert!(network["ingress"].as_array().is_none_or(Vec::is_empty), "nobody asks it anything");
        let labels = &of_kind(&objects, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"];
        for (name, value) in network["podSelector"]["matchLabels"].as_object().unwrap() {
            assert_eq!(&labels[name], value, "the policy is for other pods");
        }
        // The user of the image, too.
        let image = fs::read_to_string(root().join("Dockerfile")).unwrap();
        assert!(image.contains("USER 65532:65532"));
        // No secret is written down: they are files and references.
        assert!(objects.iter().all(|object| object["kind"] != "Secret"));
        for variable in container["env"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            let secret = ["PASSWORD", "TOKEN"].iter().any(|word| name.ends_with(word));
            assert_eq!(secret, variable["valueFrom"]["secretKeyRef"].is_object(), "{name}");
        }
    }
}

#[test]
fn every_flag_and_variable_is_known_and_every_mount_has_a_volume() {
    let help = help();
    for objects in [sqlite(), postgres()] {
        let pod = pod(&objects);
        let container = &pod["containers"][0];
        let arguments: Vec<_> =
            container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(arguments[0], "run");
        for flag in arguments.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{flag} <")) || help.contains(&format!("{flag}\n")), "{flag}");
        }
        for name in names(&container["env"], "name").iter().filter(|name| name.starts_with("OPTIMIZER_")) {
            assert!(help.contains(&format!("[env: {name}=")), "{name}");
        }
        assert_eq!(names(&container["volumeMounts"], "name"), names(&pod["volumes"], "name"));
        // Where the variables point lies something.
        let mounted = names(&container["volumeMounts"], "mountPath");
        for variable in container["env"].as_array().unwrap() {
            let value = variable["value"].as_str().unwrap_or_default().trim_start_matches("sqlite:");
            let under = mounted.iter().any(|mount| value.starts_with(&format!("{mount}/")));
            assert!(under || !value.starts_with('/'), "{variable} lies on no volume");
        }
        assert!(mounted.contains("/tmp"), "the root is read-only");
    }
    let kinds = |objects: &[Value]| {
        objects.iter().map(|object| object["kind"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert!(kinds(&sqlite()).contains("PersistentVolumeClaim"));
    assert!(!kinds(&postgres()).contains("PersistentVolumeClaim"), "nothing is kept on a volume");
    let rendered = postgres();
    let state = pod(&rendered)["containers"][0]["env"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == "OPTIMIZER_STATE");
    assert!(state.unwrap()["value"].as_str().unwrap().starts_with("postgres://"));
}

#[test]
fn the_policy_in_it_is_a_good_one() {
    let objects = sqlite();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in of_kind(&objects, "ConfigMap")["data"].as_object().unwrap() {
        fs::write(folder.path().join(name), text.as_str().unwrap()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_optimizer"))
            .args(["policy", "check", name])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// `promtool` knows whether the expressions are good, and plays them; here, what they are about.
#[test]
fn alerts_say_what_to_do() {
    let text = fs::read_to_string(root().join("ci/alerts.yaml")).unwrap();
    let rule: Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!((&rule["apiVersion"], &rule["kind"]), (&"monitoring.coreos.com/v1".into(), &"PrometheusRule".into()));
    let rules = rule["spec"]["groups"][0]["rules"].as_array().unwrap();
    for (alert, metric) in [
        ("OptimizerHasNotRun", "optimizer_last_run_timestamp_seconds"),
        ("OptimizerRolledBack", "optimizer_rollbacks_total"),
        ("OptimizerFrozen", "optimizer_frozen"),
        ("OptimizerFails", "optimizer_last_success_timestamp_seconds"),
        ("OptimizerReadsOldTraffic", "optimizer_data_until_timestamp_seconds"),
    ] {
        let rule = rules.iter().find(|rule| rule["alert"] == alert).unwrap_or_else(|| panic!("no {alert}"));
        assert!(rule["expr"].as_str().unwrap().contains(metric), "{rule}");
        assert!(rule["annotations"]["summary"].is_string() && rule["labels"]["severity"].is_string());
        let told = rule["annotations"]["description"].as_str().unwrap();
        assert!(told.contains("`optimizer "), "{told}");
    }
}
