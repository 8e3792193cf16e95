//! Baselines by name.

use sqlx::Row as _;

use super::{StateError, Store};

/// One baseline as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineRow {
    pub name: String,
    pub kind: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// JSON.
    pub body: String,
}

/// What becomes of a baseline of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Replace,
}

impl Store {
    /// Keeps a baseline. Repeating it changes nothing.
    pub fn put_baseline(&mut self, row: &BaselineRow, existing: Existing) -> Result<(), StateError> {
        let conflict = match existing {
            Existing::Refuse => "DO NOTHING",
            Existing::Replace => {
                "DO UPDATE SET kind = excluded.kind, created_at = excluded.created_at, body = excluded.body"
            }
        };
        let sql = format!(
            "INSERT INTO optimizer_baselines (name, kind, created_at, body) VALUES ($1, $2, $3, $4) ON CONFLICT (name) {conflict}"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        let query = query.bind(&row.name).bind(&row.kind).bind(&row.created_at).bind(&row.body);
        let done = self.runtime.block_on(query.execute(&mut self.connection));
        match done.map_err(|cause| self.failed("keeping a baseline", cause))?.rows_affected() {
            0 => Err(StateError::Exists { name: row.name.clone() }),
            _ => Ok(()),
        }
    }

    /// Refuses a name that is taken. Whoever keeps one may find it taken later all the same.
    pub fn check_free(&mut self, name: &str) -> Result<(), StateError> {
        match self.baseline(name) {
            Ok(_) => Err(StateError::Exists { name: name.to_owned() }),
            Err(StateError::NoBaseline { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The baseline of this name.
    pub fn baseline(&mut self, name: &str) -> Result<BaselineRow, StateError> {
        let query =
            sqlx::query("SELECT name, kind, created_at, body FROM optimizer_baselines WHERE name = $1").bind(name);
        let row = self.runtime.block_on(query.fetch_optional(&mut self.connection));
        match row.and_then(|row| row.as_ref().map(read).transpose()) {
            Ok(Some(row)) => Ok(row),
            Ok(None) => Err(self.no_baseline(name)),
            Err(cause) => Err(self.failed("reading a baseline", cause)),
        }
    }

    /// All of them, by name.
    pub fn baselines(&mut self) -> Result<Vec<BaselineRow>, StateError> {
        let query = sqlx::query("SELECT name, kind, created_at, body FROM optimizer_baselines ORDER BY name");
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        rows.and_then(|rows| rows.iter().map(read).collect()).map_err(|cause| self.failed("reading baselines", cause))
    }

    /// Forgets a baseline.
    pub fn delete_baseline(&mut self, name: &str) -> Result<(), StateError> {
        let query = sqlx::query("DELETE FROM optimizer_baselines WHERE name = $1").bind(name);
        let done = self.runtime.block_on(query.execute(&mut self.connection));
        match done.map_err(|cause| self.failed("deleting a baseline", cause))?.rows_affected() {
            0 => Err(self.no_baseline(name)),
            _ => Ok(()),
        }
    }

    fn no_baseline(&mut self, name: &str) -> StateError {
        let known = self.baselines().unwrap_or_default().into_iter().map(|row| row.name).collect();
        StateError::NoBaseline { name: name.to_owned(), known }
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<BaselineRow, sqlx::Error> {
    Ok(BaselineRow {
        name: row.try_get("name")?,
        kind: row.try_get("kind")?,
        created_at: row.try_get("created_at")?,
        body: row.try_get("body")?,
    })
}
