//! Writes the five request logs under `testdata/`, from measured public data and a fixed seed.
//!
//! What is measured, what is composed and what each log is meant to show: `testdata/README.md`.

mod composer;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Parser;

/// Compose the request logs that the demo and the tests run on.
///
/// Reads the measured sources and writes one `<service>.csv.gz` per service. The seed is fixed, so the same sources
/// always give the same bytes: a run in a clean checkout changes nothing.
#[derive(Debug, Parser)]
#[command(name = "compose_testdata", after_help = AFTER_HELP)]
struct Arguments {
    /// Folder to write to; it is created when missing, and files of the same name are replaced
    #[arg(long, value_name = "DIR", default_value = "testdata")]
    out: PathBuf,

    /// Folder with the measured sources
    #[arg(long, value_name = "DIR", default_value = "testdata/public")]
    sources: PathBuf,
}

const AFTER_HELP: &str = "Example, from the root of the repository:\n  \
    cargo run --no-default-features --example compose_testdata -- --out /tmp/composed";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            eprintln!(
                "hint: run this from the root of the repository, or pass the folders with `--sources` and `--out`"
            );
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let files = composer::compose(&arguments.sources)?;
    fs::create_dir_all(&arguments.out).with_context(|| format!("cannot create `{}`", arguments.out.display()))?;
    for file in files {
        let path = arguments.out.join(&file.name);
        let packed = composer::pack(&file.csv)?;
        fs::write(&path, &packed).with_context(|| format!("cannot write `{}`", path.display()))?;
        println!("{}: {} rows, {} bytes", path.display(), file.rows, packed.len());
    }
    Ok(())
}
