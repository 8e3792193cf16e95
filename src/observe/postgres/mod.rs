//! Tables in PostgreSQL, plain or with TimescaleDB: found, recognised by their columns, and read inside one read-only snapshot.
//! Nothing is ever written there.

mod address;
mod catalog;
mod copy;
mod pushdown;
mod render;

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection};

pub use address::Database;
pub(super) use address::is_address;
use catalog::{Found, columns_of};
pub(super) use copy::Wanted;
pub(super) use pushdown::{Pushed, Task};

use super::{
    Engine, ObserveError,
    engine::identifier,
    layout::{Layout, LayoutChoice, Yields},
    tables::Table,
};
use crate::domain::Window;

/// How long a server may take to answer the telephone.
const CONNECT: Duration = Duration::from_secs(10);

/// How much longer than its own statement timeout a server may stay silent before it counts as stalled.
const GRACE: Duration = Duration::from_secs(5);

/// From so many rows on, reducing in a database on this machine pays: here they would take two gigabytes.
const MANY_ROWS: f64 = 1e7;

/// The same across a network, which cells pass far quicker than rows.
const MANY_ROWS_FAR_AWAY: f64 = 2e6;

/// The span of time that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Range {
    /// Cut into so many parts of equal length, which follow each other.
    fn slices(self, parts: i64) -> impl Iterator<Item = Self> {
        let (start, length) = (self.start.as_microsecond(), self.end.as_microsecond() - self.start.as_microsecond());
        let bound = move |part: i64| {
            if part == parts {
                return self.end;
            }
            let at = i128::from(start) + i128::from(length) * i128::from(part) / i128::from(parts);
            i64::try_from(at).ok().and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or(self.start)
        };
        (0..parts)
            .map(move |part| Self { start: if part == 0 { self.start } else { bound(part) }, end: bound(part + 1) })
    }
}

/// Where rows are reduced: in the database, or here after they were copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// In the database where that pays.
    #[default]
    Auto,
    Database,
    Here,
}

impl From<Window> for Range {
    fn from(window: Window) -> Self {
        Self { start: window.start(), end: window.end() }
    }
}

/// An open read-only snapshot of one database.
pub(super) struct Session<'a> {
    database: &'a Database,
    runtime: tokio::runtime::Runtime,
    connection: PgConnection,
}

impl<'a> Session<'a> {
    /// Connects and begins the snapshot.
    pub(super) fn open(database: &'a Database) -> Result<Self, ObserveError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|cause| database.failed("starting", sqlx::Error::Io(cause)))?;
        let options = database.options()?;
        let connected = runtime.block_on(async {
            tokio::time::timeout(CONNECT, PgConnection::connect_with(&options))
                .await
                .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
        });
        let connection = connected.map_err(|cause| database.failed("connecting", cause))?;
        let mut session = Self { database, runtime, connection };
        let timeout = database.statement_timeout().as_millis();
        for statement in [
            format!("SET statement_timeout = {timeout}"),
            format!("SET idle_in_transaction_session_timeout = {}", (timeout + GRACE.as_millis()).max(60_000)),
            "SET TimeZone = 'UTC'".to_owned(),
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
        ] {
            session.execute("beginning a read-only transaction", &statement)?;
        }
        Ok(session)
    }

    fn execute(&mut self, doing: &'static str, sql: &str) -> Result<(), ObserveError> {
        let Self { database, runtime, connection } = self;
        let sent = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection);
        runtime.block_on(in_time(database, sent)).map(|_| ()).map_err(|cause| database.failed(doing, cause))
    }

    /// Tables of the database that a layout of these kinds knows, or the one that the address names.
    pub(super) fn tables(
        &mut self,
        source: usize,
        choice: &'a LayoutChoice,
        kinds: &[Yields],
    ) -> Result<Vec<(Found, &'a Layout)>, ObserveError> {
        let Self { database, runtime, connection } = self;
        let known = runtime
            .block_on(in_time(database, columns_of(connection)))
            .map_err(|cause| database.failed("listing tables", cause))?;
        catalog::choose(database, known, source, choice, kinds)
    }

    /// Why there may be nothing in the range: when the newest row of the table is from, if it has one.
    pub(super) fn newest(&mut self, found: &Found, layout: &Layout) -> Result<Option<String>, ObserveError> {
        let (Some(time), None) = (&layout.time, found.joined) else { return Ok(None) };
        let sql = format!(
            "SELECT max({})::text FROM {}.{}",
            identifier(time),
            identifier(&found.schema),
            identifier(&found.table)
        );
        let Self { database, runtime, connection } = self;
        let newest = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(connection);
        runtime
            .block_on(in_time(database, newest))
            .map_err(|cause| database.failed("looking for the newest row", cause))
    }

    /// Reduces the rows of the range where they are, if that was asked for or pays, and if it can be done exactly. A statement that
    /// fails spoils the snapshot, so it is an error where it was asked for and a new snapshot where it was not.
    pub(super) fn push(
        &mut self,
        found: &Found,
        layout: &Layout,
        range: Range,
        place: Place,
        task: &Task<'_>,
    ) -> Result<Option<Pushed>, ObserveError> {
        let Self { database, runtime, connection } = &mut *self;
        if place == Place::Here || !pushdown::is_rendered(found, layout) {
            return Ok(None);
        }
        let failed = |cause| database.failed("reducing rows where they are", cause);
        if place == Place::Auto {
            let rows = pushdown::estimate(database, connection, found, layout, range);
            let rows = runtime.block_on(rows).map_err(failed)?;
            let enough = if database.is_local() { MANY_ROWS } else { MANY_ROWS_FAR_AWAY };
            if rows < enough {
                return Ok(None);
            }
        }
        match runtime.block_on(pushdown::push(database, connection, found, layout, range, task)) {
            Err(cause) if place == Place::Auto => {
                tracing::info!(%cause, "the database could not reduce its rows; they are copied");
                *self = Self::open(self.database)?;
                Ok(None)
            }
            reduced => reduced.map_err(failed),
        }
    }

    /// Copies rows into the engine, as a table.
    pub(super) fn copy(&mut self, engine: &Engine, wanted: &Wanted<'_>) -> Result<Table, ObserveError> {
        let Self { database, runtime, connection } = self;
        copy::copy(engine, database, runtime, connection, wanted)
    }
}

/// What the server does, unless it stays silent for longer than it may.
async fn in_time<T>(database: &Database, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(database.statement_timeout() + GRACE, work)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}
