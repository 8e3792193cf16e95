//! Is a file what its name says, and whole? DuckDB takes a compressed file that is cut short for a complete one, and half a
//! log is not a log. So text is read once to its end before it is parsed, and its lines are counted on the way.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use super::{Format, ObserveError};

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// Format and packing by the ending of the name; `None` for names that promise nothing.
pub(super) fn kind_by_name(path: &Path) -> Option<(Format, Packing)> {
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
        "ndjson" | "jsonl" | "json" => Format::Ndjson,
        _ => return None,
    };
    Some((format, packing))
}

/// Holds a file against its name and reads text to its end. Returns its format and its lines that are not blank.
pub(super) fn check(path: &Path) -> Result<(Format, u64), ObserveError> {
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
    if format == Format::Ndjson && collector_frames(&head) {
        return Err(ObserveError::CollectorFrames { path: path.to_owned() });
    }
    let looks = appearance(&head);
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    match (format, packing) {
        (Format::Parquet, _) if looks != "Parquet" => not("Parquet", &format!("it begins like {looks}")),
        (Format::Parquet, _) => Ok((format, 0)),
        (_, Packing::Gzip) if looks != "gzip" => not("gzip", &format!("it begins like {looks}")),
        (_, Packing::Zstd) if looks != "zstd" => not("zstd", &format!("it begins like {looks}")),
        (_, Packing::Plain) if looks != "text" => not(format.name(), &format!("it begins like {looks}")),
        (Format::Ndjson, Packing::Plain) if first != Some(b'{') => not("NDJSON", "its first line is not a JSON object"),
        (Format::Csv, Packing::Plain) if matches!(first, Some(b'{' | b'[')) => not("CSV", "it begins like JSON"),
        _ => {
            let lines = lines(path, packing)?;
            if format == Format::Ndjson && runs_over_lines(&beginning(path)?) {
                return Err(ObserveError::SeveralLines { path: path.to_owned() });
            }
            Ok((format, lines))
        }
    }
}

/// The Collector's file exporter writes the length of each batch before it when it packs or writes Protobuf, and such a file can
/// have any name: four bytes, and then zstd or the first field of a batch.
fn collector_frames(head: &[u8]) -> bool {
    matches!(head, [_, _, _, _, 0x28, 0xb5, 0x2f, 0xfd, ..] | [0, _, _, _, 0x0a, ..])
}

/// Whether the first JSON document ends on another line than it began. A line that is cut off is not meant: the next one begins anew.
fn runs_over_lines(text: &[u8]) -> bool {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let mut lines = lines.skip(1);
    if lines.next().is_none_or(|second| second.starts_with(b"{")) {
        return false;
    }
    let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<serde::de::IgnoredAny>();
    match documents.next() {
        Some(Ok(_)) => text[..documents.byte_offset()].trim_ascii().contains(&b'\n'),
        Some(Err(error)) => error.is_eof(),
        None => false,
    }
}

/// Reads to the end and counts lines that are not blank.
fn lines(path: &Path, packing: Packing) -> Result<u64, ObserveError> {
    let cut = |cause| ObserveError::CutShort { path: path.to_owned(), cause };
    let file = File::open(path).map_err(|cause| ObserveError::Unreadable { path: path.to_owned(), cause })?;
    let file = BufReader::with_capacity(1 << 16, file);
    let count = match packing {
        Packing::Plain => count(file),
        Packing::Gzip => count(flate2::bufread::MultiGzDecoder::new(file)),
        Packing::Zstd => frames(file),
    };
    count.map_err(cut)
}

/// The first line of a text file, unpacked and without byte order mark: the header of a CSV. At most 64 KiB of it.
pub(super) fn first_line(path: &Path) -> Result<Vec<u8>, ObserveError> {
    let text = beginning(path)?;
    Ok(text.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.is_empty()).unwrap_or_default().to_vec())
}

/// The first 64 KiB of a text file, unpacked and without byte order mark.
fn beginning(path: &Path) -> Result<Vec<u8>, ObserveError> {
    let cut = |cause| ObserveError::CutShort { path: path.to_owned(), cause };
    let file = File::open(path).map_err(|cause| ObserveError::Unreadable { path: path.to_owned(), cause })?;
    let mut file = BufReader::new(file);
    let mut text = Vec::new();
    let limit = 1 << 16;
    match kind_by_name(path).map(|(_, packing)| packing) {
        Some(Packing::Gzip) => {
            flate2::bufread::MultiGzDecoder::new(file).take(limit).read_to_end(&mut text).map_err(cut)?
        }
        Some(Packing::Zstd) => {
            let frame =
                ruzstd::decoding::StreamingDecoder::new(&mut file).map_err(|error| cut(io::Error::other(error)))?;
            frame.take(limit).read_to_end(&mut text).map_err(cut)?
        }
        Some(Packing::Plain) | None => file.take(limit).read_to_end(&mut text).map_err(cut)?,
    };
    Ok(text.strip_prefix(b"\xef\xbb\xbf").map_or_else(|| text.clone(), <[u8]>::to_vec))
}

/// A zstd file is one frame or several in a row.
fn frames(mut file: impl io::BufRead) -> io::Result<u64> {
    let mut counter = Counter::default();
    while !file.fill_buf()?.is_empty() {
        let mut frame = ruzstd::decoding::StreamingDecoder::new(&mut file).map_err(io::Error::other)?;
        counter.read(&mut frame)?;
    }
    Ok(counter.finish())
}

fn count(mut text: impl Read) -> io::Result<u64> {
    let mut counter = Counter::default();
    counter.read(&mut text)?;
    Ok(counter.finish())
}

/// Counts lines with something on them, chunk by chunk.
#[derive(Default)]
struct Counter {
    lines: u64,
    /// The line under way has something on it.
    written: bool,
}

impl Counter {
    fn read(&mut self, text: &mut impl Read) -> io::Result<()> {
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = match text.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut rest = &chunk[..read];
            while let Some(end) = memchr::memchr(b'\n', rest) {
                self.lines += u64::from(self.written || !blank(&rest[..end]));
                self.written = false;
                rest = &rest[end + 1..];
            }
            self.written |= !blank(rest);
        }
    }

    fn finish(self) -> u64 {
        self.lines + u64::from(self.written)
    }
}

fn blank(line: &[u8]) -> bool {
    matches!(line, [] | [b'\r'])
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
