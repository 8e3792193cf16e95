//! What a tick hands to the ledger: counts of one minute, one kind of request and one side.

use serde::{Deserialize, Serialize};

/// Multiples of the reference latency τ at which slow requests are counted. The ones below 1 follow the body of the
/// distribution, the others carry the margins: growth of 0 to 200 percent of the 95th percentile.
pub const GRID: [f64; 17] =
    [0.15, 0.25, 0.4, 0.55, 0.75, 0.9, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0];

/// Place of 1 in [`GRID`].
pub const AT_TAU: usize = 6;

/// No total of a minute reaches this; above, squares of sums would run over.
const HUGE: f64 = 1e60;

/// Which configuration served the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The new configuration.
    Candidate,
    /// The old one, at the same time.
    Control,
}

impl Side {
    /// Place of this side in a pair.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Candidate => 0,
            Self::Control => 1,
        }
    }
}

/// Totals of requests. Every number may carry sampling weights, already reduced to what they are worth, so none need be whole.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that reached a provider.
    pub served: f64,
    /// Those among `served` that failed on the provider's side.
    pub provider_errors: f64,
    /// Those among `served` that succeeded.
    pub succeeded: f64,
    /// Successes whose latency is known.
    pub timed: f64,
    /// Those among `timed` slower than `GRID[k]` · τ, for each k. Falls along the grid.
    pub slow: [f64; GRID.len()],
    /// Successes with a quality score.
    pub scored: f64,
    /// Sum of their scores; a score lies in `0..=1`.
    pub quality: f64,
    /// Sum of the squares of their scores.
    pub quality_squares: f64,
    /// Successes whose cost is known.
    pub priced: f64,
    /// Sum of their costs in US dollars.
    pub cost: f64,
    /// Sum of the squares of their costs.
    pub cost_squares: f64,
}

impl Counts {
    /// Adds `other` to these totals.
    pub fn add(&mut self, other: &Self) {
        self.served += other.served;
        self.provider_errors += other.provider_errors;
        self.succeeded += other.succeeded;
        self.timed += other.timed;
        for (slow, more) in self.slow.iter_mut().zip(other.slow) {
            *slow += more;
        }
        self.scored += other.scored;
        self.quality += other.quality;
        self.quality_squares += other.quality_squares;
        self.priced += other.priced;
        self.cost += other.cost;
        self.cost_squares += other.cost_squares;
    }

    /// Whether every number is finite and at least zero, and no part exceeds its whole (by more than rounding).
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let within = |part: f64, whole: f64| part <= whole * (1.0 + 1e-9) + 1e-9;
        let numbers = [self.served, self.provider_errors, self.succeeded, self.timed, self.scored, self.priced];
        let sums = [self.quality, self.quality_squares, self.cost, self.cost_squares];
        numbers.iter().chain(&sums).chain(&self.slow).all(|number| *number >= 0.0 && *number < HUGE)
            && within(self.provider_errors, self.served)
            && within(self.succeeded, self.served)
            && within(self.timed, self.succeeded)
            && within(self.scored, self.succeeded)
            && within(self.priced, self.succeeded)
            && within(self.quality, self.scored)
            && self.slow.iter().all(|slow| within(*slow, self.timed))
    }
}

/// Requests of one minute, one stratum, one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Whole minutes since 1970.
    pub minute: i64,
    /// Requests of the same kind (endpoint, complexity, band of input length) share this number; any hash of them will do.
    pub stratum: u64,
    /// Which configuration served them.
    pub side: Side,
    /// What came of them.
    pub counts: Counts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_rises_and_knows_its_one() {
        assert!(GRID.windows(2).all(|pair| pair[0] < pair[1]));
        assert!((GRID[AT_TAU] - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn nonsense_is_not_valid() {
        let fine = Counts { served: 3.0, succeeded: 2.0, provider_errors: 1.0, timed: 2.0, ..Counts::default() };
        assert!(fine.is_valid());
        assert!(Counts::default().is_valid());
        assert!(!Counts { served: f64::NAN, ..fine }.is_valid());
        assert!(!Counts { cost: f64::INFINITY, ..fine }.is_valid());
        assert!(!Counts { provider_errors: -1.0, ..fine }.is_valid());
        assert!(!Counts { timed: 5.0, ..fine }.is_valid());
    }
}
