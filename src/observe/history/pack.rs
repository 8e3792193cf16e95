//! The cells of a slot as text: what `rollup/v1` says, in less room. A line of JSON a cell, compressed, in letters.
//!
//! Bins are told by the gap to the one before, and their sums by the distance from what the middle of the bin would give: small
//! numbers, which is most of the room saved. Nothing is rounded.

use std::{
    io::{Read as _, Write as _},
    sync::LazyLock,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize, de::Error as _};

use super::Cells;
use crate::{
    observe::{
        fold::{CellKey, METRIC_SCALE},
        histogram::{Histogram, UNIT},
        totals::Totals,
    },
    stats::sketch::{GAMMA, ZERO_BIN},
};

/// Begins every text; another form will begin otherwise.
const MARKER: &str = "gz1:";

/// One cell.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Service, complexity, provider, model, config version.
    key: (String, Option<String>, Option<String>, String, Option<String>),
    rows: u64,
    /// As in `rollup/v1`, the first four as [`differences`].
    sums: [i128; 10],
    /// Latency, ttft, tokens in, tokens out, cost, quality.
    bins: [Bins; 6],
}

/// One histogram: for each bin in ascending order, its gap to the one before; its rows; its sum, less what the middle of the bin
/// would give.
#[derive(Default, Serialize, Deserialize)]
struct Bins(
    Vec<i32>,
    Vec<u32>,
    Vec<i128>,
    /// Sums are in units of ten to this power, because figures are often rounded.
    u8,
    /// Weights in thousandths. Empty where every row stands for itself alone; sums are then without the thousandths too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    Vec<i64>,
);

/// Text of lines.
pub(super) fn packed(lines: impl IntoIterator<Item = impl Serialize>) -> String {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    for line in lines {
        let line = serde_json::to_string(&line).expect("plain data");
        packer.write_all(line.as_bytes()).and_then(|()| packer.write_all(b"\n")).expect("memory takes everything");
    }
    let bytes = packer.finish().expect("memory takes everything");
    MARKER.to_owned() + &STANDARD_NO_PAD.encode(bytes)
}

/// The lines again.
pub(super) fn unpacked<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>, serde_json::Error> {
    let letters = text.strip_prefix(MARKER).ok_or_else(|| serde_json::Error::custom("its form is not known"))?;
    let bytes = STANDARD_NO_PAD.decode(letters).map_err(serde_json::Error::custom)?;
    let mut lines = String::new();
    GzDecoder::new(&*bytes).read_to_string(&mut lines).map_err(serde_json::Error::io)?;
    lines.lines().map(serde_json::from_str).collect()
}

pub(super) fn of_cells(cells: &Cells) -> String {
    packed(cells.iter().map(|(key, totals)| {
        let CellKey { service, complexity, provider, model, config_version, .. } = key.clone();
        Line {
            key: (service, complexity, provider, model, config_version),
            rows: totals.counts.rows,
            sums: differences(totals.counts.rows, totals.sums(), false),
            bins: std::array::from_fn(|metric| of_histogram(&totals.histograms[metric], METRIC_SCALE[metric])),
        }
    }))
}

pub(super) fn to_cells(text: &str) -> Result<Cells, serde_json::Error> {
    let damaged = || serde_json::Error::custom("a cell is damaged");
    let cell = |line: Line| {
        let (service, complexity, provider, model, config_version) = line.key;
        let key = CellKey { service, complexity, provider, model, config_version, variant: None, span: 0 };
        let counts = Totals::counts(line.rows, &differences(line.rows, line.sums, true)).ok_or_else(damaged)?;
        let mut totals = Totals { counts, ..Totals::default() };
        for ((histogram, bins), scale) in totals.histograms.iter_mut().zip(&line.bins).zip(METRIC_SCALE) {
            fill(histogram, bins, scale).ok_or_else(damaged)?;
        }
        Ok((key, totals))
    };
    unpacked::<Line>(text)?.into_iter().map(cell).collect()
}

/// All weights, their squares, what was served and what succeeded are nearly always alike: they are told as the distance from what the
/// one before lets expect. `back` undoes it.
fn differences(rows: u64, mut sums: [i128; 10], back: bool) -> [i128; 10] {
    let rows = i128::from(rows);
    let [weight, _, served, ..] = sums;
    let step = |sum: i128, expected: i128| if back { sum.wrapping_add(expected) } else { sum.wrapping_sub(expected) };
    sums[0] = step(sums[0], rows * WIDE);
    sums[1] = step(sums[1], rows * WIDE * WIDE);
    sums[2] = step(sums[2], if back { sums[0] } else { weight });
    sums[3] = step(sums[3], if back { sums[2] } else { served });
    sums
}

fn of_histogram(histogram: &Histogram, scale: f64) -> Bins {
    let bins = histogram.bins();
    let plain = bins.iter().all(|(_, rows, weight, total)| *weight == i64::from(*rows) * UNIT && total % WIDE == 0);
    let unit = if plain { WIDE } else { 1 };
    let fits = |power: &u8| bins.iter().all(|bin| bin.3 % (unit * 10_i128.pow(u32::from(*power))) == 0);
    let power = (0..=MOST_ROUNDED).rev().find(fits).unwrap_or_default();
    let unit = unit * 10_i128.pow(u32::from(power));
    let mut packed = Bins(Vec::new(), Vec::new(), Vec::new(), power, Vec::new());
    let mut before = 0;
    for (bin, rows, weight, total) in bins {
        packed.0.push(i32::from(bin) - before);
        before = i32::from(bin);
        packed.1.push(rows);
        packed.2.push(total / unit - expected(bin, weight, scale, unit));
        if !plain {
            packed.4.push(weight);
        }
    }
    packed
}

/// None where it is not what [`of_histogram`] made.
fn fill(histogram: &mut Histogram, Bins(gaps, rows, rests, power, weights): &Bins, scale: f64) -> Option<()> {
    let plain = weights.is_empty();
    let alike = gaps.len() == rows.len() && gaps.len() == rests.len() && (plain || gaps.len() == weights.len());
    if !alike || *power > MOST_ROUNDED {
        return None;
    }
    let unit = if plain { WIDE } else { 1 } * 10_i128.pow(u32::from(*power));
    let mut before = 0_i32;
    for (place, ((gap, rows), rest)) in gaps.iter().zip(rows).zip(rests).enumerate() {
        before = before.checked_add(*gap)?;
        let bin = i16::try_from(before).ok()?;
        let weight = weights.get(place).copied().unwrap_or(i64::from(*rows) * UNIT);
        let total = rest.checked_add(expected(bin, weight, scale, unit))?.checked_mul(unit)?;
        histogram.add_bin(bin, *rows, weight, total);
    }
    Some(())
}

/// More zeros at the end of all sums are chance.
const MOST_ROUNDED: u8 = 9;

const WIDE: i128 = UNIT as i128;

/// What this weight (in thousandths) would come to in the middle of the bin, in this unit. Made of multiplications and divisions alone,
/// so that every machine gets the same.
fn expected(bin: i16, weight: i64, scale: f64, unit: i128) -> i128 {
    /// Beyond, sums are told as they are.
    const FARTHEST: usize = 4_096;
    static POWERS: LazyLock<Vec<f64>> =
        LazyLock::new(|| std::iter::successors(Some(1.0), |power| Some(power * GAMMA)).take(FARTHEST).collect());
    let Some(power) = POWERS.get(usize::from(bin.unsigned_abs())).filter(|_| bin != ZERO_BIN) else { return 0 };
    let middle = 2.0 / (GAMMA + 1.0) * if bin < 0 { 1.0 / power } else { *power };
    let sum = middle * scale * weight as f64 / unit as f64;
    // Larger ones are no sums of anything that happens.
    if sum < 1e30 { sum as i128 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{observe::fold::Counts, stats::sketch::bin_of};

    fn cells(rows: &[(u8, i64, i64)]) -> Cells {
        let mut cells = Cells::new();
        for (service, value, weight) in rows {
            let key = CellKey {
                service: format!("s \"{service}\"\u{7}"),
                complexity: (service % 2 == 0).then(|| "simple".to_owned()),
                provider: None,
                model: "m".to_owned(),
                config_version: Some("v1".to_owned()),
                variant: None,
                span: 0,
            };
            let wide = i128::from(*weight);
            let counts = Counts { rows: 1, weight: wide, weight_squared: wide * wide, ..Counts::default() };
            let histograms = std::array::from_fn(|metric| {
                let mut histogram = Histogram::default();
                histogram.add(bin_of(*value as f64 / METRIC_SCALE[metric]), *value, *weight);
                histogram
            });
            cells.entry(key).or_default().absorb(&counts, &histograms);
        }
        cells
    }

    proptest! {
        #[test]
        fn what_is_unpacked_is_what_was_packed(
            rows in prop::collection::vec(
                (0..4_u8, prop_oneof![1 => Just(0), 5 => 0..i64::MAX / 4], prop_oneof![3 => Just(1_000_i64), 1 => 1..1_000_000_000_i64]),
                0..60,
            ),
        ) {
            let cells = cells(&rows);
            let text = of_cells(&cells);
            let again = to_cells(&text).unwrap();
            prop_assert_eq!(again.keys().collect::<Vec<_>>(), cells.keys().collect::<Vec<_>>());
            for (one, other) in again.values().zip(cells.values()) {
                prop_assert_eq!(one.stored(), other.stored());
            }
            prop_assert_eq!(of_cells(&again), text, "and to the byte");
        }
    }

    #[test]
    fn what_is_damaged_is_said_to_be() {
        let text = of_cells(&cells(&[(1, 5, 1_000)]));
        assert!(to_cells(&text).is_ok());
        for wrong in ["", "gz2:AA", "gz1:?", &text[..text.len() - 4], &format!("gz1:{}", &text[8..])] {
            assert!(to_cells(wrong).is_err(), "{wrong}");
        }
        assert!(
            to_cells(&packed([
                serde_json::json!({"key": ["a", null, null, "m", null], "rows": 1, "sums": [1], "bins": []})
            ]))
            .is_err()
        );
    }
}
