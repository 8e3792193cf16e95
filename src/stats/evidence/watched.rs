//! Whose requests are counted for a ledger, and what the count comes to.

use std::ops::Range;

use super::Cell;

/// One service with a candidate beside its control.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    pub service: String,
    /// Whole minutes since 1970, the last one not included.
    pub minutes: Range<i64>,
    /// Whether the new configuration serves everything.
    pub whole: bool,
    /// What the traffic may call either side.
    pub candidate: Vec<String>,
    pub control: Vec<String>,
    /// Milliseconds; what is slower than multiples of it is counted.
    pub reference_ms: f64,
}

/// What was seen of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Counts are effective: a service's rows of unequal weight count for as many as they are worth together.
    pub cells: Vec<Cell>,
    /// Requests that name neither side, or both; as effective as the others.
    pub without_side: f64,
    /// Whether the source does not tell of failures.
    pub failures_unseen: bool,
}
