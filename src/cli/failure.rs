//! The one place where an error meets the user: what happened, why, what to do, and the exit code.

use serde_json::Map;

use super::logging;
use crate::domain::{
    fault::{Exit, Fixable},
    format::visible,
};

/// An error on its way to the user.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// What is behind it, outermost first.
    causes: Vec<String>,
    hint: Option<String>,
    exit: Exit,
}

impl<E: Fixable + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let (hint, exit) = (error.hint(), error.exit());
        let error = anyhow::Error::new(error);
        let mut causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        // Some errors end with what is behind them, and it would be said twice.
        causes.dedup_by(|inner, outer| outer.ends_with(inner.as_str()));
        Self { message: error.to_string(), causes, hint, exit }
    }
}

impl Failure {
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hint: Some(hint.into()), exit: Exit::Usage }
    }

    /// What was asked has been answered on standard output, and the answer is no.
    pub(super) fn unmet(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Unmet, ..Self::usage(message, hint) }
    }

    /// What was done has been told on standard output, and not all of it went well.
    pub(super) fn acted(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit, ..Self::usage(message, hint) }
    }

    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What happened, without its causes.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// On one line, for lists: what happened and why, and what to do.
    pub(super) fn told(&self) -> (String, String) {
        let first = |text: &str| visible(text.lines().next().unwrap_or_default());
        let texts = std::iter::once(&self.message).chain(&self.causes).map(|text| first(text));
        let told = texts.filter(|text| !text.contains("Unknown error code")).collect::<Vec<_>>().join(": ");
        (told, first(self.hint.as_deref().unwrap_or_default()))
    }

    /// The same in other words.
    #[must_use]
    pub(super) fn rewritten(self, rewrite: impl Fn(&str) -> String) -> Self {
        Self {
            message: rewrite(&self.message),
            causes: self.causes.iter().map(|cause| rewrite(cause)).collect(),
            hint: self.hint.as_deref().map(rewrite),
            exit: self.exit,
        }
    }

    /// The causes in one line each: engines add a picture of their own SQL below the first one, and a number that means nothing to
    /// anybody.
    fn reasons(&self) -> impl Iterator<Item = &str> {
        let first = self.causes.iter().map(|cause| cause.lines().next().unwrap_or_default());
        first.filter(|first| !first.contains("Unknown error code"))
    }

    /// Prints the message, each cause on a line of its own, and the hint; or all of it as one line of the log, where that is for machines.
    pub(super) fn print(&self) {
        if logging::is_json() {
            eprintln!("{}", self.line());
            return;
        }
        let mut text = format!("error: {}\n", self.message);
        for reason in self.reasons() {
            text += &format!("  because: {reason}\n");
        }
        if let Some(hint) = &self.hint {
            text += &format!("   to fix: {hint}\n");
        }
        // File names and headers come from outside and may hold anything.
        eprint!("{}", visible(&text));
    }

    fn line(&self) -> String {
        let mut fields = Map::from_iter([("exit_code".to_owned(), (self.exit as u8).into())]);
        let reasons: Vec<&str> = self.reasons().collect();
        if !reasons.is_empty() {
            fields.insert("because".to_owned(), reasons.into());
        }
        if let Some(hint) = &self.hint {
            fields.insert("to_fix".to_owned(), hint.as_str().into());
        }
        logging::line("ERROR", "optimizer", &self.message, fields)
    }
}
