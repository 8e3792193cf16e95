//! Rows of an export on their way into the tables.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sqlx::{AnyConnection, error::ErrorKind};

use super::Failed;
use crate::{
    domain::{format::counted, stored::Kind},
    state::{
        AuditRow, Broken, Deed,
        audit::Chain,
        export::{End, Header},
        shape::{AUDIT, Shape},
    },
};

/// Rows, and bytes of them, that are written with one statement.
const ROWS_AT_ONCE: usize = 200;
const BYTES_AT_ONCE: usize = 1 << 20;

/// Rows on their way into the tables, and what is known of those that went before.
#[derive(Default)]
pub(super) struct Rows {
    waiting: Vec<Map<String, Value>>,
    bytes: usize,
    shape: Option<&'static Shape>,
    counts: BTreeMap<&'static str, i64>,
    chain: Chain,
}

impl Rows {
    /// Takes one in, and writes those before it where it is time.
    pub(super) async fn add(
        &mut self,
        connection: &mut AnyConnection,
        shape: &'static Shape,
        row: Map<String, Value>,
    ) -> Result<(), Failed> {
        for (name, value) in &row {
            let fits = match shape.columns.iter().find(|(column, _)| column == name) {
                Some((_, Kind::Text)) => value.is_string(),
                Some((_, Kind::Number)) => value.is_i64(),
                None => return Err(Failed::Export(format!("`{}` has no column `{name}`", shape.name))),
            };
            if !fits {
                return Err(Failed::Export(format!("`{name}` of `{}` is something else", shape.name)));
            }
        }
        if shape.name == AUDIT {
            let deed = deed(&row).ok_or_else(|| Failed::Export("a deed lacks something".to_owned()))?;
            self.chain.follow(&deed).map_err(|broken| Failed::Export(broken_log(&broken)))?;
        }
        // Rows of one statement have the same columns; those that are missing get the default of the table.
        let alike = self.shape.is_some_and(|before| before.name == shape.name)
            && self.waiting.last().is_none_or(|before| before.keys().eq(row.keys()));
        if !alike || self.waiting.len() >= ROWS_AT_ONCE || self.bytes >= BYTES_AT_ONCE {
            self.write(connection).await?;
        }
        self.shape = Some(shape);
        self.bytes += row.values().filter_map(Value::as_str).map(str::len).sum::<usize>();
        *self.counts.entry(shape.name).or_default() += 1;
        self.waiting.push(row);
        Ok(())
    }

    /// Writes what waits.
    pub(super) async fn write(&mut self, connection: &mut AnyConnection) -> Result<(), Failed> {
        let waiting = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        let (Some(shape), Some(first)) = (self.shape, waiting.first()) else { return Ok(()) };
        let columns: Vec<&str> = first.keys().map(String::as_str).collect();
        let places: Vec<String> = (0..waiting.len())
            .map(|row| {
                let places = (1..=columns.len()).map(|column| format!("${}", columns.len() * row + column));
                format!("({})", places.collect::<Vec<_>>().join(", "))
            })
            .collect();
        let sql = format!("INSERT INTO optimizer_{} ({}) VALUES {}", shape.name, columns.join(", "), places.join(", "));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in waiting.iter().flat_map(Map::values) {
            query = match value {
                Value::String(text) => query.bind(text),
                other => query.bind(other.as_i64()),
            };
        }
        query.execute(connection).await.map(drop).map_err(refused)
    }

    /// Whether everything came that the header promised.
    pub(super) fn hold(&self, header: &Header, end: &End) -> Result<(), String> {
        let promised: i64 = header.rows.values().sum();
        let came: i64 = self.counts.values().sum();
        let short = header.rows.iter().find(|(table, rows)| self.counts.get(table.as_str()).unwrap_or(&0) != *rows);
        if let Some((table, rows)) = short {
            let came = self.counts.get(table.as_str()).unwrap_or(&0);
            return Err(format!("it promises {} of `{table}`, and holds {came}", counted(rows.unsigned_abs(), "row")));
        }
        if promised != came || end.rows != came {
            return Err(format!(
                "it promises {promised} rows at its beginning and {} at its end, and holds {came}",
                end.rows
            ));
        }
        self.chain.ends(header.audit_seq, &header.audit_hash).map_err(|broken| broken_log(&broken))
    }
}

/// Rows that the tables do not take are the export's fault; anything else is the database's.
fn refused(cause: sqlx::Error) -> Failed {
    match &cause {
        sqlx::Error::Database(why) if !matches!(why.kind(), ErrorKind::Other) => {
            Failed::Export(format!("the tables refuse some of its rows ({why})"))
        }
        _ => Failed::Database(cause),
    }
}

fn broken_log(broken: &Broken) -> String {
    format!("its audit log does not hold: {broken}")
}

fn deed(row: &Map<String, Value>) -> Option<AuditRow> {
    let text = |name: &str| row.get(name)?.as_str().map(str::to_owned);
    Some(AuditRow {
        seq: row.get("seq")?.as_i64()?,
        deed: Deed {
            at: text("at")?,
            actor: text("actor")?,
            action: text("action")?,
            service: text("service")?,
            body: text("body")?,
        },
        previous: text("previous")?,
        hash: text("hash")?,
    })
}
