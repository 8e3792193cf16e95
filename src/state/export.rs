//! The whole store as one file: NDJSON, compressed. A header, each row of each table, and an end with the hash of all before it, so that
//! a file that was cut or changed is noticed. Both databases write the same bytes for the same rows.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    StateError, Store,
    shape::{Shape, TABLES},
};
use crate::domain::{format::hexadecimal, stored::Cell};

/// Version of the file's form.
pub const SCHEMA_VERSION: &str = "state/v1";

/// The migration that makes the lease and the audit log.
const LEASE_SINCE: i64 = 3;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Always `state/v1`.
    pub schema_version: String,
    /// The newest migration of the tables.
    pub tables_version: i64,
    pub exported_at: Timestamp,
    /// The number of the last lease: the next one goes above it.
    pub lease_token: i64,
    /// The newest deed: its place and its hash.
    pub audit_seq: i64,
    pub audit_hash: String,
    /// Rows by table.
    pub rows: BTreeMap<String, i64>,
}

/// A line between the first and the last.
#[derive(Serialize)]
struct Line<'a> {
    table: &'a str,
    row: BTreeMap<&'a str, &'a Cell>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub rows: i64,
    /// Of all lines before, uncompressed.
    pub sha256: String,
}

#[derive(Serialize)]
struct LastLine {
    end: End,
}

struct Lines<W: Write> {
    to: GzEncoder<W>,
    hash: Sha256,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &impl Serialize) -> Result<(), StateError> {
        let mut line = serde_json::to_vec(line).expect("rows are plain data");
        line.push(b'\n');
        self.hash.update(&line);
        self.to.write_all(&line).map_err(unwritten)
    }

    fn row(&mut self, shape: &Shape, cells: &[Cell]) -> Result<(), StateError> {
        let row = shape.columns.iter().map(|(name, _)| *name).zip(cells).collect();
        self.write(&Line { table: shape.name, row })
    }
}

fn unwritten(cause: io::Error) -> StateError {
    StateError::ExportUnwritten { cause }
}

impl Store {
    /// Writes everything it holds, as it was at one moment, and changes nothing. The lease is not written, only its number. `says` is told
    /// the table that comes next.
    pub fn export(
        &mut self,
        to: impl Write,
        now: Timestamp,
        says: &dyn Fn(&'static str),
    ) -> Result<Header, StateError> {
        // Before the moment begins: asking for a table that is not there ends a transaction.
        let version = self.version()?;
        self.snapshot(|store| {
            let header = store.header(version, now)?;
            // Packed plans do not get smaller for more effort.
            let mut lines = Lines { to: GzEncoder::new(to, Compression::fast()), hash: Sha256::new() };
            lines.write(&header)?;
            let mut rows = 0;
            for shape in TABLES.iter().filter(|shape| shape.since <= version) {
                says(shape.name);
                store.rows(shape, |cells| {
                    rows += 1;
                    lines.row(shape, &cells)
                })?;
            }
            let sha256 = hexadecimal(&lines.hash.clone().finalize());
            lines.write(&LastLine { end: End { rows, sha256 } })?;
            lines.to.finish().and_then(|mut to| to.flush()).map_err(unwritten)?;
            Ok(header)
        })
    }

    fn header(&mut self, version: i64, now: Timestamp) -> Result<Header, StateError> {
        let (mut lease_token, mut audit_seq, mut audit_hash) = (0, 0, String::new());
        if version >= LEASE_SINCE {
            lease_token = self.number("SELECT token FROM optimizer_lease WHERE name = 'tick'".to_owned())?;
            audit_seq = self.number("SELECT seq FROM optimizer_audit_head WHERE name = 'audit'".to_owned())?;
            let hashes = self.texts("SELECT hash FROM optimizer_audit_head WHERE name = 'audit'".to_owned())?;
            audit_hash = hashes.into_iter().next().unwrap_or_default();
        }
        let mut rows = BTreeMap::new();
        for shape in TABLES.iter().filter(|shape| shape.since <= version) {
            let number = self.number(format!("SELECT COUNT(*) FROM optimizer_{}", shape.name))?;
            rows.insert(shape.name.to_owned(), number);
        }
        let schema_version = SCHEMA_VERSION.to_owned();
        Ok(Header {
            schema_version,
            tables_version: version,
            exported_at: now,
            lease_token,
            audit_seq,
            audit_hash,
            rows,
        })
    }

    /// All rows of a table in the order of their keys.
    fn rows(
        &mut self,
        shape: &Shape,
        mut take: impl FnMut(Vec<Cell>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let order = shape.order(self.is_postgres());
        if !shape.heavy {
            return self.each(format!("{} {order}", shape.select()), |row| shape.cells(row), take);
        }
        // Some fifty rows are read ahead, and of these, that is too much.
        let mut keys = Vec::new();
        let all = format!("SELECT {} FROM optimizer_{} {order}", shape.key.join(", "), shape.name);
        self.each(
            all,
            |row| shape.key_of(row),
            |key| {
                keys.push(key);
                Ok::<(), StateError>(())
            },
        )?;
        let wanted: Vec<String> = (1..).zip(shape.key).map(|(place, name)| format!("{name} = ${place}")).collect();
        let sql = format!("{} WHERE {}", shape.select(), wanted.join(" AND "));
        for key in keys {
            let query = sqlx::query(sqlx::AssertSqlSafe(sql.clone()));
            let query = key.iter().fold(query, |query, cell| match cell {
                Cell::Text(text) => query.bind(text.clone()),
                Cell::Number(number) => query.bind(*number),
            });
            let row = self.runtime.block_on(query.fetch_one(&mut self.connection));
            let cells = row.and_then(|row| shape.cells(&row)).map_err(|cause| self.failed("reading it", cause))?;
            take(cells)?;
        }
        Ok(())
    }
}
