//! The columns that tell whether a row is plainly fine, and what it adds up to.

use std::fmt::Write as _;

use super::vectors::{Chunk, Column, RawText};
use crate::observe::{engine::identifier, typed::Columns};

/// What the function is given of a row beside its columns, in this order: microseconds since 1970; hash of its identity; two hashes of
/// its key, the second over the columns in the opposite order, so that two keys that share the one do not share the other.
const FIRST: usize = 4;

/// A column of the canonical layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Field {
    Service,
    Complexity,
    Provider,
    Model,
    ConfigVersion,
    Variant,
    RequestId,
    Endpoint,
    Outcome,
    ErrorType,
    CacheHit,
    Latency,
    Ttft,
    Input,
    Cached,
    CacheWrite,
    Output,
    Cost,
    Quality,
    Status,
    Retries,
    Weight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Number,
}

/// In the order of [`Field`].
const COLUMNS: [(&str, Kind); 22] = [
    ("service", Kind::Text),
    ("complexity", Kind::Text),
    ("provider", Kind::Text),
    ("model", Kind::Text),
    ("config_version", Kind::Text),
    ("variant", Kind::Text),
    ("request_id", Kind::Text),
    ("endpoint", Kind::Text),
    ("outcome", Kind::Text),
    ("error_type", Kind::Text),
    ("cache_hit", Kind::Flag),
    ("latency_ms", Kind::Number),
    ("ttft_ms", Kind::Number),
    ("input_tokens", Kind::Number),
    ("cached_input_tokens", Kind::Number),
    ("cache_write_tokens", Kind::Number),
    ("output_tokens", Kind::Number),
    ("cost_usd", Kind::Number),
    ("quality", Kind::Number),
    ("status_code", Kind::Number),
    ("retry_count", Kind::Number),
    ("weight", Kind::Number),
];

/// How many of them make the key of a cell.
pub(super) const KEYS: usize = 6;

/// What rows without these come to, only the SQL knows.
const NEEDED: [Field; 4] = [Field::Service, Field::Model, Field::RequestId, Field::Latency];

/// Which columns there are, and how they become arguments.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// Place of each among the arguments.
    places: [Option<usize>; COLUMNS.len()],
    /// SQL type and expression of each argument.
    arguments: Vec<(&'static str, String)>,
    /// The columns by which `typed.rs` knows what a row is.
    pub selected: Columns,
}

impl Fields {
    /// Of a table with these columns; none where one is not of the type it has in the canonical layout.
    pub(super) fn of(columns: &Columns, source: usize) -> Option<Self> {
        let kind_of = |name: &str| columns.iter().find(|(found, _)| found == name).map(|(_, kind)| kind.as_str());
        if !matches!(kind_of("ts")?, "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE") {
            return None;
        }
        let mut fields = Self { places: [None; COLUMNS.len()], arguments: Vec::new(), selected: Vec::new() };
        fields.select("ts", kind_of("ts")?);
        let mut keys = Vec::new();
        let mut arguments = Vec::new();
        for (place, (name, kind)) in COLUMNS.iter().enumerate() {
            let Some(found) = kind_of(name) else { continue };
            let column = identifier(name);
            let argument = match kind {
                Kind::Text if found == "VARCHAR" => ("VARCHAR", column.clone()),
                Kind::Flag if found == "BOOLEAN" => ("BOOLEAN", column.clone()),
                Kind::Number if found == "DOUBLE" => ("DOUBLE", column.clone()),
                Kind::Number if is_number(found) => ("DOUBLE", format!("CAST({column} AS DOUBLE)")),
                _ => return None,
            };
            if place < KEYS {
                keys.push(column);
            }
            fields.places[place] = Some(FIRST + arguments.len());
            fields.select(name, found);
            arguments.push(argument);
        }
        if NEEDED.iter().any(|field| fields.places[*field as usize].is_none()) {
            return None;
        }
        let forwards = keys.join(", ");
        keys.reverse();
        fields.arguments = vec![
            ("BIGINT", "epoch_us(ts)".to_owned()),
            ("UBIGINT", format!("hash({source}::INTEGER, request_id)")),
            ("UBIGINT", format!("hash({forwards})")),
            ("UBIGINT", format!("hash({})", keys.join(", "))),
        ];
        fields.arguments.extend(arguments);
        Some(fields)
    }

    fn select(&mut self, name: &str, kind: &str) {
        self.selected.push((name.to_owned(), kind.to_owned()));
    }

    /// The arguments as SQL.
    pub(super) fn sql(&self) -> String {
        let mut sql = String::new();
        for (place, (_, argument)) in self.arguments.iter().enumerate() {
            let _ = write!(sql, "{}{argument}", if place > 0 { ", " } else { "" });
        }
        sql
    }

    /// The hash of a row's identity as SQL.
    pub(super) fn identity(&self) -> &str {
        &self.arguments[1].1
    }

    /// SQL types of the arguments.
    pub(super) fn types(&self) -> impl Iterator<Item = &'static str> {
        self.arguments.iter().map(|(kind, _)| *kind)
    }

    fn place(&self, field: Field) -> Option<usize> {
        self.places[field as usize]
    }
}

/// A type that `typed.rs` turns into a number by a cast alone.
fn is_number(kind: &str) -> bool {
    kind.starts_with("DECIMAL") || kind.ends_with("INT") || kind.ends_with("INTEGER") || kind == "FLOAT"
}

/// The columns of a chunk; none where the source has no such column.
pub(super) struct Rows<'a> {
    chunk: &'a Chunk<'a>,
    fields: &'a Fields,
    pub ts_us: Column<'a, i64>,
    pub identity: Column<'a, u64>,
    pub cell: Column<'a, u64>,
    pub check: Column<'a, u64>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(chunk: &'a Chunk<'a>, fields: &'a Fields) -> Self {
        let hashes = |place| chunk.column::<u64>(place);
        Self { chunk, fields, ts_us: chunk.column(0), identity: hashes(1), cell: hashes(2), check: hashes(3) }
    }

    pub(super) fn len(&self) -> usize {
        self.chunk.rows
    }

    pub(super) fn texts(&self, field: Field) -> Option<Column<'a, RawText>> {
        self.fields.place(field).map(|place| self.chunk.column(place))
    }

    pub(super) fn numbers(&self, field: Field) -> Option<Column<'a, f64>> {
        self.fields.place(field).map(|place| self.chunk.column(place))
    }

    pub(super) fn flags(&self, field: Field) -> Option<Column<'a, u8>> {
        self.fields.place(field).map(|place| self.chunk.column(place))
    }

    /// The texts that make the keys, in the order of [`Field`].
    pub(super) fn keys(&self) -> [Option<Column<'a, RawText>>; KEYS] {
        use Field::{Complexity, ConfigVersion, Model, Provider, Service, Variant};
        [Service, Complexity, Provider, Model, ConfigVersion, Variant].map(|field| self.texts(field))
    }
}
