//! One DuckDB in memory: no file of its own, no network, no extension but those linked in.

use std::sync::{Arc, mpsc::sync_channel};

use duckdb::{Config, Connection, InterruptHandle, arrow::array::StructArray};

use super::ObserveError;

/// Batches of 2,048 rows that may wait for whoever takes them.
const BATCHES_AHEAD: usize = 8;

/// An open in-memory database.
pub struct Engine {
    connection: Connection,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// Opens it. `memory_limit` reads like `2GB`; none leaves DuckDB's own limit, 80 % of the machine's memory.
    ///
    /// Spilling to disk is switched off: a dry run promises to write nothing anywhere.
    pub fn open(memory_limit: Option<&str>) -> Result<Self, ObserveError> {
        let open = || -> duckdb::Result<Connection> {
            let config = Config::default()
                .enable_autoload_extension(false)?
                .with("autoinstall_known_extensions", "false")?
                .with("temp_directory", "")?
                // The system caches files already; a second copy of the source would be most of what a scan holds.
                .with("enable_external_file_cache", "false")?;
            let connection = Connection::open_in_memory_with_flags(config)?;
            connection.execute_batch(include_str!("../../queries/macros.sql"))?;
            // Times are UTC whatever zone the machine is in. A library without time zones knows no other, and no such setting.
            let _ = connection.execute_batch("SET TimeZone = 'UTC'");
            Ok(connection)
        };
        let connection = open().map_err(|cause| ObserveError::engine("opening an in-memory database", cause))?;
        let engine = Self { connection };
        if let Some(limit) = memory_limit {
            engine
                .connection
                .execute_batch(&format!("SET memory_limit = {}", literal(limit)))
                .map_err(|cause| ObserveError::MemoryLimit { limit: limit.to_owned(), cause })?;
        }
        Ok(engine)
    }

    /// Version of the DuckDB library linked in, for example `v1.5.6`.
    pub fn library_version(&self) -> Result<String, ObserveError> {
        self.connection.version().map_err(|cause| ObserveError::engine("asking for its version", cause))
    }

    /// Stops whatever query runs, from another thread.
    #[must_use]
    pub fn interrupt_handle(&self) -> Arc<InterruptHandle> {
        self.connection.interrupt_handle()
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn run(&self, doing: &'static str, sql: &str) -> Result<(), ObserveError> {
        self.connection.execute_batch(sql).map_err(|cause| ObserveError::engine(doing, cause))
    }

    /// Runs a query and hands its result over batch by batch, so that it is never in memory as a whole. `consume` has a thread
    /// of its own: DuckDB works on the next batches with the thread that asks for them. `ended` is called here when the last
    /// batch is on its way.
    pub(super) fn stream<T: Send>(
        &self,
        doing: &'static str,
        sql: &str,
        ended: &dyn Fn(),
        consume: impl FnOnce(&mut dyn Iterator<Item = StructArray>) -> Result<T, ObserveError> + Send,
    ) -> Result<T, ObserveError> {
        let failed = |cause| ObserveError::engine(doing, cause);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        // The iterator this gives panics when a batch fails (Ctrl-C, no memory left); `step` says so instead.
        drop(statement.stream_arrow([]).map_err(failed)?);
        let (sender, batches) = sync_channel::<StructArray>(BATCHES_AHEAD);
        std::thread::scope(|scope| {
            let consumer = scope.spawn(move || consume(&mut batches.into_iter()));
            let stepped = loop {
                match statement.step() {
                    Ok(Some(batch)) => {
                        if sender.send(batch).is_err() {
                            break Ok(()); // whoever takes the batches has ended before them, and says why
                        }
                    }
                    Ok(None) => break Ok(()),
                    Err(cause) => break Err(failed(cause)),
                }
            };
            drop(sender);
            ended();
            let outcome = consumer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            stepped.and(outcome)
        })
    }

    /// What keeps a text from being one SELECT; none where it is one. Nothing of it is run.
    ///
    /// It becomes a part of other statements, all of which are run: one that closes them early would begin its own.
    pub(super) fn no_select(&self, sql: &str) -> Result<Option<String>, ObserveError> {
        let ask = "SELECT json_array_length(tree -> 'statements'), tree ->> 'error_type', tree ->> 'error_message' \
                   FROM (SELECT json_serialize_sql(CAST(? AS VARCHAR)) AS tree)";
        let answer = self.connection.query_row(ask, [sql], |row| {
            Ok((row.get::<_, Option<u64>>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?))
        });
        Ok(match answer.map_err(|cause| ObserveError::engine("parsing a mapping", cause))? {
            (Some(1), ..) => None,
            (_, Some(kind), Some(why)) if kind == "parser" => Some(format!("Parser Error: {why}")),
            _ => Some("it is not one SELECT".to_owned()),
        })
    }

    /// Sets a variable that queries read with `getvariable`.
    pub(super) fn set(&self, name: &'static str, value: &Value<'_>) -> Result<(), ObserveError> {
        let value = match value {
            Value::Flag(flag) => flag.to_string(),
            Value::Integer(number) => format!("{number}::BIGINT"),
            Value::Text(text) => literal(text),
            Value::Null => "NULL::VARCHAR".to_owned(),
        };
        self.run("setting a parameter", &format!("SET VARIABLE {name} = {value}"))
    }
}

/// What a query parameter can be.
pub(super) enum Value<'a> {
    Flag(bool),
    Integer(i64),
    Text(&'a str),
    Null,
}

/// Text as a SQL literal. Only for places where DuckDB takes no parameters (table functions in views, `SET`).
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as a SQL identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
