//! What was found in a state store that was looked through.

use std::borrow::Cow;

use serde::Serialize;

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "state-verify/v1";

/// The result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// Always `state-verify/v1`.
    pub schema_version: Cow<'static, str>,
    /// As messages call it.
    pub store: String,
    /// Whether nothing is wrong.
    pub sound: bool,
    pub looked_at: Vec<LookedAt>,
    pub problems: Vec<Problem>,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookedAt {
    pub what: Cow<'static, str>,
    pub rows: u64,
    pub problems: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What was looked at when it was found.
    pub what: Cow<'static, str>,
    /// Of the row; empty where it is about all of them.
    pub id: String,
    /// For people.
    pub why: String,
    /// What to do about it, for people.
    pub fix: Cow<'static, str>,
}
