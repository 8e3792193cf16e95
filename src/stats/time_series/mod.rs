//! A figure through time: its trend, its level, its season, and where it is going.

pub mod cusum;
pub mod day_total;
mod errors;
pub mod forecast;
mod in_control;
mod rest_of_day;
pub mod season;
pub mod series;
pub mod slope;
mod smoothing;
mod track_record;
mod turning;

#[cfg(test)]
pub(crate) mod testing;

pub use series::{Point, Unanswered, between};
