//! Where to look inside the safe intervals: a fixed low-discrepancy set.

use super::space::{Interval, Space};
use crate::stats::gaussian_process::halton;

/// Where the safe box is looked at: shares of the way through every interval that may move, from 0 to 1.
pub(super) fn shares(moving: usize) -> Vec<Vec<f64>> {
    let mut shares = Vec::new();
    // Corners first: with step limits the best place is often at an edge.
    for corner in 0..1_usize << moving {
        shares.push((0..moving).map(|place| (corner >> place & 1) as f64).collect());
    }
    shares.extend((1..=POINTS[moving.min(4)]).map(|index| (0..moving).map(|place| halton(index, place)).collect()));
    shares
}

/// Points by number of moving dimensions.
const POINTS: [u32; 5] = [0, 64, 160, 256, 384];

/// The configuration at these shares of the moving intervals; dimensions that do not move keep their present value.
pub(super) fn placed(space: &Space, present: &[f64], moving: &[Option<Interval>], shares: &[f64]) -> Vec<f64> {
    let mut shares = shares.iter();
    let values = space.dimensions.iter().zip(present).zip(moving).map(|((dimension, present), safe)| match safe {
        Some(safe) => dimension.value_in(*safe, *shares.next().unwrap_or(&0.0)),
        None => *present,
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_are_there() {
        let corners: Vec<_> = shares(2).into_iter().take(4).collect();
        assert_eq!(corners, [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
    }
}
