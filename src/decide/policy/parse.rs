//! The way in: one policy file, with whatever it extends.

use crate::domain::policy::Policy;

use super::layers;
use super::problems::Problems;
use super::profiles::{LABELS, PROFILES, profile};
use super::rules;

/// Fetches the text of a file named by `extends`: its path, joined to that of the file that names it, in; the text, or
/// why it cannot be had, out.
pub type Resolver<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A file as the caller read it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The path, as messages shall show it; what `extends` names is relative to it.
    pub name: &'a str,
    /// The whole content.
    pub text: &'a str,
}

impl Source<'static> {
    /// A built-in profile by name: `conservative`, `balanced` or `aggressive`.
    #[must_use]
    pub fn profile(name: &str) -> Option<Self> {
        let text = profile(name)?;
        let label = PROFILES.into_iter().position(|known| known == name).map(|index| LABELS[index])?;
        Some(Self { name: label, text })
    }
}

/// Reads a policy: what the file extends, below the file, below the overrides of each service.
///
/// Nothing is guessed: a setting that no layer states is a problem, and so is one that any layer states wrongly.
pub fn parse(source: Source<'_>, resolve: Resolver<'_>) -> Result<Policy, Problems> {
    let mut found = Vec::new();
    let layers = layers::load(source, resolve, &mut found);
    let policy = if layers.is_empty() { None } else { rules::policy(&layers, &mut found) };
    match (Problems::of(found), policy) {
        (Some(problems), _) => Err(problems),
        (None, Some(policy)) => Ok(policy),
        (None, None) => unreachable!("no layers or no rules without a problem that says why"),
    }
}

/// What a file in a folder of policies is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Policy,
    /// A price table: a list under `models`.
    Prices,
    /// Examples: `tests` at the top.
    Examples,
}

impl FileKind {
    /// Tells by the keys at the margin, so that a file which is no YAML yet is told apart too.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
        while let Some(line) = lines.next() {
            if line.starts_with("tests:") {
                return Self::Examples;
            }
            if line.trim_end() == "models:" && lines.next().is_some_and(|next| next.trim_start().starts_with("- ")) {
                return Self::Prices;
            }
        }
        Self::Policy
    }
}
