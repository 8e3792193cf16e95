//! The part `nab`: anomalies that the program finds by replaying public series, against windows that people labelled.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    nab::{self, PROFILES, Tally},
    replayed::{self, Replayed},
    table::{Table, rounded},
};

pub fn print(as_json: bool) {
    let files: Vec<Replayed> = replayed::FILES.iter().map(|stem| replayed::replay(stem)).collect();
    let tallies = |profile: usize, metric: Option<&str>| -> Vec<Tally> {
        files.iter().map(|file| file.outcome(metric).score(&PROFILES[profile])).collect()
    };
    let mut by_file = Table::new(
        "nab",
        &["file", "rows", "windows", "hits", "false_alarms", "raw", "anomalies_by_metric", "other_findings"],
    );
    for ((stem, file), tally) in replayed::FILES.iter().zip(&files).zip(tallies(0, None)) {
        by_file.push(vec![
            json!(stem),
            json!(file.outcome(None).rows),
            json!(tally.windows),
            json!(tally.hits),
            json!(tally.false_alarms),
            rounded(tally.raw, 3),
            json!(counts(&file.by_metric())),
            json!(counts(&file.other_kinds)),
        ]);
    }
    by_file.print(as_json);
    let mut scores = Table::new("nab score", &["figures", "profile", "score", "windows", "hits", "false_alarms"]);
    // The series stand in the latency column; the traffic is how often somebody wrote down a value.
    for (figures, metric) in [("all", None), ("latency", Some("latency"))] {
        for (place, profile) in PROFILES.iter().enumerate() {
            let sum = nab::total(&tallies(place, metric));
            let score = rounded(nab::normalised(&sum, profile).unwrap_or(f64::NAN), 1);
            let counted = [sum.windows, sum.hits, sum.false_alarms].map(|count| json!(count));
            scores.push([vec![json!(figures), json!(profile.name), score], counted.to_vec()].concat());
        }
    }
    scores.print(as_json);
}

fn counts(found: &BTreeMap<String, usize>) -> String {
    found.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
