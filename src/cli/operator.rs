//! What every command of an operator has: a reason, a question before it acts, and a name for the audit log.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::Failure;
use crate::domain::format::visible;

#[derive(Debug, Args)]
pub(super) struct OperatorArgs {
    /// Why, for the audit log and whoever looks at it later
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
}

/// Characters of a reason that are kept.
const LONGEST: usize = 500;

impl OperatorArgs {
    /// The reason as it is kept and shown: others read it on their terminals.
    pub(super) fn reason(&self) -> Result<String, Failure> {
        let reason = visible(self.reason.trim());
        if reason.is_empty() {
            return Err(Failure::usage("`--reason` is empty", "say why, for whoever finds it at night"));
        }
        if reason.chars().count() > LONGEST {
            return Err(Failure::usage(
                format!("`--reason` is longer than {LONGEST} characters"),
                "say it shorter, and put the rest where the incident is written up",
            ));
        }
        Ok(reason)
    }

    /// Asks before anything is done. Where nobody can be asked, `--yes` has to be there.
    pub(super) fn confirm(&self, what: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        let (mut input, mut output) = (std::io::stdin().lock(), std::io::stderr());
        if !input.is_terminal() || !output.is_terminal() {
            return Err(Failure::usage(
                format!("nobody is there to be asked: {what}?"),
                "add `--yes` if that is what you want",
            ));
        }
        let _ = write!(output, "{what}? Type `yes`: ").and_then(|()| output.flush());
        let mut answer = String::new();
        let said = input.read_line(&mut answer).is_ok() && answer.trim().eq_ignore_ascii_case("yes");
        if said {
            Ok(())
        } else {
            Err(Failure::usage("not confirmed, so nothing was done", "answer `yes`, or add `--yes`"))
        }
    }
}
