//! Anytime-valid evidence on a candidate that serves a share of the traffic beside its control.
//!
//! ```text
//! cells of a tick ─▶ blocks ─▶ tracks ─▶ sums ─▶ bounds ─▶ readings ─▶ verdict
//!  minute × kind     matched    sums and   value,   at any    in the       of all
//!  × side            by mix     spreads    variance time      policy's     enforced
//!                                                             units        measures
//! ```
//!
//! - A [`block::Block`] is the shortest run of minutes in which both sides have ten requests of the same kinds. It yields one
//!   difference a measure, weighted within strata.
//! - A [`track::Track`] adds up blocks, and how much they vary alone and in batches of 5, 15 and 60 minutes. Requests are
//!   never taken for independent: [`variance`] puts the long-run variance together.
//! - [`bound`] is the boundary that such a sum crosses by chance with a stated probability, over all looks together.
//! - [`measure`] writes error rate, mean quality, mean cost and the latency's 95th percentile as differences of means with the
//!   policy's margin in them; [`reading`] turns them back into the policy's units, [`judge()`] into a [`Verdict`].
//!
//! What is assumed: a minute's shock is forgotten within an hour or so (autocorrelation up to 0.8 from minute to minute is
//! reckoned with from the first look on, longer memory as batches of an hour come to show it); sums over blocks are near
//! normal, held up by the variance that the margin itself implies where events are rare; costs have a variance. What was
//! measured, with shocks up to that memory, shared by both sides and not, is printed by `make scoreboard PARTS=evidence`.

pub mod block;
pub mod bound;
pub mod cell;
pub mod judge;
pub mod ledger;
pub mod measure;
pub mod power;
pub mod ratio;
pub mod reading;
pub mod track;
pub mod variance;
pub mod verdict;
pub mod watched;

pub use cell::{AT_TAU, Cell, Counts, GRID, Side};
pub use judge::{judge, judge_with};
pub use ledger::{Absorbed, Ledger};
pub use measure::Measure;
pub use power::Planned;
pub use ratio::RatioReading;
pub use reading::{Effect, Margins};
pub use verdict::{Detail, Guard, Guards, Judgement, Lack, Reading, Verdict};
pub use watched::{Seen, Watched};

#[cfg(test)]
mod tests;
