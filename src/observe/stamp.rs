//! Is a file still the one that was looked at? Lines are counted first and read later, and Parquet is read where it lies, again and
//! again: a file that shrinks or is replaced in between would be half of one log and half of another.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{FileGroup, Format, ObserveError};

/// Bytes at the beginning that must stay what they were.
const BEGINNING: u64 = 4096;

/// What a file was like when it was looked at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    path: PathBuf,
    identity: (u64, u64),
    bytes: u64,
    written: Option<SystemTime>,
    beginning: Vec<u8>,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Result<Self, ObserveError> {
        let look = || -> io::Result<Self> {
            let mut file = File::open(path)?;
            let metadata = file.metadata()?;
            let mut beginning = Vec::new();
            file.by_ref().take(BEGINNING).read_to_end(&mut beginning)?;
            Ok(Self {
                path: path.to_owned(),
                identity: identity(&metadata),
                bytes: metadata.len(),
                written: metadata.modified().ok(),
                beginning,
            })
        };
        look().map_err(|cause| ObserveError::Unreadable { path: path.to_owned(), cause })
    }

    /// What has become of the file, if it is not what it was. Text may have grown: a log that is written goes on.
    fn changed(&self, may_grow: bool) -> Option<&'static str> {
        let Ok(now) = Self::of(&self.path) else { return Some("is gone") };
        let grown = now.bytes > self.bytes;
        if now.identity != self.identity {
            Some("was replaced by another")
        } else if now.bytes < self.bytes {
            Some("has become shorter")
        } else if now.beginning.get(..self.beginning.len()) != Some(&self.beginning)
            || now.written != self.written && !grown
        {
            Some("was written anew")
        } else if grown && !may_grow {
            Some("has grown")
        } else {
            None
        }
    }
}

/// Holds every file against what it was.
pub(super) fn unchanged<'a>(groups: impl IntoIterator<Item = &'a FileGroup>) -> Result<(), ObserveError> {
    for group in groups {
        for stamp in &group.stamps {
            if let Some(how) = stamp.changed(group.format != Format::Parquet) {
                return Err(ObserveError::FileChanged { path: stamp.path.clone(), how });
            }
        }
    }
    Ok(())
}

/// What makes a file this one, whatever it is called.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Where files have no number, length, time and beginning must do.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
