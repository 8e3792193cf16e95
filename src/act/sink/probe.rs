//! What one look at a sink says of the sink itself.

use jiff::Timestamp;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The service is there, and what it has was understood.
    Known,
    /// It says that it does not know the service.
    Unknown,
    /// It does not let us in.
    Refused(String),
    /// Its certificate is not one to trust.
    Untrusted(String),
    /// Nobody is there, or nobody answers.
    Silent(String),
    /// It answers, and not as such a sink does.
    Odd(String),
}

/// One look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub seen: Seen,
    /// What it says the time is; none where it does not say.
    pub date: Option<Timestamp>,
}
