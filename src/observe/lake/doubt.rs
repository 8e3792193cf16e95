//! Answers and sources that are not used, although the engine did what it was told.

use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum LakeDoubt {
    #[error("{engine} finds no rows in `{source_name}`")]
    NothingThere { engine: String, source_name: String },
    #[error("`{source_name}` is in the layout {layout}, and an engine reduces the canonical one alone")]
    OtherLayout { source_name: String, layout: String },
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
                Self::NothingThere { .. } => {
                    "check that the engine sees this path or table and may read it; some engines take a path that is not there for an empty table"
                }
                Self::OtherLayout { .. } => {
                    "map it to the columns of docs/sources.md when it is written to the lake, or leave `--engine` out and read it here"
                }
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
