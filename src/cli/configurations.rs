//! What services are configured to do, as the Orchestrator tells it: a list of `{service_id, version, configuration}`.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_yaml::Value;

use super::Failure;
use crate::domain::{Configuration, KnownConfigurations};

/// One entry. Whatever else an answer of the Orchestrator holds is passed over.
#[derive(Deserialize)]
struct Entry {
    service_id: String,
    version: Option<String>,
    configuration: BTreeMap<String, Value>,
}

/// Reads the file, where there is one. The entries of a service are in the order they came into force.
pub(super) fn read(path: Option<&Path>) -> Result<BTreeMap<String, KnownConfigurations>, Failure> {
    const FORM: &str = "write a list of `{service_id: checkout, version: v2, configuration: {model: …, max_tokens: 512}}`, the one in force last";
    let Some(path) = path else { return Ok(BTreeMap::new()) };
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|cause| Failure::usage(format!("cannot read the configurations `{shown}`: {cause}"), FORM))?;
    let entries: Vec<Entry> = serde_yaml::from_str(&text)
        .map_err(|cause| Failure::usage(format!("`{shown}` is no list of configurations: {cause}"), FORM))?;
    let mut known: BTreeMap<String, KnownConfigurations> = BTreeMap::new();
    for Entry { service_id, version, configuration } in entries {
        let mut values = BTreeMap::new();
        for (key, value) in configuration {
            let value = match value {
                Value::Null => continue,
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::String(text) => text,
                _ => {
                    let what = format!("`{key}` of {service_id} in `{shown}` is neither text nor a number");
                    return Err(Failure::usage(what, FORM));
                }
            };
            values.insert(key, value);
        }
        let service = known.entry(service_id).or_default();
        let configuration = Configuration(values);
        if let Some(version) = version {
            service.versions.insert(version, configuration.clone());
        }
        service.current = Some(configuration);
    }
    Ok(known)
}
