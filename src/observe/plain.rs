//! Rows that are plainly fine, judged and folded by the threads that decode them: DuckDB calls a function of ours on each chunk of
//! rows, which takes what is plainly fine and lets the rest pass into a table. That table is then typed, judged and folded as
//! every source is, so that the SQL alone says what is wrong with a row. Where too many rows are odd, the SQL takes them all.

mod cells;
mod fields;
mod judge;
mod keys;
mod vectors;
mod worker;

use std::{
    collections::HashSet,
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use duckdb::{
    core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId},
    vscalar::{ScalarFunctionSignature, VScalar},
    vtab::arrow::WritableVector,
};

use super::{
    Engine, ObserveError,
    census::Tally,
    duplicates::remember,
    engine::identifier,
    fold::{Cell, Slots},
    identities::Identities,
    layout::Layout,
    load::{Early, define_union},
    tables::Table,
    typed::Columns,
};
use crate::domain::ModelTable;
use cells::Cells;
use fields::Fields;
use keys::Keys;
use vectors::Chunk;
use worker::Worker;

/// Odd rows that are kept in memory, besides one in ten.
const MOST_ODD: u64 = 1_000_000;

/// A relation whose columns have the types of the canonical layout.
#[derive(Debug)]
pub(super) struct Source {
    /// What its view of judged rows is called; that of its odd rows, and their table, are called after it.
    name: String,
    mapping: String,
    fields: Fields,
    records_failures: bool,
    /// The query that judges its odd rows.
    judged: String,
}

impl Source {
    /// Of a table of requests; none where only the SQL can type it. `mapping` is the WITH clause that makes `mapped` of it, with the
    /// columns `mapped`; `judged` gives the query that judges a table of some of these columns.
    pub(super) fn of(
        name: &str,
        table: &Table,
        layout: &Layout,
        mapping: &str,
        mapped: &Columns,
        judged: impl FnOnce(&str, &Columns) -> String,
    ) -> Option<Self> {
        if layout.name != "canonical" {
            return None;
        }
        let names = table.names();
        let found = mapped.iter().filter(|(name, _)| names.contains(name)).cloned().collect();
        let fields = Fields::of(&found, table.source)?;
        Some(Self {
            name: name.to_owned(),
            mapping: mapping.to_owned(),
            records_failures: layout.records_failures,
            judged: judged(&format!("{name}_odd"), &fields.selected),
            fields,
        })
    }

    /// Rows, and the time of the newest in microseconds since 1970 that is not later than `future_us`.
    fn glance(&self, engine: &Engine, future_us: i64) -> duckdb::Result<(u64, Option<i64>)> {
        let all = format!("{} SELECT count(*), epoch_us(max(ts)) FROM mapped", self.mapping);
        let look = |sql: &str| {
            engine.connection().query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))
        };
        let (rows, newest) = look(&all)?;
        let newest = match newest {
            Some(newest) if newest > future_us => look(&format!("{all} WHERE epoch_us(ts) <= {future_us}"))?.1,
            newest => newest,
        };
        Ok((rows.unsigned_abs(), newest))
    }

    /// Whether any of the identities is in more than one row, of this source, of others or of those in `unique_rows`.
    fn repeat(engine: &Engine, sources: &[Self]) -> duckdb::Result<bool> {
        let mut union = "SELECT hash(source, request_id) AS identity FROM unique_rows".to_owned();
        for source in sources {
            let fields = source.fields.identity();
            union += &format!(" UNION ALL SELECT * FROM ({} SELECT {fields} AS identity FROM mapped)", source.mapping);
        }
        let sql = format!(
            "SELECT count(*) > 0 FROM (SELECT identity FROM ({union}) WHERE identity IN (FROM suspects) GROUP BY identity HAVING count(*) > 1)"
        );
        engine.connection().query_row(&sql, [], |row| row.get(0))
    }
}

/// How to judge and fold.
#[derive(Debug)]
struct Settings {
    prices: Arc<ModelTable>,
    slots: Slots,
    /// Where the lookback starts and ends, in microseconds since 1970.
    lookback_us: (i64, i64),
    /// Where the future begins.
    future_us: i64,
    /// Rows there are.
    rows: u64,
    /// Hashes of identities whose rows are left to the SQL.
    left_out: HashSet<u64>,
}

impl Settings {
    /// More odd rows than this are left to the SQL with all others.
    fn most_odd(&self) -> u64 {
        (self.rows / 10 + 1_000).min(MOST_ODD)
    }
}

/// Sources of which the plainly fine rows are folded, and the others are in the views of [`Plain::relations`].
pub(super) struct Plain {
    sources: Vec<Source>,
    folded: Folded,
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain").field("sources", &self.sources).field("good", &self.folded.good).finish_non_exhaustive()
    }
}

impl Plain {
    /// Folds what is plainly fine in the sources; none where the SQL has to take all of it. `newest_us` is the time of the newest row
    /// of anything else, `future_us` where the future begins, in microseconds since 1970.
    pub(super) fn fold(
        engine: &Engine,
        mut sources: Vec<Source>,
        early: &Early<'_>,
        newest_us: Option<i64>,
        future_us: i64,
    ) -> Result<Option<Self>, ObserveError> {
        let glances: duckdb::Result<Vec<_>> = sources.iter().map(|source| source.glance(engine, future_us)).collect();
        // Whatever cannot be read, the census has words for.
        let Ok(glances) = glances else { return Ok(None) };
        let rows = glances.iter().map(|(rows, _)| rows).sum();
        let mut newest = glances.iter().filter_map(|(_, newest)| *newest).chain(newest_us).max();
        let prices = Arc::new(early.prices.clone());
        // The newest row may turn out to be bad, and then the window ends earlier; rarely more than once.
        for _ in 0..3 {
            let Some(Ok(windows)) = newest.map(early.windows) else { return Ok(None) };
            let (start, end) = (windows.lookback.start(), windows.lookback.end());
            let settings = Settings {
                prices: prices.clone(),
                slots: (early.slots)(&windows),
                lookback_us: (start.as_microsecond(), end.as_microsecond()),
                future_us,
                rows,
                left_out: HashSet::new(),
            };
            let Some(folded) = fold(engine, &sources, settings)? else { return Ok(None) };
            for source in &sources {
                let sql = format!("CREATE OR REPLACE TEMP VIEW {}_rest AS {}", source.name, source.judged);
                engine.run("judging", &sql)?;
            }
            let plain = Self { sources, folded };
            let good = if plain.folded.some_odd { plain.newest_odd(engine)? } else { None };
            newest = [good, plain.folded.span_us.map(|(_, newest)| newest), newest_us].into_iter().flatten().max();
            if newest.is_some_and(|newest| (early.windows)(newest).is_ok_and(|real| real == windows)) {
                return Ok(Some(plain));
            }
            sources = plain.sources;
        }
        Ok(None)
    }

    /// The views of judged rows that are left.
    pub(super) fn relations(&self) -> Vec<String> {
        self.sources.iter().map(|source| format!("{}_rest", source.name)).collect()
    }

    /// Whether these views hold any.
    pub(super) fn some_left(&self) -> bool {
        self.folded.some_odd
    }

    fn newest_odd(&self, engine: &Engine) -> Result<Option<i64>, ObserveError> {
        let union: Vec<String> = self.relations().iter().map(|relation| format!("FROM {relation}")).collect();
        let sql = format!("SELECT max(ts_us) FROM ({}) WHERE reject IS NULL", union.join(" UNION ALL "));
        let newest = engine.connection().query_row(&sql, [], |row| row.get(0));
        newest.map_err(|cause| ObserveError::engine("judging", cause))
    }

    /// What was folded, as the census counts it.
    pub(super) fn tally(&self) -> Tally {
        Tally { good: self.folded.good, span_us: self.folded.span_us, ..Tally::default() }
    }

    /// The cells, and the identities that are in them.
    pub(super) fn take(&mut self) -> (Vec<Cell>, Identities) {
        let identities = std::mem::replace(&mut self.folded.identities, Identities::new(0));
        (std::mem::take(&mut self.folded.cells), identities)
    }

    /// Cells without the rows whose identities may repeat, which join those that are left. None where no identity repeats. Where too
    /// many do, there are no cells, and all rows are left.
    pub(super) fn without(self, engine: &Engine, suspects: &[u64]) -> Result<Option<Vec<Cell>>, ObserveError> {
        remember(engine, suspects)?;
        let repeat = Source::repeat(engine, &self.sources);
        if !repeat.map_err(|cause| ObserveError::engine("looking for duplicates", cause))? {
            return Ok(None);
        }
        let settings = Settings { left_out: suspects.iter().copied().collect(), ..self.folded.settings };
        if let Some(folded) = fold(engine, &self.sources, settings)? {
            return Ok(Some(folded.cells));
        }
        let all: Vec<String> = self.sources.into_iter().map(|source| source.name).collect();
        define_union(engine, "unscored_rows", &all)?;
        Ok(Some(Vec::new()))
    }
}

/// What the plainly fine rows came to.
struct Folded {
    cells: Vec<Cell>,
    good: u64,
    span_us: Option<(i64, i64)>,
    some_odd: bool,
    identities: Identities,
    settings: Settings,
}

/// What all threads share.
struct Job {
    settings: Settings,
    keys: Mutex<Keys>,
    cells: Cells,
    identities: Identities,
    /// Workers that nobody uses at the moment.
    pool: Mutex<Vec<Worker>>,
    seen: AtomicU64,
    odd: AtomicU64,
}

impl Job {
    /// The place of a cell, which is made where it is not there yet.
    fn place(&self, position: u32, span: u32) -> u32 {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, new) = keys.place(position, span);
        if let Some(key) = new {
            self.cells.make(place, key);
        }
        place
    }

    fn pool(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The job for one source: the state of its function. It is emptied when the query ends, because DuckDB keeps the function.
#[derive(Clone)]
struct Task {
    job: Arc<Mutex<Option<Arc<Job>>>>,
    fields: Fields,
    records_failures: bool,
}

struct Function;

std::thread_local! {
    /// Arguments of the function that is being declared; its signature is asked for without them.
    static DECLARED: std::cell::RefCell<Vec<&'static str>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl VScalar for Function {
    type State = Task;

    fn invoke(task: &Task, input: &mut DataChunkHandle, output: &mut dyn WritableVector) -> Result<(), Box<dyn Error>> {
        let job = task.job.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or("no query of ours")?;
        let mut worker = job.pool().pop().unwrap_or_default();
        let chunk = Chunk::new(input);
        let mut odd = vec![0; chunk.rows];
        let outcome = worker.work(&job, task, &chunk, &mut odd);
        job.pool().push(worker);
        outcome?;
        vectors::write_flags(output, &odd);
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let types = DECLARED.with_borrow(|types| types.iter().map(|kind| logical(kind)).collect());
        vec![ScalarFunctionSignature::exact(types, LogicalTypeId::Boolean.into())]
    }

    /// It is to see each row once, whatever it is given.
    fn volatile() -> bool {
        true
    }
}

fn logical(kind: &str) -> LogicalTypeHandle {
    match kind {
        "VARCHAR" => LogicalTypeId::Varchar,
        "BOOLEAN" => LogicalTypeId::Boolean,
        "DOUBLE" => LogicalTypeId::Double,
        "UBIGINT" => LogicalTypeId::UBigint,
        _ => LogicalTypeId::Bigint,
    }
    .into()
}

/// Names of functions are never given twice.
static DECLARATIONS: AtomicU64 = AtomicU64::new(0);

/// Folds what is plainly fine in the sources, and makes for each a table of the other rows. None where these are too many, or where
/// a row cannot be read: the SQL then says what is wrong.
fn fold(engine: &Engine, sources: &[Source], settings: Settings) -> Result<Option<Folded>, ObserveError> {
    let job = Arc::new(Job {
        keys: Mutex::new(Keys::new()),
        cells: Cells::default(),
        identities: Identities::new(settings.rows),
        pool: Mutex::default(),
        seen: AtomicU64::new(0),
        odd: AtomicU64::new(0),
        settings,
    });
    for source in sources {
        let slot = Arc::new(Mutex::new(Some(job.clone())));
        let task = Task { job: slot.clone(), fields: source.fields.clone(), records_failures: source.records_failures };
        let function = format!("is_odd_{}", DECLARATIONS.fetch_add(1, Ordering::Relaxed));
        DECLARED.set(source.fields.types().collect());
        let declared = engine.connection().register_scalar_function_with_state::<Function>(&function, &task);
        declared.map_err(|cause| ObserveError::engine("preparing to judge", cause))?;
        let selected: Vec<String> = source.fields.selected.iter().map(|(name, _)| identifier(name)).collect();
        let sql = format!(
            "CREATE OR REPLACE TEMP TABLE {}_odd AS {} SELECT {} FROM mapped WHERE {function}({})",
            source.name,
            source.mapping,
            selected.join(", "),
            source.fields.sql()
        );
        let ran = engine.connection().execute_batch(&sql);
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Err(cause) = ran {
            return match ObserveError::engine("judging", cause) {
                ObserveError::Interrupted => Err(ObserveError::Interrupted),
                cause => {
                    tracing::debug!(%cause, "left to the SQL");
                    Ok(None)
                }
            };
        }
    }
    let (mut good, mut span_us) = (0, None::<(i64, i64)>);
    let mut workers = std::mem::take(&mut *job.pool());
    std::thread::scope(|scope| {
        for worker in &mut workers {
            scope.spawn(|| worker.end(&job));
        }
    });
    for worker in workers {
        good += worker.good;
        let spans = [span_us, worker.span_us].into_iter().flatten();
        span_us = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    }
    let cells = job.cells.take();
    let some_odd = job.odd.load(Ordering::Relaxed) > 0;
    let Job { identities, settings, .. } = Arc::into_inner(job).expect("the queries have ended");
    Ok(Some(Folded { cells, good, span_us, some_odd, identities, settings }))
}

#[cfg(test)]
mod tests;
