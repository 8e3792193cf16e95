//! Requests of a gate's sides, and what the gate says of them.

use std::{fmt::Write as _, fs, path::Path};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Run, optimizer};

/// How a side does.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub seed: u64,
    pub requests: u64,
    pub slower: f64,
    pub failing: f64,
    pub cost: f64,
    pub quality: f64,
}

pub const SAME: Told = Told { seed: 1, requests: 3_000, slower: 1.0, failing: 0.01, cost: 1.0, quality: 1.0 };

/// Requests of some services over some hours, a line of JSON each.
pub fn log(folder: &Path, name: &str, told: Told, service: &dyn Fn(u64) -> String) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(told.seed);
    let mut text = String::new();
    for number in 0..told.requests {
        let second = number * 10_000 / told.requests;
        let at = jiff::Timestamp::from_second(1_772_000_000 + i64::try_from(second).unwrap()).unwrap();
        let failed = random.random_bool(told.failing);
        let latency = told.slower * 400.0 * random.random_range(-0.7..0.7_f64).exp();
        let (input, output) = (random.random_range(50..800), random.random_range(20..300));
        let cost = told.cost * f64::from(input + 3 * output) * 1e-6;
        let quality = (told.quality * random.random_range(0.7..1.0_f64)).min(1.0);
        let complexity = ["simple", "complex"][random.random_range(0..2_usize)];
        let mut row = json!({
            "ts": at.to_string(),
            "request_id": format!("{name}-{number}"),
            "service": service(number),
            "endpoint": "/v1/chat",
            "model": "m",
            "latency_ms": latency,
            "input_tokens": input,
            "output_tokens": output,
            "cost_usd": cost,
            "outcome": "success",
            "status_code": 200,
            "complexity": complexity,
        });
        if failed {
            for (key, value) in
                [("outcome", json!("error")), ("status_code", json!(503)), ("error_type", json!("overloaded"))]
            {
                row[key] = value;
            }
        } else {
            row["quality"] = json!(quality);
        }
        writeln!(text, "{row}").unwrap();
    }
    let path = folder.join(format!("{name}.ndjson"));
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

pub fn two(number: u64) -> String {
    ["checkout", "search"][usize::try_from(number % 2).unwrap()].to_owned()
}

pub fn gate(folder: &TempDir, arguments: &[&str]) -> Run {
    let mut command = optimizer(folder.path());
    command.arg("gate").args(arguments).output().expect("the binary starts").into()
}

pub fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{} {}", run.stdout, run.stderr))
}

pub fn of<'a>(report: &'a Value, metric: &str, by: &str) -> &'a Value {
    let all = report["comparisons"].as_array().unwrap();
    all.iter().find(|one| one["metric"] == metric && one["slice"]["by"] == by && one["class"].is_null()).unwrap()
}
