//! How a plan is shown: a table for people at a terminal, JSON for programs, Markdown for pull requests, and the whole
//! reasoning of one service in words.

mod analysis;
mod comparison;
mod evaluation;
mod explain;
mod fold;
mod inspection;
mod json;
mod markdown;
mod policies;
mod rollups;
mod sparkline;
mod table;
mod words;

pub use analysis::{
    analysis, analysis_json, analysis_markdown, analysis_schema, findings_ndjson, outlooks, tick, tick_schema,
};
pub use comparison::{ComparisonLine, Verdict, comparisons, comparisons_json};
pub use evaluation::{evaluation, evaluation_json, evaluation_markdown, evaluation_schema};
pub use explain::{explain, only};
pub use inspection::{inspection, inspection_json, inspection_schema};
pub use json::{json, schema};
pub use markdown::markdown;
pub use policies::{policies, policies_json, policies_markdown, policies_schema};
pub use rollups::rollups;
pub use table::{Screen, table};
