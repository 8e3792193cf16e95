//! From measured sources to request logs. Pure apart from reading the sources; chance comes from one fixed seed.

mod log;
mod plan;
mod services;
mod sources;

use std::{io::Write, path::Path};

use anyhow::Context;
use flate2::{Compression, GzBuilder};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Changing it changes every file; no story was picked by trying seeds (see the README on shuffled decks).
const SEED: u64 = 20_231_116;

/// One composed log, not yet compressed.
#[derive(Debug)]
pub(crate) struct LogFile {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) csv: Vec<u8>,
}

/// Composes every service's log, in the order of [`services::all`].
pub(crate) fn compose(sources: &Path) -> anyhow::Result<Vec<LogFile>> {
    let sources = sources::Sources::read(sources)?;
    services::all()
        .iter()
        .zip(0..)
        .map(|(service, stream)| {
            // A stream per service: editing one of them leaves the others' bytes alone.
            let mut chance = ChaCha8Rng::seed_from_u64(SEED);
            chance.set_stream(stream);
            let rows = log::compose(service, &sources, &mut chance)?;
            let name = format!("{}.csv.gz", service.name);
            let csv = log::to_csv(&rows).with_context(|| format!("cannot write the rows of `{name}`"))?;
            Ok(LogFile { name, rows: rows.len(), csv })
        })
        .collect()
}

/// Compresses without a name or a time in the header, so that the bytes depend on the content alone.
pub(crate) fn pack(csv: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut packer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    packer.write_all(csv)?;
    Ok(packer.finish()?)
}
