//! The part `nab`: anomalies that the program finds by replaying public series, against windows that people labelled.

use serde_json::json;

use super::{
    nab::{self, PROFILES, Tally},
    replayed::{self, Replayed},
    table::{Table, rounded},
};

pub fn print(as_json: bool) {
    let files: Vec<Replayed> = replayed::FILES.iter().map(|stem| replayed::replay(stem)).collect();
    let tallies = |profile: usize| -> Vec<Tally> {
        files.iter().map(|file| file.outcome.score(&PROFILES[profile])).collect::<Vec<_>>()
    };
    let mut by_file = Table::new(
        "nab",
        &["file", "rows", "windows", "hits", "false_alarms", "raw", "anomalies_by_metric", "other_findings"],
    );
    for ((stem, file), tally) in replayed::FILES.iter().zip(&files).zip(tallies(0)) {
        by_file.push(vec![
            json!(stem),
            json!(file.outcome.rows),
            json!(tally.windows),
            json!(tally.hits),
            json!(tally.false_alarms),
            rounded(tally.raw, 3),
            json!(counts(file.by_metric.iter())),
            json!(counts(file.other_kinds.iter())),
        ]);
    }
    by_file.print(as_json);
    let mut scores = Table::new("nab score", &["profile", "score", "windows", "hits", "false_alarms"]);
    for (place, profile) in PROFILES.iter().enumerate() {
        let sum = nab::total(&tallies(place));
        let score = nab::normalised(&sum, profile).unwrap_or(f64::NAN);
        let counted = [sum.windows, sum.hits, sum.false_alarms].map(|count| json!(count));
        scores.push([vec![json!(profile.name), rounded(score, 1)], counted.to_vec()].concat());
    }
    scores.print(as_json);
}

fn counts<'a>(found: impl Iterator<Item = (&'a String, &'a usize)>) -> String {
    found.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
