//! Where the sides of a gate come from, and what cannot be compared.

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{
    gated::{SAME, Told, gate, log, of, report, two},
    optimizer,
};
use tempfile::tempdir;

#[test]
fn two_arms_of_one_source_are_two_sides() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", SAME, &two);
    let candidate = log(folder.path(), "slow", Told { seed: 3, slower: 1.3, ..SAME }, &two);
    let arm = |path: &str, arm: &str| -> Vec<String> {
        let marked = |line: &str| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            row["variant"] = arm.into();
            row.to_string()
        };
        fs::read_to_string(path).unwrap().lines().map(marked).collect()
    };
    let mut lines = arm(&baseline, "baseline");
    lines.extend(arm(&candidate, "candidate"));
    fs::write(folder.path().join("both.ndjson"), lines.join("\n") + "\n").unwrap();
    let run = gate(&folder, &["--from", "both.ndjson", "--format", "json"]);
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    let apart = gate(&folder, &["--baseline", &baseline, "--candidate", &candidate, "--format", "json"]);
    assert_eq!(report(&run)["comparisons"], report(&apart)["comparisons"], "as from two files");
    let none = gate(&folder, &["--from", "both.ndjson", "--candidate-arm", "nobody"]);
    assert!(none.code == Some(2) && none.stderr.contains("has the variant `nobody`"), "{}", none.stderr);
    assert!(none.stderr.contains("it holds `baseline`, `candidate`"), "{}", none.stderr);
}

#[test]
fn what_cannot_be_compared_is_refused_or_told() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", SAME, &two);
    let seconds = log(folder.path(), "seconds", Told { seed: 2, slower: 0.001, ..SAME }, &two);
    let doubted = gate(&folder, &["--baseline", &baseline, "--candidate", &seconds]);
    assert!(doubted.code == Some(2) && doubted.stderr.contains("latencies of the candidate are"), "{}", doubted.stderr);
    let spend = support::root().join("testdata/sources/litellm/rows.ndjson").display().to_string();
    let layouts =
        |more: &[&str]| gate(&folder, &[&["--baseline", &spend, "--candidate", &baseline][..], more].concat());
    let refused = layouts(&[]);
    let told = "the baseline is laid out as litellm, the candidate as canonical";
    assert!(refused.code == Some(2) && refused.stderr.contains(told), "{}", refused.stderr);
    assert!(!layouts(&["--different-layouts"]).stderr.contains(told));
    let missing = gate(&folder, &["--baseline", "none.csv", "--candidate", &baseline]);
    assert_eq!(missing.code, Some(3), "{}", missing.stderr);
    fs::write(folder.path().join("old.yaml"), "extends: balanced\ngate: {max_baseline_age_days: 0.001}\n").unwrap();
    let old = gate(&folder, &["--baseline", &baseline, "--candidate", &baseline, "--policy", "old.yaml"]);
    assert!(old.code == Some(2) && old.stderr.contains("days ago, and the policy allows"), "{}", old.stderr);
    // One row a side says nothing, and fails nothing.
    for requests in [1, 2] {
        let few = log(folder.path(), "few", Told { requests, failing: 0.0, ..SAME }, &two);
        let run = gate(&folder, &["--baseline", &few, "--candidate", &few, "--format", "json"]);
        assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
        let run = gate(&folder, &["--baseline", &baseline, "--candidate", &few]);
        assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    }
    // Nor do three thousand slices of one row a side: one request that cost more than another is no proof.
    let alone = |number: u64| format!("service-{number}");
    let [one, other] =
        [("one", 1), ("other", 2)].map(|(name, seed)| log(folder.path(), name, Told { seed, ..SAME }, &alone));
    let run = gate(&folder, &["--baseline", &one, "--candidate", &other]);
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    // A service that only one side has is told.
    let other = log(folder.path(), "other", Told { seed: 2, ..SAME }, &|number| {
        ["checkout", "new"][usize::try_from(number % 2).unwrap()].to_owned()
    });
    let run = gate(&folder, &["--baseline", &baseline, "--candidate", &other]);
    assert!(run.stdout.contains("only the candidate has service=new (1,500 requests)"), "{}", run.stdout);
    assert!(run.stdout.contains("only the baseline has service=search"), "{}", run.stdout);
}

#[test]
fn the_same_prompts_are_compared_pair_by_pair_and_runs_run_by_run() {
    let folder = tempdir().unwrap();
    let run_of = |name: &str, told: Told| {
        let path = log(folder.path(), name, told, &two);
        // The same ids in every run, as evaluation sets have them.
        let text = fs::read_to_string(&path).unwrap().replace(&format!("{name}-"), "prompt-");
        fs::write(&path, text).unwrap();
        path
    };
    let one = run_of("one", SAME);
    let two_ = run_of("two", Told { seed: 2, quality: 0.95, ..SAME });
    let paired = gate(&folder, &["--baseline", &one, "--candidate", &two_, "--format", "json"]);
    let paired = report(&paired);
    assert_eq!((&paired["unit"]["kind"], &paired["unit"]["paired"]), (&"prompt".into(), &3_000.into()));
    assert_eq!(of(&paired, "quality", "overall")["verdict"], "regression");
    let three = run_of("three", Told { seed: 4, ..SAME });
    let four = run_of("four", Told { seed: 5, ..SAME });
    let runs = gate(
        &folder,
        &["--baseline", &one, "--baseline", &three, "--candidate", &two_, "--candidate", &four, "--format", "json"],
    );
    let runs = report(&runs);
    assert_eq!((&runs["unit"]["kind"], &runs["unit"]["baseline"]), (&"run".into(), &2.into()), "{}", runs["unit"]);
    assert_eq!(of(&runs, "quality", "overall")["units"], json!([2, 2]));
}

/// One log of which the second half is slower.
fn two_halves(folder: &std::path::Path) -> String {
    let before = log(folder, "before", Told { requests: 20_000, ..SAME }, &two);
    let after = log(folder, "after", Told { requests: 20_000, seed: 3, slower: 1.4, ..SAME }, &two);
    let later = |line: &str| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        let at: jiff::Timestamp = row["ts"].as_str().unwrap().parse().unwrap();
        row["ts"] = (at + jiff::SignedDuration::from_hours(24)).to_string().into();
        row.to_string()
    };
    let read = |path: &str| fs::read_to_string(path).unwrap();
    let all: Vec<String> = read(&before).lines().map(str::to_owned).chain(read(&after).lines().map(later)).collect();
    let path = folder.join("days.ndjson");
    fs::write(&path, all.join("\n") + "\n").unwrap();
    path.display().to_string()
}

#[test]
fn two_times_of_one_source_are_two_sides() {
    let folder = tempdir().unwrap();
    let days = two_halves(folder.path());
    let noon = "2026-02-25T12:00:00Z";
    let [before, after] = [format!("2026-02-25T00:00:00Z..{noon}"), format!("{noon}..2026-02-27T00:00:00Z")];
    let times = ["--baseline-time", &before, "--candidate-time", &after];
    let run = gate(&folder, &[&["--from", &days, "--format", "json"][..], &times].concat());
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    let [one, two] = ["before.ndjson", "after.ndjson"].map(|name| folder.path().join(name).display().to_string());
    let apart = report(&gate(&folder, &["--baseline", &one, "--candidate", &two, "--format", "json"]));
    let together = report(&run);
    for side in ["baseline", "candidate"] {
        assert_eq!(together[side]["requests"], 20_000, "{}", together[side]);
    }
    let figures = |report: &Value| of(report, "latency_p95_ms", "overall")["candidate"].clone();
    assert_eq!(figures(&together), figures(&apart));
    // A side of its own may be cut as well, and the same span is the same as ever.
    let cut = report(&gate(
        &folder,
        &[&["--baseline", &days, "--candidate", &days, "--format", "json"][..], &times].concat(),
    ));
    assert_eq!(cut["comparisons"], together["comparisons"]);
    let one = gate(&folder, &["--from", &days, "--baseline-time", &before]);
    assert!(one.code == Some(2) && one.stderr.contains("two sides need two"), "{}", one.stderr);
    let backwards = gate(&folder, &["--from", &days, "--baseline-time", &format!("{noon}..2026-02-25T00:00:00Z")]);
    assert!(backwards.code == Some(2) && backwards.stderr.contains("ends before it begins"), "{}", backwards.stderr);
}

#[test]
fn a_stored_baseline_is_a_side() {
    let folder = tempdir().unwrap();
    // Thirty hours, so that hours are enough to show something.
    let spread = |name: &str, told: Told, from: i64| {
        let path = log(folder.path(), name, Told { requests: 30_000, ..told }, &two);
        let moved = |line: &str| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            let at: jiff::Timestamp = row["ts"].as_str().unwrap().parse().unwrap();
            let second = from + (at.as_second() - 1_772_000_000) * 10;
            row["ts"] = jiff::Timestamp::from_second(second).unwrap().to_string().into();
            row.to_string()
        };
        let text: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(moved).collect();
        fs::write(&path, text.join("\n") + "\n").unwrap();
        path
    };
    let (monday, wednesday) = (1_772_006_400, 1_772_179_200);
    let then = spread("then", SAME, monday);
    let state = ["--state", "sqlite:s.db"];
    let run = |arguments: &[&str]| -> support::Run {
        optimizer(folder.path()).args(arguments).args(state).output().unwrap().into()
    };
    let set = run(&["baseline", "set", "good", "--from", &then]);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    let against = |candidate: &str, baseline: &str| {
        run(&["gate", "--baseline", baseline, "--candidate", candidate, "--format", "json"])
    };
    let alike = spread("alike", Told { seed: 2, ..SAME }, wednesday);
    let kept = against(&alike, "baseline:good");
    assert_eq!(kept.code, Some(0), "{} {}", kept.stdout, kept.stderr);
    // What is kept says the same as what it was kept of.
    let (kept, rows) = (report(&kept), report(&against(&alike, &then)));
    for (metric, tolerance) in [
        ("latency_p50_ms", 0.021),
        ("latency_p95_ms", 0.021),
        ("error_rate", 1e-9),
        ("cost_per_request_usd", 1e-6),
        ("quality", 1e-6),
        ("output_tokens", 1e-6),
    ] {
        for side in ["baseline", "candidate"] {
            let [a, b] =
                [&kept, &rows].map(|report| of(report, metric, "overall")[format!("{side}_raw")].as_f64().unwrap());
            assert!((a / b - 1.0).abs() <= tolerance, "{metric} of the {side}: {a} for {b}");
        }
    }
    assert_eq!((&kept["unit"]["kind"], &kept["unit"]["minutes"]), (&"minutes".into(), &60.into()));
    let worse = against(
        &spread("worse", Told { seed: 3, slower: 1.3, quality: 0.9, cost: 1.2, ..SAME }, wednesday),
        "baseline:good",
    );
    assert_eq!(worse.code, Some(1), "{} {}", worse.stdout, worse.stderr);
    for metric in ["latency_p95_ms", "quality", "cost_per_request_usd"] {
        assert_eq!(of(&report(&worse), metric, "overall")["verdict"], "regression", "{metric}");
    }
    let itself = against(&then, "baseline:good");
    assert!(itself.code == Some(2) && itself.stderr.contains("nothing is compared with itself"), "{}", itself.stderr);
    let unknown = against(&then, "baseline:bad");
    assert!(unknown.code == Some(2) && unknown.stderr.contains("good"), "{}", unknown.stderr);
}

#[test]
fn ten_thousand_slices_are_compared_and_what_one_side_lacks_is_told() {
    let folder = tempdir().unwrap();
    let many = |shift: u64| move |number: u64| format!("service-{}", (number + shift) % 10_000 + shift);
    let baseline = log(folder.path(), "main", Told { requests: 60_000, ..SAME }, &many(0));
    let candidate = log(folder.path(), "alike", Told { requests: 60_000, seed: 2, ..SAME }, &many(1));
    let run = gate(&folder, &["--baseline", &baseline, "--candidate", &candidate, "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let found = report(&run);
    let services = found["comparisons"].as_array().unwrap().iter().filter(|one| one["slice"]["by"] == "service");
    let named: std::collections::BTreeSet<&str> = services.map(|one| one["slice"]["name"].as_str().unwrap()).collect();
    assert_eq!(named.len(), 9_999);
    let one_sided: Vec<(&Value, &Value)> = found["one_sided"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["slice"]["name"], &one["in_candidate"]))
        .collect();
    assert_eq!(one_sided, [(&json!("service-0"), &json!(false)), (&json!("service-10000"), &json!(true))]);
    let shown = gate(&folder, &["--baseline", &baseline, "--candidate", &candidate]);
    assert!(shown.stdout.lines().count() < 60, "{}", shown.stdout);
}

#[test]
fn what_is_no_number_is_rejected_and_told() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", Told { failing: 0.0, ..SAME }, &two);
    let text = fs::read_to_string(&baseline).unwrap();
    let broken: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(place, line)| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            if place % 50 == 0 {
                row["latency_ms"] = ["NaN", "Infinity", "-3"][place / 50 % 3].into();
            }
            row.to_string()
        })
        .collect();
    let candidate = folder.path().join("broken.ndjson");
    fs::write(&candidate, broken.join("\n") + "\n").unwrap();
    let run = gate(&folder, &["--baseline", &baseline, "--candidate", "broken.ndjson", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let found = report(&run);
    assert_eq!(found["candidate"]["requests"], 2_940, "{}", found["candidate"]);
    let rejected = found["candidate"]["source"]["rejected"].as_object().unwrap();
    assert_eq!(rejected.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 60, "{rejected:?}");
    let empty = folder.path().join("empty.ndjson");
    fs::write(&empty, "").unwrap();
    let run = gate(&folder, &["--baseline", &baseline, "--candidate", "empty.ndjson"]);
    assert!(run.code.is_some_and(|code| code > 1) && run.stderr.contains("to fix"), "{}", run.stderr);
}

#[test]
fn what_the_candidate_does_not_tell_any_more_is_not_good() {
    let folder = tempdir().unwrap();
    let baseline = log(folder.path(), "main", SAME, &two);
    let candidate = log(folder.path(), "alike", Told { seed: 2, ..SAME }, &two);
    let without = |field: &str| {
        let rows = fs::read_to_string(&candidate).unwrap();
        let rows = rows.lines().map(|line| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            row[field] = Value::Null;
            row.to_string()
        });
        fs::write(folder.path().join("without.ndjson"), rows.collect::<Vec<_>>().join("\n") + "\n").unwrap();
        gate(&folder, &["--baseline", &baseline, "--candidate", "without.ndjson", "--format", "json"])
    };
    for (field, metric) in [("cost_usd", "cost_per_request_usd"), ("quality", "quality")] {
        let run = without(field);
        assert_eq!(run.code, Some(1), "{field}: {} {}", run.stdout, run.stderr);
        let found = report(&run);
        let reasons = found["reasons"].as_array().unwrap();
        assert!(reasons.iter().any(|one| one["kind"] == "missing" && one["metric"] == metric), "{field}: {reasons:?}");
        assert!(
            of(&found, metric, "overall")["requests"][0].as_u64() > Some(2_000),
            "{}",
            of(&found, metric, "overall")
        );
    }
}
