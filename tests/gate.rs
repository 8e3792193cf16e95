//! The gate of a pipeline, through the binary: what passes and what fails, by which policy.

mod support;

use std::fs;

use serde_json::Value;
use support::{
    Run,
    gated::{SAME, Told, gate, log, of, report, two},
};
use tempfile::tempdir;

#[test]
fn what_is_alike_passes_and_what_got_worse_fails_by_name() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", SAME, &two);
    let alike = log(folder.path(), "alike", Told { seed: 2, ..SAME }, &two);
    let run = gate(&folder, &["--baseline", &baseline, "--candidate", &alike, "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    assert_eq!(report(&run)["outcome"], "passed");
    for (name, told, metric) in [
        ("slow", Told { seed: 3, slower: 1.3, ..SAME }, "latency_p95_ms"),
        ("failing", Told { seed: 4, failing: 0.06, ..SAME }, "error_rate"),
        ("dear", Told { seed: 5, cost: 1.3, ..SAME }, "cost_per_request_usd"),
        ("bad", Told { seed: 6, quality: 0.9, ..SAME }, "quality"),
    ] {
        let candidate = log(folder.path(), name, told, &two);
        let run = gate(&folder, &["--baseline", &baseline, "--candidate", &candidate, "--format", "json"]);
        assert_eq!(run.code, Some(1), "{name} {}", run.stdout);
        assert!(run.stderr.contains("does not pass the gate"), "{}", run.stderr);
        let report = report(&run);
        let found = of(&report, metric, "overall");
        assert_eq!((&found["verdict"], &found["guards"]), (&"regression".into(), &true.into()), "{found}");
        assert!(found["p_value_corrected"].as_f64().unwrap() <= 0.005, "{found}");
        // And nothing else is blamed.
        let worse = report["comparisons"].as_array().unwrap().iter().filter(|one| one["verdict"] == "regression");
        let family = &metric[..4];
        let others: Vec<&Value> = worse.filter(|one| !one["metric"].as_str().unwrap().starts_with(family)).collect();
        assert!(others.iter().all(|one| one["guards"] == false), "{name} {others:?}");
        let back = gate(&folder, &["--baseline", &candidate, "--candidate", &baseline, "--format", "json"]);
        assert_eq!(back.code, Some(0), "better is no harm: {}", back.stdout);
        assert_eq!(of(&self::report(&back), metric, "overall")["verdict"], "improvement");
    }
}

#[test]
fn policies_tolerate_observe_limit_and_ask_for_more() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", SAME, &two);
    let candidate = log(folder.path(), "slow", Told { seed: 3, slower: 1.3, ..SAME }, &two);
    let with = |gate_rules: &str, candidate: &str| {
        fs::write(folder.path().join("p.yaml"), format!("extends: balanced\ngate: {{{gate_rules}}}\n")).unwrap();
        gate(&folder, &["--baseline", &baseline, "--candidate", candidate, "--policy", "p.yaml", "--format", "json"])
    };
    let outcome = |run: &Run| (run.code, report(run)["outcome"].as_str().unwrap().to_owned());
    let all = ["latency_p50_ms", "latency_p95_ms", "latency_p99_ms"];
    let margins: Vec<String> = all.iter().map(|metric| format!("{metric}: {{percent: 60}}")).collect();
    let tolerated = with(&format!("margins: {{{}}}", margins.join(", ")), &candidate);
    assert_eq!(outcome(&tolerated), (Some(0), "passed".into()), "{}", tolerated.stdout);
    assert_eq!(outcome(&with("mode: observe", &candidate)), (Some(0), "failed".into()));
    let suppress = |until: &str| {
        let entries: Vec<String> =
            all.iter().map(|metric| format!("{{metric: {metric}, reason: known, until: '{until}'}}")).collect();
        with(&format!("suppress: [{}]", entries.join(", ")), &candidate)
    };
    assert_eq!(outcome(&suppress("2999-12-31")), (Some(0), "warned".into()));
    assert_eq!(outcome(&suppress("2026-01-01")).0, Some(1), "its day is over");
    let wrong = suppress("tomorrow!!");
    assert!(wrong.code == Some(2) && wrong.stderr.contains("is no day"), "{}", wrong.stderr);
    let alike = log(folder.path(), "alike", Told { seed: 2, ..SAME }, &two);
    assert_eq!(outcome(&with("limits: {latency_p95_ms: {max: 100}}", &alike)), (Some(1), "failed".into()));
    assert_eq!(outcome(&with("required: [ttft_p95_ms]", &alike)), (Some(1), "failed".into()), "nothing tells it");
    let few = log(folder.path(), "few", Told { seed: 7, requests: 20, ..SAME }, &two);
    assert_eq!(outcome(&with("on_inconclusive: pass", &few)), (Some(0), "passed".into()));
    assert_eq!(outcome(&with("on_inconclusive: warn", &few)), (Some(0), "warned".into()));
    assert_eq!(outcome(&with("on_inconclusive: fail", &few)), (Some(1), "failed".into()));
}

#[test]
fn a_history_says_where_figures_should_lie() {
    let folder = tempdir().unwrap();
    let rules: Vec<String> = ["percentage", "z_score", "t_test", "log_normal", "iqr", "delta_iqr"]
        .iter()
        .map(|test| {
            let upper = match *test {
                "percentage" => "0.2",
                "iqr" | "delta_iqr" => "8",
                _ => "0.99999",
            };
            format!("{{metric: latency_p95_ms, test: {test}, upper: {upper}, min_runs: 4}}")
        })
        .collect();
    let policy =
        format!("extends: balanced\ngate: {{margins: {{}}, on_inconclusive: warn, history: [{}]}}\n", rules.join(", "));
    fs::write(folder.path().join("p.yaml"), policy).unwrap();
    let with = |name: &str, told: Told, more: &[&str]| {
        let path = log(folder.path(), name, told, &two);
        let arguments = [
            "--baseline",
            &path,
            "--candidate",
            &path,
            "--policy",
            "p.yaml",
            "--history",
            "h.ndjson",
            "--format",
            "json",
        ];
        gate(&folder, &[&arguments[..], more].concat())
    };
    let missing = with("first", SAME, &[]);
    assert!(missing.code == Some(2) && missing.stderr.contains("cannot read the history"), "{}", missing.stderr);
    for seed in 0..6 {
        let run = with("main", Told { seed: 10 + seed, ..SAME }, &["--append"]);
        let report = report(&run);
        assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
        let lacking = report["trends"].as_array().unwrap().iter().filter(|trend| !trend["lack"].is_null()).count();
        assert_eq!(lacking, if seed < 4 { 6 } else { 0 }, "{}", report["trends"]);
    }
    assert_eq!(fs::read_to_string(folder.path().join("h.ndjson")).unwrap().lines().count(), 6);
    let slow = with("slow", Told { seed: 30, slower: 1.6, ..SAME }, &[]);
    assert_eq!(slow.code, Some(1), "{}", slow.stdout);
    let slow = report(&slow);
    assert!(slow["trends"].as_array().unwrap().iter().all(|trend| trend["holds"] == false), "{}", slow["trends"]);
    fs::write(folder.path().join("h.ndjson"), "{}\n").unwrap();
    let damaged = with("again", SAME, &[]);
    assert!(damaged.code == Some(2) && damaged.stderr.contains("line 1"), "{}", damaged.stderr);
}
