//! Why an event got no answer, as Lambda wants it told: a type to alarm on, and a message for people.

use lambda_runtime::Diagnostic;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// One of those listed in docs/lambda.md.
    kind: &'static str,
    message: String,
    /// Whether the log of the function has it already.
    logged: bool,
}

impl Trouble {
    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: format!("error: {}", message.into()), logged: false }
    }

    /// What the process that worked said of it.
    pub(super) fn said(kind: &'static str, message: String) -> Self {
        Self { kind, message, logged: true }
    }

    fn teaching(kind: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(kind, format!("{}\n   to fix: {}", message.into(), hint.into()))
    }

    /// To the log: where nobody waits for the answer, an error is seen nowhere else.
    pub(super) fn tell(&self) {
        if !self.logged {
            eprintln!("{}", self.message);
        }
    }

    /// The event is not one of ours.
    pub(super) fn event(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::teaching("Event", message, hint)
    }

    /// It is, and it may not be.
    pub(super) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::teaching("Refused", message, hint)
    }

    /// The time ended first.
    pub(super) fn deadline(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::teaching("Deadline", message, hint)
    }
}

impl From<Trouble> for Diagnostic {
    fn from(trouble: Trouble) -> Self {
        Self { error_type: trouble.kind.to_owned(), error_message: trouble.message }
    }
}
