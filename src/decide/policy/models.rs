//! The price table.

use std::collections::BTreeMap;

use crate::domain::policy::{Model, ModelTable, Tier};

use super::document::{Document, whole_file};
use super::problems::{Problem, Problems, entry, field, shown};
use super::schema::models_schema;
use super::shape_models::{ModelTableYaml, ModelYaml};
use super::sieve::sieve;
use super::units::short;

/// Dearer than this per million tokens, or free. What is written below it is taken for a price per token, the unit of
/// other tables; the cheapest real price in sight, for cached input, is five times as much.
const LEAST_USD_PER_MTOK: f64 = 0.0005;
const TOKENS_PER_MTOK: f64 = 1e6;

/// Reads a price table; the file states US dollars per million tokens, the table holds US dollars per token.
pub fn parse_models(name: &str, text: &str) -> Result<ModelTable, Problems> {
    let mut found = Vec::new();
    let table = read(name, text, &mut found);
    // By line, since the checks go over the file more than once; a problem without a line is about the whole file.
    found.sort_by_key(|problem| problem.line);
    match (Problems::of(found), table) {
        (Some(problems), _) => Err(problems),
        (None, Some(table)) => Ok(table),
        (None, None) => unreachable!("no table without a problem that says why"),
    }
}

fn read(name: &str, text: &str, found: &mut Vec<Problem>) -> Option<ModelTable> {
    let mut document = Document::read(name, text, found)?;
    sieve(&mut document, &models_schema(), "models:", found);
    if document.value.is_null() {
        return None;
    }
    let value = document.value.clone();
    let ModelTableYaml { models } = serde_yaml::from_value(value)
        .map_err(|error| found.push(whole_file(name, format!("cannot be read: {}", shown(&error.to_string())))))
        .ok()?;
    if found.is_empty() {
        // With an entry refused, the places of the others in the list would no longer be those in the file.
        repeated(models.as_deref().unwrap_or_default(), &document, found);
    }
    let models = models.unwrap_or_default().into_iter().enumerate();
    let models = models.map(|(index, model)| convert(model, &entry("models", index), &document, found)).collect();
    Some(ModelTable { models })
}

/// Reports a model that has two prices.
fn repeated(models: &[ModelYaml], document: &Document, found: &mut Vec<Problem>) {
    let mut first: BTreeMap<(&Option<String>, &Option<String>), String> = BTreeMap::new();
    for (index, model) in models.iter().enumerate() {
        let path = entry("models", index);
        let Some(earlier) = first.get(&(&model.provider, &model.model)) else {
            first.insert((&model.provider, &model.model), path);
            continue;
        };
        let line = document.line(earlier).map_or_else(|| format!("as `{earlier}`"), |line| format!("on line {line}"));
        let (provider, model) = (model.provider.as_deref(), model.model.as_deref());
        let name = format!("{}/{}", provider.unwrap_or_default(), model.unwrap_or_default());
        found.push(document.problem(&path, format!("repeats `{}`, which has a price {line}; keep one", shown(&name))));
    }
}

fn convert(yaml: ModelYaml, path: &str, document: &Document, found: &mut Vec<Problem>) -> Model {
    let ModelYaml {
        provider,
        model,
        tier,
        input_usd_per_mtok,
        output_usd_per_mtok,
        cached_input_usd_per_mtok,
        cache_write_usd_per_mtok,
        context_window,
    } = yaml;
    let mut per_token = |name: &str, price: Option<f64>| {
        let price = price?;
        if price > 0.0 && price < LEAST_USD_PER_MTOK {
            let meant = short(price * TOKENS_PER_MTOK);
            let message = format!("looks like a price per token; per million tokens it is {meant}");
            found.push(document.problem(&field(path, name), message));
        }
        Some(price / TOKENS_PER_MTOK)
    };
    Model {
        // Both are required, so the sieve has reported the entry that lacks one.
        provider: provider.unwrap_or_default(),
        model: model.unwrap_or_default(),
        tier: tier.map(Tier::from),
        input_usd_per_token: per_token("input_usd_per_mtok", input_usd_per_mtok),
        output_usd_per_token: per_token("output_usd_per_mtok", output_usd_per_mtok),
        cached_input_usd_per_token: per_token("cached_input_usd_per_mtok", cached_input_usd_per_mtok),
        cache_write_usd_per_token: per_token("cache_write_usd_per_mtok", cache_write_usd_per_mtok),
        context_window,
    }
}
