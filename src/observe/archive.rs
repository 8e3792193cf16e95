//! Rows as a Parquet file, which is believed only when it was read back.

use std::path::Path;

use duckdb::{appender_params_from_iter, types::Value};

use super::{
    Engine, ObserveError,
    engine::{identifier, literal},
};
use crate::domain::stored::{Cell, Column, Kind};

const WRITING: &str = "writing an archive";

/// Writes rows over the file, which should be there already, so that its rights are those that were chosen.
pub fn write_parquet(engine: &Engine, file: &Path, columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), ObserveError> {
    let typed = columns.iter().map(|(name, kind)| {
        let kind = if *kind == Kind::Text { "VARCHAR" } else { "BIGINT" };
        format!("{} {kind} NOT NULL", identifier(name))
    });
    let table = format!("CREATE OR REPLACE TEMP TABLE archived ({})", typed.collect::<Vec<_>>().join(", "));
    engine.run(WRITING, &table)?;
    let append = || -> duckdb::Result<()> {
        let mut appender = engine.connection().appender("archived")?;
        for row in rows {
            appender.append_row(appender_params_from_iter(row.iter().map(value)))?;
        }
        appender.flush()
    };
    append().map_err(|cause| ObserveError::engine(WRITING, cause))?;
    let to = literal(&file.to_string_lossy());
    engine.run(WRITING, &format!("COPY archived TO {to} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"))
}

/// Whether the file holds so many rows, and those that were written last. They are forgotten afterwards.
pub fn reads_back(engine: &Engine, file: &Path, columns: &[Column], rows: usize) -> Result<bool, ObserveError> {
    let failed = |cause| ObserveError::engine("reading an archive back", cause);
    let names: Vec<String> = columns.iter().map(|(name, _)| identifier(name)).collect();
    // Hashes, because a second copy of megabytes of text would have to be in memory.
    let told = |from: &str| -> Result<(i64, String), ObserveError> {
        let hashes = format!("COALESCE(sum(hash({})::HUGEINT), 0)::VARCHAR", names.join(", "));
        let sql = format!("SELECT count(*), {hashes} FROM {from}");
        engine.connection().query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)
    };
    let there = told(&format!("read_parquet({})", literal(&file.to_string_lossy())))?;
    let written = told("archived")?;
    engine.run(WRITING, "DROP TABLE archived")?;
    Ok(there == written && usize::try_from(there.0) == Ok(rows))
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
        let engine = Engine::open(None).unwrap();
        let (file, other) = (folder.path().join("it's.part"), folder.path().join("other"));
        let columns = [("id", Kind::Text), ("generation", Kind::Number)];
        let row = |text: &str, number| vec![Cell::Text(text.to_owned()), Cell::Number(number)];
        let rows = [row("a\n'é🦀", 1), row("", i64::MIN)];
        let write = |file: &Path, rows: &[Vec<Cell>]| write_parquet(&engine, file, &columns, rows);
        let back = |file: &Path, rows| reads_back(&engine, file, &columns, rows);
        write(&file, &rows).unwrap();
        assert!(back(&file, 2).unwrap());
        let text = |sql: &str| engine.connection().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        let sql = format!("SELECT id FROM read_parquet({}) WHERE generation = 1", literal(&file.to_string_lossy()));
        assert_eq!(text(&sql), "a\n'é🦀");
        // Too few, too many, and others than were written.
        for others in [&rows[..1], &[rows[0].clone(), row("", 0)], &[rows[0].clone(), rows[1].clone(), row("b", 0)]] {
            write(&other, others).unwrap();
            assert!(!back(&file, others.len()).unwrap(), "{others:?}");
        }
        write(&file, &rows).unwrap();
        assert!(!back(&file, 3).unwrap());
        // Another one in its place, none at all, and what cannot be written or read.
        write(&file, &rows[1..]).unwrap();
        assert!(back(&file, 1).unwrap());
        write(&file, &[]).unwrap();
        assert!(back(&file, 0).unwrap());
        assert!(write(&folder.path().join("no/such"), &rows).is_err());
        std::fs::write(&file, "PAR1").unwrap();
        assert!(back(&file, 2).is_err());
    }
}
