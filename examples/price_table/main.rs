//! Prints `policies/models.yaml` from a price list in CSV, by default the one among the test data:
//!
//! ```text
//! cargo run --example price_table [-- PRICES.csv.gz] > policies/models.yaml
//! ```
//!
//! The list has a header and the columns of `Row`, prices in US dollars per million tokens. Which rows are taken, and
//! why the others are not, is written at the head of the table itself.

mod table;

use std::{fs::File, io::Write, path::PathBuf};

use flate2::read::GzDecoder;

fn main() -> anyhow::Result<()> {
    let own = || concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/public/genai-prices.csv.gz").into();
    let path = std::env::args_os().nth(1).map_or_else(own, PathBuf::from);
    let mut text = Vec::new();
    table::write(GzDecoder::new(File::open(path)?), &mut text)?;
    Ok(std::io::stdout().lock().write_all(&text)?)
}
