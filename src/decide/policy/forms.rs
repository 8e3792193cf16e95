//! Other ways to write the same: lists of objectives and constraints, conditions and actions taken apart. They are turned
//! into the one form of the schema before anything else looks at them; what cannot be is refused with its line.

use serde_yaml::{Mapping, Value};

use super::document::Document;
use super::forms_rules;
use super::old_names;
use super::problems::{Problem, entry, field, shown};
use crate::decide::condition::canonical;

/// Rewrites a document in place.
pub(super) fn unify(document: &mut Document, found: &mut Vec<Problem>) {
    let mut value = std::mem::take(&mut document.value);
    let mut forms = Forms { document, found };
    old_names::refuse(&mut value, &mut forms);
    forms.section("", &mut value);
    if let Some(Value::Mapping(services)) = value.get_mut("services") {
        for (name, own) in services.iter_mut() {
            let Some(name) = name.as_str() else { continue };
            forms.section(&field("services", name), own);
        }
    }
    document.value = value;
}

pub(super) struct Forms<'a> {
    pub(super) document: &'a mut Document,
    pub(super) found: &'a mut Vec<Problem>,
}

impl Forms<'_> {
    pub(super) fn says(&mut self, path: &str, message: String) {
        self.found.push(self.document.problem(path, message));
    }

    /// The settings at the top or of one service.
    fn section(&mut self, prefix: &str, value: &mut Value) {
        let Value::Mapping(settings) = value else { return };
        let mut limits = Mapping::new();
        if let Some(list @ Value::Sequence(_)) = settings.get_mut("objectives") {
            let path = field(prefix, "objectives");
            *list = self.objectives(&path, std::mem::take(list), prefix, &mut limits);
        }
        if let Some(list @ Value::Sequence(_)) = settings.get_mut("constraints") {
            let Value::Sequence(rows) = std::mem::replace(list, Value::Mapping(Mapping::new())) else { return };
            for (at, row) in rows.into_iter().enumerate() {
                let path = entry(&field(prefix, "constraints"), at);
                self.limits(&path, &row, prefix, &mut limits);
            }
        }
        if !limits.is_empty() {
            let constraints = settings.entry("constraints".into()).or_insert_with(|| Value::Mapping(Mapping::new()));
            if let Value::Mapping(constraints) = constraints {
                constraints.extend(limits);
            }
        }
        if let Some(Value::Sequence(rules)) = settings.get_mut("rules") {
            for (at, rule) in rules.iter_mut().enumerate() {
                forms_rules::rule(self, &entry(&field(prefix, "rules"), at), rule);
            }
        }
    }

    /// A list of objectives as weights. What the list does not name has none.
    fn objectives(&mut self, path: &str, list: Value, prefix: &str, limits: &mut Mapping) -> Value {
        let mut weights = Mapping::new();
        let rows = if let Value::Sequence(rows) = list { rows } else { Vec::new() };
        for (at, row) in rows.into_iter().enumerate() {
            let path = entry(path, at);
            let metric = row.get("metric").and_then(Value::as_str).unwrap_or_default();
            let (name, wanted) = match canonical(metric) {
                Some("cost.per_request") => ("cost", "minimize"),
                Some("latency.p95_ms") => ("latency", "minimize"),
                Some("quality.overall") => ("quality", "maximize"),
                _ => {
                    let message = format!(
                        "is no objective, got `{}`; there are `cost.per_request`, `latency.p95` and `quality.overall`",
                        shown(metric)
                    );
                    self.says(&field(&path, "metric"), message);
                    continue;
                }
            };
            match row.get("goal").and_then(Value::as_str) {
                None => {}
                Some(goal) if goal == wanted => {}
                Some(goal) => {
                    let message =
                        format!("wants to {} {metric}, which is the wrong way round; write `{wanted}`", shown(goal));
                    self.says(&field(&path, "goal"), message);
                }
            }
            for key in keys(&row).filter(|key| !["metric", "goal", "weight", "min", "max"].contains(&key.as_str())) {
                self.says(
                    &field(&path, &key),
                    "is not known here; an objective has `metric`, `goal` and `weight`".into(),
                );
            }
            if row.get("min").is_some() || row.get("max").is_some() {
                self.limits(&path, &row, prefix, limits);
            }
            let Some(weight) = row.get("weight") else {
                self.says(&path, "states no `weight`; the weights of all objectives add up to 1".into());
                continue;
            };
            self.document.alias(&field(&path, "weight"), &field(&field(prefix, "objectives"), name));
            if weights.insert(name.into(), weight.clone()).is_some() {
                self.says(&path, format!("repeats the objective of {name}; keep one"));
            }
        }
        for name in ["cost", "latency", "quality"] {
            weights.entry(name.into()).or_insert(0.0.into());
        }
        Value::Mapping(weights)
    }

    /// One entry `{metric, min, max}` as hard limits.
    fn limits(&mut self, path: &str, row: &Value, prefix: &str, limits: &mut Mapping) {
        let metric = row.get("metric").and_then(Value::as_str).unwrap_or_default();
        let known = match canonical(metric) {
            Some("latency.p95_ms") => ("max", "latency_p95_ms"),
            Some("errors.rate") => ("max", "error_rate"),
            Some("cost.per_request") => ("max", "cost_per_request_usd"),
            Some("quality.overall") => ("min", "quality_min"),
            _ => {
                let message = format!(
                    "cannot be limited, got `{}`; there are `latency.p95`, `errors.rate`, `cost.per_request` and `quality.overall`",
                    shown(metric)
                );
                return self.says(&field(path, "metric"), message);
            }
        };
        let (bound, name) = known;
        for other in ["min", "max"] {
            let Some(limit) = row.get(other) else { continue };
            let from = field(path, other);
            if other == bound {
                self.document.alias(&from, &field(&field(prefix, "constraints"), name));
                limits.insert(name.into(), limit.clone());
            } else {
                self.says(&from, format!("is no limit there is for {metric}; it has a `{bound}`"));
            }
        }
        if row.get(bound).is_none() {
            self.says(path, format!("states no `{bound}`, the limit of {metric}"));
        }
    }
}

/// The keys of a mapping that are text.
pub(super) fn keys(value: &Value) -> impl Iterator<Item = String> {
    let keys: Vec<String> =
        value.as_mapping().into_iter().flat_map(Mapping::keys).filter_map(Value::as_str).map(str::to_owned).collect();
    keys.into_iter()
}
