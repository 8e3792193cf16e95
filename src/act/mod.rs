//! Carrying out what was decided.

pub mod sink;
