//! The folder: locks, readings and replacements that no name and no link leads astray.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::FileError;
use crate::domain::service_id::ServiceId;

/// Bytes of a document that are read.
const LARGEST: u64 = 1 << 20;

/// Times that a document is opened which is replaced while it is.
const OPENINGS: u32 = 10;

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    patience: Duration,
    /// How bytes get into a file. Tests put a full disk here.
    fill: fn(&mut File, &[u8]) -> io::Result<()>,
}

/// Why a document was not replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unwritten {
    /// Nothing has changed.
    AsBefore(String),
    /// The new one is there, and may be gone after a power cut.
    Unsure(String),
}

/// Held until it is dropped. The file stays, because a lock on a file that was deleted locks nobody out.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held for what its end does")] File);

impl Folder {
    pub(super) fn open(path: &Path, patience: Duration) -> Result<Self, FileError> {
        let problem = |cause| FileError::Folder { path: path.display().to_string(), cause };
        // The folder itself may be a link, as mounted volumes are; what is in it may not.
        let path = fs::canonicalize(path).map_err(problem)?;
        if !fs::metadata(&path).map_err(problem)?.is_dir() {
            return Err(problem(io::ErrorKind::NotADirectory.into()));
        }
        Ok(Self { path, patience, fill: |file, bytes| file.write_all(bytes) })
    }

    #[cfg(test)]
    pub(super) fn filled_by(mut self, fill: fn(&mut File, &[u8]) -> io::Result<()>) -> Self {
        self.fill = fill;
        self
    }

    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// No service begins with a dot, so a document never meets a lock or a file on its way.
    fn document(&self, service: &ServiceId) -> PathBuf {
        self.path.join(format!("{service}.json"))
    }

    fn hidden(&self, service: &ServiceId, kind: &str) -> PathBuf {
        self.path.join(format!(".{service}.{kind}"))
    }

    /// One writer for each service.
    pub(super) fn lock(&self, service: &ServiceId) -> Result<Lock, String> {
        let path = self.hidden(service, "lock");
        let problem = |why: &dyn std::fmt::Display| format!("cannot lock `{}`: {why}", path.display());
        plain(&path).map_err(|why| problem(&why))?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(|why| problem(&why))?;
        if !same(&file, &path).map_err(|why| problem(&why))? {
            return Err(problem(&"it was put there while it was opened"));
        }
        let end = Instant::now() + self.patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::Error(error)) => return Err(problem(&error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                    return Err(problem(&"another process has held it all the time"));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// The bytes of a document, where there is one.
    pub(super) fn read(&self, service: &ServiceId) -> Result<Option<Vec<u8>>, String> {
        let path = self.document(service);
        let problem = |why: &dyn std::fmt::Display| format!("cannot read `{}`: {why}", path.display());
        // A writer may put a new one there between the opening and the second look.
        for _ in 0..OPENINGS {
            plain(&path).map_err(|why| problem(&why))?;
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened.map_err(|why| problem(&why))?,
            };
            if !same(&file, &path).map_err(|why| problem(&why))? {
                continue;
            }
            let mut bytes = Vec::new();
            file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|why| problem(&why))?;
            let whole = bytes.len() as u64 <= LARGEST;
            return if whole { Ok(Some(bytes)) } else { Err(problem(&"it is larger than 1 MiB")) };
        }
        Err(problem(&"it changes all the time"))
    }

    /// Puts a whole new document in the place of the old one. To be called under the lock.
    pub(super) fn replace(&self, service: &ServiceId, bytes: &[u8]) -> Result<(), Unwritten> {
        let (path, beside) = (self.document(service), self.hidden(service, "new"));
        let before = |error: io::Error| {
            let _ = fs::remove_file(&beside);
            Unwritten::AsBefore(format!("cannot write `{}`: {error}", path.display()))
        };
        // Left by a writer that died; nobody else is here, under the lock. A link is removed, not followed.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(before(error)),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside).map_err(before)?;
        (self.fill)(&mut file, bytes).and_then(|()| readable(&file)).and_then(|()| file.sync_all()).map_err(before)?;
        fs::rename(&beside, &path).map_err(before)?;
        // The name is in the folder, so the folder has to reach the disk as well.
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(|error| {
            Unwritten::Unsure(format!("`{}` was written, and may not survive a power cut: {error}", path.display()))
        })
    }
}

/// For everybody to read, whatever the mask of this process: the services that have to read it run as other users. There is
/// no secret in it. Only the owner writes.
#[cfg(unix)]
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &File) -> io::Result<()> {
    Ok(())
}

/// Looked at before it is opened: opening a pipe would wait for ever.
fn plain(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(io::Error::other("it is no plain file, and links are not followed")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// And again afterwards: what was opened has to be what has the name, or a link was there for a moment.
#[cfg(unix)]
fn same(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (opened, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok(named.is_file() && (opened.dev(), opened.ino()) == (named.dev(), named.ino()))
}

#[cfg(not(unix))]
fn same(_: &File, path: &Path) -> io::Result<bool> {
    plain(path).map(|()| true)
}
