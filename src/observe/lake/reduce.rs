//! One source on an engine, reduced there: cells come back, beside the rows that only this side judges exactly.

use std::collections::BTreeMap;

use duckdb::arrow::{
    array::{Array as _, AsArray as _},
    datatypes::Int64Type,
    record_batch::RecordBatch,
};
use jiff::Timestamp;

use super::{
    Lake,
    calls::Calls,
    dialect::Dialect,
    doubt::LakeDoubt,
    kind::{Kind, refusal},
    rows,
    take::{Taken, Unusable},
    text::{MOST_REPEATED, Question},
};
use crate::{
    domain::{ModelTable, event::COLUMNS, plan::EngineRef},
    observe::{
        Engine, Kept, LoadRequest, ObserveError, columns,
        fold::Slots,
        load::{future_limit, whole_seconds},
        postgres::{Pushed, Range},
        tables::Table,
    },
};

/// More rows than these are not brought here: that is what an engine is for.
const MOST_ROWS_HERE: u64 = 5_000_000;

/// Time without end, on either side.
const ALL: Range = Range { start: Timestamp::MIN, end: Timestamp::MAX };

/// An open source.
pub(in crate::observe) struct Reading<'a> {
    lake: &'a Lake,
    source: usize,
    calls: Calls<'a>,
    view: View<'a>,
    ignored: Vec<String>,
}

/// What statements are about.
struct View<'a> {
    relation: String,
    columns: BTreeMap<String, Kind>,
    default_service: Option<&'a str>,
    kept: &'a [Kept],
    future_us: i64,
    /// For statements that price nothing.
    no_prices: ModelTable,
}

/// How requests are to be reduced.
#[derive(Clone, Copy)]
pub(in crate::observe) struct Task<'a> {
    pub slots: Slots,
    pub prices: &'a ModelTable,
}

/// What came of it.
pub(in crate::observe) struct Read {
    pub pushed: Option<Pushed>,
    /// The rows that came here.
    pub table: Table,
    pub engine: EngineRef,
    /// Why there is nothing, if there is not.
    pub nothing: Option<ObserveError>,
}

/// Why there is no answer.
enum Trouble {
    Ends(Box<ObserveError>),
    /// What came does not add up.
    NotWhole(Unusable),
}

impl From<ObserveError> for Trouble {
    fn from(error: ObserveError) -> Self {
        Self::Ends(Box::new(error))
    }
}

impl From<Unusable> for Trouble {
    fn from(what: Unusable) -> Self {
        Self::NotWhole(what)
    }
}

/// One whole answer.
struct Answer {
    pushed: Option<Pushed>,
    rows: u64,
    here: Vec<RecordBatch>,
}

impl<'a> Reading<'a> {
    /// Connects, and looks at the columns.
    pub(in crate::observe) fn open(
        lake: &'a Lake,
        source: usize,
        request: &LoadRequest<'a>,
    ) -> Result<Self, ObserveError> {
        let mut calls = Calls::open(&lake.engine)?;
        let relation = lake.relation();
        let first = calls.ask("columns", &format!("SELECT * FROM {relation} LIMIT 1"))?;
        // An engine may take a path where nothing is for a table without rows and columns.
        let Some(schema) = first.first().map(RecordBatch::schema).filter(|schema| !schema.fields().is_empty()) else {
            let (engine, source_name) = (lake.engine.address.to_string(), lake.shown.clone());
            return Err(LakeDoubt::NothingThere { engine, source_name }.into());
        };
        let found: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let layouts = request.layouts.of(&lake.shown, source, &found)?;
        if let Some(other) = layouts.iter().find(|layout| layout.name != "canonical") {
            let (source_name, layout) = (lake.shown.clone(), other.name.clone());
            return Err(LakeDoubt::OtherLayout { source_name, layout }.into());
        }
        columns::check(&lake.shown, &found, request.default_service.is_some())?;
        let known = |name: &str| COLUMNS.iter().any(|column| column.name == name);
        let (read, ignored): (Vec<_>, Vec<_>) = schema.fields().iter().partition(|field| known(field.name()));
        let columns = read.iter().map(|field| (field.name().clone(), Kind::of(field.data_type()))).collect();
        if let Some(what) = refusal(&columns) {
            return Err(not_exact(lake, what));
        }
        Ok(Self {
            lake,
            source,
            calls,
            view: View {
                relation,
                columns,
                default_service: request.default_service,
                kept: request.kept.unwrap_or_default(),
                future_us: future_limit(request.now),
                no_prices: ModelTable::default(),
            },
            ignored: ignored.iter().map(|field| field.name().clone()).collect(),
        })
    }

    /// Columns that nobody reads.
    pub(in crate::observe) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Microseconds since 1970 of the newest row that is plainly good; none where there is no row.
    pub(in crate::observe) fn newest(&mut self) -> Result<Option<i64>, ObserveError> {
        /// Where the newest row is nearly always good.
        const MINUTE_US: i64 = 60_000_000;
        let guess = whole(&self.calls.ask("newest", &self.view.question(ALL, None).newest())?);
        let Some(guess) = guess else { return Ok(None) };
        // The newest row may be a reject; then it is one of those before it.
        for span_us in [MINUTE_US, 24 * 60 * MINUTE_US, 366 * 24 * 60 * MINUTE_US] {
            let range = Range { start: time(guess.saturating_sub(span_us)), end: time(guess + 1) };
            let sql = self.view.question(range, None).newest_plain();
            if let Some(newest) = whole(&self.calls.ask("newest_plain", &sql)?) {
                return Ok(Some(newest));
            }
        }
        Ok(Some(guess))
    }

    /// Reads the range. Where there is a task, what can be is reduced there; else every row comes here.
    pub(in crate::observe) fn read(
        mut self,
        engine: &Engine,
        range: Range,
        task: Option<Task<'a>>,
        name: &str,
    ) -> Result<Read, ObserveError> {
        let mut retries = self.lake.engine.retries;
        let answer = loop {
            match self.answer(engine, range, task) {
                Ok(answer) => break answer,
                Err(Trouble::Ends(error)) => return Err(*error),
                // Files come and go under a lake, and each statement looks anew.
                Err(Trouble::NotWhole(what)) if retries > 0 => {
                    retries -= 1;
                    tracing::warn!(
                        what,
                        source = self.lake.shown,
                        "the answers of the engine do not add up; asking again"
                    );
                }
                Err(Trouble::NotWhole(what)) => {
                    let (engine, source_name) = (self.lake.engine.address.to_string(), self.lake.shown.clone());
                    return Err(LakeDoubt::NotWhole { engine, source_name, what }.into());
                }
            }
        };
        let rows_here = answer.here.iter().map(|batch| batch.num_rows() as u64).sum();
        let nothing = (answer.rows == 0).then(|| self.nothing(range)).transpose()?;
        let shown = format!("{} on {}", self.lake.shown, self.lake.engine.address);
        let table = rows::keep(engine, &self.view.columns, &answer.here, name, shown, self.source)?;
        let engine = EngineRef {
            engine: self.calls.version().to_owned(),
            address: self.lake.engine.address.to_string(),
            source: self.lake.shown.clone(),
            rows: answer.rows,
            rows_here,
            failed_attempts: self.calls.failed_attempts(),
            statements: self.calls.statements().clone(),
        };
        Ok(Read { pushed: answer.pushed, table, engine, nothing })
    }

    /// Asks for everything once.
    fn answer(&mut self, engine: &Engine, range: Range, task: Option<Task<'a>>) -> Result<Answer, Trouble> {
        let Self { calls, view, lake, .. } = self;
        let mut question = view.question(range, task);
        let rows = whole(&calls.ask("count", &question.count())?).unwrap_or(0).unsigned_abs();
        let mut here = Vec::new();
        let mut keep = |batch| {
            here.push(batch);
            Ok::<_, Trouble>(())
        };
        if task.is_none() {
            few_enough(lake, rows, "this command looks at each request")?;
            calls.ask_much(engine, "rows", &question.all_rows(), &mut keep)?;
            added_up(rows, 0, &here)?;
            return Ok(Answer { pushed: None, rows, here });
        }
        let repeated = repeated(&calls.ask("repeated", &question.repeated())?);
        if repeated.len() > MOST_REPEATED {
            let what = format!("more than {MOST_REPEATED} request ids occur more than once in the range");
            return Err(not_exact(lake, what).into());
        }
        question.repeated = &repeated;
        let mut taken = Taken::default();
        calls
            .ask_much(engine, "minutes", &question.minutes(), &mut |batch| Ok::<_, Trouble>(taken.minutes(&batch)?))?;
        let left = rows.checked_sub(taken.rows());
        let left = left.ok_or_else(|| format!("{} rows were reduced, and there are {rows}", taken.rows()))?;
        few_enough(
            lake,
            left,
            "ids that occur twice, names outside ASCII and services with a rollout under way are judged here",
        )?;
        if left > 0 {
            calls.ask_much(engine, "rows", &question.rows(), &mut keep)?;
        }
        added_up(rows, taken.rows(), &here)?;
        calls.ask_much(engine, "bins", &question.bins(), &mut |batch| Ok::<_, Trouble>(taken.bins(&batch)?))?;
        let (cells, tally) = taken.finish()?;
        Ok(Answer { pushed: Some(Pushed { cells, tally, odd: String::new() }), rows, here })
    }

    /// Why there is nothing in the range.
    fn nothing(&mut self, range: Range) -> Result<ObserveError, ObserveError> {
        let newest = whole(&self.calls.ask("newest", &self.view.question(range, None).newest())?);
        Ok(ObserveError::NoRowsInRange {
            table: self.lake.shown.clone(),
            start: whole_seconds(range.start),
            end: whole_seconds(range.end),
            newest: newest
                .map_or_else(|| "it is empty".to_owned(), |us| format!("the newest is of {}", whole_seconds(time(us)))),
        })
    }
}

impl View<'_> {
    fn question<'a>(&'a self, range: Range, task: Option<Task<'a>>) -> Question<'a> {
        Question {
            dialect: Dialect::Spark,
            relation: &self.relation,
            columns: &self.columns,
            range,
            slots: task.map_or(Slots::Windows { window_start_us: 0, before_start_us: 0 }, |task| task.slots),
            future_us: self.future_us,
            default_service: self.default_service,
            prices: task.map_or(&self.no_prices, |task| task.prices),
            kept: self.kept,
            repeated: &[],
        }
    }
}

fn not_exact(lake: &Lake, what: String) -> ObserveError {
    LakeDoubt::NotExact { source_name: lake.shown.clone(), what }.into()
}

/// The hashes of ids.
fn repeated(batches: &[RecordBatch]) -> Vec<i64> {
    let columns = batches.iter().filter_map(|batch| batch.column(0).as_primitive_opt::<Int64Type>());
    columns.flat_map(|column| column.values().to_vec()).collect()
}

fn few_enough(lake: &Lake, rows: u64, why: &'static str) -> Result<(), ObserveError> {
    if rows <= MOST_ROWS_HERE {
        return Ok(());
    }
    Err(LakeDoubt::TooManyRows { source_name: lake.shown.clone(), rows, most: MOST_ROWS_HERE, why }.into())
}

/// Every row was reduced there, or came here.
fn added_up(rows: u64, reduced: u64, here: &[RecordBatch]) -> Result<(), Unusable> {
    let came: u64 = here.iter().map(|batch| batch.num_rows() as u64).sum();
    if reduced + came == rows {
        return Ok(());
    }
    Err(format!("{reduced} rows were reduced and {came} came here, and there are {rows}"))
}

/// The one whole number of an answer; none where it is NULL.
fn whole(batches: &[RecordBatch]) -> Option<i64> {
    let batch = batches.iter().find(|batch| batch.num_rows() > 0)?;
    let column = batch.column(0).as_primitive_opt::<Int64Type>()?;
    column.is_valid(0).then(|| column.value(0))
}

fn time(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(if us < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
