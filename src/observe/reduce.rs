//! One tick's observation: load, find the window, take out duplicates, reduce to rollups.

use std::{collections::BTreeMap, path::Path, time::Instant};

use jiff::{SignedDuration, Timestamp};

use super::{
    Engine, Format, ObserveError,
    census::{Census, Tally},
    duplicates::deduplicate,
    engine::{Value, literal},
    fold::{Cell, Settings, Slots, fold},
    identities::Identities,
    load::{Early, LoadRequest, load},
    merge,
    plain::Plain,
    postgres::Range,
    stamp,
};
use crate::{
    domain::{
        ModelTable, Window,
        format::visible,
        plan::{SourceSummary, UntilSource, Windows},
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
    pub load: LoadRequest<'a>,
    pub window: SignedDuration,
    pub lookback: SignedDuration,
    /// End of the window; none takes the newest event.
    pub until: Option<Timestamp>,
    pub prices: &'a ModelTable,
    /// Where rejected rows are written, if anywhere.
    pub rejects: Option<&'a Path>,
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
    // Whoever wants to see what is rejected wants to see the row, of which early folding keeps but the part that is judged.
    observed(engine, request, progress, request.rejects.is_none())
}

/// Observes one tick, and leaves every row of the lookback in the engine for [`super::logged()`] to read.
pub fn observe_rows(
    engine: &Engine,
    request: &Request<'_>,
    progress: &dyn Fn(Stage),
) -> Result<Observation, ObserveError> {
    observed(engine, request, progress, false)
}

fn observed(
    engine: &Engine,
    request: &Request<'_>,
    progress: &dyn Fn(Stage),
    early: bool,
) -> Result<Observation, ObserveError> {
    let started = Instant::now();
    progress(Stage::Reading);
    let slots = |windows: &Windows| Slots::Windows {
        window_start_us: windows.window.start().as_microsecond(),
        before_start_us: windows.before.start().as_microsecond(),
    };
    let (mut census, windows) = loaded_or_folded(engine, request, &slots, early)?;
    tracing::debug!(
        good = census.requests.good,
        folded = census.plain.is_some(),
        seconds = started.elapsed().as_secs_f64(),
        "read"
    );
    let plain = census.plain.take();
    let merged = |cells: Vec<Cell>| {
        tracing::debug!(cells = cells.len(), seconds = started.elapsed().as_secs_f64(), "reduced to cells");
        merge::merge(cells, &windows)
    };
    let Reduced { used, duplicates, made: services } =
        reduced(engine, request, &census, plain, slots(&windows), progress, merged)?;
    tracing::debug!(services = services.len(), seconds = started.elapsed().as_secs_f64(), "merged");
    let figures = if census.metrics.is_some() { figures(engine)? } else { BTreeMap::new() };
    if used == 0 && figures.is_empty() {
        return Err(nothing_in_window(&census, &windows));
    }
    let source = summary(&census, used, duplicates);
    Ok(Observation { windows, source, services, figures })
}

/// What the source gave.
pub(super) fn summary(census: &Census, used: u64, duplicates: u64) -> SourceSummary {
    let requests = &census.requests;
    SourceSummary {
        files: census.files,
        layouts: census.layouts.clone(),
        rows_read: requests.rows(),
        rows_used: used,
        rows_outside: requests.good - used - duplicates,
        rows_duplicate: duplicates,
        rejected: requests.rejected.clone(),
        passed_over: requests.passed_over.clone(),
        scores: census.scores.as_ref().map(Tally::summary),
        oldest_event: requests.span_us.map(|(oldest, _)| time(oldest)),
        newest_event: requests.span_us.map(|(_, newest)| time(newest)),
        ignored_columns: census.ignored_columns.clone(),
        engines: census.engines.clone(),
    }
}

/// Why there is nothing to look at.
pub(super) fn nothing_in_window(census: &Census, windows: &Windows) -> ObserveError {
    let requests = &census.requests;
    let metrics = census.metrics.as_ref().and_then(|metrics| metrics.span_us);
    if requests.good == 0
        && let Some((_, newest)) = metrics
        && (windows.window.start()..windows.window.end()).contains(&time(newest))
    {
        return ObserveError::NoMeasure;
    }
    let (oldest, newest) = requests.span_us.or(metrics).unwrap_or_default();
    ObserveError::NothingInWindow {
        start: windows.lookback.start().to_string(),
        end: windows.lookback.end().to_string(),
        oldest: time(oldest).to_string(),
        newest: time(newest).to_string(),
    }
}

/// Loads the sources and holds them against what a decision may rest on. `slots` tells how time is cut, for rows that are folded as
/// they are read.
pub(super) fn loaded(
    engine: &Engine,
    request: &Request<'_>,
    slots: &dyn Fn(&Windows) -> Slots,
) -> Result<(Census, Windows), ObserveError> {
    loaded_or_folded(engine, request, slots, request.rejects.is_none())
}

fn loaded_or_folded(
    engine: &Engine,
    request: &Request<'_>,
    slots: &dyn Fn(&Windows) -> Slots,
    folded: bool,
) -> Result<(Census, Windows), ObserveError> {
    let windows_of = |newest| windows(request, Some(newest));
    let settled = until(request).is_some();
    let early = Early { fold: folded, settled, prices: request.prices, windows: &windows_of, slots };
    let census = load(engine, &request.load, range(request)?, known_windows(request)?, Some(&early))?;
    if let Some(path) = request.rejects {
        write_rejects(engine, path, &request.load)?;
    }
    judge_rejects(&census)?;
    judge_scores(&census, !request.load.scores.is_empty())?;
    let tallies = [Some(&census.requests), census.metrics.as_ref()].into_iter().flatten();
    let windows = windows(request, tallies.filter_map(|tally| tally.span_us).map(|(_, newest)| newest).max())?;
    // The newest row may be gone since an engine was asked for it, and its cells would be those of another time.
    if census.cut_by.as_ref().is_some_and(|cut| *cut != windows)
        && census.pushed.iter().any(|pushed| !pushed.cells.is_empty())
    {
        return Err(ObserveError::Changed);
    }
    set_windows(engine, &windows)?;
    Ok((census, windows))
}

/// Rows that were counted, those that told a request once more, and what was made of the cells.
pub(super) struct Reduced<T> {
    pub used: u64,
    pub duplicates: u64,
    pub made: T,
}

/// Reduces what was loaded to cells, duplicates left out; `plain` is what the census had of rows that are folded already.
pub(super) fn reduced<T: Send>(
    engine: &Engine,
    request: &Request<'_>,
    census: &Census,
    plain: Option<Plain>,
    slots: Slots,
    progress: &dyn Fn(Stage),
    finish: impl Fn(Vec<Cell>) -> Result<T, ObserveError> + Send + Sync,
) -> Result<Reduced<T>, ObserveError> {
    let reduced = reduce_all(engine, request, census, plain, slots, progress, finish);
    if !matches!(reduced, Err(ObserveError::Interrupted)) {
        // Parquet is read where it lies, and somebody may have put another file there in between.
        stamp::unchanged(request.load.groups.iter().filter(|group| group.format == Format::Parquet))?;
    }
    reduced
}

fn reduce_all<T: Send>(
    engine: &Engine,
    request: &Request<'_>,
    census: &Census,
    mut plain: Option<Plain>,
    slots: Slots,
    progress: &dyn Fn(Stage),
    finish: impl Fn(Vec<Cell>) -> Result<T, ObserveError> + Send + Sync,
) -> Result<Reduced<T>, ObserveError> {
    let (requests, pushed) = (&census.requests, &census.pushed);
    let all_good = requests.rejected.is_empty() && requests.passed_over.is_empty();
    engine.set("all_good", &Value::Flag(all_good))?;
    let some_left = plain.as_ref().is_none_or(Plain::some_left);
    if some_left {
        prepare(engine)?;
    }
    let finish = |mut cells: Vec<Cell>| {
        cells.extend(pushed.iter().flat_map(|pushed| pushed.cells.iter().cloned()));
        cells.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let used: u64 = cells.iter().map(|cell| cell.counts.rows).sum();
        Ok((used, finish(cells)?))
    };
    let fold_once = |identities: Option<&Identities>, mut folded: Vec<Cell>| {
        progress(Stage::Reducing);
        let settings = Settings { prices: request.prices, slots, identities };
        fold(engine, &settings, &|| progress(Stage::Merging), |cells| {
            folded.extend(cells);
            finish(folded)
        })
    };
    let (folded, identities) = match &mut plain {
        Some(plain) => plain.take(),
        None => (Vec::new(), Identities::new(requests.good)),
    };
    let elsewhere =
        pushed.iter().flat_map(|pushed| &pushed.cells).chain(&folded).map(|cell| cell.counts.rows).sum::<u64>();
    let (mut used, mut made) = if some_left {
        fold_once(Some(&identities), folded)?
    } else {
        progress(Stage::Merging);
        finish(folded)?
    };
    progress(Stage::Deduplicating);
    let suspects = identities.suspects();
    drop(identities);
    let mut duplicates = 0;
    match plain {
        Some(plain) if !suspects.is_empty() => {
            prepare(engine)?;
            if let Some(folded) = plain.without(engine, &suspects)? {
                drop(made);
                let here = rows_here(engine)?;
                duplicates = deduplicate(engine, &suspects, requests.rows(), here)?;
                (used, made) = fold_once(None, folded)?;
            }
        }
        _ => {
            // What a database has reduced is free of repeated requests, and not among the rows here.
            duplicates = deduplicate(engine, &suspects, requests.rows(), used - elsewhere)?;
            if duplicates > 0 {
                drop(made);
                (used, made) = fold_once(None, Vec::new())?;
            }
        }
    }
    requests.good.checked_sub(used + duplicates).ok_or(ObserveError::Changed)?;
    Ok(Reduced { used, duplicates, made })
}

/// Loads, and reads `unique_rows` as they are: every row of the lookback, each request once. `read` takes all of them, and looks the
/// identity of each up where it is given a table; it is called once more where requests repeat.
pub(super) fn unique<T>(
    engine: &Engine,
    request: &Request<'_>,
    progress: &dyn Fn(Stage),
    read: impl Fn(Option<&Identities>) -> Result<T, ObserveError>,
) -> Result<(T, SourceSummary), ObserveError> {
    progress(Stage::Reading);
    let slots = |_: &Windows| Slots::Windows { window_start_us: 0, before_start_us: 0 };
    let (census, windows) = loaded_or_folded(engine, request, &slots, false)?;
    let requests = &census.requests;
    let all_good = requests.rejected.is_empty() && requests.passed_over.is_empty();
    engine.set("all_good", &Value::Flag(all_good))?;
    prepare(engine)?;
    progress(Stage::Reducing);
    let here = rows_here(engine)?;
    if here == 0 {
        return Err(nothing_in_window(&census, &windows));
    }
    let identities = Identities::new(requests.good);
    let mut made = read(Some(&identities))?;
    let suspects = identities.suspects();
    drop(identities);
    let duplicates = deduplicate(engine, &suspects, requests.rows(), here)?;
    if duplicates > 0 {
        drop(made);
        made = read(None)?;
    }
    // Parquet is read where it lies, and somebody may have put another file there in between.
    stamp::unchanged(request.load.groups.iter().filter(|group| group.format == Format::Parquet))?;
    Ok((made, summary(&census, here - duplicates, duplicates)))
}

/// Makes `unique_rows`.
fn prepare(engine: &Engine) -> Result<(), ObserveError> {
    engine.run("preparing events", include_str!("../../queries/unique_rows.sql"))
}

/// Rows of `unique_rows`.
fn rows_here(engine: &Engine) -> Result<u64, ObserveError> {
    let rows = engine.connection().query_row("SELECT count(*) FROM unique_rows", [], |row| row.get::<_, i64>(0));
    Ok(rows.map_err(|cause| ObserveError::engine("looking for duplicates", cause))?.unsigned_abs())
}

fn judge_rejects(census: &Census) -> Result<(), ObserveError> {
    let figures = census.metrics.as_ref().is_some_and(|metrics| metrics.good > 0);
    if census.requests.good == 0 && !figures {
        let requests = &census.requests;
        let anything = requests.rows() > 0 || !requests.passed_over.is_empty();
        let told = census.metrics.as_ref().filter(|_| !anything).unwrap_or(requests);
        return Err(ObserveError::AllRejected { rows: told.rows(), reasons: told.reasons() });
    }
    let tallies = [Some(&census.requests), census.metrics.as_ref()];
    let too_bad = |tally: &&Tally| tally.rejected_total() as f64 > MAX_REJECTED * tally.rows() as f64;
    tallies.into_iter().flatten().find(too_bad).map_or(Ok(()), |tally| Err(too_many(tally)))
}

/// Scores are held to the same measure as requests. That none can be used is a mistake in the policy when a file of scores was
/// named, and none of our business when they merely lie beside the requests.
fn judge_scores(census: &Census, named: bool) -> Result<(), ObserveError> {
    let Some(scores) = &census.scores else { return Ok(()) };
    if scores.good == 0 && named {
        let rows = scores.rows() + scores.passed_over.values().sum::<u64>();
        return Err(ObserveError::ScoresUseless { rows, reasons: scores.reasons() });
    }
    // Beside requests, scores nobody declared are no bad ones: a handful of broken lines among them is a handful.
    let all = scores.rows() + if named { 0 } else { scores.passed_over.values().sum() };
    if scores.rejected_total() as f64 > MAX_REJECTED * all as f64 {
        return Err(too_many(scores));
    }
    Ok(())
}

/// Figures of the window, by service.
pub(super) fn figures(engine: &Engine) -> Result<BTreeMap<String, Vec<Figures>>, ObserveError> {
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
    let live = request.load.groups.iter().any(|group| group.database.is_some());
    let settled = request.load.now.checked_sub(SETTLE).ok().filter(|_| live);
    request.until.map(|until| (until, UntilSource::Flag)).or(settled.map(|until| (until, UntilSource::Clock)))
}

/// Where the window and the window before start, in microseconds since 1970, if that is known before anything is read.
fn known_windows(request: &Request<'_>) -> Result<Option<(i64, i64)>, ObserveError> {
    let Some((end, _)) = until(request) else { return Ok(None) };
    let too_far = || ObserveError::Window { what: "`--window` reaches past recorded time".into() };
    let window = Window::ending_at(end, request.window).ok_or_else(too_far)?;
    let before = window.before().ok_or_else(too_far)?;
    Ok(Some((window.start().as_microsecond(), before.start().as_microsecond())))
}

/// The span that databases are asked for: the lookback.
fn range(request: &Request<'_>) -> Result<Range, ObserveError> {
    let end = until(request).map_or(request.load.now, |(end, _)| end);
    let lookback = Window::ending_at(end, request.lookback)
        .ok_or_else(|| ObserveError::Window { what: "`--lookback` reaches past recorded time".into() })?;
    Ok(lookback.into())
}

/// The windows when the newest event has this time, in microseconds since 1970.
fn windows(request: &Request<'_>, newest: Option<i64>) -> Result<Windows, ObserveError> {
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

pub(super) fn write_rejects(engine: &Engine, path: &Path, request: &LoadRequest<'_>) -> Result<(), ObserveError> {
    // It might be the very log they came from.
    if path.symlink_metadata().is_ok() {
        return Err(ObserveError::RejectsExist { path: path.to_owned() });
    }
    let addresses = || -> duckdb::Result<()> {
        engine.connection().execute_batch("CREATE OR REPLACE TEMP TABLE addresses (file VARCHAR, address VARCHAR)")?;
        let mut appender = engine.connection().appender("addresses")?;
        for (file, address) in request.groups.iter().flat_map(|group| &group.addresses) {
            appender.append_row(duckdb::params![file.to_string_lossy(), address])?;
        }
        appender.flush()
    };
    addresses().map_err(|cause| ObserveError::engine("naming rejected rows", cause))?;
    let sql = format!(
        "COPY ({}) TO {} (FORMAT csv, HEADER)",
        include_str!("../../queries/rejects.sql").trim_end(),
        literal(&path.to_string_lossy())
    );
    engine.connection().execute_batch(&sql).map_err(|cause| {
        // Half a list would look like a whole one. It was not there before, so nobody misses it.
        let _ = std::fs::remove_file(path);
        ObserveError::Rejects { path: path.to_owned(), cause }
    })
}

fn time(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).expect("DuckDB's times lie within ours")
}
