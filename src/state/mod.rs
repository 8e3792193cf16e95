//! What is remembered between runs: a SQLite file, or tables in PostgreSQL. One implementation serves both, because it speaks
//! the SQL they share.

mod address;
mod audit;
mod baselines;
mod commit;
mod documents;
mod error;
mod export;
mod gc;
mod health;
mod import;
mod lease;
mod packed;
mod plans;
mod rehearsal;
mod roles;
mod shape;
mod slots;
mod snapshot;
mod waiting;

use std::path::{Path, PathBuf};

use sqlx::{
    AnyConnection, Connection as _, Row as _,
    any::{AnyConnectOptions, install_default_drivers},
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

pub use address::Address;
pub use audit::{AuditRow, Broken, Deed};
pub use baselines::{BaselineRow, Existing};
pub use commit::Commit;
pub use documents::{Document, Table, Wanted};
pub use error::StateError;
pub use export::Header;
pub use gc::{Over, Space, Stale};
pub use lease::Lease;
pub use plans::{DecisionRow, MemoryRow, PlanRow, Stored};
pub use roles::{RoleChange, RoleRow};
pub use slots::{SlotHead, SlotRow, SlotText};

use waiting::Waiting;

/// In the order they are applied, never changed once released.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "baselines", include_str!("../../migrations/0001_baselines.sql")),
    (2, "plans", include_str!("../../migrations/0002_plans.sql")),
    (3, "rollouts", include_str!("../../migrations/0003_rollouts.sql")),
    (4, "rollouts_by_time", include_str!("../../migrations/0004_rollouts_by_time.sql")),
    (5, "deeds_by_action", include_str!("../../migrations/0005_deeds_by_action.sql")),
    (6, "history", include_str!("../../migrations/0006_history.sql")),
    (7, "notes", include_str!("../../migrations/0007_notes.sql")),
    (8, "roles", include_str!("../../migrations/0008_roles.sql")),
];

/// How often making the tables is tried.
const MIGRATION_ATTEMPTS: u64 = 5;

/// Whether the store may be made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    Create,
    Existing,
    /// As it is: tables are not made either.
    AsItIs,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    runtime: Waiting,
    connection: AnyConnection,
    shown: String,
    /// Of SQLite; none in PostgreSQL.
    file: Option<PathBuf>,
}

impl Store {
    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Connects, and brings the tables to the form this version knows.
    pub fn open(address: &Address, open: Open) -> Result<Self, StateError> {
        install_default_drivers();
        let shown = address.shown().to_owned();
        let failed = |doing, cause| StateError::Failed { store: shown.clone(), doing, cause };
        let options: AnyConnectOptions =
            address.url(open == Open::Create).parse().map_err(|cause| failed("reading its address", cause))?;
        if open != Open::Create && address.is_missing() {
            return Err(StateError::Missing { store: shown });
        }
        if open == Open::Create {
            address.make_private().map_err(|cause| failed("opening it", sqlx::Error::Io(cause)))?;
        }
        let file = address.file().map(Path::to_owned);
        let runtime = Waiting::new(file.is_none()).map_err(|cause| failed("starting", sqlx::Error::Io(cause)))?;
        let connection =
            runtime.connect(AnyConnection::connect_with(&options)).map_err(|cause| failed("opening it", cause))?;
        let mut store = Self { runtime, connection, shown, file };
        if store.file.is_some() {
            store.wait_for_others()?;
        }
        match open {
            // Making tables is for others, and there is none to be made.
            Open::Create | Open::Existing if !store.may_make_tables()? && store.pending()?.is_empty() => {
                store.check_version()?;
            }
            Open::Create | Open::Existing => store.migrate()?,
            Open::AsItIs => store.check_version()?,
        }
        Ok(store)
    }

    /// A file has one writer at a time, and none while all of it is read: whoever comes meanwhile waits. An emergency stop above all has
    /// to come through.
    fn wait_for_others(&mut self) -> Result<(), StateError> {
        let longer = sqlx::raw_sql("PRAGMA busy_timeout = 60000").execute(&mut self.connection);
        let done = self.runtime.block_on(longer);
        done.map(drop).map_err(|cause| self.failed("opening it", cause))
    }

    /// A store that is nowhere and empty, for runs that must not leave a trace.
    pub fn nowhere() -> Result<Self, StateError> {
        install_default_drivers();
        let shown = "memory".to_owned();
        let failed = |doing, cause| StateError::Failed { store: "memory".to_owned(), doing, cause };
        let runtime = Waiting::new(false).map_err(|cause| failed("starting", sqlx::Error::Io(cause)))?;
        let connection =
            runtime.block_on(AnyConnection::connect("sqlite::memory:")).map_err(|cause| failed("opening it", cause))?;
        let mut store = Self { runtime, connection, shown, file: None };
        store.migrate()?;
        Ok(store)
    }

    fn migrate(&mut self) -> Result<(), StateError> {
        let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
        };
        let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect());
        // In a database that others use too, their migrations are none of ours.
        migrator.dangerous_set_table_name("optimizer_migrations");
        let mut attempt = 1;
        loop {
            let cause = match self.runtime.block_on(migrator.run(&mut self.connection)) {
                Ok(()) => return Ok(()),
                Err(cause) => cause,
            };
            let store = self.shown.clone();
            return Err(match cause {
                // A later version was here.
                MigrateError::VersionMissing(version) => StateError::Newer { store, version },
                MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => {
                    if is_no_database(&cause) {
                        return Err(StateError::NoStore { store });
                    }
                    // Another process may be making the same tables. SQLite has no lock for that: whoever comes second fails,
                    // and finds them made when it looks again.
                    if attempt < MIGRATION_ATTEMPTS {
                        std::thread::sleep(std::time::Duration::from_millis(20 * attempt));
                        attempt += 1;
                        continue;
                    }
                    StateError::Migration { store, cause: MigrateError::Execute(cause) }
                }
                cause => StateError::Migration { store, cause },
            });
        }
    }

    /// Refuses what a later version wrote, and a file that is something else, and changes nothing.
    fn check_version(&mut self) -> Result<(), StateError> {
        let query = sqlx::query("SELECT MAX(version) AS version FROM optimizer_migrations");
        let row = self.runtime.block_on(query.fetch_one(&mut self.connection));
        match row.and_then(|row| row.try_get::<Option<i64>, _>("version")) {
            Ok(version) => match version.filter(|version| MIGRATIONS.iter().all(|(known, ..)| known < version)) {
                Some(version) => Err(StateError::Newer { store: self.shown.clone(), version }),
                None => Ok(()),
            },
            Err(cause) if plans::is_no_table(&cause) => Ok(()),
            Err(cause) if is_no_database(&cause) => Err(StateError::NoStore { store: self.shown.clone() }),
            Err(cause) => Err(self.failed("looking at its tables", cause)),
        }
    }

    fn failed(&self, doing: &'static str, cause: sqlx::Error) -> StateError {
        StateError::Failed { store: self.shown.clone(), doing, cause }
    }
}

/// A file that is there and is something else: `SQLITE_NOTADB`.
fn is_no_database(cause: &sqlx::Error) -> bool {
    matches!(cause, sqlx::Error::Database(cause) if cause.code().as_deref() == Some("26"))
}
