//! One tick's observation: load, find the window, take out duplicates, reduce to rollups.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Engine, FileGroup, ObserveError,
    duplicates::deduplicate,
    engine::{Value, literal},
    fold::fold,
    layout::LayoutChoice,
    load::{Census, LoadRequest, Tally, load},
    merge,
    postgres::Range,
    remote::Downloads,
};
use crate::{
    domain::{
        ModelTable, Policy, Window,
        format::visible,
        plan::{SourceSummary, UntilSource, Windows},
        price::ModelPrice,
    },
    stats::{Figures, Measure, Observation},
};

/// More rejects than this share, and no decision may rest on the source.
const MAX_REJECTED: f64 = 0.10;

/// How long after its start a request may still run, or be on its way into a database.
const SETTLE: SignedDuration = SignedDuration::from_secs(120);

/// What to observe.
#[derive(Debug)]
pub struct Request<'a> {
    pub groups: &'a [FileGroup],
    pub layouts: &'a LayoutChoice,
    /// Files of nothing but scores.
    pub scores: &'a [FileGroup],
    /// For the scales of scores.
    pub policy: &'a Policy,
    pub default_service: Option<&'a str>,
    /// The wall clock.
    pub now: Timestamp,
    pub window: SignedDuration,
    pub lookback: SignedDuration,
    /// End of the window; none takes the newest event.
    pub until: Option<Timestamp>,
    pub prices: &'a ModelTable,
    /// Where rejected rows are written, if anywhere.
    pub rejects: Option<&'a Path>,
    /// For the addresses of rejected rows.
    pub downloads: &'a Downloads,
}

/// What is being done, for a progress line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Reading,
    Deduplicating,
    Reducing,
    Merging,
}

/// Observes one tick.
pub fn observe(engine: &Engine, request: &Request<'_>, progress: &dyn Fn(Stage)) -> Result<Observation, ObserveError> {
    let started = Instant::now();
    progress(Stage::Reading);
    let census = load(
        engine,
        &LoadRequest {
            groups: request.groups,
            layouts: request.layouts,
            scores: request.scores,
            policy: request.policy,
            default_service: request.default_service,
            range: range(request)?,
            now: request.now,
        },
    )?;
    let requests = &census.requests;
    tracing::debug!(good = requests.good, seconds = started.elapsed().as_secs_f64(), "read");
    if let Some(path) = request.rejects {
        write_rejects(engine, path, request.downloads)?;
    }
    let rows = requests.rows();
    judge_rejects(&census)?;
    judge_scores(&census, !request.scores.is_empty())?;
    let windows = windows(request, &census)?;
    set_windows(engine, &windows)?;
    load_prices(engine, request.prices)?;

    progress(Stage::Deduplicating);
    engine.set("all_good", &Value::Flag(requests.rejected.is_empty() && requests.passed_over.is_empty()))?;
    let duplicates = deduplicate(engine, rows)?;
    tracing::debug!(duplicates, seconds = started.elapsed().as_secs_f64(), "looked for duplicates");
    engine.run("preparing events", include_str!("../../queries/events.sql"))?;

    progress(Stage::Reducing);
    let (used, services) = fold(engine, &|| progress(Stage::Merging), |cells| {
        tracing::debug!(cells = cells.len(), seconds = started.elapsed().as_secs_f64(), "reduced to cells");
        let used: u64 = cells.iter().map(|cell| cell.counts.rows).sum();
        Ok((used, merge::merge(cells, &windows)?))
    })?;
    tracing::debug!(services = services.len(), seconds = started.elapsed().as_secs_f64(), "merged");
    let figures = if census.metrics.is_some() { figures(engine)? } else { BTreeMap::new() };
    if used == 0 && figures.is_empty() {
        let (oldest, newest) = requests.span_us.unwrap_or_default();
        return Err(ObserveError::NothingInWindow {
            start: windows.lookback.start().to_string(),
            end: windows.lookback.end().to_string(),
            oldest: time(oldest).to_string(),
            newest: time(newest).to_string(),
        });
    }
    // Parquet is read where it lies, and somebody may have put another file there in between.
    let outside = requests.good.checked_sub(used + duplicates).ok_or(ObserveError::Changed)?;
    let source = SourceSummary {
        files: census.files,
        layouts: census.layouts,
        rows_read: rows,
        rows_used: used,
        rows_outside: outside,
        rows_duplicate: duplicates,
        rejected: requests.rejected.clone(),
        passed_over: requests.passed_over.clone(),
        scores: census.scores.as_ref().map(Tally::summary),
        oldest_event: requests.span_us.map(|(oldest, _)| time(oldest)),
        newest_event: requests.span_us.map(|(_, newest)| time(newest)),
        ignored_columns: census.ignored_columns,
    };
    Ok(Observation { windows, source, services, figures })
}

fn judge_rejects(census: &Census) -> Result<(), ObserveError> {
    let figures = census.metrics.as_ref().is_some_and(|metrics| metrics.good > 0);
    for tally in [Some(&census.requests), census.metrics.as_ref()].into_iter().flatten() {
        if tally.good == 0 && !figures {
            return Err(ObserveError::AllRejected { rows: tally.rows(), reasons: tally.reasons() });
        }
        if tally.rejected_total() as f64 > MAX_REJECTED * tally.rows() as f64 {
            return Err(too_many(tally));
        }
    }
    Ok(())
}

/// Scores are held to the same measure as requests. That none can be used is a mistake in the policy when a file of scores was
/// named, and none of our business when they merely lie beside the requests.
fn judge_scores(census: &Census, named: bool) -> Result<(), ObserveError> {
    let Some(scores) = &census.scores else { return Ok(()) };
    if scores.good == 0 && named {
        let rows = scores.rows() + scores.passed_over.values().sum::<u64>();
        let mut reasons = scores.clone();
        reasons.rejected.extend(scores.passed_over.clone());
        return Err(ObserveError::ScoresUseless { rows, reasons: reasons.reasons() });
    }
    if scores.rejected_total() as f64 > MAX_REJECTED * scores.rows() as f64 {
        return Err(too_many(scores));
    }
    Ok(())
}

/// Figures of the window, by service.
fn figures(engine: &Engine) -> Result<BTreeMap<String, Vec<Figures>>, ObserveError> {
    const MEASURES: [Measure; 4] = [Measure::LatencyP95, Measure::ErrorRate, Measure::CostPerRequest, Measure::Quality];
    let read = || -> duckdb::Result<BTreeMap<String, Vec<Figures>>> {
        let mut by_service: BTreeMap<String, Vec<Figures>> = BTreeMap::new();
        let mut statement = engine.connection().prepare(include_str!("../../queries/metrics_in_window.sql"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values = match row.get::<_, duckdb::types::Value>(2)? {
                duckdb::types::Value::List(values) => values,
                _ => Vec::new(),
            };
            let values = values.into_iter().filter_map(|value| match value {
                duckdb::types::Value::Double(value) => Some(value),
                _ => None,
            });
            by_service.entry(visible(&row.get::<_, String>(0)?)).or_default().push(Figures {
                measure: MEASURES[row.get::<_, usize>(1)?],
                values: values.collect(),
                requests: row.get(3)?,
            });
        }
        Ok(by_service)
    };
    read().map_err(|cause| ObserveError::engine("reading figures", cause))
}

fn too_many(tally: &Tally) -> ObserveError {
    let (rejected, rows) = (tally.rejected_total(), tally.rows());
    let percent = 100.0 * rejected as f64 / rows as f64;
    ObserveError::TooManyRejected { rejected, rows, percent, reasons: tally.reasons() }
}

/// Where the window ends, if that is known before anything is read: a database goes on, so its window ends a little before
/// now, when the requests of that time have ended and been written.
fn until(request: &Request<'_>) -> Option<(Timestamp, UntilSource)> {
    let live = request.groups.iter().any(|group| group.database.is_some());
    let settled = request.now.checked_sub(SETTLE).ok().filter(|_| live);
    request.until.map(|until| (until, UntilSource::Flag)).or(settled.map(|until| (until, UntilSource::Clock)))
}

/// The span that databases are asked for: the lookback.
fn range(request: &Request<'_>) -> Result<Range, ObserveError> {
    let end = until(request).map_or(request.now, |(end, _)| end);
    let lookback = Window::ending_at(end, request.lookback)
        .ok_or_else(|| ObserveError::Window { what: "`--lookback` reaches past recorded time".into() })?;
    Ok(Range { start: lookback.start(), end: lookback.end() })
}

fn windows(request: &Request<'_>, census: &Census) -> Result<Windows, ObserveError> {
    let newest =
        [Some(&census.requests), census.metrics.as_ref()].into_iter().flatten().filter_map(|tally| tally.span_us);
    let newest = newest.map(|(_, newest)| newest).max();
    let (end, until) = match (until(request), newest) {
        (Some(until), _) => until,
        // Windows are half open: the first instant after the newest event closes the one that holds it.
        (None, Some(newest)) => (time(newest + 1), UntilSource::NewestEvent),
        (None, None) => unreachable!("a source without a good row was refused before"),
    };
    let does_not_fit = |what: String| ObserveError::Window { what };
    let window = Window::ending_at(end, request.window)
        .ok_or_else(|| does_not_fit("`--window` reaches past recorded time".into()))?;
    let before = window.before().ok_or_else(|| does_not_fit("the window before reaches past recorded time".into()))?;
    let lookback = Window::ending_at(end, request.lookback)
        .ok_or_else(|| does_not_fit("`--lookback` reaches past recorded time".into()))?;
    if lookback.start() > before.start() {
        return Err(does_not_fit(format!("`--lookback` of {:.0} s is shorter than two windows", lookback.seconds())));
    }
    Ok(Windows { window, before, lookback, until })
}

fn set_windows(engine: &Engine, windows: &Windows) -> Result<(), ObserveError> {
    for (name, at) in [
        ("lookback_start_us", windows.lookback.start()),
        ("before_start_us", windows.before.start()),
        ("window_start_us", windows.window.start()),
        ("window_end_us", windows.window.end()),
    ] {
        engine.set(name, &Value::Integer(at.as_microsecond()))?;
    }
    Ok(())
}

/// Prices by provider and model, and for rows without a provider those on which all providers agree. Prices that depend on
/// the time or the length of the input are left out here: such a request has an unknown cost, not a wrong one.
fn load_prices(engine: &Engine, table: &ModelTable) -> Result<(), ObserveError> {
    let failed = |cause| ObserveError::engine("loading prices", cause);
    engine.run(
        "loading prices",
        "CREATE OR REPLACE TEMP TABLE prices (provider VARCHAR, model VARCHAR, input DOUBLE, output DOUBLE, cached_input DOUBLE, cache_write DOUBLE)",
    )?;
    let offers: BTreeSet<(Option<&str>, &str)> = table
        .models()
        .iter()
        .flat_map(|model| [(Some(model.provider.as_str()), model.model.as_str()), (None, model.model.as_str())])
        .collect();
    let mut appender = engine.connection().appender("prices").map_err(failed)?;
    for (provider, model) in offers {
        let Some(rates) = table.price_of(provider, model).and_then(ModelPrice::flat) else { continue };
        let row = duckdb::params![
            provider.unwrap_or_default(),
            model,
            rates.input,
            rates.output,
            rates.cached_input,
            rates.cache_write
        ];
        appender.append_row(row).map_err(failed)?;
    }
    appender.flush().map_err(failed)
}

fn write_rejects(engine: &Engine, path: &Path, downloads: &Downloads) -> Result<(), ObserveError> {
    // It might be the very log they came from.
    if path.symlink_metadata().is_ok() {
        return Err(ObserveError::RejectsExist { path: path.to_owned() });
    }
    let addresses = || -> duckdb::Result<()> {
        engine.connection().execute_batch("CREATE OR REPLACE TEMP TABLE downloads (file VARCHAR, address VARCHAR)")?;
        let mut appender = engine.connection().appender("downloads")?;
        for (file, address) in downloads.addresses() {
            appender.append_row(duckdb::params![file, address])?;
        }
        appender.flush()
    };
    addresses().map_err(|cause| ObserveError::engine("naming downloads", cause))?;
    let sql = format!(
        "COPY ({}) TO {} (FORMAT csv, HEADER)",
        include_str!("../../queries/rejects.sql").trim_end(),
        literal(&path.to_string_lossy())
    );
    engine.connection().execute_batch(&sql).map_err(|cause| ObserveError::Rejects { path: path.to_owned(), cause })
}

fn time(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).expect("DuckDB's times lie within ours")
}
