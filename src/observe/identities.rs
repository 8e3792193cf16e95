//! Every identity seen so far as a mark of a few bits, to find those that may occur more than once.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Marks in lines of the size in which processors fetch memory: one look a row (a bucketed fingerprint table: Fan, Andersen, Kaminsky,
/// Mitzenmacher: "Cuckoo filter", 2014, doi:10.1145/2674005.2674994, without the moving). Two identities may share line and mark;
/// what repeats always does. Several threads may look at once, each with a [`Finder`] of its own.
pub(super) struct Identities {
    parts: Vec<Mutex<Part>>,
}

struct Part {
    marks: Marks,
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
        let lines = |lines: u64| (lines.min(MAX_LINES) >> PARTS) as usize + 1;
        let part = || Part {
            marks: if rows <= MAX_WIDE {
                Marks::Wide(vec![Line([0; 16]); lines(rows / 10)])
            } else {
                Marks::Narrow(vec![Line([0; 32]); lines(rows / 20)])
            },
            overflow: HashSet::new(),
            suspects: Vec::new(),
        };
        Self { parts: (0..1 << PARTS).map(|_| Mutex::new(part())).collect() }
    }

    /// Looks up hashes of one part, and forgets them.
    fn look(&self, part: usize, hashes: &mut Vec<u64>) {
        let Part { marks, overflow, suspects } = &mut *locked(&self.parts[part]);
        let full = |hash: u64| {
            if overflow.len() < MAX_OVERFLOW >> PARTS { !overflow.insert(hash) } else { true }
        };
        match marks {
            Marks::Wide(lines) => look(lines, hashes, full, suspects),
            Marks::Narrow(lines) => look(lines, hashes, full, suspects),
        }
        hashes.clear();
    }

    /// Hashes of identities that may occur more than once; every one that does is among them, once every [`Finder`] has ended.
    pub(super) fn suspects(&self) -> Vec<u64> {
        let mut suspects: Vec<u64> = self.parts.iter().flat_map(|part| locked(part).suspects.clone()).collect();
        suspects.sort_unstable();
        suspects.dedup();
        suspects
    }
}

fn locked(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hashes on their way into the table, by the part they belong to: looked up together, they stay within memory that the processor
/// has at hand.
#[derive(Debug)]
pub(super) struct Finder {
    waiting: Vec<Vec<u64>>,
}

impl Default for Finder {
    fn default() -> Self {
        Self { waiting: vec![Vec::new(); 1 << PARTS] }
    }
}

impl Finder {
    /// Takes the next identity, given by its hash.
    #[inline]
    pub(super) fn add(&mut self, identities: &Identities, hash: u64) {
        let part = (mixed(hash) >> (64 - PARTS)) as usize;
        let waiting = &mut self.waiting[part];
        waiting.push(hash);
        if waiting.len() == TOGETHER {
            identities.look(part, waiting);
        }
    }

    /// Looks up whatever still waits.
    pub(super) fn end(&mut self, identities: &Identities) {
        for (part, waiting) in self.waiting.iter_mut().enumerate() {
            identities.look(part, waiting);
        }
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

/// Lines that are asked for before the first is looked at.
const AHEAD: usize = 64;

/// Spreads what differs between hashes over the upper bits, which choose the part and the line in it.
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
    let place = |mixed: u64, lines: usize| ((u128::from(mixed << PARTS) * lines as u128) >> 64) as usize;
    for hashes in hashes.chunks(AHEAD) {
        // A loop so short that the processor asks for many lines at once; the one below then finds them at hand.
        let touched = hashes
            .iter()
            .fold(false, |touched, hash| touched ^ (lines[place(mixed(*hash), lines.len())].0[0] == M::NONE));
        std::hint::black_box(touched);
        for &hash in hashes {
            let mixed = mixed(hash);
            let place = place(mixed, lines.len());
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
            let identities = Identities::new(room);
            let hashes: Vec<u64> = (0..100_000).map(hash).collect();
            let (mut one, mut other) = (Finder::default(), Finder::default());
            let add = |finder: &mut Finder| {
                for hash in &hashes {
                    finder.add(&identities, *hash);
                }
                finder.end(&identities);
                identities.suspects().len()
            };
            let suspected = add(&mut one);
            assert!(suspected <= most, "{suspected} of 100,000");
            assert_eq!(add(&mut other), 100_000);
        }
    }
}
