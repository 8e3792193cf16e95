//! Made request logs: days of traffic with a daily pattern, the same for the same seed, into which a test plants one fault.

use std::{fmt::Write as _, path::Path};

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

/// A Thursday, 2026-03-12T18:00:00Z: where all made logs end.
pub const END: i64 = 1_773_338_400;

const HEADER: &str = "ts,request_id,service,model,provider,config_version,latency_ms,input_tokens,output_tokens,cost_usd,quality,outcome";

/// One request. Numbers that are not finite are written as they are, `None` is left empty.
#[derive(Debug, Clone)]
pub struct Row {
    /// Milliseconds since 1970.
    pub at: i64,
    pub service: String,
    pub model: &'static str,
    pub version: Option<&'static str>,
    pub latency_ms: f64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost_usd: f64,
    pub quality: Option<f64>,
    pub failed: bool,
}

impl Row {
    /// Seconds until the end of the log.
    pub fn before_end(&self) -> i64 {
        END - self.at.div_euclid(1_000)
    }

    /// Hour of the UTC day, with its fraction.
    pub fn hour(&self) -> f64 {
        (self.at.div_euclid(1_000).rem_euclid(DAY)) as f64 / HOUR as f64
    }
}

/// A service over whole days up to [`END`].
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    pub service: &'static str,
    pub seed: u64,
    pub days: i64,
    /// On the average of a day; nights have a third of it, afternoons nearly twice.
    pub per_hour: f64,
}

impl Traffic {
    pub fn rows(self) -> Vec<Row> {
        const STEP: i64 = 300;
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        let mut rows = Vec::new();
        let mut owed = 0.0;
        for slot in (END - self.days * DAY..END).step_by(STEP as usize) {
            let wave = ((slot.rem_euclid(DAY) - 9 * HOUR) as f64 / DAY as f64 * std::f64::consts::TAU).sin();
            owed += self.per_hour / 12.0 * (1.0 + 0.65 * wave) * chance.random_range(0.8..1.2);
            let count = owed as i64;
            owed -= count as f64;
            for number in 0..count {
                let mut bell = || (0..3).map(|_| chance.random_range(-1.0..1.0)).sum::<f64>();
                let output_tokens = (180.0 * (0.3 * bell()).exp()) as i64;
                let input_tokens = (900.0 * (0.4 * bell()).exp()) as i64;
                let latency_ms = 1_234.0 * (1.0 + 0.1 * wave) * (0.25 * bell()).exp();
                rows.push(Row {
                    at: (slot * 1_000) + (2 * number + 1) * STEP * 500 / count,
                    service: self.service.to_owned(),
                    model: if chance.random_bool(0.5) { "gpt-4o" } else { "gpt-4o-mini" },
                    version: None,
                    latency_ms,
                    input_tokens,
                    output_tokens,
                    cost_usd: 0.0123 * (1.0 + 0.15 * chance.random_range(-1.0..1.0)),
                    quality: chance.random_bool(0.5).then(|| if chance.random_bool(0.9) { 1.0 } else { 0.4 }),
                    failed: chance.random_bool(0.01),
                });
            }
        }
        rows
    }

    /// The same with something done to every row.
    pub fn with(self, change: impl FnMut(&mut Row)) -> Vec<Row> {
        let mut rows = self.rows();
        rows.iter_mut().for_each(change);
        rows
    }
}

/// A line for each row, without the header.
pub fn lines(rows: &[Row]) -> Vec<String> {
    let number = |value: f64| if value.is_finite() { format!("{value:.6}") } else { value.to_string() };
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            let at = Timestamp::from_millisecond(row.at).expect("a time");
            let service = format!("\"{}\"", row.service.replace('"', "\"\""));
            let Row { model, version, input_tokens, output_tokens, .. } = row;
            let (version, quality) = (version.unwrap_or_default(), row.quality.map_or_else(String::new, number));
            let outcome = if row.failed { "error" } else { "success" };
            let (latency, cost) = (number(row.latency_ms), number(row.cost_usd));
            format!("{at},r{index},{service},{model},openai,{version},{latency},{input_tokens},{output_tokens},{cost},{quality},{outcome}")
        })
        .collect()
}

/// Writes lines below the header and returns the path as text.
pub fn write(folder: &Path, name: &str, lines: &[String]) -> String {
    let mut text = format!("{HEADER}\n");
    for line in lines {
        writeln!(text, "{line}").expect("text takes everything");
    }
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a temporary folder can be written");
    std::fs::write(&path, text).expect("a temporary folder can be written");
    path.to_string_lossy().into_owned()
}

/// A log of these rows.
pub fn log(folder: &Path, name: &str, rows: &[Row]) -> String {
    write(folder, name, &lines(rows))
}
