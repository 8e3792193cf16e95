//! Brings cells together and hands them over as core structs. Cells add up: every view here is a sum of the same cells, never
//! a second look at rows. Histograms are added in place; totals by minute are grouped in Polars, by key and time bucket.

use std::{collections::BTreeMap, mem::take};

use polars::prelude::{
    Column, DataFrame, Expr, IntoLazy, JoinArgs, JoinType, PolarsResult, SortMultipleOptions, col, lit,
};

use super::{
    ObserveError,
    fold::{Cell, METRIC_SCALE, MINUTE_METRICS, WEIGHT_SCALE},
    totals::Totals,
};
use crate::{
    domain::{Arm, Segment, Window, format::visible, plan::Windows},
    stats::{ArmEvidence, Bucket, Requests, Rollup, ServiceEvidence, Sketch},
};

/// Evidence is cut into about this many time buckets to see how far requests are from independent.
const EVIDENCE_BUCKETS: i64 = 96;

/// The window itself is cut into about this many.
const WINDOW_BUCKETS: i64 = 12;

/// Where each cell belongs: positions in the lists of services and arms. The cells of a service stand together, and so do
/// those of an arm, because cells are sorted by key.
struct Keys {
    services: Vec<String>,
    arms: Vec<(Segment, Arm)>,
    /// Service and arm of each cell.
    places: Vec<(u32, u32)>,
}

/// Brings the cells together, which are sorted by key.
pub(super) fn merge(cells: Vec<Cell>, windows: &Windows) -> Result<BTreeMap<String, ServiceEvidence>, ObserveError> {
    let keys = keys(&cells);
    let minutes = minutes(&cells, &keys).map_err(frames_error)?;
    let wide = bucket_minutes(&windows.lookback, EVIDENCE_BUCKETS);
    let narrow = bucket_minutes(&windows.window, WINDOW_BUCKETS);
    let (everything, span) = (|| lit(true), |number: u32| col("span").eq(lit(number)));
    let mut arm_wide = buckets(&minutes, "arm", everything(), wide, keys.arms.len())?;
    let mut arm_narrow = buckets(&minutes, "arm", span(0), narrow, keys.arms.len())?;
    let mut service_wide = buckets(&minutes, "service", everything(), wide, keys.services.len())?;
    let mut service_narrow = buckets(&minutes, "service", span(0), narrow, keys.services.len())?;
    let mut service_earlier = buckets(&minutes, "service", span(1), narrow, keys.services.len())?;

    let mut services: Vec<ServiceEvidence> = keys.services.iter().map(|_| ServiceEvidence::default()).collect();
    add_spend(&mut services, &minutes)?;
    drop(minutes);
    add_versions(&mut services, &cells, &keys);
    let bounds = bounds(&keys);
    let mut left = Left {
        cells,
        services: &mut services,
        buckets: [&mut service_narrow, &mut service_earlier, &mut service_wide],
        arm_buckets: [&mut arm_narrow, &mut arm_wide],
    };
    rayon::scope(|scope| {
        let keys = &keys;
        // From behind, so that what is left stays where it is.
        for pair in bounds.windows(2).rev() {
            let part = left.split_off(pair[0]);
            scope.spawn(move |_| part.merge(keys, pair[0]));
        }
    });
    Ok(keys.services.iter().map(|name| visible(name)).zip(services.into_iter().map(with_visible_names)).collect())
}

/// The first cell of a part, and the service and arm it belongs to.
type Bound = (usize, usize, usize);

/// Where the cells are cut into parts, each with whole services, and where they end.
fn bounds(keys: &Keys) -> Vec<Bound> {
    let each = keys.places.len().div_ceil(rayon::current_num_threads()).max(1);
    let mut bounds = vec![(0, 0, 0)];
    for (cell, pair) in keys.places.windows(2).enumerate() {
        let (next, last) = (cell + 1, bounds[bounds.len() - 1].0);
        if pair[0].0 != pair[1].0 && next - last >= each {
            bounds.push((next, pair[1].0 as usize, pair[1].1 as usize));
        }
    }
    bounds.push((keys.places.len(), keys.services.len(), keys.arms.len()));
    bounds
}

/// What is not merged yet: cells, and services and arms with their time buckets.
struct Left<'a> {
    cells: Vec<Cell>,
    services: &'a mut [ServiceEvidence],
    /// Of services: window, window before, lookback.
    buckets: [&'a mut [BucketTotals]; 3],
    /// Of arms: window, lookback.
    arm_buckets: [&'a mut [BucketTotals]; 2],
}

impl Left<'_> {
    /// Takes away everything from a bound on.
    fn split_off(&mut self, (cell, service, arm): Bound) -> Self {
        let (services, services_after) = take(&mut self.services).split_at_mut(service);
        self.services = services;
        let [first, second, third] = self.buckets.each_mut().map(|buckets| take(buckets).split_at_mut(service));
        self.buckets = [first.0, second.0, third.0];
        let [narrow, wide] = self.arm_buckets.each_mut().map(|buckets| take(buckets).split_at_mut(arm));
        self.arm_buckets = [narrow.0, wide.0];
        Self {
            cells: self.cells.split_off(cell),
            services: services_after,
            buckets: [first.1, second.1, third.1],
            arm_buckets: [narrow.1, wide.1],
        }
    }

    /// Merges the cells of a part, which starts at a bound. They are taken one service at a time and dropped with it, so that
    /// histograms never all stand beside all sketches.
    fn merge(self, keys: &Keys, (first_cell, first_service, first_arm): Bound) {
        let Self { cells, services, mut buckets, arm_buckets } = self;
        let [arm_narrow, arm_wide] = arm_buckets;
        let mut cells = cells.into_iter().zip(&keys.places[first_cell..]).peekable();
        for (index, evidence) in services.iter_mut().enumerate() {
            let mut service = Spans::default();
            while let Some(&(_, &(_, arm))) =
                cells.peek().filter(|(_, (owner, _))| *owner as usize == first_service + index)
            {
                let mut spans = Spans::default();
                while let Some((cell, _)) = cells.next_if(|(_, (_, owner))| *owner == arm) {
                    service.add(&cell);
                    spans.add(&cell);
                }
                let (segment, name) = &keys.arms[arm as usize];
                let at = arm as usize - first_arm;
                let [window, _, lookback] =
                    spans.rollups([take(&mut arm_narrow[at]), BucketTotals::default(), take(&mut arm_wide[at])]);
                evidence.segments.entry(*segment).or_default().insert(name.clone(), ArmEvidence { window, lookback });
            }
            [evidence.window, evidence.before, evidence.lookback] =
                service.rollups(buckets.each_mut().map(|all| take(&mut all[index])));
        }
    }
}

/// Names come from request logs and end up on terminals: what steers one is written out, here, where rows become core types.
fn with_visible_names(mut evidence: ServiceEvidence) -> ServiceEvidence {
    for arms in evidence.segments.values_mut() {
        let named = take(arms).into_iter().map(|(arm, known)| {
            let shown = |name: Option<String>| name.map(|name| visible(&name));
            let arm = Arm {
                provider: shown(arm.provider),
                model: visible(&arm.model),
                config_version: shown(arm.config_version),
            };
            (arm, known)
        });
        *arms = named.collect();
    }
    evidence.version_since = evidence.version_since.into_iter().map(|(name, since)| (visible(&name), since)).collect();
    evidence
}

fn keys(cells: &[Cell]) -> Keys {
    let mut keys = Keys { services: Vec::new(), arms: Vec::new(), places: Vec::with_capacity(cells.len()) };
    for cell in cells {
        let key = &cell.key;
        let new_service = keys.services.last() != Some(&key.service);
        if new_service {
            keys.services.push(key.service.clone());
        }
        let arm = Arm {
            provider: key.provider.clone(),
            model: key.model.clone(),
            config_version: key.config_version.clone(),
        };
        let place = (Segment::from_complexity(key.complexity.as_deref()), arm);
        if new_service || keys.arms.last() != Some(&place) {
            keys.arms.push(place);
        }
        keys.places.push((keys.services.len() as u32 - 1, keys.arms.len() as u32 - 1));
    }
    keys
}

/// Totals in the window, in the window before, and earlier.
#[derive(Default)]
struct Spans([Totals; 3]);

impl Spans {
    fn add(&mut self, cell: &Cell) {
        self.0[cell.key.span as usize].absorb(&cell.counts, &cell.histograms);
    }

    /// Rollups of the window, of the window before, and of everything.
    fn rollups(mut self, buckets: [BucketTotals; 3]) -> [Rollup; 3] {
        let sketches = |totals: &Totals| -> [Sketch; 6] { std::array::from_fn(|metric| totals.sketch(metric)) };
        let (window, before) = (sketches(&self.0[0]), sketches(&self.0[1]));
        let requests = [&self.0[0], &self.0[1]].map(Totals::requests);
        let [first, second, third] = &mut self.0;
        first.counts.absorb(&second.counts);
        first.counts.absorb(&third.counts);
        let lookback = std::array::from_fn(|metric| {
            if second.histograms[metric].is_empty() && third.histograms[metric].is_empty() {
                return window[metric].clone(); // and shares its bins
            }
            first.histograms[metric].absorb(&second.histograms[metric]);
            first.histograms[metric].absorb(&third.histograms[metric]);
            first.sketch(metric)
        });
        let all = first.requests();
        let [narrow, earlier, wide] = buckets;
        [rollup(requests[0], window, narrow), rollup(requests[1], before, earlier), rollup(all, lookback, wide)]
    }
}

fn rollup(requests: Requests, sketches: [Sketch; 6], buckets: BucketTotals) -> Rollup {
    let [latency, ttft, input_tokens, output_tokens, cost, quality] = sketches;
    let [latency_buckets, cost_buckets, quality_buckets] = buckets;
    Rollup {
        requests,
        latency,
        cost,
        quality,
        input_tokens,
        output_tokens,
        ttft,
        latency_buckets,
        quality_buckets,
        cost_buckets,
    }
}

/// Columns of the frame of minutes.
const MINUTE_COLUMNS: [[&str; 2]; 3] =
    [["latency", "latency_weight"], ["cost", "cost_weight"], ["quality", "quality_weight"]];

/// Totals by cell and minute, each with its `service`, `arm` and `span`.
fn minutes(cells: &[Cell], keys: &Keys) -> PolarsResult<DataFrame> {
    let all = || (0_u32..).zip(cells).flat_map(|(place, cell)| cell.minutes.iter().map(move |minute| (place, minute)));
    let mut columns = vec![
        Column::new("cell".into(), all().map(|(place, _)| place).collect::<Vec<_>>()),
        Column::new("minute".into(), all().map(|(_, minute)| minute.at).collect::<Vec<_>>()),
    ];
    for (metric, [total, weight]) in MINUTE_COLUMNS.into_iter().enumerate() {
        let totals: Vec<f64> = all().map(|(_, minute)| minute.totals[metric] as f64).collect();
        let weights: Vec<f64> = all().map(|(_, minute)| minute.weights[metric] as f64).collect();
        columns.extend([Column::new(total.into(), totals), Column::new(weight.into(), weights)]);
    }
    let key = |column: &str, of: &dyn Fn(usize) -> u32| {
        Column::new(column.into(), (0..cells.len()).map(of).collect::<Vec<_>>())
    };
    let places = vec![
        key("cell", &|place| place as u32),
        key("service", &|place| keys.places[place].0),
        key("arm", &|place| keys.places[place].1),
        key("span", &|place| cells[place].key.span),
    ];
    DataFrame::new(columns[0].len(), columns)?
        .lazy()
        .join(DataFrame::new(cells.len(), places)?.lazy(), [col("cell")], [col("cell")], JoinArgs::new(JoinType::Inner))
        .collect()
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
    let by = vec![col(key), (col("minute") - col("minute") % lit(width)).alias("bucket")];
    let merged = grouped(minutes, filter, by, &MINUTE_COLUMNS.concat(), &[key, "bucket"])?;
    let read = || -> PolarsResult<Vec<BucketTotals>> {
        let mut totals: Vec<BucketTotals> = (0..keys).map(|_| Default::default()).collect();
        let key = merged.column(key)?.u32()?;
        for (metric, [total, weight]) in MINUTE_COLUMNS.into_iter().enumerate() {
            let scale = METRIC_SCALE[MINUTE_METRICS[metric]];
            let (sum, weight) = (merged.column(total)?.f64()?, merged.column(weight)?.f64()?);
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

fn add_versions(services: &mut [ServiceEvidence], cells: &[Cell], keys: &Keys) {
    for (cell, (service, _)) in cells.iter().zip(&keys.places) {
        if let (Some(version), Some(minute)) = (&cell.key.config_version, cell.minutes.first().map(|minute| minute.at))
        {
            let since = services[*service as usize].version_since.entry(version.clone()).or_insert(minute);
            *since = minute.min(*since);
        }
    }
}

fn frames_error(cause: polars::error::PolarsError) -> ObserveError {
    ObserveError::Frames { cause }
}
