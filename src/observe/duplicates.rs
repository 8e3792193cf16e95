//! Leaves one row of each identity. Nearly every log has none twice, so the first look is a filter of fixed size over the
//! hashes of all identities, and only what it suspects is counted exactly.

use super::{Engine, ObserveError};
use duckdb::arrow::{array::AsArray, datatypes::UInt64Type};

const DOING: &str = "looking for duplicates";

/// Size of the filter in 64-bit words: 32 bits a row let about one new identity in 100,000 be suspected. Beyond the largest size,
/// 64 MiB, more are, which costs time and never a row.
const WORDS: std::ops::RangeInclusive<u64> = (1 << 10)..=(1 << 23);

/// Defines `unique_rows`; returns how many of `rows` in all fell away.
pub(super) fn deduplicate(engine: &Engine, rows: u64) -> Result<u64, ObserveError> {
    let number = |sql: &str| -> Result<i64, ObserveError> {
        engine.connection().query_row(sql, [], |row| row.get(0)).map_err(|cause| ObserveError::engine(DOING, cause))
    };
    engine.run(DOING, include_str!("../../queries/unique_rows.sql"))?;
    let suspects = suspects(engine, rows)?;
    if suspects.is_empty() {
        return Ok(0);
    }
    remember(engine, &suspects).map_err(|cause| ObserveError::engine(DOING, cause))?;
    engine.run(DOING, include_str!("../../queries/duplicates.sql"))?;
    if number("SELECT count(*) FROM duplicate_identities")? == 0 {
        return Ok(0);
    }
    refuse_collisions(engine, rows)?;
    let before = number("SELECT count(*) FROM unique_rows")?;
    engine.run(DOING, include_str!("../../queries/unique_rows_deduplicated.sql"))?;
    Ok((before - number("SELECT count(*) FROM unique_rows")?).unsigned_abs())
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

/// Hashes of identities that may occur more than once; every one that does is among them.
fn suspects(engine: &Engine, rows: u64) -> Result<Vec<u64>, ObserveError> {
    engine.stream(DOING, include_str!("../../queries/identities.sql"), &|| (), |batches| {
        let (mut filter, mut suspects) = (Filter::new(rows), Vec::new());
        for batch in batches {
            let hashes = batch.column(0).as_primitive::<UInt64Type>();
            suspects.extend(hashes.values().iter().copied().filter(|hash| filter.knows(*hash)));
        }
        suspects.sort_unstable();
        suspects.dedup();
        Ok(suspects)
    })
}

fn remember(engine: &Engine, suspects: &[u64]) -> duckdb::Result<()> {
    engine.connection().execute_batch("CREATE OR REPLACE TEMP TABLE suspects (identity UBIGINT)")?;
    let mut appender = engine.connection().appender("suspects")?;
    for identity in suspects {
        appender.append_row([identity])?;
    }
    appender.flush()
}

/// A Bloom filter whose bits for one key lie in one word (Putze, Sanders, Singler: "Cache-, hash- and space-efficient Bloom
/// filters", JEA 14, 2009, doi:10.1145/1498698.1594230): one look at memory a row.
struct Filter {
    words: Vec<u64>,
}

impl Filter {
    fn new(keys: u64) -> Self {
        let words = (keys / 2).next_power_of_two().clamp(*WORDS.start(), *WORDS.end());
        Self { words: vec![0; words as usize] }
    }

    /// Whether the key may have been here before; from now on it has.
    fn knows(&mut self, hash: u64) -> bool {
        let mixed = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = mixed as usize >> 24 & (self.words.len() - 1);
        // Four places of six bits each, from bits that the word's own place does not use.
        let bits = [0, 6, 12, 18].into_iter().fold(0, |bits, shift| bits | 1_u64 << (mixed >> shift & 63));
        let known = self.words[place] & bits == bits;
        self.words[place] |= bits;
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_forgets_nothing_and_suspects_few() {
        let mut filter = Filter::new(100_000);
        let hash = |number: u64| {
            number.wrapping_mul(0xD6E8_FEB8_6659_FD93).rotate_left(32).wrapping_mul(0xD6E8_FEB8_6659_FD93)
        };
        let suspected = (0..100_000).filter(|number| filter.knows(hash(*number))).count();
        assert!(suspected < 100, "{suspected} of 100,000");
        assert!((0..100_000).all(|number| filter.knows(hash(number))));
    }
}
