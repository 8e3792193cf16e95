//! Rows that an engine sends as they are, kept for DuckDB to judge.

use std::{collections::BTreeMap, sync::Arc};

use duckdb::arrow::{
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, Schema, TimeUnit},
    record_batch::RecordBatch,
};

use super::{doubt::LakeDoubt, kind::Kind};
use crate::observe::{
    Engine, Format, ObserveError,
    engine::identifier,
    tables::Table,
    typed::{LOWER, TEXTS},
};

/// The types of a column that travels: between the programs, and in DuckDB.
fn types(name: &str, kind: Kind) -> (DataType, String) {
    let is_text =
        |name: &&str| TEXTS.iter().chain(LOWER).chain(&["service", "provider", "outcome"]).any(|text| text == name);
    match kind {
        // Whatever it is, it is asked for as text.
        _ if is_text(&name) => (DataType::Utf8, "VARCHAR".into()),
        Kind::Flag => (DataType::Boolean, "BOOLEAN".into()),
        Kind::Whole if name == "cache_hit" => (DataType::Int64, "BIGINT".into()),
        Kind::Whole | Kind::Number => (DataType::Float64, "DOUBLE".into()),
        // DuckDB makes a double of it, as it does of those in files.
        Kind::Decimal { precision, scale } => {
            (DataType::Decimal128(precision, scale), format!("DECIMAL({precision}, {scale})"))
        }
        // Times are UTC, and travel with the zone of the session, which is UTC too.
        Kind::Time => (DataType::Timestamp(TimeUnit::Microsecond, None), "TIMESTAMP".into()),
        Kind::Text | Kind::Other => (DataType::Utf8, "VARCHAR".into()),
    }
}

/// Keeps them in a table of that name.
pub(super) fn keep(
    engine: &Engine,
    columns: &BTreeMap<String, Kind>,
    batches: &[RecordBatch],
    name: &str,
    origin: String,
    source: usize,
) -> Result<Table, ObserveError> {
    let into = |cause| ObserveError::engine("keeping rows of the engine", cause);
    let definitions: Vec<String> =
        columns.iter().map(|(column, kind)| format!("{} {}", identifier(column), types(column, *kind).1)).collect();
    engine
        .connection()
        .execute_batch(&format!("CREATE TEMP TABLE {} ({})", identifier(name), definitions.join(", ")))
        .map_err(into)?;
    let fields = columns.iter().map(|(column, kind)| Field::new(column, types(column, *kind).0, true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let mut appender = engine.connection().appender(name).map_err(into)?;
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        let arrays = schema.fields().iter().map(|field| {
            let found = batch.column_by_name(field.name()).ok_or_else(|| format!("no column `{}`", field.name()))?;
            cast_with_options(found, field.data_type(), &strict).map_err(|cause| cause.to_string())
        });
        let unusable = |what| ObserveError::from(LakeDoubt::Unreadable { source_name: origin.clone(), what });
        let arrays = arrays.collect::<Result<Vec<_>, String>>().map_err(unusable)?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|cause| unusable(cause.to_string()))?;
        appender.append_record_batch(batch).map_err(into)?;
    }
    appender.flush().map_err(into)?;
    drop(appender);
    let columns = columns.iter().map(|(column, kind)| (column.clone(), types(column, *kind).1)).collect();
    Ok(Table::copied(origin, Format::Lake, source, name, columns))
}
