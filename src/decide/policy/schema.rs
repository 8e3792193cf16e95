//! JSON Schema of the two files, from the structs that read them: what an editor completes, what the messages promise
//! and what is accepted cannot drift apart.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use super::shape::PolicyYaml;
use super::shape_examples::ExamplesYaml;
use super::shape_models::ModelTableYaml;

/// JSON Schema of a policy file, published as `docs/schema/policy.v1.json`.
#[must_use]
pub fn schema() -> Value {
    generate::<PolicyYaml>("Policy of the LLM auto-optimizer")
}

/// JSON Schema of a price table, published as `docs/schema/models.v1.json`.
#[must_use]
pub fn models_schema() -> Value {
    generate::<ModelTableYaml>("Model prices of the LLM auto-optimizer")
}

/// JSON Schema of a file of examples, published as `docs/schema/policy-tests.v1.json`.
#[must_use]
pub fn examples_schema() -> Value {
    generate::<ExamplesYaml>("Policy tests of the LLM auto-optimizer")
}

/// Draft 7, because that is what the YAML language server of most editors reads; inlined, because draft 7 drops what
/// stands beside a reference, and with it the units.
fn generate<T: JsonSchema>(title: &str) -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    settings.transforms.push(Box::new(RecursiveTransform(without_null)));
    settings.transforms.push(Box::new(RecursiveTransform(unit_of_entries)));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

/// A field that may be left out is `Option` in Rust, which schemars publishes as "or null". An empty value is refused,
/// though: `thresholds:` with nothing below it is usually an indentation mistake.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else { return };
    choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        lay_under(object, only);
    }
}

/// The derive puts the unit of a list's entries beside the list; it belongs to the entries.
fn unit_of_entries(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    for key in ["x-unit", "x-form"] {
        if object.get("items").is_some_and(Value::is_object)
            && let Some(text) = object.remove(key)
        {
            object["items"][key] = text;
        }
    }
}

/// Adds what is missing. The description of a field wins over that of its type.
fn lay_under(object: &mut Map<String, Value>, below: Map<String, Value>) {
    for (key, value) in below {
        object.entry(key).or_insert(value);
    }
}
