//! The query that folds, and the function it calls: what threads share while it runs.

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
    cells::Cells,
    fields::Fields,
    keys::Keys,
    source::Source,
    vectors::{Chunk, write_flags},
    worker::Worker,
};
use crate::{
    domain::ModelTable,
    observe::{
        Engine, ObserveError,
        engine::identifier,
        fold::{Cell, Slots},
        identities::Identities,
    },
};

/// Odd rows that are kept in memory, besides one in ten.
const MOST_ODD: u64 = 1_000_000;

/// How to judge and fold.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) prices: Arc<ModelTable>,
    pub(super) slots: Slots,
    /// Where the lookback starts and ends, in microseconds since 1970.
    pub(super) lookback_us: (i64, i64),
    /// Where the future begins.
    pub(super) future_us: i64,
    /// Rows there are.
    pub(super) rows: u64,
    /// Hashes of identities whose rows are left to the SQL.
    pub(super) left_out: HashSet<u64>,
}

impl Settings {
    /// More odd rows than this are left to the SQL with all others.
    pub(super) fn most_odd(&self) -> u64 {
        (self.rows / 10 + 1_000).min(MOST_ODD)
    }
}

/// What the plainly fine rows came to.
pub(super) struct Folded {
    pub(super) cells: Vec<Cell>,
    pub(super) good: u64,
    pub(super) span_us: Option<(i64, i64)>,
    pub(super) some_odd: bool,
    pub(super) identities: Identities,
    pub(super) settings: Settings,
}

/// What all threads share.
pub(super) struct Job {
    pub(super) settings: Settings,
    pub(super) keys: Mutex<Keys>,
    pub(super) cells: Cells,
    pub(super) identities: Identities,
    /// Workers that nobody uses at the moment.
    pub(super) pool: Mutex<Vec<Worker>>,
    pub(super) seen: AtomicU64,
    pub(super) odd: AtomicU64,
}

impl Job {
    /// The place of a cell, which is made where it is not there yet.
    pub(super) fn place(&self, position: u32, span: u32) -> u32 {
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
pub(super) struct Task {
    pub(super) job: Arc<Mutex<Option<Arc<Job>>>>,
    pub(super) fields: Fields,
    pub(super) records_failures: bool,
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
        write_flags(output, &odd);
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
pub(super) fn fold(engine: &Engine, sources: &[Source], settings: Settings) -> Result<Option<Folded>, ObserveError> {
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
