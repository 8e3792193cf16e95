//! What is wrong with a policy: a list, because somebody who fixes one line at a time gives up at the fourth.

use std::fmt;

/// Problems shown before the rest is only counted. Nobody reads on, and a terminal should not drown in a wrong file.
const SHOWN: usize = 100;

/// One thing that is wrong, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as the caller named it, or `built-in balanced`.
    pub file: String,
    /// Line of the field, counted from 1; none where the file as a whole is meant.
    pub line: Option<usize>,
    /// Column, counted from 1; only for broken YAML, where the line alone does not show the place.
    pub column: Option<usize>,
    /// Path of the field, for example `services.helpdesk.thresholds.latency_p95_ms`; empty for the file as a whole.
    pub field: String,
    /// What is wrong, what is wanted and, where it can be guessed, what to write.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": `{}`", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong, never empty: the file that was asked for first, then those it extends, each in line order.
/// Displays as one line per problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Wraps what was found; none if nothing was.
    pub(super) fn of(found: Vec<Problem>) -> Option<Self> {
        if found.is_empty() { None } else { Some(Self(found)) }
    }

    /// The problems of several files as one list; none if there are none.
    pub fn joined(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        Self::of(all.into_iter().flat_map(|problems| problems.0).collect())
    }

    /// Each problem, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().take(SHOWN).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}

impl std::error::Error for Problems {}

/// The path of `key` inside `parent`. Keys that are not plain words are quoted, so that a dot in a service name does not
/// look like a level and nothing a file contains can steer a terminal.
pub(super) fn field(parent: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.len() <= 128 && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    let key = if plain { key.to_owned() } else { format!("\"{}\"", shown(key).replace('"', "\\\"")) };
    if parent.is_empty() { key } else { format!("{parent}.{key}") }
}

/// The path of one entry of a list.
pub(super) fn entry(parent: &str, index: usize) -> String {
    format!("{parent}[{index}]")
}

/// Text of the file as a message may show it: no control characters, and not endless.
pub(in crate::decide) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short = String::new();
    for c in text.chars().take(LONGEST) {
        // Quotes are harmless and common; what else is escaped are characters without a shape of their own.
        if c == '\'' || c == '"' { short.push(c) } else { short.extend(c.escape_debug()) }
    }
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// `` `a` ``, `` `a` or `b` ``, `` `a`, `b` or `c` ``.
pub(in crate::decide) fn one_of<S: AsRef<str>>(names: &[S]) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            text.push_str(if index + 1 == names.len() { " or " } else { ", " });
        }
        text.push('`');
        text.push_str(name.as_ref());
        text.push('`');
    }
    text
}
