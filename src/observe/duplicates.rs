//! Leaves one row of each identity. Nearly every log has none twice, so the first look is a table of small marks that goes along
//! with the fold, and only what it suspects is counted exactly. Where something really repeats, the fold is done again without.

use super::{Engine, ObserveError};

const DOING: &str = "looking for duplicates";

/// Redefines `unique_rows` so that none of the suspects is in it twice; returns how many of the `used` rows fell away. `rows` are
/// those of the source.
pub(super) fn deduplicate(engine: &Engine, suspects: &[u64], rows: u64, used: u64) -> Result<u64, ObserveError> {
    let number = |sql: &str| -> Result<i64, ObserveError> {
        engine.connection().query_row(sql, [], |row| row.get(0)).map_err(|cause| ObserveError::engine(DOING, cause))
    };
    if suspects.is_empty() {
        return Ok(0);
    }
    remember(engine, suspects)?;
    engine.run(DOING, include_str!("../../queries/duplicates.sql"))?;
    if number("SELECT count(*) FROM duplicate_identities")? == 0 {
        return Ok(0);
    }
    refuse_collisions(engine, rows)?;
    engine.run(DOING, include_str!("../../queries/unique_rows_deduplicated.sql"))?;
    let left = number("SELECT count(*) FROM unique_rows")?.unsigned_abs();
    used.checked_sub(left).ok_or(ObserveError::Changed)
}

/// Share of rows whose ids may collide by mistake (a retry under the same id, say) before the ids mean nothing.
const MAX_COLLISIONS: f64 = 0.01;

/// Ids that start again in every file would make most of the log look like duplicates, and a service could vanish.
fn refuse_collisions(engine: &Engine, rows: u64) -> Result<(), ObserveError> {
    let (collisions, example): (i64, Option<String>) = engine
        .connection()
        .query_row(include_str!("../../queries/colliding_identities.sql"), [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|cause| ObserveError::engine(DOING, cause))?;
    let collisions = collisions.unsigned_abs();
    if collisions as f64 > MAX_COLLISIONS * rows as f64 {
        return Err(ObserveError::IdsCollide { collisions, example: example.unwrap_or_default() });
    }
    Ok(())
}

/// Makes the table `suspects`.
pub(super) fn remember(engine: &Engine, suspects: &[u64]) -> Result<(), ObserveError> {
    let append = || -> duckdb::Result<()> {
        engine.connection().execute_batch("CREATE OR REPLACE TEMP TABLE suspects (identity UBIGINT)")?;
        let mut appender = engine.connection().appender("suspects")?;
        for identity in suspects {
            appender.append_row([identity])?;
        }
        appender.flush()
    };
    append().map_err(|cause| ObserveError::engine(DOING, cause))
}
