//! Merges rollups in Polars and hands them over as core structs. Rollups add up: every view here is a grouped sum of the
//! same three frames, never a second look at rows.

use std::collections::BTreeMap;

use polars::prelude::{
    Column, DataFrame, Expr, IntoLazy, JoinArgs, JoinType, PolarsResult, SortMultipleOptions, col, lit,
};

use super::ObserveError;
use crate::{
    domain::{Arm, Segment, Window, plan::Windows},
    stats::{ArmEvidence, Bucket, Requests, Rollup, ServiceEvidence, Sketch, sketch::Bin},
};

/// Evidence is cut into about this many time buckets to see how far requests are from independent.
const EVIDENCE_BUCKETS: i64 = 96;

/// The window itself is cut into about this many.
const WINDOW_BUCKETS: i64 = 12;

/// Divisors that bring the whole-number sums of the SQL back to units: latency, ttft, tokens in, tokens out, cost, quality.
const METRIC_SCALE: [f64; 6] = [1e3, 1e3, 1.0, 1.0, 1e9, 1e6];
const WEIGHT_SCALE: f64 = 1e3;

/// Where a cell belongs: positions in the lists of arms and services.
struct Keys {
    services: Vec<String>,
    /// Service, segment and arm.
    arms: Vec<(u32, Segment, Arm)>,
    /// `cell`, `arm`, `service`, `span`.
    frame: DataFrame,
    /// Counts by arm and span, by service and span.
    by_arm: Vec<[Requests; 3]>,
    by_service: Vec<[Requests; 3]>,
    version_of: BTreeMap<u64, (u32, String)>,
}

/// Rows behind a frame of cells.
pub(super) fn rows(cells: &DataFrame) -> Result<u64, ObserveError> {
    let read = || -> PolarsResult<i64> { Ok(cells.column("n")?.i64()?.into_no_null_iter().sum()) };
    read().map(i64::unsigned_abs).map_err(frames_error)
}

/// Brings the frames of `rollup_cells.sql`, `rollup_bins.sql` and `rollup_minutes.sql` together.
pub(super) fn merge(
    cells: &DataFrame,
    bins: DataFrame,
    minutes: DataFrame,
    windows: &Windows,
) -> Result<BTreeMap<String, ServiceEvidence>, ObserveError> {
    let keys = keys(cells)?;
    let keyed = |frame: DataFrame| {
        frame.lazy().join(keys.frame.clone().lazy(), [col("cell")], [col("cell")], JoinArgs::new(JoinType::Inner))
    };
    let bins = keyed(bins).collect().map_err(frames_error)?;
    let minutes = keyed(minutes).collect().map_err(frames_error)?;

    // One view per key and set of spans; each is a sum of rollups, never a second look at rows.
    let everything = || lit(true);
    let span = |number: u32| col("span").eq(lit(number));
    let arm_window = sketches(&bins, "arm", span(0), keys.arms.len())?;
    let arm_lookback = sketches(&bins, "arm", everything(), keys.arms.len())?;
    let service_window = sketches(&bins, "service", span(0), keys.services.len())?;
    let service_before = sketches(&bins, "service", span(1), keys.services.len())?;
    let service_lookback = sketches(&bins, "service", everything(), keys.services.len())?;

    let wide = bucket_minutes(&windows.lookback, EVIDENCE_BUCKETS);
    let narrow = bucket_minutes(&windows.window, WINDOW_BUCKETS);
    let arm_wide = buckets(&minutes, "arm", everything(), wide, keys.arms.len())?;
    let arm_narrow = buckets(&minutes, "arm", span(0), narrow, keys.arms.len())?;
    let service_wide = buckets(&minutes, "service", everything(), wide, keys.services.len())?;
    let service_narrow = buckets(&minutes, "service", span(0), narrow, keys.services.len())?;
    let service_earlier = buckets(&minutes, "service", span(1), narrow, keys.services.len())?;

    let all = |spans: &[Requests; 3]| spans[0].merged(&spans[1]).merged(&spans[2]);
    let mut services: Vec<ServiceEvidence> = (0..keys.services.len())
        .map(|index| ServiceEvidence {
            window: rollup(keys.by_service[index][0], &service_window[index], &service_narrow[index]),
            before: rollup(keys.by_service[index][1], &service_before[index], &service_earlier[index]),
            lookback: rollup(all(&keys.by_service[index]), &service_lookback[index], &service_wide[index]),
            ..ServiceEvidence::default()
        })
        .collect();
    for (index, (service, segment, arm)) in keys.arms.iter().enumerate() {
        let evidence = ArmEvidence {
            window: rollup(keys.by_arm[index][0], &arm_window[index], &arm_narrow[index]),
            lookback: rollup(all(&keys.by_arm[index]), &arm_lookback[index], &arm_wide[index]),
        };
        services[*service as usize].segments.entry(*segment).or_default().insert(arm.clone(), evidence);
    }
    add_spend(&mut services, &minutes)?;
    add_versions(&mut services, &minutes, &keys)?;
    Ok(keys.services.into_iter().zip(services).collect())
}

fn keys(cells: &DataFrame) -> Result<Keys, ObserveError> {
    let inner = || -> PolarsResult<Keys> {
        let text = |name: &str| cells.column(name)?.str().cloned();
        let number = |name: &str| cells.column(name)?.f64().cloned();
        let cell = cells.column("cell")?.u64()?.clone();
        let span = cells.column("span")?.i32()?.clone();
        let rows = cells.column("n")?.i64()?.clone();
        let (service, complexity, provider) = (text("service")?, text("complexity")?, text("provider")?);
        let (model, version) = (text("model")?, text("config_version")?);
        let counts =
            ["weight", "weight_squared", "served", "succeeded", "provider_errors", "caller_errors", "unpriced"]
                .map(number)
                .into_iter()
                .collect::<PolarsResult<Vec<_>>>()?;

        let mut keys = Keys {
            services: Vec::new(),
            arms: Vec::new(),
            frame: DataFrame::empty(),
            by_arm: Vec::new(),
            by_service: Vec::new(),
            version_of: BTreeMap::new(),
        };
        let mut service_ids: BTreeMap<String, u32> = BTreeMap::new();
        let mut arm_ids: BTreeMap<(u32, Segment, Arm), u32> = BTreeMap::new();
        let (mut cell_column, mut arm_column, mut service_column, mut span_column) = (vec![], vec![], vec![], vec![]);
        for row in 0..cells.height() {
            let name = service.get(row).unwrap_or_default();
            let service_id = *service_ids.entry(name.to_owned()).or_insert_with(|| {
                keys.services.push(name.to_owned());
                keys.by_service.push(Default::default());
                keys.services.len() as u32 - 1
            });
            let arm = Arm {
                provider: provider.get(row).map(str::to_owned),
                model: model.get(row).unwrap_or_default().to_owned(),
                config_version: version.get(row).map(str::to_owned),
            };
            let segment = Segment::from_complexity(complexity.get(row));
            let place = (service_id, segment, arm);
            let arm_id = *arm_ids.entry(place.clone()).or_insert_with(|| {
                keys.arms.push(place.clone());
                keys.by_arm.push(Default::default());
                keys.arms.len() as u32 - 1
            });
            let at = |column: usize| counts[column].get(row).unwrap_or(0.0);
            let requests = Requests {
                rows: rows.get(row).unwrap_or(0).unsigned_abs(),
                weight: at(0),
                weight_squared: at(1),
                served: at(2),
                succeeded: at(3),
                provider_errors: at(4),
                caller_errors: at(5),
                unpriced: at(6),
            };
            let span_id = span.get(row).unwrap_or(2).clamp(0, 2) as u8;
            for counts in [&mut keys.by_arm[arm_id as usize], &mut keys.by_service[service_id as usize]] {
                counts[span_id as usize] = counts[span_id as usize].merged(&requests);
            }
            let hash = cell.get(row).unwrap_or_default();
            if let Some(version) = &place.2.config_version {
                keys.version_of.insert(hash, (service_id, version.clone()));
            }
            cell_column.push(hash);
            arm_column.push(arm_id);
            service_column.push(service_id);
            span_column.push(u32::from(span_id));
        }
        keys.frame = DataFrame::new(
            cell_column.len(),
            vec![
                Column::new("cell".into(), cell_column),
                Column::new("arm".into(), arm_column),
                Column::new("service".into(), service_column),
                Column::new("span".into(), span_column),
            ],
        )?;
        Ok(keys)
    };
    let keys = inner().map_err(frames_error)?;
    let mut hashes: Vec<u64> = keys
        .frame
        .column("cell")
        .and_then(|cell| cell.u64().map(|cell| cell.into_no_null_iter().collect()))
        .map_err(frames_error)?;
    hashes.sort_unstable();
    match hashes.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ObserveError::CellCollision(pair[0])),
        None => Ok(keys),
    }
}

fn grouped(
    frame: &DataFrame,
    filter: Expr,
    by: Vec<Expr>,
    sums: &[&str],
    order: &[&str],
) -> Result<DataFrame, ObserveError> {
    frame
        .clone()
        .lazy()
        .filter(filter)
        .group_by(by)
        .agg(sums.iter().map(|name| col(*name).sum()).collect::<Vec<_>>())
        .sort(order.iter().copied(), SortMultipleOptions::default())
        .collect()
        .map_err(frames_error)
}

/// The six sketches of each key, by its position.
fn sketches(bins: &DataFrame, key: &str, filter: Expr, keys: usize) -> Result<Vec<[Vec<Bin>; 6]>, ObserveError> {
    let by = vec![col(key), col("metric"), col("bin")];
    let merged = grouped(bins, filter, by, &["n", "weight", "total"], &[key, "metric", "bin"])?;
    let read = || -> PolarsResult<Vec<[Vec<Bin>; 6]>> {
        let mut sketches: Vec<[Vec<Bin>; 6]> = (0..keys).map(|_| Default::default()).collect();
        let (key, metric) = (merged.column(key)?.u32()?, merged.column("metric")?.i32()?);
        let (bin, rows) = (merged.column("bin")?.i32()?, merged.column("n")?.i64()?);
        let (weight, total) = (merged.column("weight")?.f64()?, merged.column("total")?.f64()?);
        let columns = key
            .into_no_null_iter()
            .zip(metric.into_no_null_iter())
            .zip(bin.into_no_null_iter().zip(rows.into_no_null_iter()))
            .zip(weight.into_no_null_iter().zip(total.into_no_null_iter()));
        for (((key, metric), (index, rows)), (weight, total)) in columns {
            let metric = usize::try_from(metric).unwrap_or_default();
            sketches[key as usize][metric].push(Bin {
                index: index as i16,
                rows: rows.unsigned_abs(),
                weight: weight / WEIGHT_SCALE,
                sum: total / (WEIGHT_SCALE * METRIC_SCALE[metric]),
            });
        }
        Ok(sketches)
    };
    read().map_err(frames_error)
}

/// Totals of latency, cost and quality by time bucket.
type BucketTotals = [Vec<Bucket>; 3];

/// Length of a bucket in minutes, so that about `count` of them make the window.
fn bucket_minutes(window: &Window, count: i64) -> i64 {
    (window.seconds() / 60.0 / count as f64).ceil().max(1.0) as i64
}

fn buckets(
    minutes: &DataFrame,
    key: &str,
    filter: Expr,
    width: i64,
    keys: usize,
) -> Result<Vec<BucketTotals>, ObserveError> {
    let values = ["latency", "latency_weight", "cost", "cost_weight", "quality", "quality_weight"];
    let by = vec![col(key), (col("minute") - col("minute") % lit(width)).alias("bucket")];
    let merged = grouped(minutes, filter, by, &values, &[key, "bucket"])?;
    let read = || -> PolarsResult<Vec<BucketTotals>> {
        let mut totals: Vec<BucketTotals> = (0..keys).map(|_| Default::default()).collect();
        let key = merged.column(key)?.u32()?;
        for (metric, scale) in [METRIC_SCALE[0], METRIC_SCALE[4], METRIC_SCALE[5]].into_iter().enumerate() {
            let (sum, weight) =
                (merged.column(values[2 * metric])?.f64()?, merged.column(values[2 * metric + 1])?.f64()?);
            for ((key, sum), weight) in
                key.into_no_null_iter().zip(sum.into_no_null_iter()).zip(weight.into_no_null_iter())
            {
                totals[key as usize][metric]
                    .push(Bucket { weight: weight / WEIGHT_SCALE, sum: sum / (WEIGHT_SCALE * scale) });
            }
        }
        Ok(totals)
    };
    read().map_err(frames_error)
}

fn rollup(requests: Requests, bins: &[Vec<Bin>; 6], buckets: &BucketTotals) -> Rollup {
    let sketch = |metric: usize| Sketch::from_bins(bins[metric].clone());
    Rollup {
        requests,
        latency: sketch(0),
        ttft: sketch(1),
        input_tokens: sketch(2),
        output_tokens: sketch(3),
        cost: sketch(4),
        quality: sketch(5),
        latency_buckets: buckets[0].clone(),
        cost_buckets: buckets[1].clone(),
        quality_buckets: buckets[2].clone(),
    }
}

fn add_spend(services: &mut [ServiceEvidence], minutes: &DataFrame) -> Result<(), ObserveError> {
    let spend = grouped(minutes, lit(true), vec![col("service"), col("minute")], &["cost"], &["service", "minute"])?;
    let read = |services: &mut [ServiceEvidence]| -> PolarsResult<()> {
        let columns = spend.column("service")?.u32()?.into_no_null_iter();
        let columns = columns.zip(spend.column("minute")?.i64()?.into_no_null_iter());
        for ((service, minute), cost) in columns.zip(spend.column("cost")?.f64()?.into_no_null_iter()) {
            services[service as usize].spend_by_minute.insert(minute, cost / (WEIGHT_SCALE * METRIC_SCALE[4]));
        }
        Ok(())
    };
    read(services).map_err(frames_error)
}

fn add_versions(services: &mut [ServiceEvidence], minutes: &DataFrame, keys: &Keys) -> Result<(), ObserveError> {
    let read = |services: &mut [ServiceEvidence]| -> PolarsResult<()> {
        let first = minutes.clone().lazy().group_by([col("cell")]).agg([col("minute").min()]).collect()?;
        for (cell, minute) in
            first.column("cell")?.u64()?.into_no_null_iter().zip(first.column("minute")?.i64()?.into_no_null_iter())
        {
            if let Some((service, version)) = keys.version_of.get(&cell) {
                let since = services[*service as usize].version_since.entry(version.clone()).or_insert(minute);
                *since = minute.min(*since);
            }
        }
        Ok(())
    };
    read(services).map_err(frames_error)
}

fn frames_error(cause: polars::error::PolarsError) -> ObserveError {
    ObserveError::Frames { cause }
}
