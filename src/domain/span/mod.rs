//! What a tick did and when, as a tree that tracing systems show. Pure data: `tell` sends it.

mod tick;
mod tree;

use std::borrow::Cow;

use jiff::Timestamp;

pub use tick::{Ran, tick};

/// A name and what it is.
pub type Attribute = (Cow<'static, str>, Value);

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Whole(i64),
    Flag(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Something that took a while, with what took place within it.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub name: &'static str,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub attributes: Vec<Attribute>,
    pub events: Vec<SpanEvent>,
    /// Events that are left out, because nobody reads that many.
    pub dropped_events: u32,
    /// Why it failed; none where it did not.
    pub error: Option<String>,
    /// By start.
    pub children: Vec<Span>,
}

/// Something that took no time.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEvent {
    pub name: &'static str,
    pub at: Timestamp,
    pub attributes: Vec<Attribute>,
}

fn attribute(name: &'static str, value: impl Into<Value>) -> Attribute {
    (name.into(), value.into())
}
