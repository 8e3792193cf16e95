//! Streams rows out of a database with binary COPY and into the engine as Arrow batches: a few thousand rows are in between at
//! any time.

use std::sync::Arc;

use duckdb::arrow::{
    array::{
        ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::{DataType, Field, Schema, TimeUnit},
};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use sqlx::PgConnection;

use super::{Database, Found, Range, in_time};
use crate::observe::{Engine, Format, ObserveError, engine::identifier, layout::Layout, tables::Table};

const DOING: &str = "reading rows";

/// Rows that are handed over at a time.
const BATCH_ROWS: usize = 16_384;

/// Microseconds from 1970 to 2000, where the server's own times begin.
const EPOCH_2000_US: i64 = 946_684_800_000_000;

/// Longest value of one column; nothing the optimizer needs is as long, and a broken length must not take all memory.
const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;

/// What to copy, and where to.
pub(in crate::observe) struct Wanted<'a> {
    pub found: &'a Found,
    pub layout: &'a Layout,
    pub range: Range,
    pub name: &'a str,
    pub source: usize,
    /// A further condition on the rows.
    pub only: Option<&'a str>,
}

/// How a column travels and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flag,
    Whole,
    Number,
    Time,
    Text,
}

impl Kind {
    /// By the type as the catalog writes it. Decimals travel as text: one that no double can hold must not end the query.
    fn of(catalog: &str) -> Self {
        match catalog {
            "boolean" => Self::Flag,
            "smallint" | "integer" | "bigint" => Self::Whole,
            "real" | "double precision" => Self::Number,
            "timestamp with time zone" | "timestamp without time zone" => Self::Time,
            _ => Self::Text,
        }
    }

    /// The column as it is asked for; times without a zone are UTC in every layout that has them.
    fn select(self, column: &str) -> String {
        match self {
            Self::Flag => column.to_owned(),
            Self::Whole => format!("CAST({column} AS bigint)"),
            Self::Number => format!("CAST({column} AS double precision)"),
            Self::Time => format!("CAST({column} AS timestamp without time zone)"),
            Self::Text => format!("CAST({column} AS text)"),
        }
    }

    fn engine_type(self) -> &'static str {
        match self {
            Self::Flag => "BOOLEAN",
            Self::Whole => "BIGINT",
            Self::Number => "DOUBLE",
            Self::Time => "TIMESTAMP",
            Self::Text => "VARCHAR",
        }
    }
}

/// Copies the rows and returns the table they are now.
pub(super) fn copy(
    engine: &Engine,
    database: &Database,
    runtime: &tokio::runtime::Runtime,
    connection: &mut PgConnection,
    wanted: &Wanted<'_>,
) -> Result<Table, ObserveError> {
    let columns = columns(wanted);
    let into = |cause| ObserveError::engine("keeping rows of the database", cause);
    let definitions: Vec<String> =
        columns.iter().map(|(name, kind)| format!("{} {}", identifier(name), kind.engine_type())).collect();
    let create = format!("CREATE TEMP TABLE {} ({})", wanted.name, definitions.join(", "));
    engine.connection().execute_batch(&create).map_err(into)?;
    let sql = select(wanted, &columns)?;
    let mut appender = engine.connection().appender(wanted.name).map_err(into)?;
    let mut reader = Reader::new(&columns);
    let copy = format!("COPY ({sql}) TO STDOUT (FORMAT binary)");
    runtime.block_on(async {
        let failed = |cause| database.failed(DOING, cause);
        let mut chunks = in_time(database, connection.copy_out_raw(&copy)).await.map_err(failed)?;
        loop {
            let next = in_time(database, async { chunks.next().await.transpose() }).await.map_err(failed)?;
            let Some(chunk) = next else { break };
            reader.take(&chunk).map_err(|what| garbled(database, what))?;
            if reader.rows >= BATCH_ROWS {
                appender.append_record_batch(reader.batch()).map_err(into)?;
            }
        }
        // Without the trailer the server has stopped in the middle, whatever the connection says.
        if !reader.ended {
            return Err(garbled(database, "it stopped in the middle of the rows"));
        }
        appender.append_record_batch(reader.batch()).map_err(into)
    })?;
    appender.flush().map_err(into)?;
    drop(appender);
    Ok(Table::copied(
        format!("{} of {}", wanted.found.name(), database.shown),
        Format::Postgres,
        wanted.source,
        wanted.name,
        columns.iter().map(|(name, kind)| (name.clone(), kind.engine_type().to_owned())).collect(),
    ))
}

fn garbled(database: &Database, what: &str) -> ObserveError {
    database.failed(DOING, sqlx::Error::Protocol(what.to_owned()))
}

/// The columns that the layout reads and the table has.
fn columns(wanted: &Wanted<'_>) -> Vec<(String, Kind)> {
    let read = |name: &String| wanted.layout.reads.as_ref().is_none_or(|reads| reads.contains(name));
    let found = wanted.found.columns.iter().filter(|(name, _)| read(name));
    found.map(|(name, kind)| (name.clone(), Kind::of(kind))).collect()
}

/// The query for the rows of the range.
fn select(wanted: &Wanted<'_>, columns: &[(String, Kind)]) -> Result<String, ObserveError> {
    let Wanted { found, layout, range, .. } = wanted;
    let list: Vec<String> = columns.iter().map(|(name, kind)| kind.select(&identifier(name))).collect();
    let (start, end) = (literal(range.start), literal(range.end));
    if let Some(joined) = found.joined {
        let joined = joined.trim_end().replace("$1", &start).replace("$2", &end);
        return Ok(format!("SELECT {} FROM (\n{joined}\n) AS joined", list.join(", ")));
    }
    let no_time = |what: String| ObserveError::NoTimeColumn { table: found.name(), layout: layout.name.clone(), what };
    let time = layout.time.as_deref().ok_or_else(|| no_time("its header has no `-- Time:`".to_owned()))?;
    let kind = found.columns.iter().find(|(name, _)| name == time).map(|(_, kind)| kind.as_str());
    let (start, end) = match kind {
        Some("timestamp with time zone") => (start, end),
        Some("timestamp without time zone") => {
            (format!("CAST({start} AS timestamp)"), format!("CAST({end} AS timestamp)"))
        }
        Some(other) => return Err(no_time(format!("`{time}` is of the type {other}"))),
        None => return Err(no_time(format!("`{time}` is not there"))),
    };
    let time = identifier(time);
    Ok(format!(
        "SELECT {} FROM {}.{} WHERE {time} >= {start} AND {time} < {end}{}",
        list.join(", "),
        identifier(&found.schema),
        identifier(&found.table),
        wanted.only.map_or_else(String::new, |only| format!(" AND ({only})"))
    ))
}

/// A time as the server reads it.
fn literal(at: Timestamp) -> String {
    format!("TIMESTAMPTZ '{at}'")
}

/// Reads the server's binary rows into columns. Chunks may end anywhere, also inside a value.
struct Reader {
    columns: Vec<Column>,
    schema: Arc<Schema>,
    /// What the last chunk ended in the middle of.
    rest: Vec<u8>,
    begun: bool,
    ended: bool,
    rows: usize,
}

enum Column {
    Flag(BooleanBuilder),
    Whole(Int64Builder),
    Number(Float64Builder),
    Time(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Reader {
    fn new(columns: &[(String, Kind)]) -> Self {
        let field = |(name, kind): &(String, Kind)| {
            let data = match kind {
                Kind::Flag => DataType::Boolean,
                Kind::Whole => DataType::Int64,
                Kind::Number => DataType::Float64,
                Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
                Kind::Text => DataType::Utf8,
            };
            Field::new(name, data, true)
        };
        let builder = |(_, kind): &(String, Kind)| match kind {
            Kind::Flag => Column::Flag(BooleanBuilder::new()),
            Kind::Whole => Column::Whole(Int64Builder::new()),
            Kind::Number => Column::Number(Float64Builder::new()),
            Kind::Time => Column::Time(TimestampMicrosecondBuilder::new()),
            Kind::Text => Column::Text(StringBuilder::new()),
        };
        Self {
            columns: columns.iter().map(builder).collect(),
            schema: Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>())),
            rest: Vec::new(),
            begun: false,
            ended: false,
            rows: 0,
        }
    }

    /// Takes one chunk of bytes; what is wrong with it as an error.
    fn take(&mut self, chunk: &[u8]) -> Result<(), &'static str> {
        if self.rest.is_empty() {
            let used = self.rows_of(chunk)?;
            self.rest.extend_from_slice(&chunk[used..]);
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(chunk);
        let used = self.rows_of(&bytes)?;
        bytes.drain(..used);
        self.rest = bytes;
        Ok(())
    }

    /// Reads whole rows and returns how many bytes they took.
    fn rows_of(&mut self, bytes: &[u8]) -> Result<usize, &'static str> {
        let mut at = 0;
        if !self.begun {
            // Signature, flags, and the length of an extension of the header.
            let Some(header) = bytes.get(..19) else { return Ok(0) };
            if !header.starts_with(b"PGCOPY\n\xff\r\n\0") {
                return Err("what it sends is not a binary copy");
            }
            let extension = i32::from_be_bytes([header[15], header[16], header[17], header[18]]);
            at = 19 + usize::try_from(extension).map_err(|_| "the header of its copy is broken")?;
            if bytes.len() < at {
                return Ok(0);
            }
            self.begun = true;
        }
        while let Some(next) = self.row(&bytes[at..])? {
            at += next;
        }
        Ok(at)
    }

    /// Reads one row, if it is there as a whole; how many bytes it took.
    fn row(&mut self, bytes: &[u8]) -> Result<Option<usize>, &'static str> {
        let Some(count) = bytes.first_chunk().map(|count| i16::from_be_bytes(*count)) else { return Ok(None) };
        if self.ended {
            return Err("it sends rows after the last one");
        }
        if count == -1 {
            self.ended = true;
            return Ok(Some(2));
        }
        if usize::try_from(count) != Ok(self.columns.len()) {
            return Err("a row has another number of columns than was asked for");
        }
        // First whether the row is whole, so that no column gets ahead of the others.
        let mut end = 2;
        for _ in 0..count {
            let Some(length) = bytes.get(end..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
            end += 4;
            if let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) {
                if length > MAX_VALUE_BYTES {
                    return Err("a value is longer than 64 MiB");
                }
                end += length;
            }
        }
        if bytes.len() < end {
            return Ok(None);
        }
        let mut at = 2;
        for column in &mut self.columns {
            let length = i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            at += 4;
            let value = usize::try_from(length).ok().map(|length| &bytes[at..at + length]);
            at += value.map_or(0, <[u8]>::len);
            column.push(value)?;
        }
        self.rows += 1;
        Ok(Some(end))
    }

    /// The rows read so far.
    fn batch(&mut self) -> RecordBatch {
        self.rows = 0;
        let columns: Vec<ArrayRef> = self.columns.iter_mut().map(Column::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns).expect("columns of equal length and the schema's types")
    }
}

impl Column {
    fn push(&mut self, value: Option<&[u8]>) -> Result<(), &'static str> {
        const WIDTH: &str = "a value has another width than its type";
        let eight = |value: &[u8]| value.try_into().map_err(|_| WIDTH);
        match (self, value) {
            (Self::Flag(column), value) => column.append_option(value.map(|value| value == [1])),
            (Self::Whole(column), Some(value)) => column.append_value(i64::from_be_bytes(eight(value)?)),
            (Self::Whole(column), None) => column.append_null(),
            (Self::Number(column), Some(value)) => column.append_value(f64::from_be_bytes(eight(value)?)),
            (Self::Number(column), None) => column.append_null(),
            (Self::Time(column), Some(value)) => {
                // Infinity is no time at all.
                let at = i64::from_be_bytes(eight(value)?);
                column.append_option(at.checked_add(EPOCH_2000_US).filter(|_| at != i64::MIN));
            }
            (Self::Time(column), None) => column.append_null(),
            (Self::Text(column), Some(value)) => column.append_value(String::from_utf8_lossy(value)),
            (Self::Text(column), None) => column.append_null(),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Flag(column) => Arc::new(column.finish()),
            Self::Whole(column) => Arc::new(column.finish()),
            Self::Number(column) => Arc::new(column.finish()),
            Self::Time(column) => Arc::new(column.finish()),
            Self::Text(column) => Arc::new(column.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use duckdb::arrow::array::{Array as _, AsArray as _};
    use duckdb::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
    use proptest::prelude::*;

    use super::*;

    fn columns() -> Vec<(String, Kind)> {
        [("a", Kind::Whole), ("b", Kind::Text), ("c", Kind::Time)].map(|(name, kind)| (name.to_owned(), kind)).into()
    }

    /// Two rows, the second all NULL.
    fn stream() -> Vec<u8> {
        let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend([0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2]);
        bytes.extend(b"hi");
        bytes.extend([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5]);
        bytes.extend([0, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
        bytes.extend([255, 255]);
        bytes
    }

    proptest! {
        #[test]
        fn chunks_may_end_anywhere(cuts in prop::collection::vec(0..80usize, 0..6)) {
            let bytes = stream();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let mut reader = Reader::new(&columns());
            for pair in cuts.windows(2) {
                reader.take(&bytes[pair[0]..pair[1]]).unwrap();
            }
            prop_assert!(reader.ended && reader.rest.is_empty());
            let batch = reader.batch();
            prop_assert_eq!(batch.num_rows(), 2);
            prop_assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 256);
            prop_assert_eq!(batch.column(1).as_string::<i32>().value(0), "hi");
            prop_assert_eq!(batch.column(2).as_primitive::<TimestampMicrosecondType>().value(0), EPOCH_2000_US + 5);
            prop_assert!((0..3).all(|column| batch.column(column).is_null(1)));
        }

        #[test]
        fn garbage_is_refused_and_never_read_beyond(mut bytes in prop::collection::vec(any::<u8>(), 0..200), keep in 0..60usize) {
            let mut begun = stream();
            begun.truncate(keep);
            begun.append(&mut bytes);
            let mut reader = Reader::new(&columns());
            if reader.take(&begun).is_ok() {
                prop_assert!(reader.batch().num_rows() <= 2);
            }
        }
    }
}
