//! What is kept of the traffic, slot by slot.

use std::ops::Range;

use sqlx::{AnyConnection, Row as _, any::AnyRow};

use super::{StateError, Store, plans::is_no_table};

/// How far a slot is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotHead {
    /// Length, as `15m`.
    pub grain: String,
    /// First minute since 1970.
    pub start: i64,
    /// Minutes that are known.
    pub minutes: i64,
    /// Rows of the source.
    pub rows: i64,
}

/// A slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRow {
    pub head: SlotHead,
    pub figures: String,
    pub body: String,
}

/// Which of the two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotText {
    Figures,
    Body,
}

const DOING: &str = "reading the history";

impl Store {
    /// Every slot there is, without its content, by length and time. A store whose tables were never made has none.
    pub fn slot_heads(&mut self) -> Result<Vec<SlotHead>, StateError> {
        let query =
            sqlx::query("SELECT grain, start, minutes, source_rows FROM optimizer_history ORDER BY grain, start");
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        self.or_none(rows.and_then(|rows| rows.iter().map(head).collect()))
    }

    /// Texts of the slots of one length that start in a range, ascending, with their first minutes.
    pub fn slot_texts(
        &mut self,
        grain: &str,
        range: Range<i64>,
        text: SlotText,
    ) -> Result<Vec<(i64, String)>, StateError> {
        let column = if text == SlotText::Figures { "figures" } else { "body" };
        let sql = format!(
            "SELECT start, {column} AS content FROM optimizer_history WHERE grain = $1 AND start >= $2 AND start < $3 ORDER BY start"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(grain).bind(range.start).bind(range.end);
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        let read = |row: &AnyRow| Ok((row.try_get("start")?, row.try_get("content")?));
        self.or_none(rows.and_then(|rows| rows.iter().map(read).collect()))
    }

    fn or_none<T>(&self, rows: Result<Vec<T>, sqlx::Error>) -> Result<Vec<T>, StateError> {
        match rows {
            Err(cause) if is_no_table(&cause) => Ok(Vec::new()),
            rows => rows.map_err(|cause| self.failed(DOING, cause)),
        }
    }
}

fn head(row: &AnyRow) -> Result<SlotHead, sqlx::Error> {
    Ok(SlotHead {
        grain: row.try_get("grain")?,
        start: row.try_get("start")?,
        minutes: row.try_get("minutes")?,
        rows: row.try_get("source_rows")?,
    })
}

/// Writes a slot in the place of the one that is there.
pub(super) async fn put(connection: &mut AnyConnection, slot: &SlotRow) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO optimizer_history (grain, start, minutes, source_rows, figures, body) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (grain, start) DO UPDATE SET minutes = excluded.minutes, source_rows = excluded.source_rows, \
               figures = excluded.figures, body = excluded.body";
    let SlotHead { grain, start, minutes, rows } = &slot.head;
    let query = sqlx::query(sql).bind(grain).bind(start).bind(minutes).bind(rows);
    query.bind(&slot.figures).bind(&slot.body).execute(connection).await?;
    Ok(())
}

pub(super) async fn forget(connection: &mut AnyConnection, grain: &str, start: i64) -> Result<(), sqlx::Error> {
    let query = sqlx::query("DELETE FROM optimizer_history WHERE grain = $1 AND start = $2");
    query.bind(grain).bind(start).execute(connection).await?;
    Ok(())
}
