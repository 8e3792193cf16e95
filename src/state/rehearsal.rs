//! Whether a store would do, found out without leaving anything in it.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row as _;

use super::{MIGRATIONS, StateError, Store, lease::DATABASE_CLOCK};

impl Store {
    /// Waits no longer than this for others who write, from now on.
    pub fn hurry(&mut self, patience: Duration) -> Result<(), StateError> {
        let name = if self.is_postgres() { "SET lock_timeout =" } else { "PRAGMA busy_timeout =" };
        self.perform(format!("{name} {}", patience.as_millis()))
    }

    /// Steps of this version that its tables have not been through, by number and name.
    pub fn pending(&mut self) -> Result<Vec<(i64, &'static str)>, StateError> {
        let version = self.version()?;
        let pending = MIGRATIONS.iter().filter(|(step, ..)| *step > version);
        Ok(pending.map(|(step, name, _)| (*step, *name)).collect())
    }

    /// Whether this user may make tables. Nobody is asked about a file.
    pub(super) fn may_make_tables(&mut self) -> Result<bool, StateError> {
        if !self.is_postgres() {
            return Ok(true);
        }
        let asked = "SELECT CAST(COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE) AS INTEGER)::BIGINT";
        Ok(self.number(asked.to_owned())? == 1)
    }

    /// Writes as a run would, makes a table where one is to be made, and takes everything back. False where somebody else wrote all
    /// the time, so that nothing is known.
    pub fn rehearse(&mut self) -> Result<bool, StateError> {
        match self.tried() {
            Ok(()) => Ok(true),
            Err(StateError::Failed { cause, .. }) if is_busy(&cause) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn tried(&mut self) -> Result<(), StateError> {
        let version = self.version()?;
        // SQLite lets nobody write who began by reading.
        self.perform(if self.is_postgres() { "BEGIN" } else { "BEGIN IMMEDIATE" }.to_owned())?;
        let newest = MIGRATIONS.iter().map(|(step, ..)| *step).max().unwrap_or_default();
        let mut tried = Ok(());
        if version < newest {
            tried = self.perform("CREATE TABLE optimizer_rehearsal (name TEXT)".to_owned());
        }
        if version >= 3 {
            let lease = "UPDATE optimizer_lease SET token = token WHERE name = 'tick'";
            let audit = "UPDATE optimizer_audit_head SET seq = seq WHERE name = 'audit'";
            tried = tried.and_then(|()| self.perform(lease.to_owned())).and_then(|()| self.perform(audit.to_owned()));
        }
        let taken_back = self.perform("ROLLBACK".to_owned());
        tried.and(taken_back)
    }

    /// The clock of the database, with the middle of the moments at which it was asked here. None for a file.
    pub fn clock(&mut self) -> Result<Option<(Timestamp, Timestamp)>, StateError> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let before = Timestamp::now();
        let query = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {DATABASE_CLOCK}")));
        let row = self.runtime.block_on(query.fetch_one(&mut self.connection));
        let there: i64 =
            row.and_then(|row| row.try_get(0)).map_err(|cause| self.failed("asking for the time", cause))?;
        let here = before.as_millisecond().midpoint(Timestamp::now().as_millisecond());
        let time = |millis| Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
        Ok(Some((time(here), time(there))))
    }

    fn perform(&mut self, sql: String) -> Result<(), StateError> {
        let done = self.runtime.block_on(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut self.connection));
        done.map(drop).map_err(|cause| self.failed("trying to write", cause))
    }
}

/// `SQLITE_BUSY`, and PostgreSQL's lock timeout.
fn is_busy(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("5" | "55P03"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Address, Open};

    #[test]
    fn nothing_stays_of_a_rehearsal() {
        let mut store = Store::nowhere().unwrap();
        let tables = "SELECT COUNT(*) FROM sqlite_master";
        let before = store.number(tables.to_owned()).unwrap();
        store.hurry(Duration::from_millis(10)).unwrap();
        assert!(store.rehearse().unwrap());
        // As an older version left it: a table has to be made.
        store.perform("DELETE FROM optimizer_migrations WHERE version > 3".to_owned()).unwrap();
        assert!(store.rehearse().unwrap());
        assert!(store.pending().unwrap().iter().any(|(step, name)| (*step, *name) == (5, "deeds_by_action")));
        assert_eq!(store.number(tables.to_owned()).unwrap(), before);
        store.perform("PRAGMA query_only = on".to_owned()).unwrap();
        assert!(store.rehearse().is_err());
    }

    #[test]
    fn who_writes_all_the_time_is_told_from_who_cannot_be_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let address: Address = format!("sqlite:{}", folder.path().join("s.db").display()).parse().unwrap();
        let (mut one, mut two) =
            (Store::open(&address, Open::Create).unwrap(), Store::open(&address, Open::AsItIs).unwrap());
        two.hurry(Duration::from_millis(10)).unwrap();
        one.perform("BEGIN IMMEDIATE".to_owned()).unwrap();
        assert!(!two.rehearse().unwrap());
        one.perform("ROLLBACK".to_owned()).unwrap();
        assert!(two.rehearse().unwrap());
    }
}
