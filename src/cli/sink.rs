//! Standard output, which may be gone: `optimizer plan | head -3` is no failure.

use std::io::{self, Write};

use super::Failure;

/// Writes `text` to standard output. A closed pipe is fine; a full disk is not.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::usage(
            format!("cannot write to standard output: {error}"),
            "check the disk or pipe it goes to",
        )),
        _ => Ok(()),
    }
}
