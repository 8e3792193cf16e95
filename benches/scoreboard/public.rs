//! The public data of `testdata/public`, as rows of time and value.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use jiff::{civil::DateTime, tz::TimeZone};

/// Seconds since 1970 and a value.
pub type Row = (i64, f64);

/// Path of a file.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/public").join(name)
}

/// Its bytes, unpacked where it is packed.
#[must_use]
pub fn bytes(name: &str) -> Vec<u8> {
    let packed = fs::read(path(name)).unwrap_or_else(|error| panic!("testdata/public/{name}: {error}"));
    if Path::new(name).extension().is_none_or(|extension| extension != "gz") {
        return packed;
    }
    let mut bytes = Vec::new();
    MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("a whole file");
    bytes
}

/// The records of a CSV file by column.
#[must_use]
pub fn records(name: &str) -> Vec<BTreeMap<String, String>> {
    let bytes = bytes(name);
    csv::Reader::from_reader(bytes.as_slice()).into_deserialize().map(|row| row.expect("a row")).collect()
}

/// Seconds since 1970 of a time without a zone, taken as UTC; fractions are dropped.
#[must_use]
pub fn seconds(text: &str) -> i64 {
    let time: DateTime = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    time.to_zoned(TimeZone::UTC).expect("UTC has every time").timestamp().as_second()
}

/// A file of the Numenta Anomaly Benchmark by its stem, row by row.
#[must_use]
pub fn nab(stem: &str) -> Vec<Row> {
    let value = |text: &str| text.parse().expect("a value");
    let rows = records(&format!("nab/{stem}.csv.gz"));
    rows.iter().map(|row| (seconds(&row["timestamp"]), value(&row["value"]))).collect()
}
