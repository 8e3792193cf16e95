//! Requests out of what is kept of an hour: not one by one any more, but as many, as slow and as dear as they were.

use std::collections::BTreeMap;

use super::requests::{RequestKind, Requests};
use crate::stats::{
    Rollup, Sketch,
    sketch::{bin_of, middle_of},
};

/// Most rows that stand for an hour of a service. What is independent is the hour, so more would not make anything surer.
const MOST_ROWS: f64 = 2_000.0;

/// What is kept of one hour of one service.
#[derive(Debug, Clone, Copy)]
pub struct KeptRequests<'a> {
    pub service: &'a str,
    /// Minutes since 1970, of its start.
    pub minute: i64,
    pub rollup: &'a Rollup,
}

/// Rows that stand for these hours: of each figure, its distribution and its sum are those of the hour. What went with what is not
/// known any more, and no comparison asks for it. Only the service tells kinds of requests apart.
#[must_use]
pub fn kept_requests<'a>(hours: impl IntoIterator<Item = KeptRequests<'a>>) -> Requests {
    let (mut made, mut services) = (Requests { hourly: true, ..Requests::default() }, BTreeMap::new());
    for hour in hours {
        let next = services.len() as u32;
        let number = *services.entry(hour.service).or_insert(next);
        if number == next {
            made.slices.push([Some(hour.service.to_owned()), None, None, None]);
        }
        add(&mut made, number, &hour);
    }
    made
}

fn add(made: &mut Requests, number: u32, hour: &KeptRequests<'_>) {
    let counts = &hour.rollup.requests;
    let rows = (counts.rows as f64).clamp(1.0, MOST_ROWS);
    let weight = counts.weight / rows;
    if weight <= 0.0 || !weight.is_finite() {
        return;
    }
    let whole = |weight_of: f64| (weight_of / weight).round() as usize;
    let seen = RequestKind::Succeeded;
    let succeeded = if counts.unseen > 0.0 { RequestKind::FailuresUnseen } else { seen };
    let kinds = [
        (succeeded, whole(counts.succeeded)),
        (RequestKind::Failed, whole(counts.provider_errors)),
        (RequestKind::Refused, whole(counts.caller_errors)),
    ];
    let before = made.len();
    for (kind, rows) in kinds {
        for _ in 0..rows {
            made.slice.push(number);
            made.stratum.push(u64::from(number));
            made.request.push(made.request.len() as u64);
            made.session.push(0);
            made.minute.push(hour.minute);
            made.run.push(0);
            made.kind.push(kind);
            made.class.push(u32::MAX);
            made.weight.push(weight);
        }
    }
    let all = made.len();
    let rollup = hour.rollup;
    for (column, sketch, read) in [
        (&mut made.latency_ms, &rollup.latency, Read::Bin),
        (&mut made.ttft_ms, &rollup.ttft, Read::Bin),
        (&mut made.input_tokens, &rollup.input_tokens, Read::Mean),
        (&mut made.output_tokens, &rollup.output_tokens, Read::Mean),
        (&mut made.cost_usd, &rollup.cost, Read::Mean),
        (&mut made.quality, &rollup.quality, Read::Mean),
    ] {
        spread(column, sketch, weight, all - before, read);
        column.resize(all, f64::NAN);
    }
}

/// What stands for the requests of a part of a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// The middle of its bin, for quantiles.
    Bin,
    /// Their mean, for sums.
    Mean,
}

/// As many values as the sketch has requests of this weight, each for an equal part of them in ascending order; `most` at most.
fn spread(column: &mut Vec<f64>, sketch: &Sketch, weight: f64, most: usize, read: Read) {
    let rows = ((sketch.weight() / weight).round() as usize).min(most);
    if rows == 0 {
        return;
    }
    let part = sketch.weight() / rows as f64;
    let mut bins = sketch.bins().iter();
    let mut bin = bins.next().copied();
    // What is left of the bin at hand.
    let mut left = bin.map_or(0.0, |bin| bin.weight);
    for row in 0..rows {
        let (mut wanted, mut sum, mut middle) = (part, 0.0, None);
        while let Some(current) = bin {
            let mean = current.sum / current.weight;
            let last = row + 1 == rows;
            let taken = if last { left } else { left.min(wanted) };
            sum += taken * mean;
            wanted -= taken;
            left -= taken;
            if middle.is_none() && wanted <= part / 2.0 {
                middle = Some(middle_of(current.index));
            }
            if !last && wanted <= 1e-9 * part {
                break;
            }
            bin = bins.next().copied();
            left = bin.map_or(0.0, |bin| bin.weight);
        }
        column.push(match read {
            Read::Mean => sum / part,
            Read::Bin => middle.unwrap_or(sum / part),
        });
    }
}

impl Requests {
    /// The same told as coarsely as hours are kept: by service, latencies by their bins. Only so can both sides be compared.
    #[must_use]
    pub fn as_kept(mut self) -> Self {
        let mut numbers: BTreeMap<Option<String>, u32> = BTreeMap::new();
        let mut slices = Vec::new();
        let by_slice: Vec<u32> = self
            .slices
            .iter()
            .map(|names| {
                *numbers.entry(names[0].clone()).or_insert_with(|| {
                    slices.push([names[0].clone(), None, None, None]);
                    slices.len() as u32 - 1
                })
            })
            .collect();
        self.slices = slices;
        for slice in &mut self.slice {
            *slice = by_slice[*slice as usize];
        }
        self.classes.clear();
        self.class.fill(u32::MAX);
        self.session.fill(0);
        for value in self.latency_ms.iter_mut().chain(&mut self.ttft_ms).filter(|value| !value.is_nan()) {
            *value = middle_of(bin_of(*value));
        }
        self.hourly = true;
        self
    }
}

/// Numbers the services of both sides alike, so that the same service is the same kind of request on both.
pub fn same_kinds(sides: [&mut Requests; 2]) {
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    for side in sides {
        let kinds: Vec<u64> = side
            .slices
            .iter()
            .map(|names| {
                let next = numbers.len() as u64;
                *numbers.entry(names[0].clone().unwrap_or_default()).or_insert(next)
            })
            .collect();
        side.stratum = side.slice.iter().map(|slice| kinds[*slice as usize]).collect();
    }
}
