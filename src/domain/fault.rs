//! What every error of this program can tell besides its message: how to mend it, and how the process ends.

/// How the process ends. The numbers are a contract with scripts and schedulers; `docs/exit-codes.md` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Fine = 0,
    /// All was read, and it is not as it should be: a policy test failed.
    Unmet = 1,
    /// Bad usage, policy or configuration.
    Usage = 2,
    /// A source cannot be used.
    Source = 3,
    /// The state store cannot be used.
    State = 4,
    /// A sink refused a change, or failed.
    Sink = 5,
    /// Whether a change was made is not known; the next run finds out.
    InDoubt = 6,
    /// Another run holds the lease, and acts (`EX_TEMPFAIL`).
    Held = 75,
    /// Out of time by its own deadline, as `timeout` reports it.
    Overdue = 124,
    /// Stopped by Ctrl-C, as a shell reports it (128 + SIGINT).
    Interrupted = 130,
    /// Stopped by SIGTERM, as a shell reports it (128 + SIGTERM).
    Terminated = 143,
}

/// An error that teaches.
pub trait Fixable: std::error::Error {
    /// What to do about it, as a sentence without a final stop.
    fn hint(&self) -> Option<String>;
    /// How the process ends.
    fn exit(&self) -> Exit;
}
