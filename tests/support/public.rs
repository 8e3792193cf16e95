//! The public data of `testdata/public`, read by the program through a mapping of `tests/mappings` and by the tests as it is.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::{root, run};

/// Path of a file of the public data.
pub fn public(name: &str) -> String {
    root().join("testdata/public").join(name).to_string_lossy().into_owned()
}

/// Its bytes, unpacked.
pub fn bytes(name: &str) -> Vec<u8> {
    let packed = fs::read(public(name)).unwrap();
    if Path::new(name).extension().is_none_or(|extension| extension != "gz") {
        return packed;
    }
    let mut bytes = Vec::new();
    MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Its rows, column by column.
pub fn csv_rows(name: &str) -> Vec<BTreeMap<String, String>> {
    let bytes = bytes(name);
    let rows = csv::Reader::from_reader(bytes.as_slice()).into_deserialize();
    rows.map(Result::unwrap).collect()
}

/// Writes its lines below the header in another order, or in their own where there is no seed.
pub fn write_shuffled(name: &str, seed: Option<u64>, to: &Path) {
    let text = String::from_utf8(bytes(name)).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let mut lines: Vec<&str> = lines.collect();
    if let Some(seed) = seed {
        lines.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    }
    fs::write(to, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
}

/// Files with the mapping that reads them.
pub struct Source {
    mapping: PathBuf,
    files: Vec<String>,
}

impl Source {
    /// Files of the public data, or paths of others.
    pub fn new(mapping: &str, files: &[&str]) -> Self {
        Self {
            mapping: root().join(format!("tests/mappings/{mapping}.sql")),
            files: files.iter().map(|name| public(name)).collect(),
        }
    }

    /// The same files by another mapping.
    pub fn with(&self, mapping: &str) -> Self {
        Self { mapping: mapping.into(), files: self.files.clone() }
    }

    /// Writes the mapping with one piece replaced, and returns its path.
    pub fn changed(&self, folder: &Path, from: &str, to: &str) -> String {
        let sql = fs::read_to_string(&self.mapping).unwrap();
        assert_eq!(sql.matches(from).count(), 1, "{from}");
        let path = folder.join("changed.sql");
        fs::write(&path, sql.replace(from, to)).unwrap();
        path.to_string_lossy().into_owned()
    }

    pub fn inspect(&self) -> Value {
        self.json(&["inspect"], &[])
    }

    pub fn plan(&self, more: &[&str]) -> Value {
        self.json(&["plan", "--dry-run"], more)
    }

    fn json(&self, command: &[&str], more: &[&str]) -> Value {
        let mapping = self.mapping.to_string_lossy();
        let mut arguments = command.to_vec();
        arguments.extend(["--format", "json", "--mapping", &mapping]);
        arguments.extend(self.files.iter().flat_map(|file| ["--from", file]));
        arguments.extend(more);
        let run = run(Path::new(env!("CARGO_TARGET_TMPDIR")), &arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}\n{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }
}
