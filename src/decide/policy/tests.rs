//! What the language promises, by example: each kind of mistake with its exact message, layering, and arbitrary text.

mod arbitrary;
mod conflicts;
mod examples;
mod forms;
mod layering;
mod messages;
mod prices;
mod rules;

use super::{Problems, Source, parse};
use crate::domain::policy::Policy;

/// Parses `text` as `x.yaml` in a world without other files.
fn read(text: &str) -> Result<Policy, Problems> {
    parse(Source { name: "x.yaml", text }, &|path| Err(format!("there is no `{path}`")))
}

/// The problems of `text` as one string; empty if there are none.
fn problems(text: &str) -> String {
    read(text).map_or_else(|problems| problems.to_string(), |_| String::new())
}

/// The rules of a built-in profile.
fn profile(name: &str) -> Policy {
    let source = Source::profile(name).expect("a built-in profile");
    parse(source, &|_| unreachable!("profiles extend profiles only")).unwrap_or_else(|problems| panic!("{problems}"))
}
