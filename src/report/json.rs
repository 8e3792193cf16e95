//! The machine form of a plan, and its JSON Schema.

use crate::domain::Plan;

/// The plan as indented JSON, with a final line break.
#[must_use]
pub fn json(plan: &Plan) -> String {
    serde_json::to_string_pretty(plan).expect("a plan is plain data") + "\n"
}

/// JSON Schema (draft 2020-12) of that form. `docs/schema/plan.v1.json` is this, checked in.
#[must_use]
pub fn schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Plan)).expect("a schema is plain data") + "\n"
}
