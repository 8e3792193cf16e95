//! The private folder that fetched objects pass through.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;

use super::RemoteError;
use crate::observe::ObserveError;

/// How the folder is called, so that one a killed process left behind is known for what it is.
const PREFIX: &str = "optimizer-download-";

/// Fetched objects: where they are and what they are called. They vanish with this.
#[derive(Debug, Default)]
pub struct Downloads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Made when it is first needed: who reads no store writes nothing.
    folder: Option<TempDir>,
    addresses: BTreeMap<PathBuf, String>,
    closed: bool,
}

impl Downloads {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing here is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty file for the object of this address. Only the owner can look into the folder.
    pub(super) fn create(&self, address: &str, ending: &str) -> Result<(File, PathBuf), ObserveError> {
        let failed = |cause| RemoteError::Temporary { folder: std::env::temp_dir(), cause };
        let mut state = self.state();
        if state.closed {
            return Err(ObserveError::Interrupted);
        }
        if state.folder.is_none() {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            state.folder = Some(builder.tempdir().map_err(failed)?);
        }
        let number = state.addresses.len();
        let folder = state.folder.as_ref().expect("made above").path();
        let path = folder.join(format!("{number:06}{ending}"));
        let file = File::create_new(&path).map_err(failed)?;
        state.addresses.insert(path.clone(), address.to_owned());
        Ok((file, path))
    }

    pub(super) fn unwritable(&self, cause: io::Error) -> RemoteError {
        let folder = self.state().folder.as_ref().map_or_else(std::env::temp_dir, |folder| folder.path().to_owned());
        RemoteError::Temporary { folder, cause }
    }

    /// Text that names addresses where it named their files.
    #[must_use]
    pub fn renamed(&self, text: &str) -> String {
        self.state().addresses.iter().fold(text.to_owned(), |text, (path, address)| {
            let path = path.to_string_lossy();
            if text.contains(&*path) { text.replace(&*path, address) } else { text }
        })
    }

    /// Removes the folder now, and lets nobody make another: for a process that ends around the thread that reads.
    pub fn remove(&self) {
        let mut state = self.state();
        state.closed = true;
        if let Some(folder) = state.folder.take() {
            // Whatever is in the way, the process ends; the folder's name says what it is.
            let _ = folder.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_private_and_goes_with_its_owner() {
        let downloads = Downloads::default();
        let (_, path) = downloads.create("s3://bucket/day.csv", ".csv").unwrap();
        let folder = path.parent().unwrap().to_owned();
        assert!(folder.file_name().unwrap().to_string_lossy().starts_with(PREFIX));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
        let text = format!("`{}` is empty", path.display());
        assert_eq!(downloads.renamed(&text), "`s3://bucket/day.csv` is empty");
        drop(downloads);
        assert!(!folder.exists());
    }

    #[test]
    fn nothing_is_fetched_after_the_end() {
        let downloads = Downloads::default();
        let (_, path) = downloads.create("s3://bucket/a.csv", ".csv").unwrap();
        downloads.remove();
        assert!(!path.exists());
        assert!(matches!(downloads.create("s3://bucket/b.csv", ".csv"), Err(ObserveError::Interrupted)));
    }
}
