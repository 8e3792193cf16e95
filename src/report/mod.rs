//! How a plan is shown: a table for people at a terminal, JSON for programs, Markdown for pull requests, and the whole
//! reasoning of one service in words.

mod explain;
mod fold;
mod inspection;
mod json;
mod markdown;
mod table;
mod words;

pub use explain::explain;
pub use inspection::{inspection, inspection_json, inspection_schema};
pub use json::{json, schema};
pub use markdown::markdown;
pub use table::{Screen, table};
