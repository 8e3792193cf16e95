//! The same work for many things, on as many threads as there are processors. What comes out does not depend on how many.

use std::{num::NonZero, thread};

/// Fewer things than this are not worth a second thread.
const FEW: usize = 64;

/// More threads than this wait for memory and not for each other.
const MOST: usize = 8;

/// Into how many parts work on so many things is best cut.
#[must_use]
pub fn parts(things: usize) -> usize {
    if things < FEW { 1 } else { thread::available_parallelism().map_or(1, NonZero::get).min(MOST) }
}

/// What `work` makes of each thing, in the order of the things.
///
/// Panics where `work` does.
pub fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let work = &work;
    let each = things.len().div_ceil(parts(things.len())).max(1);
    let mut chunks = things.chunks(each);
    let Some(first) = chunks.next() else { return Vec::new() };
    thread::scope(|scope| {
        let others: Vec<_> =
            chunks.map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<R>>())).collect();
        let mut made: Vec<R> = first.iter().map(work).collect();
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_order_stays() {
        for things in [0, 1, 63, 64, 65, 1_000] {
            let numbers: Vec<u64> = (0..things).collect();
            let squares: Vec<u64> = numbers.iter().map(|number| number * number).collect();
            assert_eq!(super::map(&numbers, |number| number * number), squares);
        }
    }
}
