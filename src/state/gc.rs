//! What is over and old: found, read for an archive, and deleted once it is there.

use std::collections::BTreeSet;

use sqlx::{Acquire as _, AnyConnection, Row as _};

use super::{
    Deed, Lease, StateError, Store, audit, lease,
    plans::{is_no_table, unpacked},
    shape::shape,
};
use crate::domain::stored::{Cell, Column};

/// What can be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Plans with their decisions.
    Plans,
    /// Reports of runs.
    Ticks,
    /// Writes whose outcome is known.
    Intents,
    /// Rollouts that are closed, with their evidence.
    Rollouts,
}

/// From when on something is old, and what is kept all the same.
#[derive(Debug, Clone, Copy)]
pub struct Stale<'a> {
    /// RFC 3339, UTC.
    pub before: &'a str,
    /// The newest plans are kept, however old.
    pub newest_plans: i64,
    /// Rollouts that something refers to, and what belongs to them.
    pub in_use: &'a BTreeSet<String>,
}

/// What a SQLite file could give back to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that are free inside of the file.
    pub free: i64,
    /// Whether they were given back.
    pub given_back: bool,
}

/// Ids in one statement.
const AT_ONCE: usize = 500;

impl Over {
    /// Those that need the others come last.
    pub const ALL: [Self; 4] = [Self::Plans, Self::Ticks, Self::Intents, Self::Rollouts];

    /// Its tables, and the column that holds the id, those first that refer to others.
    #[must_use]
    pub fn tables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Plans => &[("decisions", "plan_id"), ("plans", "id")],
            Self::Ticks => &[("ticks", "id")],
            Self::Intents => &[("intents", "id")],
            Self::Rollouts => &[("evidence", "id"), ("rollouts", "id")],
        }
    }

    /// The columns of one of its tables.
    #[must_use]
    pub fn columns(table: &str) -> &'static [Column] {
        shape(table).map_or(&[], |shape| shape.columns)
    }

    /// Ids, the oldest first. The lease is held when it matters, so no run is at work: a tick that says so was killed.
    fn ids(self) -> &'static str {
        match self {
            Self::Plans => {
                "SELECT id FROM optimizer_plans WHERE made_at < $1 AND id NOT IN \
                 (SELECT id FROM optimizer_plans ORDER BY made_at DESC, id LIMIT $2) ORDER BY made_at, id"
            }
            Self::Ticks => "SELECT id FROM optimizer_ticks WHERE changed_at < $1 ORDER BY changed_at, id",
            Self::Intents => {
                "SELECT id FROM optimizer_intents WHERE state = 'settled' AND changed_at < $1 AND service NOT IN \
                 (SELECT service FROM optimizer_rollouts WHERE state = 'open') ORDER BY changed_at, id"
            }
            Self::Rollouts => {
                "SELECT id FROM optimizer_rollouts WHERE state = 'closed' AND changed_at < $1 ORDER BY changed_at, id"
            }
        }
    }
}

impl Store {
    /// Ids of what is over and older, the oldest first. A store whose tables were never made has none.
    pub fn over(&mut self, what: Over, stale: Stale<'_>) -> Result<Vec<String>, StateError> {
        let query = sqlx::query(what.ids()).bind(stale.before);
        let query = if what == Over::Plans { query.bind(stale.newest_plans) } else { query };
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        let rows = rows.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>());
        let mut ids = match rows {
            Ok(ids) => ids,
            Err(cause) if is_no_table(&cause) => return Ok(Vec::new()),
            Err(cause) => return Err(self.failed("looking for what is over", cause)),
        };
        let keep = match what {
            Over::Plans => self.plans_of(stale.in_use)?,
            _ => stale.in_use.clone(),
        };
        ids.retain(|id| !keep.contains(id));
        Ok(ids)
    }

    /// Plans that hold these decisions.
    fn plans_of(&mut self, decisions: &BTreeSet<String>) -> Result<BTreeSet<String>, StateError> {
        let mut plans = BTreeSet::new();
        for id in decisions {
            let query = sqlx::query("SELECT plan_id FROM optimizer_decisions WHERE id = $1").bind(id);
            let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
            for row in rows.map_err(|cause| self.failed("looking for what is over", cause))? {
                plans.insert(row.try_get(0).map_err(|cause| self.failed("looking for what is over", cause))?);
            }
        }
        Ok(plans)
    }

    /// Rows of a table whose `key` is one of these, with the columns of [`Over::columns`]. Plans are unpacked.
    pub fn rows_to_archive(&mut self, table: &str, key: &str, ids: &[String]) -> Result<Vec<Vec<Cell>>, StateError> {
        let shape = shape(table).expect("a table that is archived");
        let mut rows = Vec::new();
        for ids in ids.chunks(AT_ONCE) {
            let sql =
                format!("{} WHERE {key} IN ({}) {}", shape.select(), places(ids), shape.order(self.is_postgres()));
            let query = ids.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), sqlx::query::Query::bind);
            let found = self.runtime.block_on(query.fetch_all(&mut self.connection));
            let found = found.and_then(|found| found.iter().map(|row| shape.cells(row)).collect::<Result<Vec<_>, _>>());
            rows.extend(found.map_err(|cause| self.failed("reading what is over", cause))?);
        }
        if table == "plans" {
            for row in &mut rows {
                if let [Cell::Text(id), _, Cell::Text(body)] = row.as_mut_slice() {
                    *body = unpacked(id, std::mem::take(body))?;
                }
            }
        }
        Ok(rows)
    }

    /// Deletes what is in an archive by now, and writes down that it was: both, or neither. `rows` is how many go from each table of
    /// [`Over::tables`]; where it is not so many, somebody changed them meanwhile, and nothing is deleted.
    pub fn delete_archived(
        &mut self,
        lease: &Lease,
        what: Over,
        ids: &[String],
        rows: &[u64],
        deed: &Deed,
    ) -> Result<(), StateError> {
        let database_clock = self.file.is_none();
        let done = self.runtime.patiently(delete(&mut self.connection, lease, database_clock, what, ids, rows, deed));
        let store = self.shown.clone();
        match done.map_err(|cause| self.failed("deleting what is in the archive", cause))? {
            Gone::All => Ok(()),
            Gone::Fenced => Err(StateError::Fenced { store }),
            Gone::Others => Err(StateError::Overtaken { store }),
        }
    }

    /// Gives what is free back to the disk, where the file is made so that this is quick. None in PostgreSQL, which does it by itself.
    pub fn give_back(&mut self) -> Result<Option<Space>, StateError> {
        const INCREMENTAL: i64 = 2;
        if self.is_postgres() {
            return Ok(None);
        }
        let pages = self.number("PRAGMA freelist_count".to_owned())?;
        let free = pages * self.number("PRAGMA page_size".to_owned())?;
        let given_back = self.number("PRAGMA auto_vacuum".to_owned())? == INCREMENTAL;
        if given_back {
            let done =
                self.runtime.patiently(sqlx::raw_sql("PRAGMA incremental_vacuum").fetch_all(&mut self.connection));
            done.map_err(|cause| self.failed("giving space back", cause))?;
        }
        Ok(Some(Space { free, given_back }))
    }
}

enum Gone {
    All,
    Fenced,
    Others,
}

async fn delete(
    connection: &mut AnyConnection,
    lease: &Lease,
    database_clock: bool,
    what: Over,
    ids: &[String],
    rows: &[u64],
    deed: &Deed,
) -> Result<Gone, sqlx::Error> {
    // What is not committed is undone when the transaction is dropped, and when the process dies.
    let mut transaction = connection.begin().await?;
    audit::lock(&mut transaction).await?;
    if !lease::prolong(&mut transaction, lease, database_clock).await? {
        return Ok(Gone::Fenced);
    }
    for ((table, key), expected) in what.tables().iter().zip(rows) {
        let mut gone = 0;
        for ids in ids.chunks(AT_ONCE) {
            let sql = format!("DELETE FROM optimizer_{table} WHERE {key} IN ({})", places(ids));
            let query = ids.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), sqlx::query::Query::bind);
            gone += query.execute(&mut *transaction).await?.rows_affected();
        }
        if gone != *expected {
            return Ok(Gone::Others);
        }
    }
    audit::add(&mut transaction, std::slice::from_ref(deed)).await?;
    transaction.commit().await?;
    Ok(Gone::All)
}

fn places(ids: &[String]) -> String {
    (1..=ids.len()).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}
