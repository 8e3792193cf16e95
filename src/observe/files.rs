//! From what was typed after `--from` to files of one format, each looked at before DuckDB sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::{
    Lake, LakeEngine, ObserveError, Stamp, integrity,
    postgres::{Database, is_address},
    remote::{self, Downloads},
};

/// How rows are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Parquet,
    Csv,
    Ndjson,
    /// NDJSON on standard input.
    Stdin,
    /// Tables of a database.
    Postgres,
    /// What an engine reads.
    Lake,
}

impl Format {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::Csv => "CSV",
            Self::Ndjson | Self::Stdin => "NDJSON",
            Self::Postgres => "PostgreSQL",
            Self::Lake => "rows of an engine",
        }
    }
}

/// Files of one format that came from one `--from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGroup {
    /// Position of the `--from` it came from: request ids are unique within a source, not across them.
    pub source: usize,
    pub format: Format,
    /// Sorted, so that the order a directory is listed in never shows.
    pub files: Vec<PathBuf>,
    /// Of the files that were fetched: where they came from, which is what everybody else calls them.
    pub addresses: BTreeMap<PathBuf, String>,
    /// Lines of text that are not blank, headers included; what was read must account for each.
    pub lines: u64,
    /// What each file was like when it was looked at.
    pub stamps: Vec<Stamp>,
    /// Instead of files.
    pub database: Option<Database>,
    /// The same.
    pub lake: Option<Lake>,
}

impl FileGroup {
    fn without_files(source: usize, format: Format) -> Self {
        Self {
            source,
            format,
            files: Vec::new(),
            addresses: BTreeMap::new(),
            lines: 0,
            stamps: Vec::new(),
            database: None,
            lake: None,
        }
    }

    /// How messages and reports call a file.
    pub(super) fn name_of(&self, file: &Path) -> String {
        self.addresses.get(file).map_or_else(|| file.display().to_string(), Clone::clone)
    }
}

/// Finds the files behind every `--from`: a path, a directory (its data files, not its subdirectories), a pattern, `-`, or the
/// same of an object store, whose objects are fetched into `downloads`.
pub fn resolve(from: &[String], downloads: &Downloads) -> Result<Vec<FileGroup>, ObserveError> {
    let mut groups = Vec::new();
    let mut seen = BTreeSet::new();
    for (source, text) in from.iter().enumerate() {
        if is_address(text) {
            let database = Database::parse(text)?;
            if !seen.insert(PathBuf::from(text)) {
                return Err(ObserveError::NamedTwice { path: database.shown.into() });
            }
            groups.push(FileGroup { database: Some(database), ..FileGroup::without_files(source, Format::Postgres) });
            continue;
        }
        if text == "-" {
            if !seen.insert(PathBuf::from("-")) {
                return Err(ObserveError::NamedTwice { path: "-".into() });
            }
            groups.push(FileGroup::without_files(source, Format::Stdin));
            continue;
        }
        let mut by_format: BTreeMap<Format, (Vec<PathBuf>, u64, Vec<Stamp>)> = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        for Found { path, identity, address } in expand(text, downloads)? {
            // The same file under two names would count every request twice.
            if !seen.insert(identity) {
                return Err(ObserveError::NamedTwice { path });
            }
            let found = if path.is_file() { Some(Stamp::of(&path)?) } else { None };
            let (format, lines) = integrity::check(&path)?;
            let (files, known, stamps) = by_format.entry(format).or_default();
            addresses.extend(address.map(|address| (path.clone(), address)));
            files.push(path);
            *known += lines;
            stamps.extend(found);
        }
        groups.extend(by_format.into_iter().map(|(format, (files, lines, stamps))| FileGroup {
            source,
            format,
            files,
            addresses: addresses.clone(),
            lines,
            stamps,
            database: None,
            lake: None,
        }));
    }
    Ok(groups)
}

/// What an engine is to read: nothing of it is looked at here.
pub fn lakes(from: &[String], engine: &LakeEngine) -> Result<Vec<FileGroup>, ObserveError> {
    let mut groups: Vec<FileGroup> = Vec::new();
    for (source, text) in from.iter().enumerate() {
        if from[..source].contains(text) {
            return Err(ObserveError::NamedTwice { path: text.into() });
        }
        let lake = Lake::new(engine.clone(), text).map_err(|what| ObserveError::NotForAnEngine { what })?;
        groups.push(FileGroup { lake: Some(lake), ..FileGroup::without_files(source, Format::Lake) });
    }
    Ok(groups)
}

/// A file on this machine.
struct Found {
    path: PathBuf,
    /// Tells it from every other under whatever name.
    identity: PathBuf,
    /// Where it was fetched from, if it was.
    address: Option<String>,
}

fn expand(text: &str, downloads: &Downloads) -> Result<Vec<Found>, ObserveError> {
    if remote::is_address(text) {
        let found = |object: remote::Fetched| Found {
            path: object.path,
            identity: object.identity.into(),
            address: Some(object.address),
        };
        return Ok(remote::fetch(text, downloads)?.into_iter().map(found).collect());
    }
    let found = |path: PathBuf| {
        let identity = path.canonicalize().unwrap_or_else(|_| path.clone());
        Found { path, identity, address: None }
    };
    Ok(local(text)?.into_iter().map(found).collect())
}

fn local(text: &str) -> Result<Vec<PathBuf>, ObserveError> {
    let path = PathBuf::from(text);
    let unreadable = |cause: io::Error| ObserveError::Unreadable { path: path.clone(), cause };
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            let mut files = Vec::new();
            for entry in path.read_dir().map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?.path();
                if entry.is_file() && integrity::kind_by_name(&entry).is_some() {
                    files.push(entry);
                }
            }
            files.sort();
            if files.is_empty() { Err(ObserveError::EmptyDirectory { path }) } else { Ok(files) }
        }
        Ok(_) => Ok(vec![path]),
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(unreadable(cause)),
        Err(_) if text.contains(['*', '?', '[']) => {
            let found =
                glob::glob(text).map_err(|cause| ObserveError::BadPattern { pattern: text.to_owned(), cause })?;
            let mut files = Vec::new();
            for entry in found {
                let entry = entry
                    .map_err(|error| ObserveError::Unreadable { path: error.path().to_owned(), cause: error.into() })?;
                if entry.is_file() {
                    files.push(entry);
                }
            }
            files.sort();
            if files.is_empty() { Err(ObserveError::NoMatch { pattern: text.to_owned() }) } else { Ok(files) }
        }
        Err(_) => Err(ObserveError::Missing { path }),
    }
}
