//! Measured requests to draw from: latency, token cost and whether the answer was right, of one service's log.

use std::{collections::BTreeMap, fs::File, path::Path};

use flate2::read::GzDecoder;

/// US dollars per token, in and out: a price list of its own, since some logs have none.
const PRICE: [f64; 2] = [10e-6, 30e-6];

/// One successful request.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub ln_latency: f32,
    pub latency_ms: f32,
    pub cost: f32,
    pub stratum: u8,
    pub right: Option<bool>,
}

#[derive(Debug)]
pub struct Pool {
    pub requests: Vec<Request>,
    pub strata: usize,
    /// Natural logarithm of the 95th percentile of latency in milliseconds.
    pub ln_tau: f64,
    pub mean_score: f64,
}

impl Pool {
    /// Reads the successes of `testdata/<service>.csv.gz`. A stratum is a complexity and a band of input length.
    pub fn read(folder: &Path, service: &str) -> Self {
        let file = File::open(folder.join(format!("{service}.csv.gz"))).expect("the service's log is there");
        let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
        let mut strata: BTreeMap<String, usize> = BTreeMap::new();
        let mut requests = Vec::new();
        for row in reader.deserialize::<BTreeMap<String, String>>() {
            let row = row.expect("a row of the log");
            let number = |field: &str| row[field].parse::<f64>().ok();
            let (Some(latency), Some(input), Some(output)) =
                (number("latency_ms"), number("input_tokens"), number("output_tokens"))
            else {
                continue;
            };
            if row["outcome"] != "success" || latency <= 0.0 {
                continue;
            }
            let band = [300.0, 1000.0].iter().filter(|edge| input > **edge).count();
            let next = strata.len();
            requests.push(Request {
                ln_latency: latency.ln() as f32,
                latency_ms: latency as f32,
                cost: (input * PRICE[0] + output * PRICE[1]) as f32,
                right: number("quality").map(|score| score > 0.5),
                stratum: *strata.entry(format!("{}/{band}", row["complexity"])).or_insert(next) as u8,
            });
        }
        let mut latencies: Vec<f64> = requests.iter().map(|request| f64::from(request.ln_latency)).collect();
        latencies.sort_by(f64::total_cmp);
        let ln_tau = latencies[latencies.len() * 19 / 20];
        let scores: Vec<bool> = requests.iter().filter_map(|request| request.right).collect();
        let mean_score = scores.iter().filter(|right| **right).count() as f64 / scores.len() as f64;
        Self { strata: strata.len(), requests, ln_tau, mean_score }
    }
}
