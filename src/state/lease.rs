//! One acting run at a time. Who takes the lease gets a number that grows; every change of an acting run is held against it, so a run
//! that lost its lease without knowing it can change nothing more.
//!
//! PostgreSQL tells the time of the lease by its own clock, so it does not matter whose clock is off. A SQLite file is used on one
//! machine, and there a lock of the operating system says whether the holder lives: it dies with it, and knows no clock.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use sqlx::{AnyConnection, Row as _};

use super::{StateError, Store};

/// The right to act.
#[derive(Debug)]
pub struct Lease {
    pub token: i64,
    length: Duration,
    /// Held as long as this lives; none in PostgreSQL.
    lock: Option<File>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Said, and not left to the end of the file: a child that is about to become another program may still hold it open.
        let _ = self.lock.as_ref().map(File::unlock);
    }
}

/// Milliseconds since 1970 by PostgreSQL's clock.
pub(super) const DATABASE_CLOCK: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

impl Store {
    /// Takes the lease for so long; every change prolongs it. `holder` is for people.
    pub fn acquire(&mut self, holder: &str, length: Duration) -> Result<Lease, StateError> {
        let lock = match self.file.clone() {
            Some(file) => Some(self.lock(&file)?),
            None => None,
        };
        let millis = length.as_millis() as i64;
        let (clock, free) = match lock {
            // Nobody else lives who could hold it.
            Some(_) => (Timestamp::now().as_millisecond().to_string(), "1 = 1".to_owned()),
            None => (DATABASE_CLOCK.to_owned(), format!("(holder = '' OR expires_at <= {DATABASE_CLOCK})")),
        };
        let sql = format!(
            "UPDATE optimizer_lease SET holder = $1, token = token + 1, expires_at = {clock} + $2 \
             WHERE name = 'tick' AND {free}"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(holder).bind(millis);
        let taken = self.runtime.block_on(query.execute(&mut self.connection));
        if taken.map_err(|cause| self.failed("taking the lease", cause))?.rows_affected() == 0 {
            return Err(self.held()?);
        }
        let query = sqlx::query("SELECT token FROM optimizer_lease WHERE name = 'tick' AND holder = $1").bind(holder);
        let row = self.runtime.block_on(query.fetch_optional(&mut self.connection));
        let row = row.map_err(|cause| self.failed("taking the lease", cause))?;
        match row.map(|row| row.try_get("token")).transpose() {
            Ok(Some(number)) => Ok(Lease { token: number, length, lock }),
            Ok(None) => Err(self.held()?),
            Err(cause) => Err(self.failed("taking the lease", cause)),
        }
    }

    /// Gives it back. One that somebody else has by now stays theirs.
    #[allow(clippy::needless_pass_by_value, reason = "what was given back is nobody's any more")]
    pub fn release(&mut self, lease: Lease) -> Result<(), StateError> {
        let query =
            sqlx::query("UPDATE optimizer_lease SET holder = '', expires_at = 0 WHERE name = 'tick' AND token = $1");
        let done = self.runtime.block_on(query.bind(lease.token).execute(&mut self.connection));
        done.map_err(|cause| self.failed("giving the lease back", cause))?;
        Ok(())
    }

    /// Who holds it: for people; none where nobody does.
    pub fn holder(&mut self) -> Result<Option<(String, Timestamp)>, StateError> {
        let query = sqlx::query("SELECT holder, expires_at FROM optimizer_lease WHERE name = 'tick'");
        let row = self.runtime.block_on(query.fetch_optional(&mut self.connection));
        let read = |row: sqlx::any::AnyRow| Ok((row.try_get("holder")?, row.try_get("expires_at")?));
        let row: Option<(String, i64)> = match row.and_then(|row| row.map(read).transpose()) {
            Ok(row) => row,
            Err(cause) if super::plans::is_no_table(&cause) => None,
            Err(cause) => return Err(self.failed("looking at the lease", cause)),
        };
        let until = |millis| Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
        Ok(row.filter(|(holder, _)| !holder.is_empty()).map(|(holder, at)| (holder, until(at))))
    }

    fn held(&mut self) -> Result<StateError, StateError> {
        let store = self.shown.clone();
        let (holder, until) = self.holder()?.unwrap_or_else(|| ("another run".to_owned(), Timestamp::UNIX_EPOCH));
        Ok(StateError::Held { store, holder, until: until.to_string() })
    }

    fn lock(&mut self, file: &Path) -> Result<File, StateError> {
        let mut name = file.as_os_str().to_owned();
        name.push(".lock");
        let failed = |cause| StateError::Lock { path: name.clone().into(), cause };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(self.held()?),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }
}

/// Prolongs the lease within a transaction. False where it is somebody else's by now.
pub(super) async fn prolong(
    connection: &mut AnyConnection,
    lease: &Lease,
    database_clock: bool,
) -> Result<bool, sqlx::Error> {
    let now = if database_clock { DATABASE_CLOCK.to_owned() } else { Timestamp::now().as_millisecond().to_string() };
    let sql = format!("UPDATE optimizer_lease SET expires_at = {now} + $1 WHERE name = 'tick' AND token = $2");
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(lease.length.as_millis() as i64).bind(lease.token);
    Ok(query.execute(connection).await?.rows_affected() == 1)
}
