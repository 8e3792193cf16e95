//! What the working process says, taken in without letting it wait or letting it grow.

use std::io::Write as _;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes of a response that Lambda takes, less what stands around the document.
pub(super) const LARGEST: usize = 6 * 1024 * 1024 - 1024;

/// Bytes of a line that logs take whole, and a little less.
const LONGEST_LINE: usize = 200 * 1024;

/// Bytes of an error's message.
const LONGEST_MESSAGE: usize = 4_096;

/// What came on standard output.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Its beginning, all of it where that is as long as `bytes`.
    pub kept: Vec<u8>,
    pub bytes: u64,
}

impl Document {
    /// To the end, whatever its length: whoever writes would wait else.
    pub(super) async fn taken(mut from: impl AsyncRead + Unpin) -> std::io::Result<Self> {
        let mut document = Self::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return Ok(document);
            }
            document.bytes += count as u64;
            let room = LARGEST - document.kept.len();
            document.kept.extend_from_slice(&buffer[..count.min(room)]);
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.kept.len() as u64 == self.bytes
    }

    /// On one line, where it is short enough for one.
    pub(super) fn for_the_log(&self) -> Option<String> {
        let text = String::from_utf8_lossy(self.kept.get(..self.kept.len().min(LONGEST_LINE + 1))?);
        let line = text.lines().map(str::trim).collect::<String>();
        (!line.is_empty() && text.len() <= LONGEST_LINE).then_some(line)
    }
}

/// Hands standard error on to the function's log as it comes, and keeps its end.
pub(super) async fn handed_on(mut from: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut buffer = vec![0; 8 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(kept);
        }
        // A log that is gone is no reason to stop.
        let _ = std::io::stderr().write_all(&buffer[..count]);
        kept.extend_from_slice(&buffer[..count]);
        if kept.len() > 2 * LONGEST_MESSAGE {
            kept.drain(..kept.len() - LONGEST_MESSAGE);
        }
    }
}

/// The error in it, which is what was said last, from its first line.
pub(super) fn message(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let error = text.rfind("\nerror: ").map(|at| at + 1).or_else(|| text.starts_with("error: ").then_some(0));
    let text = text[error.unwrap_or(0)..].trim_end();
    // From the end where it is too long: what to do stands there.
    let cut = text.len().saturating_sub(LONGEST_MESSAGE);
    let start = (cut..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let mark = if start > 0 { "…" } else { "" };
    crate::domain::format::visible(&format!("{mark}{}", &text[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_what_was_said_last() {
        let said = b" WARN something\nerror: first\nerror: second\n  because: third\n   to fix: fourth\n";
        assert_eq!(message(said), "error: second\n  because: third\n   to fix: fourth");
        assert_eq!(message(b"error: a\n"), "error: a");
        assert_eq!(message(b"killed\x1b[31m \xff"), "killed\\u{1b}[31m \u{fffd}");
        assert_eq!(message(b""), "");
        let long = message(format!("error: {}", "é".repeat(5_000)).as_bytes());
        assert!(long.starts_with("…é") && long.len() < LONGEST_MESSAGE + 4, "{}", long.len());
    }
}
