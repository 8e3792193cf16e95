//! A made-up log of a month: services whose traffic and latency follow the day.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
};

use jiff::Timestamp;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::calibration::distribution::standard_normal;

/// Slots of five minutes, microseconds.
const SLOT_US: i64 = 300_000_000;
const SLOTS_A_DAY: i64 = 288;
/// A Monday, 00:00 UTC, seconds since 1970.
const START: i64 = 1_767_571_200;

/// How much is made.
#[derive(Debug, Clone, Copy)]
pub struct Month {
    pub services: u32,
    pub days: i64,
    /// Of each service, over the day; at least one.
    pub requests_a_slot: f64,
}

impl Month {
    /// Writes it, the same each time; how many rows.
    pub fn write(&self, path: &Path) -> u64 {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut file = BufWriter::new(File::create(path).expect("the file can be written"));
        let head = "ts,request_id,service,model,provider,latency_ms,ttft_ms,input_tokens,output_tokens,cost_usd,quality,outcome";
        writeln!(file, "{head}").expect("the file can be written");
        let mut rows = 0;
        for service in 0..self.services {
            for slot in 0..self.days * SLOTS_A_DAY {
                let day = 1.0 + 0.5 * (slot as f64 / SLOTS_A_DAY as f64 * std::f64::consts::TAU).sin();
                let count = (self.requests_a_slot * day + standard_normal(&mut random)).max(1.0) as u32;
                for _ in 0..count {
                    let row = row(rows, service, slot, day, &mut random);
                    writeln!(file, "{row}").expect("the file can be written");
                    rows += 1;
                }
            }
        }
        file.flush().expect("the file can be written");
        rows
    }
}

fn row(number: u64, service: u32, slot: i64, day: f64, random: &mut ChaCha8Rng) -> String {
    let at = START * 1_000_000 + slot * SLOT_US + random.random_range(0..SLOT_US);
    let at = Timestamp::from_microsecond(at).expect("a time");
    let mut around = |middle: f64, spread: f64| middle * (spread * standard_normal(random)).exp();
    let latency = around(800.0 * day, 0.4);
    let (input, output) = (around(400.0, 0.5).floor(), around(200.0, 0.6).floor());
    let quality = match random.random_range(0..100) {
        0..50 => "",
        50..92 => "1",
        _ => "0",
    };
    let outcome = if random.random_bool(0.01) { "error" } else { "success" };
    format!(
        "{at},r{number},svc-{service},m{},openai,{latency:.1},{:.1},{input},{output},{:.7},{quality},{outcome}",
        number % 2,
        latency / 4.0,
        (input + 4.0 * output) / 1e6,
    )
}

/// Ticks that the program told.
#[must_use]
pub fn replay(file: &Path) -> usize {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optimizer"));
    command.current_dir(file.parent().expect("a folder")).env_remove("OPTIMIZER_POLICY").env_remove("OPTIMIZER_MODELS");
    command.args(["replay", "--every", "5m", "--from"]).arg(file).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().count();
    assert!(child.wait().expect("a child of ours").success(), "the replay failed");
    lines
}
