//! Plans as they were made, with what they leave for the next tick.

use sqlx::{Acquire as _, AnyConnection, Row as _};

use super::{StateError, Store, packed};

/// One plan as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    pub id: String,
    /// RFC 3339, UTC.
    pub made_at: String,
    /// JSON.
    pub body: String,
}

/// One decision, by which its plan is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    pub id: String,
    pub plan_id: String,
    pub service: String,
    pub segment: String,
    pub action: String,
}

/// What ticks left behind, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryRow {
    /// Counts the changes; 0 for nothing yet.
    pub generation: i64,
    /// JSON; none for nothing yet.
    pub body: Option<String>,
}

/// Whether a plan was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Now,
    /// The same plan was here already, and nothing was written.
    Before,
}

/// The row of `optimizer_memory` that plans go by.
const MEMORY: &str = "plans";

/// Decisions that are written with one statement.
const AT_ONCE: usize = 500;

impl Store {
    /// Keeps a plan, its decisions, and what the next tick has to know, or nothing of it. `seen` is the generation of the memory that
    /// the plan was made with; where it is another by now, somebody else decided meanwhile. A plan that is here already changes nothing.
    pub fn put_plan(
        &mut self,
        plan: &PlanRow,
        decisions: &[DecisionRow],
        memory: &str,
        seen: i64,
    ) -> Result<Stored, StateError> {
        let done = self.runtime.block_on(put(&mut self.connection, plan, decisions, memory, seen));
        match done.map_err(|cause| self.failed("keeping a plan", cause))? {
            Some(stored) => Ok(stored),
            None => Err(StateError::Overtaken { store: self.shown.clone() }),
        }
    }

    /// What former ticks left behind. A store whose tables were never made has nothing to tell.
    pub fn memory(&mut self) -> Result<MemoryRow, StateError> {
        let query = sqlx::query("SELECT generation, body FROM optimizer_memory WHERE name = $1").bind(MEMORY);
        let row = self.runtime.block_on(query.fetch_optional(&mut self.connection));
        let row = row.and_then(|row| {
            row.map(|row| Ok(MemoryRow { generation: row.try_get("generation")?, body: Some(row.try_get("body")?) }))
                .transpose()
        });
        match row {
            Ok(row) => Ok(row.unwrap_or(MemoryRow { generation: 0, body: None })),
            Err(cause) if is_no_table(&cause) => Ok(MemoryRow { generation: 0, body: None }),
            Err(cause) => Err(self.failed("reading what is remembered", cause)),
        }
    }

    /// The plan of this id.
    pub fn plan(&mut self, id: &str) -> Result<Option<PlanRow>, StateError> {
        let query = sqlx::query("SELECT id, made_at, body FROM optimizer_plans WHERE id = $1").bind(id);
        let row = self.runtime.block_on(query.fetch_optional(&mut self.connection));
        let row = row.and_then(|row| {
            row.map(|row| {
                Ok(PlanRow { id: row.try_get("id")?, made_at: row.try_get("made_at")?, body: row.try_get("body")? })
            })
            .transpose()
        });
        let row: Option<PlanRow> = row.map_err(|cause| self.failed("reading a plan", cause))?;
        row.map(|row| Ok(PlanRow { body: unpacked(&row.id, row.body)?, ..row })).transpose()
    }

    /// Plans whose id begins so, at most `limit`: id and when they were made, newest first.
    pub fn plans_like(&mut self, beginning: &str, limit: i64) -> Result<Vec<(String, String)>, StateError> {
        let query = sqlx::query(
            "SELECT id, made_at FROM optimizer_plans WHERE id >= $1 AND id < $2 ORDER BY made_at DESC, id LIMIT $3",
        );
        let query = query.bind(beginning).bind(after(beginning)).bind(limit);
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        let rows = rows.and_then(|rows| {
            rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("made_at")?))).collect::<Result<Vec<_>, _>>()
        });
        rows.map_err(|cause| self.failed("looking for a plan", cause))
    }

    /// The newest plans: id and when they were made.
    pub fn newest_plans(&mut self, limit: i64) -> Result<Vec<(String, String)>, StateError> {
        let query =
            sqlx::query("SELECT id, made_at FROM optimizer_plans ORDER BY made_at DESC, id LIMIT $1").bind(limit);
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        let rows = rows.and_then(|rows| {
            rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("made_at")?))).collect::<Result<Vec<_>, _>>()
        });
        rows.map_err(|cause| self.failed("looking for plans", cause))
    }

    /// Decisions of a plan that change something, at most `limit`, by service.
    pub fn moving(&mut self, plan: &str, limit: i64) -> Result<Vec<DecisionRow>, StateError> {
        let query = sqlx::query(
            "SELECT id, plan_id, service, segment, action FROM optimizer_decisions \
             WHERE plan_id = $1 AND action IN ('change', 'revert', 'experiment') ORDER BY service, segment, id LIMIT $2",
        );
        let rows = self.runtime.block_on(query.bind(plan).bind(limit).fetch_all(&mut self.connection));
        let rows = rows.and_then(|rows| rows.iter().map(decision).collect::<Result<Vec<_>, _>>());
        rows.map_err(|cause| self.failed("looking for decisions", cause))
    }

    /// Decisions whose id begins so, at most `limit`, those of the newest plans first.
    pub fn decisions_like(&mut self, beginning: &str, limit: i64) -> Result<Vec<DecisionRow>, StateError> {
        let query = sqlx::query(
            "SELECT d.id, d.plan_id, d.service, d.segment, d.action FROM optimizer_decisions d \
             JOIN optimizer_plans p ON p.id = d.plan_id WHERE d.id >= $1 AND d.id < $2 \
             ORDER BY p.made_at DESC, d.service, d.segment, d.id LIMIT $3",
        );
        let query = query.bind(beginning).bind(after(beginning)).bind(limit);
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        let rows = rows.and_then(|rows| rows.iter().map(decision).collect::<Result<Vec<_>, _>>());
        rows.map_err(|cause| self.failed("looking for a decision", cause))
    }
}

/// The JSON of a plan as it is stored.
pub(super) fn unpacked(id: &str, body: String) -> Result<String, StateError> {
    let unreadable = |cause| StateError::Unreadable { what: format!("plan {id}"), cause };
    packed::unpack(body).map_err(|cause| unreadable(serde::de::Error::custom(cause)))
}

/// The first text behind all that begin so; ids are hexadecimal, and no digit lies behind `g`.
fn after(beginning: &str) -> String {
    format!("{beginning}g")
}

fn decision(row: &sqlx::any::AnyRow) -> Result<DecisionRow, sqlx::Error> {
    Ok(DecisionRow {
        id: row.try_get("id")?,
        plan_id: row.try_get("plan_id")?,
        service: row.try_get("service")?,
        segment: row.try_get("segment")?,
        action: row.try_get("action")?,
    })
}

/// None where the memory is not the one that was seen. What is not committed is undone when the transaction is dropped, and when the
/// process dies.
async fn put(
    connection: &mut AnyConnection,
    plan: &PlanRow,
    decisions: &[DecisionRow],
    memory: &str,
    seen: i64,
) -> Result<Option<Stored>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    if insert(&mut transaction, plan, decisions).await? == Stored::Before {
        transaction.rollback().await?;
        return Ok(Some(Stored::Before));
    }
    if !remember(&mut transaction, memory, seen).await? {
        transaction.rollback().await?;
        return Ok(None);
    }
    transaction.commit().await?;
    Ok(Some(Stored::Now))
}

/// Adds a plan and its decisions, where it is not there yet.
pub(super) async fn insert(
    transaction: &mut AnyConnection,
    plan: &PlanRow,
    decisions: &[DecisionRow],
) -> Result<Stored, sqlx::Error> {
    // Writing comes first: SQLite lets nobody write who began by reading what another has changed since.
    let inserted =
        sqlx::query("INSERT INTO optimizer_plans (id, made_at, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
            .bind(&plan.id)
            .bind(&plan.made_at)
            .bind(packed::pack(&plan.body))
            .execute(&mut *transaction)
            .await?;
    if inserted.rows_affected() == 0 {
        return Ok(Stored::Before);
    }
    for rows in decisions.chunks(AT_ONCE) {
        let places: Vec<String> = (0..rows.len())
            .map(|row| {
                let places: Vec<String> = (1..=5).map(|column| format!("${}", 5 * row + column)).collect();
                format!("({})", places.join(", "))
            })
            .collect();
        let sql = format!(
            "INSERT INTO optimizer_decisions (plan_id, id, service, segment, action) VALUES {}",
            places.join(", ")
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for row in rows {
            query = query.bind(&row.plan_id).bind(&row.id).bind(&row.service).bind(&row.segment).bind(&row.action);
        }
        query.execute(&mut *transaction).await?;
    }
    Ok(Stored::Now)
}

/// Keeps what the next tick has to know. False where it is not the memory that was seen.
pub(super) async fn remember(transaction: &mut AnyConnection, memory: &str, seen: i64) -> Result<bool, sqlx::Error> {
    let changed = if seen == 0 {
        sqlx::query(
            "INSERT INTO optimizer_memory (name, generation, body) VALUES ($1, 1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(MEMORY)
        .bind(memory)
        .execute(transaction)
        .await?
    } else {
        sqlx::query(
            "UPDATE optimizer_memory SET generation = generation + 1, body = $2 WHERE name = $1 AND generation = $3",
        )
        .bind(MEMORY)
        .bind(memory)
        .bind(seen)
        .execute(transaction)
        .await?
    };
    Ok(changed.rows_affected() > 0)
}

/// PostgreSQL has a code for it, SQLite only words.
pub(super) fn is_no_table(cause: &sqlx::Error) -> bool {
    matches!(cause, sqlx::Error::Database(cause)
        if cause.code().as_deref() == Some("42P01") || cause.message().starts_with("no such table"))
}
