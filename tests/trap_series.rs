//! Traps of series that are no requests: figures by time, experiments, change points. Analyses of them are to come; what they will
//! rest on is that reading them is right today: blank is unknown and not zero, counts are exact, nothing odd ends the program.

mod support;

use std::fs;

use serde_json::Value;
use support::{
    public::{Source, bytes, csv_rows, public},
    refused, root, run, write_lines,
};
use tempfile::tempdir;

fn reasons(rows: &Value) -> Vec<(&str, u64)> {
    let reasons = rows["rejected"].as_object().unwrap();
    reasons.iter().map(|(reason, rows)| (reason.as_str(), rows.as_u64().unwrap())).collect()
}

/// Figures that were read, good ones, and rejects by reason.
fn figures(inspection: &Value) -> (u64, u64, Vec<(&str, u64)>) {
    let metrics = &inspection["metrics"];
    (metrics["read"].as_u64().unwrap(), metrics["good"].as_u64().unwrap(), reasons(metrics))
}

/// Kinds of findings that are about latency.
fn alarms(plan: &Value) -> Vec<String> {
    let kinds = plan["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap().to_owned());
    kinds.filter(|kind| !["cost_unknown", "quality_unknown"].contains(&kind.as_str())).collect()
}

/// Trap 6: the file is not in order, three machines interleave, months are missing.
#[test]
fn a_file_that_steps_back_in_time_is_read_whole() {
    let rows = csv_rows("vmnoise-postgres.csv.gz");
    let back = rows.windows(2).filter(|pair| pair[1]["starttime"] < pair[0]["starttime"]).count();
    assert_eq!((rows.len(), back), (20_729, 4_507));
    let source = Source::new("vmnoise", &["vmnoise-postgres.csv.gz"]);
    let inspection = source.inspect();
    assert_eq!(figures(&inspection), (20_729, 20_729, vec![]));
    let span = ["oldest", "newest"].map(|end| inspection["metrics"][end].as_str().unwrap()[..19].replace('T', " "));
    let mut times: Vec<String> = rows.iter().map(|row| row["starttime"][..19].to_owned()).collect();
    times.sort();
    assert_eq!(span, [times[0].clone(), times.pop().unwrap()]);
    // Every machine's own limit, in the middle of the gap and at the end.
    let folder = tempdir().unwrap();
    let policy = write_lines(
        folder.path(),
        "strict.yaml",
        &["extends: balanced".to_owned(), "thresholds: {latency_p95_ms: 1}".to_owned()],
    );
    let plan = source.plan(&["--policy", &policy, "--window", "24h"]);
    assert!(!alarms(&plan).is_empty() && alarms(&plan).iter().all(|kind| kind == "latency_high"));
    assert_eq!(plan["totals"]["spend_usd_per_day"], Value::Null, "what figures cost, nobody knows");
    let mapping = root().join("tests/mappings/vmnoise.sql").to_string_lossy().into_owned();
    let table =
        run(&root(), &["plan", "--dry-run", "--from", &public("vmnoise-postgres.csv.gz"), "--mapping", &mapping]);
    assert!(
        table.stdout.contains("unknown: there are no requests") && !table.stdout.contains("NaN"),
        "{}",
        table.stdout
    );
}

/// Trap 7: a clock that is changed repeats an hour and skips one; steps are irregular.
#[test]
fn hours_that_come_twice_or_never_lose_no_point() {
    for (name, points, same_time) in [
        ("nab/ec2_disk_write_bytes_1ef3de.csv.gz", 4_730, 11),
        ("nab/ec2_request_latency_system_failure.csv.gz", 4_032, 11),
        ("nab/exchange-3_cpm_results.csv.gz", 1_538, 0),
        ("nab/TravelTime_451.csv.gz", 2_162, 0),
    ] {
        let rows = csv_rows(name);
        let mut times: Vec<&String> = rows.iter().map(|row| &row["timestamp"]).collect();
        times.dedup();
        let mut distinct = times.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!((rows.len(), rows.len() - distinct.len()), (points, same_time), "{name}");
        assert_eq!(
            figures(&Source::new("series", &[name]).inspect()),
            (points as u64, points as u64, vec![]),
            "{name}"
        );
        // As requests, a point that is told twice is one, and one of the same time with another value is another.
        let mut told: Vec<String> = rows.iter().map(|row| row["timestamp"].clone() + " " + &row["value"]).collect();
        told.sort();
        told.dedup();
        let requests = Source::new("series_as_requests", &[name]).inspect();
        assert_eq!(requests["requests"]["good"], points, "{name}");
        assert_eq!(requests["requests"]["duplicates"], points - told.len(), "{name}");
    }
    // Windows around the change of the clock, and one within the hour that never was.
    let source = Source::new("series_as_requests", &["nab/ec2_disk_write_bytes_1ef3de.csv.gz"]);
    for until in ["2014-03-09T02:30:00Z", "2014-03-09T03:30:00Z", "2014-03-09T12:00:00Z", "2014-03-10T23:59:59Z"] {
        let plan = source.plan(&["--until", until, "--window", "2h"]);
        assert_eq!(plan["source"]["rows_read"], 4_730, "{until}");
    }
}

/// Trap 7: a series without any variance, and two in which nothing happened that a person would mark. Any alarm is false.
#[test]
fn series_in_which_nothing_happens_make_no_alarm() {
    let labelled = fs::read_to_string(public("nab/windows.csv")).unwrap();
    let folder = tempdir().unwrap();
    let policy = |limit: &str| {
        let lines = ["extends: balanced".to_owned(), format!("thresholds: {{latency_p95_ms: {limit}}}")];
        write_lines(folder.path(), &format!("{limit}.yaml"), &lines)
    };
    for (name, month, days, most) in [
        ("art_flatline", "04", [2, 8, 14], 45.0),
        ("art_daily_small_noise", "04", [2, 8, 14], 88.0),
        ("ec2_cpu_utilization_c6585a", "04", [4, 9, 15], 1.61),
    ] {
        assert!(!labelled.contains(name), "nobody saw anything in it");
        let source = Source::new("series_as_requests", &[&format!("nab/{name}.csv.gz")]);
        for day in days {
            let until = format!("2014-{month}-{day:02}T23:59:59Z");
            for window in ["1h", "24h"] {
                let plan = source.plan(&["--until", &until, "--window", window, "--lookback", "48h"]);
                assert!(plan["services"][0]["latency_p95_ms"].as_f64().unwrap() <= most * 1.01, "{name} {until}");
                assert_eq!(alarms(&plan), Vec::<String>::new(), "{name} {until} {window}");
                assert_eq!(plan["decisions"][0]["action"], "keep");
            }
        }
    }
    // The same points as figures: a limit that is met exactly is not crossed, one just below is.
    let flat = Source::new("series", &["nab/art_flatline.csv.gz"]);
    assert_eq!(alarms(&flat.plan(&["--policy", &policy("45")])), Vec::<String>::new());
    assert_eq!(alarms(&flat.plan(&["--policy", &policy("44")])), ["latency_high"]);
    // And where people did see something, so does the plan.
    let disk = Source::new("series_as_requests", &["nab/ec2_disk_write_bytes_1ef3de.csv.gz"]);
    let plan = disk.plan(&["--until", "2014-03-10T23:59:59Z", "--window", "24h", "--lookback", "48h"]);
    assert_eq!(alarms(&plan), ["latency_high"]);
}

/// Trap 8: variances are blank though counts are large. Blank is unknown: a variance of zero would make every difference sure.
#[test]
fn blank_variances_are_rejects_and_no_plan_rests_on_the_rest() {
    let rows = csv_rows("asos-experiments.csv.gz");
    let blank = rows.iter().filter(|row| row["variance_t"].is_empty()).count();
    assert_eq!((rows.len(), blank), (1_780, 313));
    let folder = tempdir().unwrap();
    let inspection = Source::new("asos_variances", &["asos-experiments.csv.gz"]).inspect();
    // Both arms of a row: control and treatment.
    assert_eq!(figures(&inspection), (2 * 1_780, 2 * (1_780 - 313), vec![("value: empty", 2 * 313)]));
    let mapping = root().join("tests/mappings/asos_variances.sql").to_string_lossy().into_owned();
    refused(
        folder.path(),
        &["--from", &public("asos-experiments.csv.gz"), "--mapping", &mapping],
        3,
        &["626 of 3560 rows were rejected (17.6 %)", "value: empty"],
    );
}

/// Trap 8: counts are cumulative, yet fall once; checkpoints have holes, and their days noise in the last digit.
#[test]
fn cumulative_counts_that_fall_are_rejects_and_not_negative_visitors() {
    let folder = tempdir().unwrap();
    let source = Source::new("asos_increments", &["asos-experiments.csv.gz"]);
    let inspection = source.inspect();
    let (all, series) = (1_780, 23);
    let fall = ("value: not a finite number from 0", 4);
    assert_eq!(figures(&inspection), (all - series, all - series - 4, vec![fall]));
    assert_eq!(inspection["metrics"]["passed_over"]["cumulative, and the first point"], series);
    // Half days to the microsecond, whatever stands in the sixteenth digit.
    assert_eq!(inspection["metrics"]["oldest"], "1970-01-03T00:00:00Z");
    // A mapping can know about falls; then nothing is left to reject.
    let knowing = source.changed(
        folder.path(),
        "CASE WHEN before IS NULL THEN 'cumulative, and the first point' END",
        "CASE WHEN before IS NULL THEN 'cumulative, and the first point' WHEN count < before THEN 'cumulative, and less than before' END",
    );
    let inspection = source.with(&knowing).inspect();
    assert_eq!(figures(&inspection), (all - series - 4, all - series - 4, vec![]));
    assert_eq!(inspection["metrics"]["passed_over"]["cumulative, and less than before"], 4);
    // Counts of visitors trip no threshold, and the plan says why there is none.
    refused(
        folder.path(),
        &["--from", &public("asos-experiments.csv.gz"), "--mapping", &knowing],
        3,
        &["none that a threshold is written for", "latency_ms (p95)"],
    );
}

/// A document of several lines as the one line that readers of NDJSON want, as `jq -c .` writes it.
fn one_line(name: &str) -> String {
    let document: Value = serde_json::from_slice(&bytes(name)).unwrap();
    document.to_string()
}

/// Trap 16: a series with nulls, one of two dimensions, and documents of many lines.
#[test]
fn nulls_in_a_series_are_unknown_and_dimensions_stay_apart() {
    let folder = tempdir().unwrap();
    let mapping = root().join("tests/mappings/tcpd.sql").to_string_lossy().into_owned();
    for (name, points, nulls, first) in [
        ("uk_coal_employ", 105, 2, "1913-01-01T00:00:00Z"),
        ("run_log", 2 * 376, 0, "2018-07-31T18:22:28Z"),
        ("well_log", 675, 0, "1970-01-01T00:00:01Z"),
    ] {
        let file = write_lines(folder.path(), &format!("{name}.json"), &[one_line(&format!("tcpd/{name}.json.gz"))]);
        let rejects = format!("{name}.csv");
        let arguments = ["inspect", "--format", "json", "--from", &file, "--mapping", &mapping, "--rejects", &rejects];
        let run = run(folder.path(), &arguments);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let inspection: Value = serde_json::from_str(&run.stdout).unwrap();
        let expected = if nulls == 0 { vec![] } else { vec![("value: empty", nulls)] };
        assert_eq!(figures(&inspection), (points, points - nulls, expected), "{name}");
        assert_eq!(inspection["metrics"]["oldest"], first);
    }
}

/// Trap 16: people disagree about changes, and a list without any is the finding that there is none.
#[test]
fn an_empty_list_of_changes_is_none_and_not_unknown() {
    let folder = tempdir().unwrap();
    let mapping = root().join("tests/mappings/tcpd_annotations.sql").to_string_lossy().into_owned();
    let file = write_lines(folder.path(), "annotations.json", &[one_line("tcpd/annotations.json")]);
    let said = run(folder.path(), &["inspect", "--format", "json", "--from", &file, "--mapping", &mapping]);
    let inspection: Value = serde_json::from_str(&said.stdout).unwrap();
    // Four series and five people each, seven of whom saw no change at all.
    let annotations: Value = serde_json::from_slice(&bytes("tcpd/annotations.json")).unwrap();
    let lists = ["well_log", "uk_coal_employ", "run_log", "quality_control_5"]
        .map(|name| annotations[name].as_object().unwrap());
    assert_eq!(lists.iter().map(|lists| lists.len()).sum::<usize>(), 20);
    assert_eq!(
        lists.iter().flat_map(|lists| lists.values()).filter(|list| list.as_array().unwrap().is_empty()).count(),
        7
    );
    assert_eq!(figures(&inspection), (20, 20, vec![]));
}
