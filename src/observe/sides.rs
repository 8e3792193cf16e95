//! Requests of services with a rollout under way, counted by minute, kind of request and side.

use std::collections::{BTreeMap, HashMap};

use duckdb::arrow::{
    array::{Array, AsArray, Float64Array, PrimitiveArray, StructArray},
    datatypes::{ArrowPrimitiveType, Float64Type, Int8Type, Int32Type, Int64Type, UInt64Type},
};

use super::{
    Engine, ObserveError,
    price::{Tokens, cost_nano},
};
use crate::{
    domain::{ModelTable, price::ModelPrice},
    stats::evidence::{Cell, Counts, GRID, Seen, Side, Watched},
};

const DOING: &str = "reading what rollouts did";

/// Counts the requests of each; after [`super::observe_rows`]. In the order of `watched`.
pub fn sides(engine: &Engine, watched: &[Watched], prices: &ModelTable) -> Result<Vec<Seen>, ObserveError> {
    if watched.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |cause| ObserveError::engine(DOING, cause);
    engine.run(
        DOING,
        "CREATE OR REPLACE TEMP TABLE watched_services (place INTEGER, service VARCHAR, from_us BIGINT, until_us BIGINT, whole BOOLEAN);\
         CREATE OR REPLACE TEMP TABLE watched_versions (place INTEGER, config_version VARCHAR, side TINYINT)",
    )?;
    {
        let connection = engine.connection();
        let mut services = connection.appender("watched_services").map_err(failed)?;
        let mut versions = connection.appender("watched_versions").map_err(failed)?;
        for (place, each) in watched.iter().enumerate() {
            let place = i32::try_from(place).expect("fewer services than that");
            services
                .append_row(duckdb::params![
                    place,
                    each.service,
                    us(each.minutes.start),
                    us(each.minutes.end),
                    each.whole
                ])
                .map_err(failed)?;
            for (names, side) in [(&each.candidate, 0_i8), (&each.control, 1)] {
                for name in names {
                    versions.append_row(duckdb::params![place, name, side]).map_err(failed)?;
                }
            }
        }
    }
    let prices = models(engine, include_str!("../../queries/side_models.sql"), prices)?;
    engine.stream(DOING, include_str!("../../queries/sides.sql"), &|| (), |batches| {
        let mut counting: Vec<Counting> = watched.iter().map(|_| Counting::default()).collect();
        for batch in batches {
            let batch = Batch::of(&batch);
            for row in 0..batch.place.len() {
                let place = batch.place.value(row) as usize;
                counting[place].add(&batch, row, &prices, watched[place].reference_ms);
            }
        }
        Ok(counting.into_iter().map(Counting::seen).collect())
    })
}

/// The start of a minute, in microseconds since 1970.
fn us(minute: i64) -> i64 {
    minute.saturating_mul(60_000_000)
}

/// The price of each provider and model, by hash.
pub(super) fn models<'a>(
    engine: &Engine,
    sql: &str,
    table: &'a ModelTable,
) -> Result<HashMap<u64, Option<&'a ModelPrice>>, ObserveError> {
    let failed = |cause| ObserveError::engine(DOING, cause);
    let mut statement = engine.connection().prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut prices = HashMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let hash: u64 = row.get(0).map_err(failed)?;
        let (provider, model): (Option<String>, String) = (row.get(1).map_err(failed)?, row.get(2).map_err(failed)?);
        prices.insert(hash, table.price_of(provider.as_deref(), &model));
    }
    Ok(prices)
}

#[derive(Default)]
struct Counting {
    cells: BTreeMap<(i64, u64, Side), Counts>,
    weight: f64,
    weight_squared: f64,
    without_side: f64,
    failures_unseen: bool,
}

impl Counting {
    fn add(&mut self, batch: &Batch<'_>, row: usize, prices: &HashMap<u64, Option<&ModelPrice>>, reference_ms: f64) {
        let weight = batch.weight.value(row) as f64 / 1e3;
        self.weight += weight;
        self.weight_squared += weight * weight;
        let side = match batch.side.value(row) {
            0 => Side::Candidate,
            1 => Side::Control,
            _ => {
                self.without_side += weight;
                return;
            }
        };
        let key = (batch.minute.value(row), batch.stratum.value(row), side);
        let counts = self.cells.entry(key).or_default();
        let [latency, input, cached, cache_write, output, cost, quality] =
            batch.numbers.map(|column| column.is_valid(row).then(|| column.value(row)));
        counts.served += weight;
        match batch.kind.value(row) {
            1 => {}
            4 => self.failures_unseen = true,
            2 => {
                counts.provider_errors += weight;
                return;
            }
            _ => return,
        }
        counts.succeeded += weight;
        if let Some(latency) = latency {
            counts.timed += weight;
            for (slow, ratio) in counts.slow.iter_mut().zip(GRID) {
                *slow += if latency > ratio * reference_ms { weight } else { 0.0 };
            }
        }
        if let Some(quality) = quality {
            counts.scored += weight;
            counts.quality += weight * quality;
            counts.quality_squares += weight * quality * quality;
        }
        let tokens = Tokens { input, cached, cache_write, output };
        let by_table = || {
            let price = prices.get(&batch.priced_by.value(row)).copied().flatten()?;
            cost_nano(price, batch.ts_us.value(row), &tokens).map(|nano| nano as f64 / 1e9)
        };
        if let Some(cost) = cost.or_else(by_table) {
            counts.priced += weight;
            counts.cost += weight * cost;
            counts.cost_squares += weight * cost * cost;
        }
    }

    /// Brought down to what the rows are worth: (Σw)² / Σw² of them.
    fn seen(self) -> Seen {
        let worth = if self.weight_squared > 0.0 { self.weight / self.weight_squared } else { 1.0 };
        let cells = self.cells.into_iter().map(|((minute, stratum, side), counts)| Cell {
            minute,
            stratum,
            side,
            counts: scaled(&counts, worth),
        });
        Seen { cells: cells.collect(), without_side: self.without_side * worth, failures_unseen: self.failures_unseen }
    }
}

fn scaled(counts: &Counts, by: f64) -> Counts {
    let Counts {
        served,
        provider_errors,
        succeeded,
        timed,
        slow,
        scored,
        quality,
        quality_squares,
        priced,
        cost,
        cost_squares,
    } = counts;
    Counts {
        served: served * by,
        provider_errors: provider_errors * by,
        succeeded: succeeded * by,
        timed: timed * by,
        slow: slow.map(|slow| slow * by),
        scored: scored * by,
        quality: quality * by,
        quality_squares: quality_squares * by,
        priced: priced * by,
        cost: cost * by,
        cost_squares: cost_squares * by,
    }
}

/// The columns of `sides.sql`.
struct Batch<'a> {
    place: &'a PrimitiveArray<Int32Type>,
    minute: &'a PrimitiveArray<Int64Type>,
    stratum: &'a PrimitiveArray<UInt64Type>,
    side: &'a PrimitiveArray<Int8Type>,
    priced_by: &'a PrimitiveArray<UInt64Type>,
    ts_us: &'a PrimitiveArray<Int64Type>,
    kind: &'a PrimitiveArray<Int8Type>,
    weight: &'a PrimitiveArray<Int64Type>,
    /// Latency, four counts of tokens, cost, quality.
    numbers: [&'a Float64Array; 7],
}

impl<'a> Batch<'a> {
    fn of(batch: &'a StructArray) -> Self {
        fn column<T: ArrowPrimitiveType>(batch: &StructArray, place: usize) -> &PrimitiveArray<T> {
            batch.column(place).as_primitive::<T>()
        }
        Self {
            place: column(batch, 0),
            minute: column(batch, 1),
            stratum: column(batch, 2),
            side: column(batch, 3),
            priced_by: column(batch, 4),
            ts_us: column(batch, 5),
            kind: column(batch, 6),
            weight: column(batch, 7),
            numbers: std::array::from_fn(|place| column::<Float64Type>(batch, 8 + place)),
        }
    }
}
