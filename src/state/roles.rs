//! Who has which role.

use sqlx::{Acquire as _, AnyConnection, Row as _};

use super::{Deed, StateError, Store, audit, plans::is_no_table};

/// One role as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    pub identity: String,
    pub role: String,
    pub granted_by: String,
    /// RFC 3339, UTC.
    pub granted_at: String,
    pub reason: String,
}

/// What is to become of roles.
#[derive(Debug, Clone)]
pub enum RoleChange {
    /// In the place of what the identity had.
    Grant(RoleRow),
    Revoke(String),
}

const COLUMNS: &str = "identity, role, granted_by, granted_at, reason";

impl Store {
    /// All of them, by identity. A store whose tables were never made has none.
    pub fn roles(&mut self) -> Result<Vec<RoleRow>, StateError> {
        match self.runtime.block_on(read(&mut self.connection)) {
            Ok(rows) => Ok(rows),
            Err(cause) if is_no_table(&cause) => Ok(Vec::new()),
            Err(cause) => Err(self.failed("reading roles", cause)),
        }
    }

    /// Changes roles and writes the deed down, if `holds` of what comes out of it. False where it does not, and then nothing changed.
    pub fn change_role(
        &mut self,
        change: &RoleChange,
        deed: &Deed,
        holds: impl FnOnce(&[RoleRow]) -> bool,
    ) -> Result<bool, StateError> {
        let done = self.runtime.block_on(write(&mut self.connection, change, deed, holds));
        done.map_err(|cause| self.failed("changing roles", cause))
    }

    /// The name under which the database let us in. None for a file.
    pub fn session_user(&mut self) -> Result<Option<String>, StateError> {
        if !self.is_postgres() {
            return Ok(None);
        }
        Ok(self.texts("SELECT CAST(session_user AS TEXT)".to_owned())?.pop())
    }
}

async fn read(connection: &mut AnyConnection) -> Result<Vec<RoleRow>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM optimizer_roles ORDER BY identity");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    let read = |row: &sqlx::any::AnyRow| {
        Ok(RoleRow {
            identity: row.try_get("identity")?,
            role: row.try_get("role")?,
            granted_by: row.try_get("granted_by")?,
            granted_at: row.try_get("granted_at")?,
            reason: row.try_get("reason")?,
        })
    };
    rows.iter().map(read).collect()
}

async fn write(
    connection: &mut AnyConnection,
    change: &RoleChange,
    deed: &Deed,
    holds: impl FnOnce(&[RoleRow]) -> bool,
) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // One change of roles at a time: two admins that revoke each other must not both succeed.
    audit::lock(&mut transaction).await?;
    let identity = match change {
        RoleChange::Grant(row) => &row.identity,
        RoleChange::Revoke(identity) => identity,
    };
    let delete = sqlx::query("DELETE FROM optimizer_roles WHERE identity = $1").bind(identity);
    delete.execute(&mut *transaction).await?;
    if let RoleChange::Grant(row) = change {
        let sql = format!("INSERT INTO optimizer_roles ({COLUMNS}) VALUES ($1, $2, $3, $4, $5)");
        let insert = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&row.identity).bind(&row.role).bind(&row.granted_by);
        insert.bind(&row.granted_at).bind(&row.reason).execute(&mut *transaction).await?;
    }
    if !holds(&read(&mut transaction).await?) {
        transaction.rollback().await?;
        return Ok(false);
    }
    audit::add(&mut transaction, std::slice::from_ref(deed)).await?;
    transaction.commit().await?;
    Ok(true)
}
