//! A store from what [`Store::export`] wrote: all of it, or nothing.

mod lines;
mod rows;

use std::{io::BufRead, time::Duration};

use sqlx::{Acquire as _, AnyConnection};

use super::{StateError, Store, audit, export::Header, shape::TABLES};
use lines::{Lines, Next};
use rows::Rows;

/// Nobody else may act on a store that is being filled.
const LEASE: Duration = Duration::from_mins(5);

/// Why nothing was written.
enum Failed {
    Database(sqlx::Error),
    Export(String),
    /// What the store holds: rows by table.
    NotEmpty(Vec<(String, i64)>),
}

impl From<sqlx::Error> for Failed {
    fn from(cause: sqlx::Error) -> Self {
        Self::Database(cause)
    }
}

impl Store {
    /// Takes in an export. The store must hold nothing; where anything is wrong, it goes on to hold nothing.
    pub fn import(&mut self, from: impl BufRead) -> Result<Header, StateError> {
        let lease = self.acquire("import", LEASE)?;
        let before = lease.token - 1;
        let postgres = self.is_postgres();
        let done = self.runtime.patiently(take_in(&mut self.connection, from, postgres, before));
        let store = self.shown.clone();
        let error = match done {
            // The lease was given back with the last statement.
            Ok(header) => return Ok(header),
            Err(Failed::Database(cause)) => self.failed("importing into it", cause),
            Err(Failed::Export(why)) => StateError::BadExport { why },
            Err(Failed::NotEmpty(holds)) => {
                let holds: Vec<String> = holds.iter().map(|(table, rows)| format!("{table}: {rows}")).collect();
                StateError::NotEmpty { store, holds: holds.join(", ") }
            }
        };
        self.release(lease)?;
        Err(error)
    }
}

async fn take_in(
    connection: &mut AnyConnection,
    from: impl BufRead,
    postgres: bool,
    token_before: i64,
) -> Result<Header, Failed> {
    let mut lines = Lines::new(from);
    let header = lines.header()?;
    // What is not committed is undone when the transaction is dropped, and when the process dies.
    let mut transaction = connection.begin().await?;
    // SQLite keeps others from writing with this, PostgreSQL with the next.
    audit::lock(&mut transaction).await?;
    if postgres {
        let tables: Vec<String> = TABLES.iter().map(|shape| format!("optimizer_{}", shape.name)).collect();
        let sql = format!("LOCK TABLE {}, optimizer_lease IN EXCLUSIVE MODE", tables.join(", "));
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    }
    empty(&mut transaction).await?;
    let mut rows = Rows::default();
    let end = loop {
        match lines.next()? {
            Next::Row(shape, row) => rows.add(&mut transaction, shape, row).await.map_err(|why| lines.at(why))?,
            Next::End(end) => break end,
        }
    };
    rows.write(&mut transaction).await?;
    lines.nothing_more()?;
    rows.hold(&header, &end).map_err(Failed::Export)?;
    sqlx::query("UPDATE optimizer_audit_head SET seq = $1, hash = $2 WHERE name = 'audit'")
        .bind(header.audit_seq)
        .bind(&header.audit_hash)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("UPDATE optimizer_lease SET holder = '', expires_at = 0, token = $1 WHERE name = 'tick'")
        .bind(header.lease_token.max(token_before))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(header)
}

async fn empty(connection: &mut AnyConnection) -> Result<(), Failed> {
    let mut holds = Vec::new();
    for shape in TABLES {
        let sql = format!("SELECT COUNT(*) FROM optimizer_{}", shape.name);
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
        if rows > 0 {
            holds.push((shape.name.to_owned(), rows));
        }
    }
    if holds.is_empty() { Ok(()) } else { Err(Failed::NotEmpty(holds)) }
}
