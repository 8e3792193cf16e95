//! The one place where an error meets the user: what happened, why, what to do, and the exit code.

use std::error::Error;

use crate::domain::{
    fault::{Exit, Fixable},
    format::visible,
};

/// An error on its way to the user.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    exit: Exit,
}

impl<E: Fixable + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { hint: error.hint(), exit: error.exit(), error: anyhow::Error::new(error) }
    }
}

impl Failure {
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { error: anyhow::Error::msg(message.into()), hint: Some(hint.into()), exit: Exit::Usage }
    }

    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints the message, each cause on a line of its own, and the hint.
    pub(super) fn print(&self) {
        let mut text = format!("error: {}\n", self.error);
        let mut cause: Option<&dyn Error> = self.error.source();
        while let Some(error) = cause {
            // Engines add a picture of their own SQL below the first line, and a number that means nothing to anybody.
            let message = error.to_string();
            let first = message.lines().next().unwrap_or_default();
            if !first.contains("Unknown error code") {
                text += &format!("  because: {first}\n");
            }
            cause = error.source();
        }
        if let Some(hint) = &self.hint {
            text += &format!("   to fix: {hint}\n");
        }
        // File names and headers come from outside and may hold anything.
        eprint!("{}", visible(&text));
    }
}
