//! Opens every source and brings it into one relation `rows`: canonical, typed, each row good or with its reject reason.
//!
//! Parquet stays where it is: `rows` is a view over it and each query reads only the columns it needs. Text is read once
//! into memory, because parsing it again for every query would cost more than it holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

#[cfg(feature = "spark")]
use super::lake;
use super::{
    Engine, FileGroup, Format, ObserveError,
    census::{Census, Loaded, Tally, account_for_lines, add, tally, unsplit_lines},
    columns,
    engine::Value,
    fold::Slots,
    layout::{Layout, LayoutChoice, Yields, built_in, known},
    plain::{self, Plain},
    postgres::{Database, Place, Range, Session, Task, Wanted},
    scores, stamp,
    tables::{Table, describe, tables},
    typed::{self, Columns},
};
use crate::domain::{ModelTable, Policy, format::visible, inspection::TableFound, plan::Windows};

/// Rows later than the clock by more than this are rejected: no request starts in the future.
const CLOCK_TOLERANCE_US: i64 = 300 * 1_000_000;

/// What to load.
#[derive(Debug)]
pub struct LoadRequest<'a> {
    /// Where requests are, and perhaps scores and metrics beside them.
    pub groups: &'a [FileGroup],
    pub layouts: &'a LayoutChoice,
    /// Where there are nothing but scores.
    pub scores: &'a [FileGroup],
    pub policy: &'a Policy,
    /// Service of rows that do not name one.
    pub default_service: Option<&'a str>,
    /// Where rows of databases are reduced, and the prices that takes; none where nothing but rows will do.
    pub pushdown: Option<(Place, &'a ModelTable)>,
    /// Which requests are looked at once more after they were reduced, where that is known: an engine sends no others. None where it
    /// may be any.
    pub kept: Option<&'a [Kept]>,
    /// The wall clock, to tell rows from the future.
    pub now: Timestamp,
}

/// Requests of one service from one time to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub service: String,
    /// Microseconds since 1970.
    pub from_us: i64,
    pub until_us: i64,
}

/// How requests are reduced before all rows are known, which takes the windows.
pub(super) struct Early<'a> {
    /// Whether rows here may be folded as they are read.
    pub fold: bool,
    /// Whether the windows are the same whatever the newest row.
    #[cfg_attr(not(feature = "spark"), expect(dead_code, reason = "only engines are asked for it"))]
    pub settled: bool,
    pub prices: &'a ModelTable,
    /// The windows if this is the time of the newest row, in microseconds since 1970.
    pub windows: &'a dyn Fn(i64) -> Result<Windows, ObserveError>,
    pub slots: &'a dyn Fn(&Windows) -> Slots,
}

/// Creates `rows`, and `scores` and `metrics` where there are any, and counts them.
/// `windows` is for databases that reduce by themselves. `range` is the span that is asked of databases; files are read whole.
/// Where `early` lets rows be folded, `rows` may lack those that are.
pub(super) fn load(
    engine: &Engine,
    request: &LoadRequest<'_>,
    range: Range,
    windows: Option<(i64, i64)>,
    early: Option<&Early<'_>>,
) -> Result<Census, ObserveError> {
    let loaded = load_all(engine, request, range, windows, early);
    if !matches!(loaded, Err(ObserveError::Interrupted)) {
        // A file that changed explains whatever else is wrong with it.
        stamp::unchanged(request.groups.iter().chain(request.scores))?;
    }
    loaded
}

fn load_all(
    engine: &Engine,
    request: &LoadRequest<'_>,
    range: Range,
    windows: Option<(i64, i64)>,
    early: Option<&Early<'_>>,
) -> Result<Census, ObserveError> {
    engine.set("default_service", &request.default_service.map_or(Value::Null, Value::Text))?;
    engine.set("future_limit_us", &Value::Integer(future_limit(request.now)))?;
    scores::declare(engine, request.policy)?;
    let mut loader = Loader {
        engine,
        request,
        census: Census::default(),
        ignored: BTreeSet::new(),
        loaded: BTreeMap::new(),
        copied: 0,
        nothing: None,
        windows,
        plain: Vec::new(),
    };
    #[cfg(feature = "spark")]
    loader.lakes(range, early)?;
    for group in request.groups.iter().filter(|group| group.lake.is_none()) {
        loader.census.files += group.files.len().max(1) as u64;
        if let Some(database) = &group.database {
            loader.database(database, group.source, range, &[Yields::Requests, Yields::Scores, Yields::Metrics])?;
            continue;
        }
        for table in tables(engine, group)? {
            loader.table(&table)?;
        }
    }
    for group in request.scores {
        loader.census.files += group.files.len().max(1) as u64;
        if let Some(database) = &group.database {
            // A score may come long after the request it judges.
            let range = Range { end: request.now, ..range };
            loader.database(database, group.source, range, &[Yields::Scores])?;
            continue;
        }
        for table in tables(engine, group)? {
            loader.score_table(&table)?;
        }
    }
    if !loader.loaded.contains_key(&Yields::Requests) {
        // Metrics alone: no requests, in the shape of requests, so that the rest need not know.
        loader.relate(&Table::empty(), built_in("canonical").expect("it ships"), false)?;
        loader.census.layouts.remove("canonical");
    }
    let Loader { mut census, ignored, mut loaded, nothing, plain, .. } = loader;
    let mut of = |kind| loaded.remove(&kind).unwrap_or_default();
    let (requests, scores, metrics) = (of(Yields::Requests), of(Yields::Scores), of(Yields::Metrics));
    if !metrics.is_empty() {
        union(engine, "metrics", &metrics)?;
        census.metrics = Some(tally(engine, "metrics", &metrics)?);
    }
    if let Some(early) = early.filter(|early| early.fold)
        && scores.is_empty()
        && request.policy.scores.is_empty()
        && plain.len() == requests.len()
    {
        let tallies = census.pushed.iter().map(|pushed| &pushed.tally).chain(&census.metrics);
        let newest = tallies.filter_map(|tally| tally.span_us).map(|(_, newest)| newest).max();
        census.plain = Plain::fold(engine, plain, early, newest, future_limit(request.now))?;
    }
    let relations = match &census.plain {
        Some(plain) => plain.relations(),
        None => requests.iter().map(|relation| relation.name.clone()).collect(),
    };
    define_union(engine, "unscored_rows", &relations)?;
    let names: Vec<String> = scores.iter().map(|relation| relation.name.clone()).collect();
    scores::join(engine, request.policy, &names)?;
    // A look at no rows takes as long as preparing one at many.
    let some_left = census.plain.as_ref().is_none_or(Plain::some_left);
    census.requests = if some_left { tally(engine, "rows", &requests)? } else { Tally::default() };
    let (of_scores, others) = unsplit_lines(engine, request.scores)?;
    account_for_lines(engine, request.groups, &requests)?;
    for pushed in &census.pushed {
        census.requests.absorb(&pushed.tally);
    }
    if let Some(plain) = &census.plain {
        census.requests.absorb(&plain.tally());
    }
    if !scores.is_empty() {
        union(engine, "scores", &scores)?;
        let mut tally = tally(engine, "scores", &scores)?;
        add(&mut tally.rejected, of_scores);
        census.scores = Some(tally);
    }
    // What a line that cannot be split was to be, nobody knows; where there are no requests, it was a figure.
    match &mut census.metrics {
        Some(metrics) if census.requests.rows() == 0 => add(&mut metrics.rejected, others),
        _ => add(&mut census.requests.rejected, others),
    }
    let anything = |tally: &Tally| tally.rows() > 0 || !tally.passed_over.is_empty();
    if !anything(&census.requests)
        && census.scores.as_ref().is_some_and(|scores| scores.rows() > 0)
        && request.scores.is_empty()
    {
        return Err(ObserveError::OnlyScores { origin: scores[0].origin.clone() });
    }
    if !anything(&census.requests) && !census.metrics.as_ref().is_some_and(anything) {
        // The stand-in for requests of a source of figures comes from nowhere.
        let origin = requests.iter().chain(&metrics).map(|loaded| &loaded.origin).find(|origin| !origin.is_empty());
        let origin = origin.cloned().unwrap_or_default();
        return Err(nothing.unwrap_or(ObserveError::NoRows { origin }));
    }
    census.ignored_columns = ignored.iter().map(|name| visible(name)).collect();
    Ok(census)
}

/// Later rows are from the future, in microseconds since 1970.
pub(super) fn future_limit(now: Timestamp) -> i64 {
    now.as_microsecond().saturating_add(CLOCK_TOLERANCE_US)
}

/// A time as messages show it.
pub(super) fn whole_seconds(at: Timestamp) -> String {
    at.round(jiff::Unit::Second).unwrap_or(at).to_string()
}

/// One relation of several.
fn union(engine: &Engine, name: &str, loaded: &[Loaded]) -> Result<(), ObserveError> {
    let names: Vec<String> = loaded.iter().map(|relation| relation.name.clone()).collect();
    define_union(engine, name, &names)
}

/// Makes `name` the union of relations.
pub(super) fn define_union(engine: &Engine, name: &str, relations: &[String]) -> Result<(), ObserveError> {
    let parts: Vec<String> = relations.iter().map(|relation| format!("FROM {relation}")).collect();
    engine.run("joining the sources", &format!("CREATE OR REPLACE TEMP VIEW {name} AS {}", parts.join(" UNION ALL ")))
}

struct Loader<'a> {
    engine: &'a Engine,
    request: &'a LoadRequest<'a>,
    census: Census,
    ignored: BTreeSet<String>,
    loaded: BTreeMap<Yields, Vec<Loaded>>,
    /// Tables copied out of databases so far.
    copied: usize,
    /// Why a database gave nothing, if one did.
    nothing: Option<ObserveError>,
    /// Where the window and the window before start, in microseconds since 1970.
    windows: Option<(i64, i64)>,
    /// Relations of requests of which most rows can be judged as they are read.
    plain: Vec<plain::Source>,
}

impl Loader<'_> {
    /// Loads whatever a table of requests holds.
    fn table(&mut self, table: &Table) -> Result<(), ObserveError> {
        let found = table.names();
        let mut layouts = self.request.layouts.of(&table.origin, table.source, &found)?;
        if layouts.is_empty() {
            // Nothing knows these columns: the message says how far they are from the canonical ones.
            columns::check(&table.origin, &found, self.request.default_service.is_some())?;
            layouts.extend(built_in("canonical"));
        }
        if layouts.iter().all(|layout| layout.yields == Yields::Scores) {
            return Err(ObserveError::OnlyScores { origin: table.origin.clone() });
        }
        let requests = layouts.iter().any(|layout| layout.yields == Yields::Requests);
        self.ignored.extend(columns::ignored(&found, &layouts).cloned());
        layouts.iter().try_for_each(|layout| self.relate(table, layout, requests))
    }

    /// Loads whatever tables of a database hold, within the range.
    fn database(
        &mut self,
        database: &Database,
        source: usize,
        range: Range,
        kinds: &[Yields],
    ) -> Result<(), ObserveError> {
        let mut session = Session::open(database)?;
        for (found, layout) in session.tables(source, self.request.layouts, kinds)? {
            let name = format!("copied_{}", self.copied);
            self.copied += 1;
            let pushed = match self.task(layout) {
                Some((place, task)) => session.push(&found, layout, range, place, &task)?,
                None => None,
            };
            let asked = self.request.pushdown.is_some_and(|(place, _)| place == Place::Database);
            if asked && pushed.is_none() && layout.yields == Yields::Requests {
                return Err(ObserveError::NotReducible { table: format!("{} of {}", found.name(), database.shown) });
            }
            let only = pushed.as_ref().map(|pushed| if pushed.odd.is_empty() { "false" } else { pushed.odd.as_str() });
            let table =
                session.copy(self.engine, &Wanted { found: &found, layout, range, name: &name, source, only })?;
            let before = self.nothing.is_some() || pushed.as_ref().is_some_and(|pushed| pushed.tally.rows() > 0);
            self.census.pushed.extend(pushed);
            if !before && layout.yields == Yields::Requests && self.is_empty(&name)? {
                let newest = session.newest(&found, layout)?;
                self.nothing = Some(ObserveError::NoRowsInRange {
                    table: table.origin.clone(),
                    start: whole_seconds(range.start),
                    end: whole_seconds(range.end),
                    newest: newest
                        .map_or_else(|| "it is empty".to_owned(), |newest| format!("the newest is of {newest}")),
                });
            }
            self.relate(&table, layout, layout.yields == Yields::Requests)?;
        }
        Ok(())
    }

    /// Loads what engines read: cells of what they reduce, and rows of what they do not. `range` is for readers who want nothing reduced.
    #[cfg(feature = "spark")]
    fn lakes(&mut self, range: Range, early: Option<&Early<'_>>) -> Result<(), ObserveError> {
        let groups = self.request.groups.iter();
        let lakes: Vec<_> = groups.filter_map(|group| group.lake.as_ref().map(|lake| (group.source, lake))).collect();
        if lakes.is_empty() {
            return Ok(());
        }
        let layout = built_in("canonical").expect("it ships");
        let mut readings = lakes
            .into_iter()
            .map(|(source, lake)| lake::Reading::open(lake, source, self.request))
            .collect::<Result<Vec<_>, _>>()?;
        let windows = match early {
            None => None,
            Some(early) if early.settled => Some((early.windows)(0)?),
            Some(early) => {
                let newest = readings.iter_mut().map(lake::Reading::newest).collect::<Result<Vec<_>, _>>()?;
                Some((early.windows)(newest.into_iter().flatten().max().unwrap_or_default())?)
            }
        };
        let range = windows.as_ref().map_or(range, |windows| windows.lookback.into());
        self.census.cut_by.clone_from(&windows);
        for reading in readings {
            self.census.files += 1;
            self.ignored.extend(reading.ignored().iter().cloned());
            let task = early.zip(windows.as_ref()).filter(|(early, _)| early.fold || self.request.kept.is_some());
            let task = task.map(|(early, windows)| lake::Task { slots: (early.slots)(windows), prices: early.prices });
            let name = format!("copied_{}", self.copied);
            self.copied += 1;
            let read = reading.read(self.engine, range, task, &name)?;
            if let (None, Some(nothing)) = (&self.nothing, read.nothing) {
                self.nothing = Some(nothing);
            }
            self.census.pushed.extend(read.pushed);
            self.census.engines.push(read.engine);
            self.relate(&read.table, layout, true)?;
        }
        Ok(())
    }

    /// What a database needs to reduce requests by itself, if it is to.
    fn task(&self, layout: &Layout) -> Option<(Place, Task<'_>)> {
        let (place, prices) = self.request.pushdown?;
        let (window_start_us, before_start_us) = self.windows?;
        let scored = !self.request.scores.is_empty() || !self.request.policy.scores.is_empty();
        (layout.yields == Yields::Requests && !scored).then_some((
            place,
            Task {
                prices,
                default_service: self.request.default_service,
                future_us: future_limit(self.request.now),
                window_start_us,
                before_start_us,
            },
        ))
    }

    fn is_empty(&self, table: &str) -> Result<bool, ObserveError> {
        let sql = format!("SELECT count(*) = 0 FROM {table}");
        let empty = self.engine.connection().query_row(&sql, [], |row| row.get(0));
        empty.map_err(|cause| ObserveError::engine("counting rows", cause))
    }

    /// Loads a table of nothing but scores.
    fn score_table(&mut self, table: &Table) -> Result<(), ObserveError> {
        let found = table.names();
        let layout = known(&found).into_iter().find(|layout| layout.yields == Yields::Scores);
        let Some(layout) = layout else { return Err(ObserveError::NoScores { origin: table.origin.clone(), found }) };
        self.ignored.extend(columns::ignored(&found, &[layout]).cloned());
        self.relate(table, layout, false)
    }

    /// Maps, types and judges one kind of row of a table. A line that cannot be read at all counts once, as a request, where
    /// the table holds any.
    fn relate(&mut self, table: &Table, layout: &Layout, requests: bool) -> Result<(), ObserveError> {
        let failed = |cause| ObserveError::mapping(&table.origin, layout, table.format.name(), cause);
        let ours = built_in(&layout.name) == Some(layout);
        if let Some(what) = if ours { None } else { self.engine.no_select(layout.sql())? } {
            return Err(ObserveError::MappingBroken { path: layout.name.clone(), what });
        }
        let mapping = format!("WITH raw AS ({}), mapped AS (\n{}\n)", table.raw_select(layout), layout.sql());
        let mapped = describe(self.engine, &format!("DESCRIBE {mapping} FROM mapped")).map_err(failed)?;
        check(table, layout, &mapped, self.request.default_service.is_some())?;
        let (kind, prefix, mut typed, judge) = match layout.yields {
            // Parquet stays where it is; text is parsed once.
            Yields::Requests => (
                if matches!(table.format, Format::Parquet | Format::Postgres | Format::Lake) {
                    "VIEW"
                } else {
                    "TABLE"
                },
                "rows",
                typed::requests(table.source, &mapped, layout, self.request.default_service.is_some()),
                include_str!("../../queries/judge.sql"),
            ),
            Yields::Scores => (
                "TABLE",
                "scores",
                typed::scores(table.source, &mapped),
                include_str!("../../queries/judge_scores.sql"),
            ),
            Yields::Metrics => (
                "TABLE",
                "metrics",
                typed::metrics(table.source, &mapped),
                include_str!("../../queries/judge_metrics.sql"),
            ),
        };
        if requests && layout.yields != Yields::Requests {
            typed += " WHERE malformed IS NULL OR malformed NOT LIKE 'line: %'";
        }
        let loaded = self.loaded.entry(layout.yields).or_default();
        let name = format!("{prefix}_{}", loaded.len());
        let judged = |mapping: &str, typed: &str, mapped: &Columns| {
            let finish = typed::finish(mapped);
            format!("{mapping}, typed AS ({typed}) SELECT {finish} FROM (\n{}\n)", judge.trim_end())
        };
        if kind == "VIEW" {
            let default_service = self.request.default_service.is_some();
            let source = plain::Source::of(&name, table, layout, &mapping, &mapped, |odd, columns| {
                judged(
                    &format!("WITH mapped AS (FROM {odd})"),
                    &typed::requests(table.source, columns, layout, default_service),
                    columns,
                )
            });
            self.plain.extend(source);
        }
        let sql = format!("CREATE TEMP {kind} {name} AS {}", judged(&mapping, &typed, &mapped));
        // Lines can be megabytes: without this the engine gathers a thousand of them that passed a filter before it goes on.
        self.engine.run("reading lines", "SET enable_caching_operators = false")?;
        self.engine.connection().execute_batch(&sql).map_err(failed)?;
        self.engine.run("reading lines", "RESET enable_caching_operators")?;
        loaded.push(Loaded { name, origin: table.origin.clone(), format: table.format });
        self.census.layouts.insert(layout.name.clone());
        if !table.origin.is_empty() {
            self.census.tables.push(found(table, layout, self.request.layouts));
        }
        Ok(())
    }
}

/// How a layout reads a table, for people.
fn found(table: &Table, layout: &Layout, choice: &LayoutChoice) -> TableFound {
    let names = table.names();
    let shown = |name: &String| visible(name);
    let reads = layout.reads.as_ref().unwrap_or(&names);
    TableFound {
        origin: visible(&table.origin),
        format: table.format.name().to_owned(),
        layout: layout.name.clone(),
        what: layout.what.clone(),
        why: choice.why(layout, &names),
        yields: layout.yields.name().to_owned(),
        read: reads.iter().filter(|name| names.contains(name)).map(shown).collect(),
        lacking: reads.iter().filter(|name| !names.contains(name)).map(shown).collect(),
        unread: names.iter().filter(|name| !reads.contains(name)).map(shown).collect(),
    }
}

/// A table that lacks what no request can do without is refused before it is read.
fn check(table: &Table, layout: &Layout, mapped: &Columns, default_service: bool) -> Result<(), ObserveError> {
    if layout.yields != Yields::Requests {
        return Ok(());
    }
    let names: Vec<String> = mapped.iter().map(|(name, _)| name.clone()).collect();
    let found = if layout.name == "canonical" { table.names() } else { names };
    columns::check(&table.origin, &found, default_service)?;
    let time = mapped.iter().find(|(name, _)| name == "ts").map_or("", |(_, kind)| kind);
    if typed::is_time(time) || time == "VARCHAR" {
        Ok(())
    } else {
        Err(ObserveError::TimeType { origin: table.origin.clone(), found: time.to_owned() })
    }
}
