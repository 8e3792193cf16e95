//! How a plan is shown: a table for people at a terminal, JSON for programs, Markdown for pull requests, the whole
//! reasoning of one service in words, and a page with plots to forward.

mod analysis;
mod comparison;
mod deeds;
mod doctor;
mod evaluation;
mod examination;
mod explain;
mod fold;
mod gate;
mod inspection;
mod json;
mod markdown;
mod page;
mod policies;
mod prometheus;
mod rollups;
mod run;
mod sparkline;
mod status;
mod table;
mod words;

pub use analysis::{
    analysis, analysis_json, analysis_markdown, analysis_schema, findings_ndjson, outlooks, tick, tick_schema,
};
pub use comparison::{ComparisonLine, Verdict, comparisons, comparisons_json};
pub use deeds::{DeedLine, deeds};
pub use doctor::{doctor, doctor_json, doctor_schema};
pub use evaluation::{evaluation, evaluation_json, evaluation_markdown, evaluation_schema};
pub use examination::{examination, examination_json};
pub use explain::{explain, only};
pub use gate::{
    gate, gate_annotations, gate_code_quality, gate_json, gate_junit, gate_markdown, gate_sarif, gate_schema,
};
pub use inspection::{inspection, inspection_json, inspection_schema};
pub use json::{json, schema};
pub use markdown::markdown;
pub use page::{page, page_html, page_json, page_markdown, page_schema, worth_a_plot};
pub use policies::{policies, policies_json, policies_markdown, policies_schema};
pub use prometheus::{Figures, Phase, prometheus};
pub use rollups::rollups;
pub use run::{reading, readings, run, run_json, run_schema, split};
pub use status::{status, status_json, status_of, status_schema};
pub use table::{Screen, table};
