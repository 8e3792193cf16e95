//! The shortest run of whole minutes in which both sides have enough requests to be compared, matched by mix.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cell::Side;

/// A block closes as soon as each side has this many requests in strata that both sides have.
pub const ENOUGH: f64 = 10.0;

/// More strata than this share places, so that a ledger stays small whatever it is fed.
pub const MAX_STRATA: u64 = 64;

/// Requests of the block under way, per stratum and side. A row starts with the number of requests, which decides when the
/// block closes; what follows are sums, and further numbers of requests that some of the sums are out of.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Block {
    strata: BTreeMap<u64, [Vec<f64>; 2]>,
    first: Option<i64>,
    last: i64,
}

/// Difference between the sides within strata, added up over the strata of a block.
///
/// A stratum of n candidate and m control requests weighs w = n·m/(n + m) (Mantel and Haenszel, JNCI 22, 1959,
/// doi:10.1093/jnci/22.4.719), the inverse of the variance of a difference of means whose single values have variance 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// Σ w.
    pub weight: f64,
    /// Σ w² / requests, per side: times the variance of single values, the sampling variance of Σ w · mean.
    pub sampling: [f64; 2],
    /// Requests that found a partner, per side.
    pub requests: [f64; 2],
    /// Σ w · mean per side and column.
    pub sums: [Vec<f64>; 2],
}

impl Block {
    /// Adds a row to the block.
    pub fn add(&mut self, minute: i64, stratum: u64, side: Side, row: &[f64]) {
        if row.iter().all(|number| *number == 0.0) {
            return;
        }
        self.first.get_or_insert(minute);
        self.last = self.last.max(minute);
        let sides = self.strata.entry(stratum % MAX_STRATA).or_default();
        for side in sides.iter_mut().filter(|side| side.is_empty()) {
            side.resize(row.len(), 0.0);
        }
        for (total, more) in sides[side.index()].iter_mut().zip(row) {
            *total += more;
        }
    }

    /// Whether both sides have [`ENOUGH`] requests.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.requests().iter().all(|requests| *requests >= ENOUGH)
    }

    /// Requests per side in strata that both sides have.
    fn requests(&self) -> [f64; 2] {
        let both = self.strata.values().filter(|sides| sides.iter().all(|side| side[0] > 0.0));
        both.fold([0.0; 2], |total, sides| [total[0] + sides[0][0], total[1] + sides[1][0]])
    }

    /// Candidate requests still waiting for a partner.
    #[must_use]
    pub fn waiting(&self) -> f64 {
        self.strata.values().filter(|sides| sides[1][0] <= 0.0).fold(0.0, |total, sides| total + sides[0][0])
    }

    /// Compares `columns`, sums out of the requests counted in column `out_of`, within strata.
    #[must_use]
    pub fn matched(&self, out_of: usize, columns: std::ops::Range<usize>) -> Matched {
        let zeros = || vec![0.0; columns.len()];
        let mut matched = Matched { weight: 0.0, sampling: [0.0; 2], requests: [0.0; 2], sums: [zeros(), zeros()] };
        for sides in self.strata.values() {
            let [candidate, control] = [sides[0][out_of], sides[1][out_of]];
            if candidate <= 0.0 || control <= 0.0 {
                continue;
            }
            let weight = candidate * control / (candidate + control);
            matched.weight += weight;
            for (index, side) in sides.iter().enumerate() {
                matched.sampling[index] += weight * weight / side[out_of];
                matched.requests[index] += side[out_of];
                for (sum, value) in matched.sums[index].iter_mut().zip(&side[columns.clone()]) {
                    *sum += weight * value / side[out_of];
                }
            }
        }
        matched
    }

    /// Ends the block: its length in minutes. Strata that only one side has stay, to find a partner in the next block.
    pub fn close(&mut self) -> i64 {
        let minutes = self.first.map_or(0, |first| self.last.saturating_sub(first).saturating_add(1));
        self.strata.retain(|_, sides| sides.iter().any(|side| side[0] <= 0.0));
        self.first = None;
        minutes
    }

    /// Forgets everything, also what waits for a partner.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_on_matched_requests_only() {
        let mut block = Block::default();
        block.add(5, 1, Side::Candidate, &[10.0, 2.0]);
        block.add(5, 2, Side::Control, &[50.0, 2.0]);
        assert!(!block.is_full());
        assert!((block.waiting() - 10.0).abs() < 1e-12);
        block.add(7, 1, Side::Control, &[30.0, 3.0]);
        assert!(block.is_full());
        let matched = block.matched(0, 1..2);
        assert!((matched.weight - 7.5).abs() < 1e-12);
        assert!((matched.sampling[0] + matched.sampling[1] - 7.5).abs() < 1e-12);
        assert!((matched.sums[0][0] - 7.5 * 0.2).abs() < 1e-12);
        assert!((matched.sums[1][0] - 7.5 * 0.1).abs() < 1e-12);
        assert_eq!(block.close(), 3);
        assert!(!block.is_full());
        block.add(8, 2, Side::Candidate, &[10.0, 1.0]);
        assert!(block.is_full(), "the control's fifty waited for these ten");
        assert_eq!(block.close(), 1);
    }

    #[test]
    fn a_changed_mix_makes_no_difference() {
        // Stratum 1 fails at 10 %, stratum 2 at 50 %, on both sides; only the mix differs.
        let mut block = Block::default();
        block.add(1, 1, Side::Candidate, &[10.0, 1.0]);
        block.add(1, 2, Side::Candidate, &[90.0, 45.0]);
        block.add(1, 1, Side::Control, &[900.0, 90.0]);
        block.add(1, 2, Side::Control, &[100.0, 50.0]);
        let matched = block.matched(0, 1..2);
        assert!((matched.sums[0][0] - matched.sums[1][0]).abs() < 1e-9);
    }

    #[test]
    fn never_more_strata_than_promised() {
        let mut block = Block::default();
        for stratum in 0..10_000 {
            block.add(1, stratum * 7919, Side::Candidate, &[1.0]);
        }
        assert!(block.strata.len() as u64 <= MAX_STRATA);
    }
}
