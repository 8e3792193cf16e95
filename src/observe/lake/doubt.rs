//! Answers and sources that are not used, although the engine did what it was told.

use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum LakeDoubt {
    #[error("`{source_name}` cannot be reduced on an engine to the last count: {what}")]
    NotExact { source_name: String, what: String },
    #[error("what {engine} answered about `{source_name}` does not add up: {what}")]
    NotWhole { engine: String, source_name: String, what: String },
    #[error("{rows} rows of `{source_name}` would have to come here, and {most} are the most: {why}")]
    TooManyRows { source_name: String, rows: u64, most: u64, why: &'static str },
    #[error("rows of `{source_name}` cannot be read: {what}")]
    Unreadable { source_name: String, what: String },
}

impl Fixable for LakeDoubt {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::NotExact { .. } => {
                    "write such columns in the types of docs/sources.md, or leave `--engine` out and read them here"
                }
                Self::NotWhole { .. } => {
                    "files may come and go while they are read: end the window earlier with `--until`, or read a table that keeps snapshots; nothing was used of it"
                }
                Self::TooManyRows { .. } => "shorten `--lookback`, or read the files here without `--engine`",
                Self::Unreadable { .. } => "look at what the engine sends for these columns; nothing was used of it",
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        Exit::Source
    }
}
