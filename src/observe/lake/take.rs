//! What an engine answers, read into cells: columns by name, types checked, and nothing used that does not add up.

use std::collections::{BTreeMap, HashMap, btree_map, hash_map::Entry};

use duckdb::arrow::{
    array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, StringArray},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Decimal128Type, Int64Type},
    record_batch::RecordBatch,
};

use crate::{
    domain::format::visible,
    observe::{
        census::Tally,
        fold::{Cell, CellKey, Counts},
        summed::Summed,
    },
};

/// Metrics of a cell: latency, time to first token, tokens in, tokens out, cost, quality.
const METRICS: usize = 6;

/// What was reduced, while it comes in.
#[derive(Default)]
pub(super) struct Taken {
    /// By the engine's hash: one key may come under several, in other spellings.
    cells: HashMap<i64, Part>,
    tally: Tally,
}

struct Part {
    key: CellKey,
    summed: Summed,
    /// Rows that have a value, by metric: as they were counted, and as they lie in bins.
    counted: [u64; METRICS],
    binned: [u64; METRICS],
}

/// An answer that cannot be used, in one clause.
pub(super) type Unusable = String;

impl Taken {
    /// Adds a batch of the statement that counts by minute.
    pub(super) fn minutes(&mut self, batch: &RecordBatch) -> Result<(), Unusable> {
        let keys = Keys::of(batch)?;
        let [cell, rows, minute, oldest, newest] =
            of(["cell", "n", "minute", "oldest_us", "newest_us"], |name| wholes(batch, name))?;
        let counts = of(
            [
                "weight",
                "weight_squared",
                "succeeded",
                "provider_errors",
                "caller_errors",
                "unpriced",
                "timeouts",
                "retried",
            ],
            |name| sums(batch, name),
        )?;
        let totals = of(["latency", "cost", "quality"], |name| sums(batch, name))?;
        let weights = of(["latency_weight", "cost_weight", "quality_weight"], |name| sums(batch, name))?;
        let counted =
            of(["rows_latency", "rows_ttft", "rows_input", "rows_output", "rows_cost", "rows_quality"], |name| {
                wholes(batch, name)
            })?;
        for row in 0..batch.num_rows() {
            let n = count(rows.value(row))?;
            self.tally.good += n;
            let (oldest, newest) = (oldest.value(row), newest.value(row));
            let span = self.tally.span_us.map_or((oldest, newest), |(from, to)| (from.min(oldest), to.max(newest)));
            self.tally.span_us = Some(span);
            let part = match self.cells.entry(cell.value(row)) {
                Entry::Occupied(known) if !keys.is(row, &known.get().key) => {
                    return Err("two cells have one hash".into());
                }
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(Part {
                    key: keys.key(row)?,
                    summed: Summed::default(),
                    counted: [0; METRICS],
                    binned: [0; METRICS],
                }),
            };
            let [weight, weight_squared, succeeded, provider_errors, caller_errors, unpriced, timeouts, retried] =
                counts.each_ref().map(|sums| sums.value(row));
            part.summed.counts.absorb(&Counts {
                rows: n,
                weight,
                weight_squared,
                served: succeeded + provider_errors + caller_errors,
                succeeded,
                provider_errors,
                caller_errors,
                unpriced,
                unseen: 0,
                timeouts,
                retried,
            });
            let (all_totals, all_weights) = part.summed.minutes.entry(minute.value(row)).or_default();
            for metric in 0..3 {
                all_totals[metric] += totals[metric].value(row);
                all_weights[metric] += weight_of(weights[metric].value(row))?;
            }
            for (metric, column) in counted.iter().enumerate() {
                part.counted[metric] += count(column.value(row))?;
            }
        }
        Ok(())
    }

    /// Adds a batch of the statement that bins values.
    pub(super) fn bins(&mut self, batch: &RecordBatch) -> Result<(), Unusable> {
        let [cell, metric, bin, rows] = of(["cell", "metric", "bin", "n"], |name| wholes(batch, name))?;
        let [weight, total] = of(["weight", "total"], |name| sums(batch, name))?;
        for row in 0..batch.num_rows() {
            let metric = usize::try_from(metric.value(row)).ok().filter(|metric| *metric < METRICS);
            let metric = metric.ok_or("a metric that nobody asked for")?;
            // What was not there when minutes were counted has come since.
            let part = self.cells.get_mut(&cell.value(row)).ok_or("bins of a cell that has no rows")?;
            let bin = i16::try_from(bin.value(row)).map_err(|_| "a bin beyond belief")?;
            let n = u32::try_from(rows.value(row)).map_err(|_| "more requests in one bin than can be kept")?;
            part.summed.histograms[metric].add_bin(bin, n, weight_of(weight.value(row))?, total.value(row));
            part.binned[metric] += u64::from(n);
        }
        Ok(())
    }

    /// Rows that were counted.
    pub(super) fn rows(&self) -> u64 {
        self.tally.good
    }

    /// The cells, when every value that was counted lies in a bin too.
    pub(super) fn finish(self) -> Result<(Vec<Cell>, Tally), Unusable> {
        let mut cells: BTreeMap<CellKey, Summed> = BTreeMap::new();
        for Part { key, summed, counted, binned } in self.cells.into_values() {
            if counted != binned {
                let service = visible(&key.service);
                return Err(format!(
                    "of service `{service}` {counted:?} values were counted, and {binned:?} lie in bins"
                ));
            }
            match cells.entry(key) {
                btree_map::Entry::Vacant(place) => {
                    place.insert(summed);
                }
                btree_map::Entry::Occupied(known) => known.into_mut().absorb(summed),
            }
        }
        Ok((cells.into_iter().map(|(key, summed)| summed.cell(key)).collect(), self.tally))
    }
}

/// Sums come so: exact, and wider than a machine's word.
const DECIMAL: DataType = DataType::Decimal128(38, 0);

struct Keys {
    texts: [StringArray; 6],
    span: Int64Array,
}

impl Keys {
    fn of(batch: &RecordBatch) -> Result<Self, Unusable> {
        let names = ["service", "complexity", "provider", "model", "config_version", "variant"];
        Ok(Self { texts: of(names, |name| texts(batch, name))?, span: wholes(batch, "span")? })
    }

    fn text(&self, place: usize, row: usize) -> Option<&str> {
        let column = &self.texts[place];
        column.is_valid(row).then(|| column.value(row))
    }

    fn key(&self, row: usize) -> Result<CellKey, Unusable> {
        let text = |place: usize| self.text(place, row).map(str::to_owned);
        Ok(CellKey {
            service: text(0).ok_or("a cell without a service")?,
            complexity: text(1),
            provider: text(2),
            model: text(3).ok_or("a cell without a model")?,
            config_version: text(4),
            variant: text(5),
            span: u32::try_from(self.span.value(row)).map_err(|_| "a span beyond belief")?,
        })
    }

    fn is(&self, row: usize, key: &CellKey) -> bool {
        let texts = [&key.complexity, &key.provider, &key.config_version, &key.variant].map(Option::as_deref);
        self.span.value(row) == i64::from(key.span)
            && self.text(0, row) == Some(&key.service)
            && self.text(3, row) == Some(&key.model)
            && [1, 2, 4, 5].map(|place| self.text(place, row)) == texts
    }
}

fn of<T, const N: usize>(names: [&str; N], column: impl Fn(&str) -> Result<T, Unusable>) -> Result<[T; N], Unusable> {
    let columns = names.iter().map(|name| column(name)).collect::<Result<Vec<T>, _>>()?;
    Ok(columns.try_into().unwrap_or_else(|_| unreachable!("as many as there are names")))
}

/// A column in the type it is read in. What does not fit is an error, never a NULL.
fn column(batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, Unusable> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("no column `{name}`"))?;
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, kind, &strict).map_err(|cause| format!("column `{name}`: {cause}"))
}

fn texts(batch: &RecordBatch, name: &str) -> Result<StringArray, Unusable> {
    Ok(column(batch, name, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn wholes(batch: &RecordBatch, name: &str) -> Result<Int64Array, Unusable> {
    Ok(known(name, column(batch, name, &DataType::Int64)?)?.as_primitive::<Int64Type>().clone())
}

fn sums(batch: &RecordBatch, name: &str) -> Result<Decimal128Array, Unusable> {
    Ok(known(name, column(batch, name, &DECIMAL)?)?.as_primitive::<Decimal128Type>().clone())
}

/// A number that is always there.
fn known(name: &str, column: ArrayRef) -> Result<ArrayRef, Unusable> {
    if column.null_count() == 0 { Ok(column) } else { Err(format!("column `{name}` holds NULL")) }
}

fn weight_of(sum: i128) -> Result<i64, Unusable> {
    i64::try_from(sum).map_err(|_| "a weight beyond belief".into())
}

fn count(rows: i64) -> Result<u64, Unusable> {
    u64::try_from(rows).map_err(|_| "a count below zero".into())
}
