//! Who did what: rows that are only ever added, each with the hash of the one before it.

use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row as _};

use super::{StateError, Store, plans::is_no_table};
use crate::domain::format::hexadecimal;

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// RFC 3339, UTC.
    pub at: String,
    /// A person, or the run that did it.
    pub actor: String,
    /// For example `expose` or `pause`.
    pub action: String,
    /// Empty where it is about all of them.
    pub service: String,
    /// JSON.
    pub body: String,
}

/// A deed in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// From 1, without gaps.
    pub seq: i64,
    pub deed: Deed,
    /// Hash of the row before; empty for the first.
    pub previous: String,
    /// SHA-256 of all of it, in hexadecimal.
    pub hash: String,
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// A row is missing, or was added from elsewhere: the next expected, and the one found.
    Gap { expected: i64, found: i64 },
    /// The row does not name the hash of the one before it.
    Link { seq: i64 },
    /// The row was changed.
    Content { seq: i64 },
    /// Rows are missing at the end: what the store wrote last, and what is there.
    CutOff { expected: i64, found: i64 },
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gap { expected, found } => write!(f, "deed {expected} is missing, the next one is {found}"),
            Self::Link { seq } => write!(f, "deed {seq} does not follow the one before it"),
            Self::Content { seq } => write!(f, "deed {seq} was changed"),
            Self::CutOff { expected, found } => {
                write!(f, "the last deed was {expected}, and they end with {found}")
            }
        }
    }
}

/// The chain as far as it was followed.
#[derive(Debug, Default)]
pub(super) struct Chain {
    seq: i64,
    hash: String,
}

impl Chain {
    /// The next row, or why it is not the next.
    pub(super) fn follow(&mut self, row: &AuditRow) -> Result<(), Broken> {
        if row.seq != self.seq + 1 {
            return Err(Broken::Gap { expected: self.seq + 1, found: row.seq });
        }
        if row.previous != self.hash {
            return Err(Broken::Link { seq: row.seq });
        }
        if row.hash != hash(row.seq, &row.deed, &row.previous) {
            return Err(Broken::Content { seq: row.seq });
        }
        self.seq = row.seq;
        self.hash.clone_from(&row.hash);
        Ok(())
    }

    /// Whether this is the end that was written down.
    pub(super) fn ends(&self, seq: i64, hash: &str) -> Result<(), Broken> {
        if self.seq == seq && self.hash == hash {
            return Ok(());
        }
        Err(Broken::CutOff { expected: seq, found: self.seq })
    }
}

impl AuditRow {
    fn next(seq: i64, deed: Deed, previous: String) -> Self {
        let hash = hash(seq, &deed, &previous);
        Self { seq, deed, previous, hash }
    }
}

fn hash(seq: i64, deed: &Deed, previous: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(seq.to_le_bytes());
    for text in [&deed.at, &deed.actor, &deed.action, &deed.service, &deed.body, previous] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hexadecimal(&hash.finalize())
}

/// Rows that are read at once.
const AT_ONCE: i64 = 1_000;

impl Store {
    /// The newest deeds, latest first, of one service or of all.
    pub fn deeds(
        &mut self,
        service: Option<&str>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StateError> {
        // A condition that always holds would keep SQLite from the index of services.
        let of_service = if service.is_some() { "AND service = $3" } else { "" };
        let sql = format!(
            "SELECT seq, at, actor, action, service, body, previous, hash FROM optimizer_audit \
             WHERE seq < $1 {of_service} ORDER BY seq DESC LIMIT $2"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(before.unwrap_or(i64::MAX)).bind(limit);
        let query = if let Some(service) = service { query.bind(service) } else { query };
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        match rows.and_then(|rows| rows.iter().map(read).collect()) {
            Ok(rows) => Ok(rows),
            Err(cause) if is_no_table(&cause) => Ok(Vec::new()),
            Err(cause) => Err(self.failed("reading the audit log", cause)),
        }
    }

    /// Follows the whole chain: how many rows hold, or the first place where it does not.
    pub fn verify(&mut self) -> Result<Result<i64, Broken>, StateError> {
        let mut chain = Chain::default();
        loop {
            let query = sqlx::query(
                "SELECT seq, at, actor, action, service, body, previous, hash FROM optimizer_audit \
                 WHERE seq > $1 ORDER BY seq LIMIT $2",
            );
            let rows = self.runtime.block_on(query.bind(chain.seq).bind(AT_ONCE).fetch_all(&mut self.connection));
            let rows: Vec<AuditRow> = rows
                .and_then(|rows| rows.iter().map(read).collect())
                .map_err(|cause| self.failed("reading the audit log", cause))?;
            for row in &rows {
                if let Err(broken) = chain.follow(row) {
                    return Ok(Err(broken));
                }
            }
            if i64::try_from(rows.len()).unwrap_or(AT_ONCE) < AT_ONCE {
                break;
            }
        }
        let head = self.runtime.block_on(head(&mut self.connection));
        let (expected, end) = head.map_err(|cause| self.failed("reading the audit log", cause))?;
        Ok(chain.ends(expected, &end).map(|()| chain.seq))
    }

    /// The newest deed of this kind.
    pub fn newest_deed(&mut self, action: &str) -> Result<Option<AuditRow>, StateError> {
        let query = sqlx::query(
            "SELECT seq, at, actor, action, service, body, previous, hash FROM optimizer_audit \
             WHERE action = $1 ORDER BY seq DESC LIMIT 1",
        );
        let row = self.runtime.block_on(query.bind(action).fetch_optional(&mut self.connection));
        row.and_then(|row| row.as_ref().map(read).transpose())
            .map_err(|cause| self.failed("reading the audit log", cause))
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<AuditRow, sqlx::Error> {
    Ok(AuditRow {
        seq: row.try_get("seq")?,
        deed: Deed {
            at: row.try_get("at")?,
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            service: row.try_get("service")?,
            body: row.try_get("body")?,
        },
        previous: row.try_get("previous")?,
        hash: row.try_get("hash")?,
    })
}

async fn head(connection: &mut AnyConnection) -> Result<(i64, String), sqlx::Error> {
    let row =
        sqlx::query("SELECT seq, hash FROM optimizer_audit_head WHERE name = 'audit'").fetch_one(connection).await?;
    Ok((row.try_get("seq")?, row.try_get("hash")?))
}

/// Keeps others from adding until this transaction ends. It writes, because SQLite lets nobody write who began by reading.
pub(super) async fn lock(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE optimizer_audit_head SET seq = seq WHERE name = 'audit'").execute(connection).await?;
    Ok(())
}

/// Adds deeds; after [`lock`].
pub(super) async fn add(connection: &mut AnyConnection, deeds: &[Deed]) -> Result<(), sqlx::Error> {
    let (mut seq, mut previous) = head(&mut *connection).await?;
    for deed in deeds {
        let row = AuditRow::next(seq + 1, deed.clone(), previous);
        sqlx::query(
            "INSERT INTO optimizer_audit (seq, at, actor, action, service, body, previous, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(row.seq)
        .bind(&row.deed.at)
        .bind(&row.deed.actor)
        .bind(&row.deed.action)
        .bind(&row.deed.service)
        .bind(&row.deed.body)
        .bind(&row.previous)
        .bind(&row.hash)
        .execute(&mut *connection)
        .await?;
        (seq, previous) = (row.seq, row.hash);
    }
    sqlx::query("UPDATE optimizer_audit_head SET seq = $1, hash = $2 WHERE name = 'audit'")
        .bind(seq)
        .bind(previous)
        .execute(connection)
        .await?;
    Ok(())
}
