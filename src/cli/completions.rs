//! `optimizer completions`: for the tab key.

use clap::{Args, CommandFactory as _};

use super::{Cli, Failure, sink};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer completions bash > /etc/bash_completion.d/optimizer
  optimizer completions zsh > \"${fpath[1]}/_optimizer\"
  optimizer completions fish > ~/.config/fish/completions/optimizer.fish")]
pub(super) struct CompletionsArgs {
    /// For which shell
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "optimizer", &mut script);
    sink::print(&String::from_utf8_lossy(&script))
}
