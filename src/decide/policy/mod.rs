//! The policy language: YAML text in, the checked types of [`crate::domain::policy`] out, or every problem at once.
//!
//! A file passes four gates, one module each: `document` (is it YAML, of a bounded size, and where is what), `sieve`
//! (does each value have the type, unit and range that the schema of `shape` promises), `layers` (what it extends) and
//! `rules` (do the values agree with one another). Nothing here touches the file system: the caller hands in the text
//! and a closure that fetches the files named by `extends`.

mod agreement;
mod conflicts;
mod convert;
mod convert_gate;
mod convert_rules;
mod convert_space;
mod document;
mod examples;
mod forms;
mod forms_rules;
mod layers;
mod models;
mod moments;
mod old_names;
mod parse;
mod problems;
mod profiles;
mod rules;
mod schema;
mod shape;
mod shape_examples;
mod shape_gate;
mod shape_limits;
mod shape_models;
mod shape_rollout;
mod shape_rules;
mod shape_space;
mod sieve;
mod suggest;
mod units;
mod value;
mod wants;

#[cfg(test)]
mod tests;

pub use conflicts::unpriced;
pub use examples::parse_examples;
pub use models::parse_models;
pub use parse::{FileKind, Resolver, Source, parse};
pub use problems::{Problem, Problems};
pub(super) use problems::{one_of, shown};
pub use profiles::{MODELS, PROFILES, profile};
pub use schema::{examples_schema, models_schema, schema};
pub(super) use suggest::nearest;
