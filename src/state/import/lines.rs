//! An export as it is read: line by line, each for what it is.

use std::io::{BufRead, BufReader, Read as _};

use flate2::bufread::GzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Failed;
use crate::{
    domain::format::hexadecimal,
    state::{
        MIGRATIONS,
        export::{End, Header, SCHEMA_VERSION},
        shape::{self, Shape},
    },
};

/// No row is as long as this; what is, is no export.
const LONGEST_LINE: u64 = 1 << 30;

/// Any line but the first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: Option<String>,
    row: Option<Map<String, Value>>,
    end: Option<End>,
}

/// The lines of an export, hashed as they are read.
pub(super) struct Lines<R: BufRead> {
    from: BufReader<GzDecoder<R>>,
    hash: Sha256,
    number: u64,
}

/// What comes next.
pub(super) enum Next {
    Row(&'static Shape, Map<String, Value>),
    End(End),
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from: BufReader::new(GzDecoder::new(from)), hash: Sha256::new(), number: 0 }
    }

    /// Says where.
    pub(super) fn at(&self, why: Failed) -> Failed {
        match why {
            Failed::Export(why) => Failed::Export(format!("line {}: {why}", self.number)),
            other => other,
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, Failed> {
        let mut line = Vec::new();
        let read = self.from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if let Err(cause) = read {
            let what = if self.number == 0 { "it is no export, or damaged" } else { "it is cut short or damaged" };
            return Err(Failed::Export(format!("{what} ({cause})")));
        }
        if line.last() != Some(&b'\n') {
            return Err(Failed::Export("it is cut short".to_owned()));
        }
        self.number += 1;
        Ok(line)
    }

    /// The first line, if this version can go by it.
    pub(super) fn header(&mut self) -> Result<Header, Failed> {
        #[derive(Deserialize)]
        struct Form {
            schema_version: String,
        }
        let line = self.line()?;
        let no_export = |cause| Failed::Export(format!("it does not begin as an export does ({cause})"));
        // The form first: a later one may have other fields.
        let form: Form = serde_json::from_slice(&line).map_err(no_export)?;
        if form.schema_version != SCHEMA_VERSION {
            let why = format!("its form is `{}`, and this version reads `{SCHEMA_VERSION}`", form.schema_version);
            return Err(Failed::Export(why));
        }
        let header: Header = serde_json::from_slice(&line).map_err(no_export)?;
        let newest = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
        if header.tables_version > newest {
            let why = format!(
                "a later version wrote it (step {} of the tables, and this one knows {newest})",
                header.tables_version
            );
            return Err(Failed::Export(why));
        }
        self.hash.update(&line);
        Ok(header)
    }

    /// A row, or the end, if all before it is as it was written.
    pub(super) fn next(&mut self) -> Result<Next, Failed> {
        let text = self.line()?;
        let wrong = |lines: &Self, why: String| Err(lines.at(Failed::Export(why)));
        let line: Line = match serde_json::from_slice(&text) {
            Ok(line) => line,
            Err(cause) => return wrong(self, format!("it is no row ({cause})")),
        };
        match (line.table, line.row, line.end) {
            (Some(table), Some(row), None) => {
                self.hash.update(&text);
                match shape::shape(&table) {
                    Some(shape) => Ok(Next::Row(shape, row)),
                    None => wrong(self, format!("there is no table `{table}`")),
                }
            }
            (None, None, Some(end)) => {
                if hexadecimal(&self.hash.clone().finalize()) != end.sha256 {
                    return Err(Failed::Export("it was changed or damaged: the hash at its end is another".to_owned()));
                }
                Ok(Next::End(end))
            }
            _ => wrong(self, "it is neither a row nor the end".to_owned()),
        }
    }

    /// Whether the end is the end.
    pub(super) fn nothing_more(&mut self) -> Result<(), Failed> {
        let damaged = |cause| Failed::Export(format!("it is damaged at its end ({cause})"));
        // The line before may have been read without the checksum behind it.
        let line = self.from.read(&mut [0]).map_err(damaged)?;
        let file = self.from.get_mut().get_mut().fill_buf().map_err(damaged)?;
        if line > 0 || !file.is_empty() {
            return Err(Failed::Export("something comes after its end".to_owned()));
        }
        Ok(())
    }
}
