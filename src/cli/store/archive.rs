//! A folder of Parquet files that rows are moved to. A file has its name only when it is whole and was read back.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::{
    cli::Failure,
    domain::{fault::Exit, stored::Cell},
    observe::{self, Engine},
    state::Over,
};

/// Of a file that is not whole.
const PART: &str = "part";

/// An open folder. Nobody else moves rows there as long as this lives.
pub(super) struct Archive {
    folder: PathBuf,
    engine: Engine,
    _lock: File,
}

/// Files that are whole, and do not have their names yet.
pub(super) struct Parts<'a> {
    archive: &'a Archive,
    parts: Vec<PathBuf>,
}

impl Archive {
    /// Opens the folder, made where there is none, and clears away what a run that was killed has left half done.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let failed = |cause: io::Error| unwritten(folder, &cause);
        let mut builder = DirBuilder::new();
        // Plans and writes hold prompts.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(".lock"));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::acted(
                    Exit::Held,
                    format!("another `state gc` writes to `{}`", folder.display()),
                    "wait for it, or name another folder; nothing was done",
                ));
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.ends_with(".parquet.part") {
                fs::remove_file(&file).map_err(failed)?;
            }
        }
        Ok(Self { folder, engine: Engine::open(None)?, _lock: lock })
    }

    /// Begins some files that belong together.
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts { archive: self, parts: Vec::new() }
    }
}

impl Parts<'_> {
    /// Writes rows of a table to a file, makes sure that it is on the disk, and reads it back.
    pub(super) fn write(&mut self, table: &str, run: &str, number: usize, rows: &[Vec<Cell>]) -> Result<(), Failure> {
        let part = self.archive.folder.join(format!("{table}-{run}-{number:03}.parquet.{PART}"));
        let failed = |cause: io::Error| unwritten(&part, &cause);
        // Nobody else names files here, so a name that is free now stays free.
        if part.with_extension("").exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&part).map_err(failed)?;
        self.parts.push(part.clone());
        let (engine, columns) = (&self.archive.engine, Over::columns(table));
        let engine_failed = |cause: observe::ObserveError| {
            let cause = anyhow::Error::new(cause);
            let told: Vec<String> = cause.chain().skip(1).map(ToString::to_string).collect();
            unwritten(&part, &io::Error::other(told.join(": ")))
        };
        observe::write_parquet(engine, &part, columns, rows).map_err(engine_failed)?;
        file.sync_all().map_err(failed)?;
        if observe::reads_back(engine, &part, columns, rows.len()).map_err(engine_failed)? {
            return Ok(());
        }
        Err(unwritten(&part, &io::Error::other("it does not read back as it was written")))
    }

    /// Gives all of them their names, for good. From then on they are the archive's.
    pub(super) fn keep(mut self) -> Result<Vec<PathBuf>, Failure> {
        let folder = &self.archive.folder;
        let mut files = Vec::new();
        for part in std::mem::take(&mut self.parts) {
            let file = part.with_extension("");
            fs::rename(&part, &file).map_err(|cause| unwritten(&file, &cause))?;
            files.push(file);
        }
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|cause| unwritten(folder, &cause))?;
        Ok(files)
    }
}

impl Drop for Parts<'_> {
    fn drop(&mut self) {
        for part in &self.parts {
            let _ = fs::remove_file(part);
        }
    }
}

fn unwritten(path: &Path, cause: &io::Error) -> Failure {
    Failure::acted(
        Exit::State,
        format!(
            "cannot write the archive `{}`: {}",
            path.display(),
            cause.to_string().lines().next().unwrap_or_default()
        ),
        "see whether there is room, and whether this user may write there; what is not in the archive is still in the store, and \
         `optimizer history` says what was moved before",
    )
}
