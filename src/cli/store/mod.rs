//! `optimizer state`: what keeps a store healthy.

mod export;

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
}

pub(super) fn run(arguments: StoreArgs) -> Result<(), Failure> {
    match arguments.command {
        StoreCommand::Export(arguments) => export::export(&arguments),
        StoreCommand::Import(arguments) => export::import(&arguments),
    }
}
