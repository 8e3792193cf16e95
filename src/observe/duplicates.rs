//! Leaves one row of each identity. Nearly every log has none twice, so the first look is a table of small marks that goes along
//! with the fold, and only what it suspects is counted exactly. Where something really repeats, the fold is done again without.

use std::collections::HashSet;

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
    remember(engine, suspects).map_err(|cause| ObserveError::engine(DOING, cause))?;
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

fn remember(engine: &Engine, suspects: &[u64]) -> duckdb::Result<()> {
    engine.connection().execute_batch("CREATE OR REPLACE TEMP TABLE suspects (identity UBIGINT)")?;
    let mut appender = engine.connection().appender("suspects")?;
    for identity in suspects {
        appender.append_row([identity])?;
    }
    appender.flush()
}

/// Every identity seen so far as a mark of a few bits, in lines of the size in which processors fetch memory: one look a row
/// (a bucketed fingerprint table: Fan, Andersen, Kaminsky, Mitzenmacher: "Cuckoo filter", 2014,
/// doi:10.1145/2674005.2674994, without the moving). Two identities may share line and mark; what repeats always does.
pub(super) struct Identities {
    marks: Marks,
    /// Hashes that wait, by the part of the table they belong to: looked up together, they stay within memory that the
    /// processor has at hand.
    waiting: Vec<Vec<u64>>,
    /// Identities whose line was full.
    overflow: HashSet<u64>,
    suspects: Vec<u64>,
}

/// Parts of the table, as a power of two.
const PARTS: u32 = 7;

/// Hashes of one part that are looked up together.
const TOGETHER: usize = 4_096;

enum Marks {
    /// One new identity in 400 million is suspected.
    Wide(Vec<Line<u32, 16>>),
    /// One in 3,000 is; half the memory.
    Narrow(Vec<Line<u16, 32>>),
}

/// Up to as many rows, marks are wide.
const MAX_WIDE: u64 = 1 << 24;

/// 512 MiB. With more rows than fit, more are suspected, which costs time and never a row.
const MAX_LINES: u64 = 1 << 23;

/// As many identities are remembered as a whole.
const MAX_OVERFLOW: usize = 1 << 21;

impl Identities {
    /// Room for so many rows.
    pub(super) fn new(rows: u64) -> Self {
        // Five eighths full, so that few lines overflow.
        let marks = if rows <= MAX_WIDE {
            Marks::Wide(vec![Line([0; 16]); (rows / 10 + 1) as usize])
        } else {
            Marks::Narrow(vec![Line([0; 32]); (rows / 20 + 1).min(MAX_LINES) as usize])
        };
        let waiting = vec![Vec::new(); 1 << PARTS];
        Self { marks, waiting, overflow: HashSet::new(), suspects: Vec::new() }
    }

    /// Looks at the next identities, given by their hashes.
    pub(super) fn add(&mut self, hashes: &[u64]) {
        for hash in hashes {
            let part = (mixed(*hash) >> (64 - PARTS)) as usize;
            let waiting = &mut self.waiting[part];
            waiting.push(*hash);
            if waiting.len() == TOGETHER {
                self.look(part);
            }
        }
    }

    /// Looks up what waits for a part of the table.
    fn look(&mut self, part: usize) {
        let Self { marks, overflow, suspects, waiting } = self;
        let hashes = &mut waiting[part];
        let full = |hash: u64| {
            if overflow.len() < MAX_OVERFLOW { !overflow.insert(hash) } else { true }
        };
        match marks {
            Marks::Wide(lines) => look(lines, hashes, full, suspects),
            Marks::Narrow(lines) => look(lines, hashes, full, suspects),
        }
        hashes.clear();
    }

    /// Hashes of identities that may occur more than once; every one that does is among them.
    pub(super) fn suspects(mut self) -> Vec<u64> {
        (0..self.waiting.len()).for_each(|part| self.look(part));
        let mut suspects = self.suspects;
        suspects.sort_unstable();
        suspects.dedup();
        suspects
    }
}

/// Marks of one line, zero where there is none yet.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line<M, const N: usize>([M; N]);

trait Mark: Copy + PartialEq {
    const NONE: Self;
    fn of(bits: u64) -> Self;
}

impl Mark for u32 {
    const NONE: Self = 0;
    fn of(bits: u64) -> Self {
        (bits as Self).max(1)
    }
}

impl Mark for u16 {
    const NONE: Self = 0;
    fn of(bits: u64) -> Self {
        (bits as Self).max(1)
    }
}

/// Spreads what differs between hashes over the upper bits, which choose the line.
fn mixed(hash: u64) -> u64 {
    hash.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// `full` says whether a hash whose line is full has been here before.
fn look<M: Mark, const N: usize>(
    lines: &mut [Line<M, N>],
    hashes: &[u64],
    mut full: impl FnMut(u64) -> bool,
    suspects: &mut Vec<u64>,
) {
    for &hash in hashes {
        let mixed = mixed(hash);
        let place = ((u128::from(mixed) * lines.len() as u128) >> 64) as usize;
        // The place takes the upper bits, the mark the lower ones, with all of the hash behind them.
        let mark = M::of(mixed ^ mixed >> 32);
        let Line(line) = &mut lines[place];
        // Counted and not searched, so that the whole line is compared at once.
        let known = line.iter().map(|other| usize::from(*other == mark)).sum::<usize>() > 0;
        let used = line.iter().map(|other| usize::from(*other != M::NONE)).sum::<usize>();
        if known {
            suspects.push(hash);
        } else if let Some(free) = line.get_mut(used) {
            *free = mark;
        } else if full(hash) {
            suspects.push(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> u64 {
        number.wrapping_mul(0xD6E8_FEB8_6659_FD93).rotate_left(32).wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }

    #[test]
    fn nothing_is_forgotten_and_few_are_suspected() {
        for (room, most) in [(100_000, 0), (1_000, 0), (MAX_WIDE + 1, 100)] {
            let mut identities = Identities::new(room);
            let hashes: Vec<u64> = (0..100_000).map(hash).collect();
            identities.add(&hashes);
            (0..1 << PARTS).for_each(|part| identities.look(part));
            assert!(identities.suspects.len() <= most, "{} of 100,000", identities.suspects.len());
            identities.add(&hashes);
            assert_eq!(identities.suspects().len(), 100_000);
        }
    }
}
