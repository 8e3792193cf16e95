//! Reading much: at one moment, and row by row.

use futures_util::StreamExt as _;
use sqlx::{Row as _, any::AnyRow};

use super::{StateError, Store};

impl Store {
    pub(super) fn is_postgres(&self) -> bool {
        self.connection.backend_name() == "PostgreSQL"
    }

    /// Reads as if nobody wrote meanwhile. Nothing can be written in it.
    pub fn snapshot<T, E: From<StateError>>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let begin = if self.is_postgres() { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" } else { "BEGIN" };
        self.say(begin)?;
        let done = read(self);
        let ended = self.say("ROLLBACK");
        let done = done?;
        ended?;
        Ok(done)
    }

    fn say(&mut self, sql: &'static str) -> Result<(), StateError> {
        let done = self.runtime.block_on(sqlx::raw_sql(sql).execute(&mut self.connection));
        done.map(drop).map_err(|cause| self.failed("reading it", cause))
    }

    /// Hands rows over one by one, so that they are never in memory together.
    pub(super) fn each<T, E: From<StateError>>(
        &mut self,
        sql: String,
        read: impl Fn(&AnyRow) -> Result<T, sqlx::Error>,
        mut take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { runtime, connection, shown, .. } = self;
        let failed = |cause| StateError::Failed { store: shown.clone(), doing: "reading it", cause };
        runtime.patiently(async {
            let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch(&mut *connection);
            while let Some(row) = rows.next().await {
                take(row.and_then(|row| read(&row)).map_err(failed)?)?;
            }
            Ok(())
        })
    }

    /// One column of text.
    pub(super) fn texts(&mut self, sql: String) -> Result<Vec<String>, StateError> {
        let mut texts = Vec::new();
        self.each(
            sql,
            |row| row.try_get::<String, _>(0),
            |text| {
                texts.push(text);
                Ok::<(), StateError>(())
            },
        )?;
        Ok(texts)
    }

    /// One number.
    pub(super) fn number(&mut self, sql: String) -> Result<i64, StateError> {
        let mut number = 0;
        self.each(
            sql,
            |row| row.try_get::<i64, _>(0),
            |found| {
                number = found;
                Ok::<(), StateError>(())
            },
        )?;
        Ok(number)
    }

    /// The newest migration that was applied; 0 where there are no tables yet.
    pub(super) fn version(&mut self) -> Result<i64, StateError> {
        let query = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM optimizer_migrations");
        let row = self.runtime.block_on(query.fetch_one(&mut self.connection));
        match row.and_then(|row| row.try_get("version")) {
            Ok(version) => Ok(version),
            Err(cause) if super::plans::is_no_table(&cause) => Ok(0),
            Err(cause) => Err(self.failed("looking at its tables", cause)),
        }
    }
}
