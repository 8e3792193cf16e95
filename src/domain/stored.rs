//! Rows of the state store as they are moved: to another store, or to an archive.

use serde::Serialize;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    Text(String),
    Number(i64),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
}

/// A column: its name and what it holds.
pub type Column = (&'static str, Kind);
