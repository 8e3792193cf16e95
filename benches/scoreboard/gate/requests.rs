//! Requests of a data set, as the gate reads them.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use optimizer::stats::gate::{RequestKind, Requests};

/// One request. NaN stands for unknown.
#[derive(Debug, Clone)]
pub struct Row {
    /// What makes requests alike beside their length.
    pub kind: String,
    pub minute: i64,
    pub failed: bool,
    pub latency_ms: f64,
    pub ttft_ms: f64,
    pub input_tokens: f64,
    pub output_tokens: f64,
    pub cost_usd: f64,
    pub quality: f64,
}

impl Default for Row {
    fn default() -> Self {
        let unknown = f64::NAN;
        Self {
            kind: String::new(),
            minute: 0,
            failed: false,
            latency_ms: unknown,
            ttft_ms: unknown,
            input_tokens: unknown,
            output_tokens: unknown,
            cost_usd: unknown,
            quality: unknown,
        }
    }
}

/// The same for the same value, in every run.
#[must_use]
pub fn hashed(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Rows of which each has an id of its own. `slice`: number of the service of a row, below `slices`.
#[must_use]
pub fn requests<'a>(rows: impl Iterator<Item = &'a Row>, slice: impl Fn(usize) -> u32, slices: u32) -> Requests {
    let mut requests = Requests {
        slices: (0..slices).map(|slice| [Some(format!("service {slice}")), None, None, None]).collect(),
        classes: vec!["failure".to_owned()],
        ..Requests::default()
    };
    for (at, row) in rows.enumerate() {
        let succeeded = |value: f64| if row.failed { f64::NAN } else { value };
        requests.slice.push(slice(at));
        // As the gate's own query: lengths in steps of four times, an unknown one by itself.
        let length = (!row.input_tokens.is_nan()).then(|| ((row.input_tokens + 1.0).log2() / 2.0).floor() as i64);
        requests.stratum.push(hashed((slice(at), &row.kind, length)));
        requests.request.push(hashed(at));
        requests.session.push(0);
        requests.minute.push(row.minute);
        requests.run.push(0);
        requests.kind.push(if row.failed { RequestKind::Failed } else { RequestKind::Succeeded });
        requests.class.push(if row.failed { 0 } else { u32::MAX });
        requests.weight.push(1.0);
        requests.latency_ms.push(succeeded(row.latency_ms));
        requests.ttft_ms.push(succeeded(row.ttft_ms));
        requests.input_tokens.push(row.input_tokens);
        requests.output_tokens.push(row.output_tokens);
        requests.cost_usd.push(succeeded(row.cost_usd));
        requests.quality.push(succeeded(row.quality));
    }
    requests
}

/// The two sides, by whether a row is the candidate's.
#[must_use]
pub fn sides(all: &Requests, candidate: &[bool]) -> [Requests; 2] {
    fn some<T: Copy>(column: &[T], rows: &[usize]) -> Vec<T> {
        rows.iter().map(|row| column[*row]).collect()
    }
    [false, true].map(|side| {
        let rows: Vec<usize> = (0..all.len()).filter(|row| candidate[*row] == side).collect();
        Requests {
            slices: all.slices.clone(),
            classes: all.classes.clone(),
            slice: some(&all.slice, &rows),
            stratum: some(&all.stratum, &rows),
            request: some(&all.request, &rows),
            session: some(&all.session, &rows),
            minute: some(&all.minute, &rows),
            run: some(&all.run, &rows),
            kind: some(&all.kind, &rows),
            class: some(&all.class, &rows),
            weight: some(&all.weight, &rows),
            latency_ms: some(&all.latency_ms, &rows),
            ttft_ms: some(&all.ttft_ms, &rows),
            input_tokens: some(&all.input_tokens, &rows),
            output_tokens: some(&all.output_tokens, &rows),
            cost_usd: some(&all.cost_usd, &rows),
            quality: some(&all.quality, &rows),
            hourly: false,
        }
    })
}

/// Numbers from 0 on, one for each name.
#[must_use]
pub fn numbered(names: impl Iterator<Item = String>) -> Vec<u32> {
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let number = |name: String| {
        let next = known.len() as u32;
        *known.entry(name).or_insert(next)
    };
    names.map(number).collect()
}
