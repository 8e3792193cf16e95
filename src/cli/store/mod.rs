//! `optimizer state`: what keeps a store healthy.

mod archive;
mod export;
mod gc;
mod moving;
mod roles;
mod rows;
mod verify;

use clap::{Args, Subcommand};

use super::Failure;

#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Write everything the store holds to one file: a backup, or the way into another database
    Export(export::ExportArgs),
    /// Fill a store that holds nothing from an export: all of it, or nothing
    Import(export::ImportArgs),
    /// Look through the whole store for what is not as it was written; changes nothing
    Verify(verify::VerifyArgs),
    /// Move what is over and old to Parquet files, then delete it
    Gc(gc::GcArgs),
}

pub(super) fn run(arguments: StoreArgs) -> Result<(), Failure> {
    match arguments.command {
        StoreCommand::Export(arguments) => export::export(&arguments),
        StoreCommand::Import(arguments) => export::import(&arguments),
        StoreCommand::Verify(arguments) => verify::run(&arguments),
        StoreCommand::Gc(arguments) => gc::run(&arguments),
    }
}
