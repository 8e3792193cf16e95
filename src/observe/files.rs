//! From what was typed after `--from` to files of one format, each looked at before DuckDB sees it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::ObserveError;

/// How rows are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Parquet,
    Csv,
    Ndjson,
    /// NDJSON on standard input.
    Stdin,
}

impl Format {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::Csv => "CSV",
            Self::Ndjson | Self::Stdin => "NDJSON",
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
}

/// Finds the files behind every `--from`: a path, a directory (its data files, not its subdirectories), a pattern, or `-`.
pub fn resolve(from: &[String]) -> Result<Vec<FileGroup>, ObserveError> {
    let mut groups = Vec::new();
    for (source, text) in from.iter().enumerate() {
        if text == "-" {
            groups.push(FileGroup { source, format: Format::Stdin, files: Vec::new() });
            continue;
        }
        let mut by_format: BTreeMap<Format, Vec<PathBuf>> = BTreeMap::new();
        for path in expand(text)? {
            let format = check(&path)?;
            by_format.entry(format).or_default().push(path);
        }
        groups.extend(by_format.into_iter().map(|(format, files)| FileGroup { source, format, files }));
    }
    Ok(groups)
}

fn expand(text: &str) -> Result<Vec<PathBuf>, ObserveError> {
    let path = PathBuf::from(text);
    let unreadable = |cause: io::Error| ObserveError::Unreadable { path: path.clone(), cause };
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            let mut files = Vec::new();
            for entry in path.read_dir().map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?.path();
                if entry.is_file() && kind_by_name(&entry).is_some() {
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

/// What the bytes of a file begin like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

fn kind_by_name(path: &Path) -> Option<(Format, Packing)> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let (stem, packing) = if let Some(stem) = name.strip_suffix(".gz") {
        (stem, Packing::Gzip)
    } else if let Some(stem) = name.strip_suffix(".zst") {
        (stem, Packing::Zstd)
    } else {
        (name.as_str(), Packing::Plain)
    };
    let format = match stem.rsplit_once('.')?.1 {
        "parquet" | "pq" if packing == Packing::Plain => Format::Parquet,
        "csv" | "tsv" => Format::Csv,
        "ndjson" | "jsonl" => Format::Ndjson,
        _ => return None,
    };
    Some((format, packing))
}

/// Opens the file and holds its first and last bytes against its name.
fn check(path: &Path) -> Result<Format, ObserveError> {
    let unreadable = |cause| ObserveError::Unreadable { path: path.to_owned(), cause };
    let mut head = Vec::new();
    File::open(path).map_err(unreadable)?.take(512).read_to_end(&mut head).map_err(unreadable)?;
    if head.is_empty() {
        return Err(ObserveError::Empty { path: path.to_owned() });
    }
    let Some((format, packing)) = kind_by_name(path) else {
        return Err(ObserveError::UnknownFormat { path: path.to_owned() });
    };
    let not =
        |named, found: &str| Err(ObserveError::NotItsFormat { path: path.to_owned(), named, found: found.to_owned() });
    let looks = appearance(&head);
    let first_text = head.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    match (format, packing) {
        (Format::Parquet, _) if looks != "Parquet" => not("Parquet", &format!("it begins like {looks}")),
        (_, Packing::Gzip) if looks != "gzip" => not("gzip", &format!("it begins like {looks}")),
        (_, Packing::Zstd) if looks != "zstd" => not("zstd", &format!("it begins like {looks}")),
        (Format::Csv | Format::Ndjson, Packing::Plain) if looks != "text" => {
            not(format.name(), &format!("it begins like {looks}"))
        }
        (Format::Ndjson, Packing::Plain) if first_text != Some(b'{') => {
            not("NDJSON", "its first line is not a JSON object")
        }
        (Format::Csv, Packing::Plain) if matches!(first_text, Some(b'{' | b'[')) => not("CSV", "it begins like JSON"),
        (_, Packing::Gzip) => {
            whole_gzip(path)?;
            Ok(format)
        }
        _ => Ok(format),
    }
}

/// Reads a gzip file to its end: DuckDB takes one that is cut short for a complete one, and half a log is not a log.
fn whole_gzip(path: &Path) -> Result<(), ObserveError> {
    let cut = |cause| ObserveError::Unreadable { path: path.to_owned(), cause };
    let file = File::open(path).map_err(cut)?;
    io::copy(&mut flate2::bufread::MultiGzDecoder::new(io::BufReader::new(file)), &mut io::sink())
        .map_err(|cause| ObserveError::CutShort { path: path.to_owned(), cause })?;
    Ok(())
}

fn appearance(head: &[u8]) -> &'static str {
    match head {
        [b'P', b'A', b'R', b'1', ..] => "Parquet",
        [0x1f, 0x8b, ..] => "gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        _ if head.contains(&0) => "binary data",
        _ => "text",
    }
}
