//! Requests one by one, where the router that chose their arm told how likely the choice was.

use std::collections::{BTreeMap, HashMap};

use duckdb::arrow::{
    array::{Array, AsArray, Float64Array, PrimitiveArray, StructArray},
    datatypes::{ArrowPrimitiveType, Float64Type, Int8Type, Int64Type, UInt64Type},
};

use super::{
    Engine, Format, ObserveError, Request,
    price::{Tokens, cost_nano},
    stamp,
};
use crate::{
    domain::{Arm, Segment, format::visible, price::ModelPrice},
    stats::off_policy::{LoggedRequest, LoggedSegment},
};

const DOING: &str = "reading what the router chose";

/// Hands over every segment of every service, in no particular order. After [`super::observe_rows`] with the same request.
/// One segment is in memory at a time, beside the engine's sorted rows.
pub fn logged(
    engine: &Engine,
    request: &Request<'_>,
    each: &mut (dyn FnMut(LoggedSegment) + Send),
) -> Result<(), ObserveError> {
    let arms = Arms::read(engine, request)?;
    engine.stream(DOING, include_str!("../../queries/logged.sql"), &|| (), |batches| hand_over(arms, batches, each))?;
    // Parquet is read where it lies, and somebody may have put another file there in between.
    stamp::unchanged(request.load.groups.iter().filter(|group| group.format == Format::Parquet))
}

fn hand_over(
    mut arms: Arms<'_>,
    batches: &mut dyn Iterator<Item = StructArray>,
    each: &mut (dyn FnMut(LoggedSegment) + Send),
) -> Result<(), ObserveError> {
    let mut open: Option<(u64, LoggedSegment)> = None;
    for batch in batches {
        let batch = Batch::of(&batch);
        for row in 0..batch.segment.len() {
            let hash = batch.segment.value(row);
            if open.as_ref().is_none_or(|(current, _)| *current != hash) {
                open.take().map(|(_, segment)| segment).into_iter().for_each(&mut *each);
                open = Some((hash, arms.segments.remove(&hash).ok_or(ObserveError::Changed)?));
            }
            let (place, price) = arms.places.get(&(hash, batch.arm.value(row))).ok_or(ObserveError::Changed)?;
            if let Some((_, segment)) = &mut open {
                segment.requests.push(batch.request(row, *place, *price));
            }
        }
    }
    open.map(|(_, segment)| segment).into_iter().chain(arms.segments.into_values()).for_each(each);
    Ok(())
}

/// The segments without their requests, and the place and price of each arm in them.
struct Arms<'a> {
    segments: BTreeMap<u64, LoggedSegment>,
    places: HashMap<(u64, u64), (usize, Option<&'a ModelPrice>)>,
}

impl<'a> Arms<'a> {
    fn read(engine: &Engine, request: &Request<'a>) -> Result<Self, ObserveError> {
        let mut arms = Self { segments: BTreeMap::new(), places: HashMap::new() };
        // Of all rows of a segment: the least and the most that one of them stands for.
        let mut weights: BTreeMap<u64, (i64, i64)> = BTreeMap::new();
        let failed = |cause| ObserveError::engine(DOING, cause);
        let mut statement =
            engine.connection().prepare(include_str!("../../queries/logged_arms.sql")).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let number = |place| row.get::<_, i64>(place).map(i64::unsigned_abs).map_err(failed);
            let text = |place| row.get::<_, Option<String>>(place).map_err(failed);
            let (segment, arm): (u64, u64) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
            let (service, complexity) = (text(2)?.unwrap_or_default(), text(3)?);
            let (provider, model, version) = (text(4)?, text(5)?.unwrap_or_default(), text(6)?);
            let price = request.prices.price_of(provider.as_deref(), &model);
            let shown = |name: Option<String>| name.map(|name| visible(&name));
            let found = Arm { provider: shown(provider), model: visible(&model), config_version: shown(version) };
            let log = arms.segments.entry(segment).or_insert_with(|| LoggedSegment {
                service: visible(&service),
                segment: Segment::from_complexity(complexity.as_deref()),
                arms: Vec::new(),
                rows: 0,
                missing: 0,
                invalid: 0,
                even: true,
                requests: Vec::new(),
            });
            log.rows += number(7)?;
            log.missing += number(8)?;
            log.invalid += number(9)?;
            let (least, most): (i64, i64) = (row.get(10).map_err(failed)?, row.get(11).map_err(failed)?);
            let seen = weights.entry(segment).or_insert((least, most));
            *seen = (seen.0.min(least), seen.1.max(most));
            log.even = seen.0 == seen.1;
            let place = log.arms.iter().position(|known| *known == found).unwrap_or_else(|| {
                log.arms.push(found);
                log.arms.len() - 1
            });
            if arms.places.insert((segment, arm), (place, price)).is_some() {
                return Err(ObserveError::CellCollision(arm));
            }
        }
        Ok(arms)
    }
}

/// The columns of `logged.sql`.
struct Batch<'a> {
    segment: &'a PrimitiveArray<UInt64Type>,
    arm: &'a PrimitiveArray<UInt64Type>,
    ts_us: &'a PrimitiveArray<Int64Type>,
    kind: &'a PrimitiveArray<Int8Type>,
    /// Propensity, latency, four counts of tokens, cost, quality.
    numbers: [&'a Float64Array; 8],
}

impl<'a> Batch<'a> {
    fn of(batch: &'a StructArray) -> Self {
        fn column<T: ArrowPrimitiveType>(batch: &StructArray, place: usize) -> &PrimitiveArray<T> {
            batch.column(place).as_primitive::<T>()
        }
        Self {
            segment: column(batch, 0),
            arm: column(batch, 1),
            ts_us: column(batch, 2),
            kind: column(batch, 3),
            numbers: std::array::from_fn(|place| column::<Float64Type>(batch, 4 + place)),
        }
    }

    fn request(&self, row: usize, arm: usize, price: Option<&ModelPrice>) -> LoggedRequest {
        let [propensity, latency_ms, input, cached, cache_write, output, cost, quality] =
            self.numbers.map(|column| column.is_valid(row).then(|| column.value(row)));
        let (at, kind) = (self.ts_us.value(row), self.kind.value(row));
        let succeeded = matches!(kind, 1 | 4);
        let tokens = Tokens { input, cached, cache_write, output };
        // As in a plan: providers do not charge for refusing, so only a success is priced.
        let priced = || cost_nano(price.filter(|_| succeeded)?, at, &tokens).map(|nano| nano as f64 / 1e9);
        LoggedRequest {
            arm,
            at: at.div_euclid(1_000_000),
            propensity: propensity.unwrap_or(f64::NAN),
            input_tokens: input,
            quality,
            cost_usd: cost.or_else(priced),
            latency_ms,
            succeeded,
            failed: (kind != 4).then_some(kind == 2),
        }
    }
}
