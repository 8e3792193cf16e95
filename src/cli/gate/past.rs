//! The figures of former runs, a line each.

use std::{io::Write as _, path::Path};

use super::files::written;
use crate::{
    cli::Failure,
    domain::gate::{HISTORY_VERSION, PastGate},
};

/// The runs of a history. One that is to begin may not be there yet.
pub(super) fn past(path: &Path, begins: bool) -> Result<Vec<PastGate>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Err(cause) if begins && cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|cause| {
            let hint = "name the file that `--append` writes; the first run with it makes one";
            Failure::usage(format!("cannot read the history `{}`: {cause}", path.display()), hint)
        })?,
    };
    let line = |(number, line): (usize, &str)| {
        let wrong = |what: String| {
            let hint = "each line is what `--append` wrote; take the line out, or begin a new file";
            Failure::usage(format!("`{}`, line {}: {what}", path.display(), number + 1), hint)
        };
        let run: PastGate = serde_json::from_str(line).map_err(|cause| wrong(cause.to_string()))?;
        if run.schema_version == HISTORY_VERSION {
            Ok(run)
        } else {
            Err(wrong(format!("`{}` is not {HISTORY_VERSION}", run.schema_version)))
        }
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}

/// Adds a run.
pub(super) fn append(path: &Path, run: &PastGate) -> Result<(), Failure> {
    let line = serde_json::to_string(run).expect("plain data") + "\n";
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
    written(path, opened.and_then(|mut file| file.write_all(line.as_bytes())))
}
