//! A batch of events, column by column.

use duckdb::arrow::{
    array::{Array, AsArray, Float64Array, Int8Array, Int64Array, StructArray, UInt64Array},
    buffer::NullBuffer,
    datatypes::{Float64Type, Int8Type, Int64Type, UInt64Type},
};

use super::{METRIC_SCALE, RETRIED, Scratch};
use crate::domain::price::ModelPrice;
use crate::observe::{
    bins::Bins,
    price::{Tokens, cost_nano, whole},
};

/// The columns of `scan.sql`.
pub(super) struct Batch<'a> {
    pub identity: &'a UInt64Array,
    pub cell: &'a UInt64Array,
    pub ts_us: &'a Int64Array,
    pub kind: &'a Int8Array,
    pub weight: &'a Int64Array,
    /// In the order of [`METRIC_SCALE`], in units.
    values: [&'a Float64Array; 6],
    cached: &'a Float64Array,
    written: &'a Float64Array,
}

impl<'a> Batch<'a> {
    pub(super) fn of(batch: &'a StructArray) -> Self {
        let hashes = |place: usize| batch.column(place).as_primitive::<UInt64Type>();
        let integers = |place: usize| batch.column(place).as_primitive::<Int64Type>();
        let numbers = |place: usize| batch.column(place).as_primitive::<Float64Type>();
        Self {
            identity: hashes(0),
            cell: hashes(1),
            ts_us: integers(2),
            kind: batch.column(3).as_primitive::<Int8Type>(),
            weight: integers(4),
            values: [5, 6, 7, 10, 11, 12].map(numbers),
            cached: numbers(8),
            written: numbers(9),
        }
    }

    /// A metric of a row as a whole number.
    #[inline]
    pub(super) fn whole(&self, metric: usize, row: usize) -> Option<i64> {
        let values = self.values[metric];
        values.is_valid(row).then(|| whole(values.value(row), METRIC_SCALE[metric]))
    }

    /// What a row cost, in billionths of a US dollar: what the source says, else what its tokens do. Providers do not charge for
    /// refusing, so only a success is priced.
    #[inline]
    pub(super) fn cost(&self, row: usize, price: Option<&ModelPrice>) -> Option<i64> {
        let reported = self.whole(4, row);
        if reported.is_some() || !matches!(self.kind.value(row) & !RETRIED.cast_signed(), 1 | 4) {
            return reported;
        }
        let tokens = Tokens {
            input: known(self.values[2], row),
            cached: known(self.cached, row),
            cache_write: known(self.written, row),
            output: known(self.values[3], row),
        };
        cost_nano(price?, self.ts_us.value(row), &tokens)
    }

    /// Fills in the values and bins of a metric, and tells which count where not all do; for cost, the costs themselves do.
    pub(super) fn bins(&self, metric: usize, scratch: &mut Scratch) -> Option<&'a NullBuffer> {
        let scale = METRIC_SCALE[metric];
        scratch.values.clear();
        if metric == 4 {
            scratch.values.extend(scratch.costs.iter().map(|cost| cost.unwrap_or(0)));
        } else {
            scratch.values.extend(self.values[metric].values().iter().map(|value| whole(*value, scale)));
        }
        let bins = Bins::table();
        scratch.bins.clear();
        scratch.bins.extend(scratch.values.iter().map(|value| bins.bin(*value as f64 / scale)));
        if metric == 4 { None } else { self.values[metric].nulls() }
    }
}

fn known(column: &Float64Array, row: usize) -> Option<f64> {
    column.is_valid(row).then(|| column.value(row))
}
