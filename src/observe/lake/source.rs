//! What an engine reads, in its own words, and how it is called.

use std::time::Duration;

use super::{LakeAddress, LakeToken};

/// An engine, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeEngine {
    pub address: LakeAddress,
    pub token: Option<LakeToken>,
    /// For one attempt of one statement.
    pub timeout: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Where it writes what it reduced, instead of sending it over the connection: a folder or an address of an object store that it
    /// and we see under one name.
    pub out: Option<String>,
}

/// Requests that an engine reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lake {
    pub engine: LakeEngine,
    /// As it was named, and as messages name it.
    pub shown: String,
    pub files: Files,
}

/// Where an engine finds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Parquet below a path or an address, patterns included.
    Parquet,
    /// A table of its catalog.
    Table,
}

impl Lake {
    /// From what was typed after `--from`. An error says what is wrong with it.
    pub fn new(engine: LakeEngine, from: &str) -> Result<Self, String> {
        let lake = |files| Self { engine, shown: from.to_owned(), files };
        if from == "-" || from.starts_with("postgres://") || from.starts_with("postgresql://") {
            return Err(format!("`{from}` is not something that an engine reads"));
        }
        if from.starts_with('/') || from.contains("://") {
            return Ok(lake(Files::Parquet));
        }
        let looks_like_a_file =
            [".parquet", ".csv", ".ndjson", ".jsonl", ".gz", ".zst"].iter().any(|end| from.ends_with(end));
        if from.contains('/') || looks_like_a_file {
            return Err(format!("`{from}` is a path from here, and an engine is somewhere else"));
        }
        let name = |part: &str| {
            !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || "_-".contains(letter))
        };
        if from.split('.').all(name) {
            return Ok(lake(Files::Table));
        }
        Err(format!("`{from}` is neither a path nor the name of a table"))
    }

    /// For a `FROM` in Spark's dialect.
    #[must_use]
    pub fn relation(&self) -> String {
        let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
        match self.files {
            Files::Parquet => format!("parquet.{}", quoted(&self.shown)),
            Files::Table => self.shown.split('.').map(quoted).collect::<Vec<_>>().join("."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lake(from: &str) -> Result<Lake, String> {
        let address = "sc://localhost".parse().unwrap();
        let engine = LakeEngine { address, token: None, timeout: Duration::from_secs(1), retries: 0, out: None };
        Lake::new(engine, from)
    }

    #[test]
    fn paths_and_tables_are_told_apart_and_quoted() {
        assert_eq!(lake("/lake/2026/*.parquet").unwrap().relation(), "parquet.`/lake/2026/*.parquet`");
        assert_eq!(lake("s3a://bucket/a`b/").unwrap().relation(), "parquet.`s3a://bucket/a``b/`");
        assert_eq!(lake("prod.llm.events").unwrap().relation(), "`prod`.`llm`.`events`");
    }

    #[test]
    fn what_an_engine_would_misread_is_refused() {
        for from in
            ["-", "postgres://host/db", "events.parquet", "day/events.parquet", "a b", "a..b", "x; DROP TABLE y"]
        {
            assert!(lake(from).is_err(), "{from}");
        }
    }
}
