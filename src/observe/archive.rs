//! Rows as a Parquet file, which is believed only when it was read back.

use std::path::Path;

use duckdb::{appender_params_from_iter, types::Value};

use super::{
    Engine, ObserveError,
    engine::{identifier, literal},
};
use crate::domain::stored::{Cell, Column, Kind};

/// Writes rows over the file, which should be there already, so that its rights are those that were chosen. Nothing is left in the engine.
pub fn write_parquet(engine: &Engine, file: &Path, columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), ObserveError> {
    let failed = |cause| ObserveError::engine("writing an archive", cause);
    let typed = columns.iter().map(|(name, kind)| {
        let kind = if *kind == Kind::Text { "VARCHAR" } else { "BIGINT" };
        format!("{} {kind} NOT NULL", identifier(name))
    });
    let table = format!("CREATE OR REPLACE TEMP TABLE archived ({})", typed.collect::<Vec<_>>().join(", "));
    engine.run("writing an archive", &table)?;
    let append = || -> duckdb::Result<()> {
        let mut appender = engine.connection().appender("archived")?;
        for row in rows {
            appender.append_row(appender_params_from_iter(row.iter().map(value)))?;
        }
        appender.flush()
    };
    append().map_err(failed)?;
    let to = literal(&file.to_string_lossy());
    let copy = format!("COPY archived TO {to} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)");
    let copied = engine.run("writing an archive", &copy);
    engine.run("writing an archive", "DROP TABLE archived")?;
    copied
}

/// Whether the file holds just these rows, in this order.
pub fn holds(engine: &Engine, file: &Path, columns: &[Column], rows: &[Vec<Cell>]) -> Result<bool, ObserveError> {
    let failed = |cause| ObserveError::engine("reading an archive back", cause);
    let names: Vec<String> = columns.iter().map(|(name, _)| identifier(name)).collect();
    let sql = format!("SELECT {} FROM read_parquet({})", names.join(", "), literal(&file.to_string_lossy()));
    let mut statement = engine.connection().prepare(&sql).map_err(failed)?;
    let mut found = statement.query([]).map_err(failed)?;
    let mut expected = rows.iter();
    while let Some(row) = found.next().map_err(failed)? {
        let Some(cells) = expected.next() else { return Ok(false) };
        for (place, cell) in cells.iter().enumerate() {
            if row.get::<_, Value>(place).map_err(failed)? != value(cell) {
                return Ok(false);
            }
        }
    }
    Ok(expected.next().is_none())
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Number(number) => Value::BigInt(*number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_others_are_told_from_them() {
        let folder = tempfile::tempdir().unwrap();
        let (file, engine) = (folder.path().join("it's.part"), Engine::open(None).unwrap());
        let columns = [("id", Kind::Text), ("generation", Kind::Number)];
        let row = |text: &str, number| vec![Cell::Text(text.to_owned()), Cell::Number(number)];
        let rows = [row("a\n'é🦀", 1), row("", i64::MIN)];
        write_parquet(&engine, &file, &columns, &rows).unwrap();
        assert!(holds(&engine, &file, &columns, &rows).unwrap());
        assert!(!holds(&engine, &file, &columns, &rows[..1]).unwrap());
        assert!(!holds(&engine, &file, &columns, &[rows[0].clone(), row("", 0)]).unwrap());
        assert!(!holds(&engine, &file, &columns, &[rows[0].clone(), rows[1].clone(), row("b", 0)]).unwrap());
        // Another one in its place, and what cannot be written.
        write_parquet(&engine, &file, &columns, &rows[1..]).unwrap();
        assert!(holds(&engine, &file, &columns, &rows[1..]).unwrap());
        assert!(write_parquet(&engine, &folder.path().join("no/such"), &columns, &rows).is_err());
        std::fs::write(&file, "PAR1").unwrap();
        assert!(holds(&engine, &file, &columns, &rows).is_err());
    }
}
