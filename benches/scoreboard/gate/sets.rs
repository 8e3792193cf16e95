//! Sets of requests, read from `testdata/`.

use std::collections::BTreeMap;

use super::{
    held_out, in_sight,
    requests::{Row, numbered},
};
use crate::public;

/// US dollars per token, in and out, where a log has none.
const PRICE: [f64; 2] = [10e-6, 30e-6];

/// Requests, and what among them goes together.
#[derive(Debug)]
pub struct Set {
    pub name: &'static str,
    pub rows: Vec<Row>,
    /// The model or arm of each.
    pub arms: Vec<String>,
    pub blocks: Vec<Blocks>,
    /// Whether the statistics were worked out with it in sight.
    pub known: bool,
}

/// What is dealt to a side whole.
#[derive(Debug)]
pub struct Blocks {
    pub name: &'static str,
    pub number: Vec<u32>,
    /// Whether the log says so by an id; otherwise only its clock does.
    pub told: bool,
}

pub type Record = BTreeMap<String, String>;

pub fn number(record: &Record, field: &str) -> f64 {
    record.get(field).and_then(|text| text.parse().ok()).filter(|value: &f64| value.is_finite()).unwrap_or(f64::NAN)
}

pub fn minute(record: &Record, field: &str) -> i64 {
    public::seconds(record[field].trim_end_matches('Z')).div_euclid(60)
}

pub fn priced(mut row: Row) -> Row {
    if row.cost_usd.is_nan() {
        row.cost_usd = row.input_tokens * PRICE[0] + row.output_tokens * PRICE[1];
    }
    row
}

pub fn by_clock(rows: &[Row], name: &'static str, minutes: i64) -> Blocks {
    let number = numbered(rows.iter().map(|row| row.minute.div_euclid(minutes).to_string()));
    Blocks { name, number, told: false }
}

pub fn by_field(records: &[Record], name: &'static str, fields: &[&str]) -> Blocks {
    let id = |record: &Record| fields.iter().map(|field| record[*field].as_str()).collect::<Vec<_>>().join("|");
    Blocks { name, number: numbered(records.iter().map(id)), told: true }
}

/// One of the composed logs.
pub fn composed(name: &'static str) -> Set {
    let records = public::records(&format!("../{name}.csv.gz"));
    // Rows that are broken on purpose: the gate's reader refuses them.
    let whole = |record: &&Record| {
        let negative = number(record, "latency_ms") < 0.0;
        !negative && record["ts"].trim_end_matches('Z').parse::<jiff::civil::DateTime>().is_ok()
    };
    let records: Vec<&Record> = records.iter().filter(whole).collect();
    let rows: Vec<Row> = records
        .iter()
        .map(|record| {
            priced(Row {
                kind: record["complexity"].clone(),
                minute: minute(record, "ts"),
                failed: record["outcome"] != "success",
                latency_ms: number(record, "latency_ms"),
                ttft_ms: number(record, "ttft_ms"),
                input_tokens: number(record, "input_tokens"),
                output_tokens: number(record, "output_tokens"),
                cost_usd: number(record, "cost_usd"),
                quality: number(record, "quality"),
            })
        })
        .collect();
    let arms = records.iter().map(|record| record["model"].clone()).collect();
    let blocks = vec![by_clock(&rows, "15 minutes", 15), by_clock(&rows, "hour", 60)];
    Set { name, rows, arms, blocks, known: true }
}

/// A file of `testdata/public`.
pub fn from(
    name: &'static str,
    file: &str,
    row: impl Fn(&Record) -> Row,
    blocks: impl Fn(&[Record], &[Row]) -> Vec<Blocks>,
) -> Set {
    let records = public::records(file);
    let rows: Vec<Row> = records.iter().map(row).collect();
    let blocks = blocks(&records, &rows);
    Set { name, arms: vec![String::new(); rows.len()], rows, blocks, known: true }
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Set> {
    in_sight::sets().into_iter().chain(held_out::sets()).collect()
}

/// Two models' answers to the same prompts, in rows next to each other.
#[must_use]
pub fn answered_twice() -> Vec<Set> {
    let mut arena = in_sight::arena();
    let prompt = &arena.blocks[0].number;
    let mut order: Vec<usize> = (0..arena.rows.len()).collect();
    order.sort_by_key(|row| prompt[*row]);
    let twice = |rows: &&[usize]| rows.len() == 2 && prompt[rows[0]] == prompt[rows[1]];
    let rows = order.chunk_by(|a, b| prompt[*a] == prompt[*b]).filter(twice).flatten();
    arena.rows = rows.map(|row| arena.rows[*row].clone()).collect();
    let mut models = in_sight::answers("routellm-mmlu", "routellm-mmlu.csv", "mixtral_8x7b_correct");
    let other = in_sight::answers("routellm-mmlu", "routellm-mmlu.csv", "gpt_4_1106_correct");
    models.rows = models.rows.into_iter().zip(other.rows).flat_map(|(one, two)| [one, two]).collect();
    vec![arena, models]
}
