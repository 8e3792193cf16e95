//! The page that is forwarded: built from whatever was given, and written as HTML, Markdown or JSON.

mod build;
mod chart;
mod course;
mod data;
mod decisions;
mod deeds;
mod evaluation;
mod findings;
mod frame;
mod gate;
mod headline;
mod html;
mod ink;
mod markdown;
mod models;
mod plot;
mod realised;
mod rollouts;
mod services;
mod spend;
mod ticks;
mod timeline;
mod today;
mod worth;

pub use build::page;
pub use html::page_html;
pub use markdown::page_markdown;
pub use worth::worth_a_plot;

use crate::domain::page::Page;

/// The page as indented JSON, with a final line break.
#[must_use]
pub fn page_json(page: &Page) -> String {
    serde_json::to_string_pretty(page).expect("a page is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of that form. `docs/schema/report.v1.json` is this, checked in.
#[must_use]
pub fn page_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Page)).expect("a schema is plain data") + "\n"
}
