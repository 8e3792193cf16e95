//! Series of the Numenta Anomaly Benchmark as the product sees them: one request a row, replayed in slots of five minutes.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    nab::Outcome,
    public::{self, Row},
};

/// Length of a slot, seconds.
const SLOT: i64 = 300;

/// All files, by folder of the benchmark.
pub const FILES: [&str; 12] = [
    "art_daily_small_noise",
    "art_flatline",
    "art_daily_jumpsup",
    "ec2_cpu_utilization_c6585a",
    "ec2_disk_write_bytes_1ef3de",
    "elb_request_count_8c0756",
    "rds_cpu_utilization_cc0c53",
    "exchange-3_cpm_results",
    "cpu_utilization_asg_misconfiguration",
    "ec2_request_latency_system_failure",
    "TravelTime_451",
    "Twitter_volume_KO",
];

/// One file after the replay.
#[derive(Debug)]
pub struct Replayed {
    rows: usize,
    windows: Vec<(usize, usize)>,
    /// Anomalies: the figure that was unusual, and the row at which it was told.
    pub anomalies: Vec<(String, usize)>,
    /// Findings of other kinds, each tick that tells one.
    pub other_kinds: BTreeMap<String, usize>,
}

impl Replayed {
    /// For the score: anomalies of every figure, or of one alone.
    #[must_use]
    pub fn outcome(&self, metric: Option<&str>) -> Outcome {
        let counted = self.anomalies.iter().filter(|(name, _)| metric.is_none_or(|metric| metric == name));
        let detections = counted.map(|(_, row)| *row).collect();
        Outcome { rows: self.rows, windows: self.windows.clone(), detections }
    }

    /// Anomalies by figure.
    #[must_use]
    pub fn by_metric(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (metric, _) in &self.anomalies {
            *counts.entry(metric.clone()).or_default() += 1;
        }
        counts
    }
}

/// Replays a file with the policy that is built in and the settings that are the default.
#[must_use]
pub fn replay(stem: &str) -> Replayed {
    let rows = public::nab(stem);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("requests.csv");
    fs::write(&file, requests(stem, &rows)).expect("the file can be written");
    // A slot is judged by what was in it last: its alarm is there when its last row is.
    let last_rows: BTreeMap<i64, usize> =
        rows.iter().enumerate().map(|(row, (at, _))| (at.div_euclid(SLOT) * SLOT, row)).collect();
    let windows = windows(stem, &rows);
    let mut replayed = Replayed { rows: rows.len(), windows, anomalies: Vec::new(), other_kinds: BTreeMap::new() };
    for line in ticks(&file).lines() {
        let tick: Value = serde_json::from_str(line).expect("a tick is a line of JSON");
        for finding in tick["findings"].as_array().expect("findings") {
            let kind = finding["kind"].as_str().expect("a kind");
            if kind != "anomaly" {
                *replayed.other_kinds.entry(kind.to_owned()).or_default() += 1;
                continue;
            }
            let metric = finding["metric"].as_str().expect("anomalies name their figure");
            let since: Timestamp = finding["since"].as_str().and_then(|text| text.parse().ok()).expect("a time");
            // A slot without rows alarms as silence does: what came before it is what there is to point at.
            let row = last_rows.range(..=since.as_second()).next_back().expect("no alarm before the first row");
            replayed.anomalies.push((metric.to_owned(), *row.1));
        }
    }
    replayed
}

/// The rows as requests in canonical columns. All values are zero or more, and stand as they are: milliseconds.
fn requests(service: &str, rows: &[Row]) -> String {
    let mut text = "ts,request_id,service,model,provider,latency_ms,outcome\n".to_owned();
    for (row, (at, value)) in rows.iter().enumerate() {
        let at = Timestamp::from_second(*at).expect("a time");
        // Rows of the same time are different requests.
        writeln!(text, "{at},{row},{service},m,p,{value},success").expect("memory");
    }
    text
}

/// What the program says of the file: a line for each tick that has something to say.
fn ticks(file: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optimizer"));
    // No policy of whoever measures.
    command.current_dir(file.parent().expect("a folder")).env_remove("OPTIMIZER_POLICY").env_remove("OPTIMIZER_MODELS");
    command.args(["replay", "--every", "5m", "--quiet", "--from"]).arg(file).stderr(Stdio::inherit());
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "the replay of {} failed", file.display());
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The labelled windows, from first to last row inside.
fn windows(stem: &str, rows: &[Row]) -> Vec<(usize, usize)> {
    let labels = public::records("nab/windows.csv");
    let own = labels.iter().filter(|label| label["file"].ends_with(&format!("/{stem}.csv")));
    own.map(|label| {
        let [from, to] = ["window_start", "window_end"].map(|end| public::seconds(&label[end]));
        let first = rows.iter().position(|row| row.0 >= from).expect("a row in the window");
        (first, rows.iter().rposition(|row| row.0 <= to).expect("a row in the window"))
    })
    .collect()
}
