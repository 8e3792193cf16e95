//! Folds the stream of events into cells in one pass: counts, six histograms and totals by minute. It is what
//! `rollup_cells.sql`, `rollup_bins.sql` and `rollup_minutes.sql` say, several times faster and in memory that grows with the
//! bins that occur, not with the rows; the test below holds the two to each other.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
};

use duckdb::arrow::array::{Array, AsArray, Int8Array, Int32Array, Int64Array, StringArray, StructArray, UInt64Array};
use duckdb::arrow::datatypes::{Int8Type, Int32Type, Int64Type, UInt64Type};

use super::{Engine, ObserveError, histogram::Histogram};
use crate::stats::sketch::bin_of;

const DOING: &str = "reducing events";

/// Brings the whole numbers of the SQL back to units: latency, ttft, tokens in, tokens out, cost, quality.
pub(super) const METRIC_SCALE: [f64; 6] = [1e3, 1e3, 1.0, 1.0, 1e9, 1e6];
pub(super) const WEIGHT_SCALE: f64 = 1e3;

/// The metrics that are also kept by minute, as positions in [`METRIC_SCALE`]: latency, cost, quality.
pub(super) const MINUTE_METRICS: [usize; 3] = [0, 4, 5];

/// What a cell's rows have in common. Ordered as the plan lists them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellKey {
    pub service: String,
    pub complexity: Option<String>,
    pub provider: Option<String>,
    pub model: String,
    pub config_version: Option<String>,
    /// 0 the window, 1 the window before, 2 earlier.
    pub span: u8,
}

/// Sums of `weight_milli`, and of its squares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub rows: u64,
    pub weight: i128,
    pub weight_squared: i128,
    pub served: i128,
    pub succeeded: i128,
    pub provider_errors: i128,
    pub caller_errors: i128,
    pub unpriced: i128,
}

/// Weighted sums and weights of [`MINUTE_METRICS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Minute {
    pub totals: [i128; 3],
    pub weights: [i64; 3],
}

#[derive(Debug)]
pub(super) struct Cell {
    /// DuckDB's hash of the key.
    #[cfg_attr(not(test), expect(dead_code, reason = "by it the test finds the cell in the rollups of the SQL"))]
    pub hash: u64,
    pub key: CellKey,
    pub counts: Counts,
    pub histograms: [Histogram; 6],
    pub minutes: BTreeMap<i64, Minute>,
}

/// Reduces the view `events` to cells, in the order of their keys, and makes of them what `finish` does; `ended` is called in
/// between. Both steps share a thread, because memory freed by the one is then at hand for the other.
pub(super) fn fold<T: Send>(
    engine: &Engine,
    ended: &dyn Fn(),
    finish: impl FnOnce(Vec<Cell>) -> Result<T, ObserveError> + Send,
) -> Result<T, ObserveError> {
    engine.stream(DOING, include_str!("../../queries/events_narrow.sql"), ended, |batches| {
        let mut fold = Fold::default();
        for batch in batches {
            fold.add(&Batch::of(&batch))?;
        }
        let mut cells = fold.cells;
        cells.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        finish(cells)
    })
}

#[derive(Default)]
struct Fold {
    places: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    cells: Vec<Cell>,
    /// For each row of the batch at hand, the place of its cell; and its bin.
    rows: Vec<u32>,
    bins: Vec<i16>,
}

impl Fold {
    fn add(&mut self, batch: &Batch<'_>) -> Result<(), ObserveError> {
        self.rows.clear();
        for row in 0..batch.cell.len() {
            let place = self.place(batch, row)?;
            self.rows.push(place);
            let (cell, weight) = (&mut self.cells[place as usize], batch.weight.value(row));
            cell.counts.add(batch.kind.value(row), weight, batch.values[4].is_null(row));
            let minute = cell.minutes.entry(batch.minute.value(row)).or_default();
            for (place, metric) in MINUTE_METRICS.into_iter().enumerate() {
                if batch.values[metric].is_valid(row) {
                    minute.totals[place] += i128::from(batch.values[metric].value(row)) * i128::from(weight);
                    minute.weights[place] += weight;
                }
            }
        }
        // Metric by metric, and all logarithms before the first histogram is touched: the short loop that is left lets the
        // processor wait for many places in memory at once.
        for (metric, (values, scale)) in batch.values.iter().zip(METRIC_SCALE).enumerate() {
            self.bins.clear();
            self.bins.extend(values.values().iter().map(|value| bin_of(*value as f64 / scale)));
            for (row, (place, bin)) in self.rows.iter().zip(&self.bins).enumerate() {
                if values.is_valid(row) {
                    let histogram = &mut self.cells[*place as usize].histograms[metric];
                    histogram.add(*bin, values.value(row), batch.weight.value(row));
                }
            }
        }
        Ok(())
    }

    fn place(&mut self, batch: &Batch<'_>, row: usize) -> Result<u32, ObserveError> {
        let hash = batch.cell.value(row);
        let cells = &mut self.cells;
        let place = *self.places.entry(hash).or_insert_with(|| {
            cells.push(Cell {
                hash,
                key: batch.key(row),
                counts: Counts::default(),
                histograms: Default::default(),
                minutes: BTreeMap::new(),
            });
            cells.len() as u32 - 1
        });
        if batch.has(row, &self.cells[place as usize].key) { Ok(place) } else { Err(ObserveError::CellCollision(hash)) }
    }
}

impl Counts {
    fn add(&mut self, kind: i8, weight: i64, unpriced: bool) {
        let weight = i128::from(weight);
        self.rows += 1;
        self.weight += weight;
        self.weight_squared += weight * weight;
        match kind {
            0 => return,
            1 => {
                self.succeeded += weight;
                self.unpriced += if unpriced { weight } else { 0 };
            }
            2 => self.provider_errors += weight,
            _ => self.caller_errors += weight,
        }
        self.served += weight;
    }
}

/// The columns of `events_narrow.sql`.
struct Batch<'a> {
    cell: &'a UInt64Array,
    minute: &'a Int64Array,
    kind: &'a Int8Array,
    weight: &'a Int64Array,
    values: [&'a Int64Array; 6],
    span: &'a Int32Array,
    service: &'a StringArray,
    complexity: &'a StringArray,
    provider: &'a StringArray,
    model: &'a StringArray,
    config_version: &'a StringArray,
}

impl<'a> Batch<'a> {
    fn of(batch: &'a StructArray) -> Self {
        let whole = |place: usize| batch.column(place).as_primitive::<Int64Type>();
        let text = |place: usize| batch.column(place).as_string::<i32>();
        Self {
            cell: batch.column(0).as_primitive::<UInt64Type>(),
            minute: whole(1),
            kind: batch.column(2).as_primitive::<Int8Type>(),
            weight: whole(3),
            values: [4, 5, 6, 7, 8, 9].map(whole),
            span: batch.column(10).as_primitive::<Int32Type>(),
            service: text(11),
            complexity: text(12),
            provider: text(13),
            model: text(14),
            config_version: text(15),
        }
    }

    fn key(&self, row: usize) -> CellKey {
        CellKey {
            service: self.service.value(row).to_owned(),
            complexity: optional(self.complexity, row).map(str::to_owned),
            provider: optional(self.provider, row).map(str::to_owned),
            model: self.model.value(row).to_owned(),
            config_version: optional(self.config_version, row).map(str::to_owned),
            span: self.span.value(row) as u8,
        }
    }

    /// Whether the row really has this key, and not merely its hash.
    fn has(&self, row: usize, key: &CellKey) -> bool {
        self.service.value(row) == key.service
            && self.model.value(row) == key.model
            && self.span.value(row) == i32::from(key.span)
            && optional(self.complexity, row) == key.complexity.as_deref()
            && optional(self.provider, row) == key.provider.as_deref()
            && optional(self.config_version, row) == key.config_version.as_deref()
    }
}

fn optional(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// For keys that are hashes already.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only whole hashes are looked up")
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests;
