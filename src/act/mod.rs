//! Carrying out what was decided: one safe step a tick, recorded before it is made and checked after it.

mod book;
mod intent;
mod job;
mod judge;
mod operate;
mod past;
pub mod rollout;
pub mod sink;
mod status;
pub mod tick;
mod told;

pub use book::{Book, Place, stamp};
pub use intent::{Course, Intent, What};
pub use job::{Progression, job};
pub use judge::{Evidence, judge};
pub use operate::{Word, freeze, frozen, thaw};
pub use past::past_changes;
pub use status::{rollouts, runs, status};
pub use tick::TALLY;
pub use told::{TOLD, keep_told, told};
