//! Requests of a gate, one by one.

use std::{collections::HashMap, hash::BuildHasherDefault};

use duckdb::arrow::{
    array::{Array, AsArray, Float64Array, PrimitiveArray, StructArray},
    datatypes::{ArrowPrimitiveType, Float64Type, Int8Type, Int32Type, Int64Type, UInt64Type},
};

use super::{
    Engine, ObserveError, Request,
    engine::Value,
    fold::Hashed,
    identities::{Finder, Identities},
    price::{Tokens, cost_nano},
    reduce::{Stage, unique},
    sides,
};
use crate::{
    domain::{format::visible, plan::SourceSummary, price::ModelPrice},
    stats::gate::{RequestKind, Requests},
};

const DOING: &str = "reading the requests of a gate";

/// What tells the two sides apart, where both are in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArmColumn {
    Variant,
    ConfigVersion,
    Model,
}

impl ArmColumn {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Variant => "variant",
            Self::ConfigVersion => "config_version",
            Self::Model => "model",
        }
    }
}

/// What a source is read for.
#[derive(Debug, Clone, Copy)]
pub enum Sides<'a> {
    /// One side.
    One,
    /// Both, told apart by what a column holds.
    Arms { column: ArmColumn, names: [&'a str; 2] },
}

/// What was read: the requests of each side, the second empty where there is one.
#[derive(Debug)]
pub struct GateRead {
    pub requests: [Requests; 2],
    pub source: SourceSummary,
    /// What the column of the arms holds, the most frequent first, a few at most.
    pub arms: Vec<String>,
}

/// Reads a source from one end of the lookback to the other, request by request.
pub fn gate_requests(
    engine: &Engine,
    request: &Request<'_>,
    sides: Sides<'_>,
    progress: &dyn Fn(Stage),
) -> Result<GateRead, ObserveError> {
    let ((requests, arms), source) = unique(engine, request, progress, |identities| {
        let read = requests(engine, request, sides, identities)?;
        Ok((read, if matches!(sides, Sides::One) { Vec::new() } else { arms(engine)? }))
    })?;
    Ok(GateRead { requests, source, arms })
}

fn requests(
    engine: &Engine,
    request: &Request<'_>,
    sides: Sides<'_>,
    identities: Option<&Identities>,
) -> Result<[Requests; 2], ObserveError> {
    let (column, names) = match sides {
        Sides::One => (Value::Null, [Value::Null, Value::Null]),
        Sides::Arms { column, names } => (Value::Text(column.name()), names.map(Value::Text)),
    };
    engine.set("gate_arm_column", &column)?;
    engine.set("gate_baseline_arm", &names[0])?;
    engine.set("gate_candidate_arm", &names[1])?;
    engine.run(DOING, include_str!("../../queries/gate_side.sql"))?;
    let prices = sides::models(engine, include_str!("../../queries/gate_models.sql"), request.prices)?;
    let (slices, by_slice) = slices(engine)?;
    let (classes, by_class) = classes(engine)?;
    let empty = Requests { slices, classes, ..Requests::default() };
    engine.stream(DOING, include_str!("../../queries/gate_rows.sql"), &|| (), |batches| {
        let mut requests = [empty.clone(), empty];
        let mut finder = Finder::default();
        for batch in batches {
            let batch = Batch::of(&batch);
            if let Some(identities) = identities {
                batch.identity.values().iter().for_each(|hash| finder.add(identities, *hash));
            }
            for row in (0..batch.slice.len()).filter(|row| batch.side.is_valid(*row)) {
                let to = &mut requests[usize::from(batch.side.value(row) == 1)];
                batch.add(row, &by_slice, &by_class, &prices, to).ok_or(ObserveError::Changed)?;
            }
        }
        if let Some(identities) = identities {
            finder.end(identities);
        }
        Ok(requests)
    })
}

fn arms(engine: &Engine) -> Result<Vec<String>, ObserveError> {
    let read = || -> duckdb::Result<Vec<String>> {
        let mut statement = engine.connection().prepare(include_str!("../../queries/gate_arms.sql"))?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        names.map(|name| name.map(|name| visible(&name))).collect()
    };
    read().map_err(|cause| ObserveError::engine(DOING, cause))
}

/// By hash, which each row has.
type Numbers = HashMap<u64, u32, BuildHasherDefault<Hashed>>;

type Slices = Vec<[Option<String>; 4]>;

fn slices(engine: &Engine) -> Result<(Slices, Numbers), ObserveError> {
    let failed = |cause| ObserveError::engine(DOING, cause);
    let mut statement = engine.connection().prepare(include_str!("../../queries/gate_slices.sql")).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let (mut slices, mut numbers) = (Vec::new(), Numbers::default());
    while let Some(row) = rows.next().map_err(failed)? {
        let hash: u64 = row.get(0).map_err(failed)?;
        let text = |place| row.get::<_, Option<String>>(place).map(|text| text.map(|text| visible(&text)));
        let names = [text(1), text(2), text(3), text(4)];
        let [service, endpoint, complexity, domain] = names;
        let number = u32::try_from(slices.len()).expect("fewer slices than rows");
        slices.push([
            service.map_err(failed)?,
            endpoint.map_err(failed)?,
            complexity.map_err(failed)?,
            domain.map_err(failed)?,
        ]);
        if numbers.insert(hash, number).is_some() {
            return Err(ObserveError::CellCollision(hash));
        }
    }
    Ok((slices, numbers))
}

fn classes(engine: &Engine) -> Result<(Vec<String>, Numbers), ObserveError> {
    let failed = |cause| ObserveError::engine(DOING, cause);
    let mut statement = engine.connection().prepare(include_str!("../../queries/gate_classes.sql")).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let (mut classes, mut numbers) = (Vec::new(), Numbers::default());
    while let Some(row) = rows.next().map_err(failed)? {
        let (hash, name): (u64, String) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        numbers.insert(hash, u32::try_from(classes.len()).expect("a hundred at most"));
        classes.push(visible(&name));
    }
    Ok((classes, numbers))
}

/// The columns of `gate_rows.sql`.
struct Batch<'a> {
    identity: &'a PrimitiveArray<UInt64Type>,
    side: &'a PrimitiveArray<Int8Type>,
    slice: &'a PrimitiveArray<UInt64Type>,
    stratum: &'a PrimitiveArray<UInt64Type>,
    request: &'a PrimitiveArray<UInt64Type>,
    session: &'a PrimitiveArray<UInt64Type>,
    run: &'a PrimitiveArray<Int32Type>,
    priced_by: &'a PrimitiveArray<UInt64Type>,
    ts_us: &'a PrimitiveArray<Int64Type>,
    kind: &'a PrimitiveArray<Int8Type>,
    class: &'a PrimitiveArray<UInt64Type>,
    weight: &'a PrimitiveArray<Int64Type>,
    /// Latency, time to first token, four counts of tokens, cost, quality.
    numbers: [&'a Float64Array; 8],
}

impl<'a> Batch<'a> {
    fn of(batch: &'a StructArray) -> Self {
        fn column<T: ArrowPrimitiveType>(batch: &StructArray, place: usize) -> &PrimitiveArray<T> {
            batch.column(place).as_primitive::<T>()
        }
        Self {
            identity: column(batch, 0),
            side: column(batch, 1),
            slice: column(batch, 2),
            stratum: column(batch, 3),
            request: column(batch, 4),
            session: column(batch, 5),
            run: column(batch, 6),
            priced_by: column(batch, 7),
            ts_us: column(batch, 8),
            kind: column(batch, 9),
            class: column(batch, 10),
            weight: column(batch, 11),
            numbers: std::array::from_fn(|place| column::<Float64Type>(batch, 12 + place)),
        }
    }

    /// None where a row is of what was not there a moment ago.
    fn add(
        &self,
        row: usize,
        slices: &Numbers,
        classes: &Numbers,
        prices: &HashMap<u64, Option<&ModelPrice>>,
        to: &mut Requests,
    ) -> Option<()> {
        let [latency, ttft, input, cached, cache_write, output, cost, quality] =
            self.numbers.map(|column| column.is_valid(row).then(|| column.value(row)));
        let kind = match self.kind.value(row) {
            1 => RequestKind::Succeeded,
            2 => RequestKind::Failed,
            4 => RequestKind::FailuresUnseen,
            _ => RequestKind::Refused,
        };
        let succeeded = matches!(kind, RequestKind::Succeeded | RequestKind::FailuresUnseen);
        let price = *prices.get(&self.priced_by.value(row))?;
        let tokens = Tokens { input, cached, cache_write, output };
        // As in a plan: providers do not charge for refusing, so only a success is priced; what is stated was charged.
        let by_tokens = || cost_nano(price?, self.ts_us.value(row), &tokens).map(|nano| nano as f64 / 1e9);
        let cost = cost.or_else(|| succeeded.then(by_tokens).flatten());
        to.slice.push(*slices.get(&self.slice.value(row))?);
        to.stratum.push(self.stratum.value(row));
        to.request.push(self.request.value(row));
        to.session.push(self.session.value(row));
        to.minute.push(self.ts_us.value(row).div_euclid(60_000_000));
        to.run.push(self.run.value(row).unsigned_abs());
        to.kind.push(kind);
        to.class.push(if succeeded {
            u32::MAX
        } else {
            classes.get(&self.class.value(row)).copied().unwrap_or(u32::MAX)
        });
        to.weight.push(self.weight.value(row) as f64 / 1e3);
        for (column, value) in [
            (&mut to.latency_ms, latency),
            (&mut to.ttft_ms, ttft),
            (&mut to.input_tokens, input),
            (&mut to.output_tokens, output),
            (&mut to.cost_usd, cost),
            (&mut to.quality, quality),
        ] {
            column.push(value.unwrap_or(f64::NAN));
        }
        Some(())
    }
}
