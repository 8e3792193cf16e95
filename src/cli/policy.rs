//! `optimizer policy`: check files, print the schema.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failure, files, sink};
use crate::{decide, domain::Policy};

#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Report everything that is wrong with a policy file, each with its line
    Check {
        /// Policy file in YAML
        file: PathBuf,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

pub(super) fn run(arguments: PolicyArgs) -> Result<(), Failure> {
    match arguments.command {
        PolicyCommand::Check { file } => {
            let policy = files::read_policy(&file)?;
            sink::print(&format!("{}: fine ({})\n", file.display(), describe(&policy)))
        }
        PolicyCommand::Schema => {
            let schema = serde_json::to_string_pretty(&decide::policy::schema()).expect("a schema is plain data");
            sink::print(&(schema + "\n"))
        }
    }
}

fn describe(policy: &Policy) -> String {
    let steps: Vec<String> = policy.default.rollout.steps_percent.iter().map(u8::to_string).collect();
    let overrides = match policy.services.len() {
        0 => "no service overrides".to_owned(),
        1 => "1 service override".to_owned(),
        many => format!("{many} service overrides"),
    };
    format!("policy `{}`, rollout {} %, {overrides}", policy.name, steps.join(" → "))
}
