//! What becomes of rollouts. Pure: nothing in this folder reads a clock, a file or the network.

mod begin;
mod found;
mod machine;
mod settle;

#[cfg(test)]
mod tests;

pub use begin::{Beginning, Failed, NotBegun, ServiceState, begin};
pub use found::{Found, Shown, compare};
pub use machine::{Freeze, Look, Reach, Transition, Why, advance};
