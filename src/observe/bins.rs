//! The bin of a value without a logarithm: a look into a table, exact to the last bit.

use std::sync::LazyLock;

use crate::stats::sketch::{GAMMA, ZERO_BIN, bin_of};

/// Leading bits of the fraction that choose a place in the table. Six bits part an octave into 64, each narrower than a bin is
/// wide, so that no more than one bound lies in any.
const BITS: u32 = 6;

/// Octaves below and above one that the table covers: billionths to billions.
const OCTAVES: u64 = 31;

const FIRST: u64 = (1023 - OCTAVES) << BITS;

/// A stretch of values that share exponent and leading fraction.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// The smallest value of the bin after `bin`.
    bound: f64,
    /// Bin of the smallest value of the stretch.
    bin: i16,
}

/// Gives every value the bin that [`bin_of`] gives it, several times faster.
#[derive(Debug)]
pub(super) struct Bins {
    stretches: Vec<Stretch>,
}

static BINS: LazyLock<Bins> = LazyLock::new(Bins::new);

impl Bins {
    pub(super) fn table() -> &'static Self {
        &BINS
    }

    fn new() -> Self {
        let starts = (FIRST..(1023 + OCTAVES) << BITS).map(|place| f64::from_bits(place << (52 - BITS)));
        let stretches = starts.map(|start| {
            let bin = bin_of(start);
            Stretch { bound: bound_after(bin), bin }
        });
        Self { stretches: stretches.collect() }
    }

    /// The bin of `value ≥ 0`.
    #[inline]
    pub(super) fn bin(&self, value: f64) -> i16 {
        let place = (value.to_bits() >> (52 - BITS)).wrapping_sub(FIRST);
        match self.stretches.get(place as usize) {
            Some(stretch) => stretch.bin + i16::from(value >= stretch.bound),
            None if value == 0.0 => ZERO_BIN,
            None => bin_of(value),
        }
    }
}

/// The smallest value above bin `bin`. Its place is known but for the rounding of the logarithm.
fn bound_after(bin: i16) -> f64 {
    let about = GAMMA.powi(i32::from(bin));
    let (mut within, mut above) = ((about * (1.0 - 1e-12)).to_bits(), (about * (1.0 + 1e-12)).to_bits());
    debug_assert!(
        bin_of(f64::from_bits(within)) <= bin && bin_of(f64::from_bits(above)) > bin,
        "the bound is in between"
    );
    while above - within > 1 {
        let middle = within.midpoint(above);
        if bin_of(f64::from_bits(middle)) > bin {
            above = middle;
        } else {
            within = middle;
        }
    }
    f64::from_bits(above)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_agrees_with_the_definition_at_every_bound() {
        let bins = Bins::table();
        for stretch in &bins.stretches {
            let mut value = f64::from_bits(stretch.bound.to_bits() - 4);
            for _ in 0..8 {
                assert_eq!(bins.bin(value), bin_of(value), "{value:e}");
                value = value.next_up();
            }
        }
        for place in FIRST..(1023 + OCTAVES) << BITS {
            let start = f64::from_bits(place << (52 - BITS));
            for value in [start.next_down(), start, start.next_up()] {
                assert_eq!(bins.bin(value), bin_of(value), "{value:e}");
            }
        }
        for value in [0.0, 1e-300, 1e-10, 1e12, 1e300] {
            assert_eq!(bins.bin(value), bin_of(value), "{value:e}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(value in 0..2_000_000_000_000i64, scale in prop::sample::select(vec![1.0, 1e3, 1e6, 1e9])) {
            let value = value as f64 / scale;
            prop_assert_eq!(Bins::table().bin(value), bin_of(value));
        }
    }
}
