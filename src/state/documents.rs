//! Rows that are JSON inside: one way to read and write them all.

use sqlx::{AnyConnection, Row as _, any::AnyRow};

use super::{StateError, Store, plans::is_no_table};

/// The tables of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    Rollouts,
    Evidence,
    Intents,
    Configurations,
    Services,
    Breakers,
    Ticks,
    Notes,
}

impl Table {
    pub const ALL: [Self; 8] = [
        Self::Rollouts,
        Self::Evidence,
        Self::Intents,
        Self::Configurations,
        Self::Services,
        Self::Breakers,
        Self::Ticks,
        Self::Notes,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rollouts => "optimizer_rollouts",
            Self::Evidence => "optimizer_evidence",
            Self::Intents => "optimizer_intents",
            Self::Configurations => "optimizer_configurations",
            Self::Services => "optimizer_services",
            Self::Breakers => "optimizer_breakers",
            Self::Ticks => "optimizer_ticks",
            Self::Notes => "optimizer_notes",
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub id: String,
    pub service: String,
    /// What it is looked for by.
    pub state: String,
    /// The one that was read; 0 for a row that is new.
    pub generation: i64,
    /// RFC 3339, UTC.
    pub changed_at: String,
    /// JSON.
    pub body: String,
}

/// Which rows are wanted, the newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub state: Option<&'a str>,
    pub service: Option<&'a str>,
    /// Changed then or later; RFC 3339, UTC.
    pub since: Option<&'a str>,
    pub limit: Option<i64>,
}

const COLUMNS: &str = "id, service, state, generation, changed_at, body";

impl Store {
    /// The row of this id.
    pub fn document(&mut self, table: Table, id: &str) -> Result<Option<Document>, StateError> {
        let sql = format!("SELECT {COLUMNS} FROM {} WHERE id = $1", table.name());
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id);
        let row = self.runtime.block_on(query.fetch_optional(&mut self.connection));
        match row.and_then(|row| row.as_ref().map(read).transpose()) {
            Ok(row) => Ok(row),
            Err(cause) if is_no_table(&cause) => Ok(None),
            Err(cause) => Err(self.failed("reading what is under way", cause)),
        }
    }

    /// Rows, the newest first. A store whose tables were never made has none.
    pub fn documents(&mut self, table: Table, wanted: Wanted<'_>) -> Result<Vec<Document>, StateError> {
        // Only the conditions that are asked for: one that always holds would keep SQLite from its indexes, and a tick would read
        // everything that ever was to find what is under way.
        let asked = [("state =", wanted.state), ("service =", wanted.service), ("changed_at >=", wanted.since)];
        let asked: Vec<(&str, &str)> = asked.into_iter().filter_map(|(is, value)| Some((is, value?))).collect();
        let mut sql = format!("SELECT {COLUMNS} FROM {}", table.name());
        for (place, (is, _)) in asked.iter().enumerate() {
            let word = if place == 0 { "WHERE" } else { "AND" };
            sql += &format!(" {word} {is} ${}", place + 1);
        }
        sql += &format!(" ORDER BY changed_at DESC, id LIMIT ${}", asked.len() + 1);
        let query = asked.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, (_, value)| query.bind(*value));
        let query = query.bind(wanted.limit.unwrap_or(i64::MAX));
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        match rows.and_then(|rows| rows.iter().map(read).collect()) {
            Ok(rows) => Ok(rows),
            Err(cause) if is_no_table(&cause) => Ok(Vec::new()),
            Err(cause) => Err(self.failed("reading what is under way", cause)),
        }
    }
}

fn read(row: &AnyRow) -> Result<Document, sqlx::Error> {
    Ok(Document {
        id: row.try_get("id")?,
        service: row.try_get("service")?,
        state: row.try_get("state")?,
        generation: row.try_get("generation")?,
        changed_at: row.try_get("changed_at")?,
        body: row.try_get("body")?,
    })
}

/// Writes a row. False where it is not the one that was seen.
pub(super) async fn put(
    connection: &mut AnyConnection,
    table: Table,
    document: &Document,
) -> Result<bool, sqlx::Error> {
    let name = table.name();
    let sql = if document.generation == 0 {
        format!("INSERT INTO {name} ({COLUMNS}) VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT DO NOTHING")
    } else {
        format!(
            "UPDATE {name} SET service = $2, state = $3, generation = generation + 1, changed_at = $4, body = $5 \
             WHERE id = $1 AND generation = $6"
        )
    };
    let query = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&document.id)
        .bind(&document.service)
        .bind(&document.state)
        .bind(&document.changed_at)
        .bind(&document.body);
    let query = if document.generation == 0 { query } else { query.bind(document.generation) };
    Ok(query.execute(connection).await?.rows_affected() == 1)
}
