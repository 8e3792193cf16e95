//! From layers of sound values to one policy: everything is stated, and the values agree with one another.

use std::collections::BTreeMap;
use std::path::Path;

use serde_yaml::{Mapping, Value};

use crate::domain::policy::Policy;

use super::agreement::Agreement;
use super::convert::{Needed, rules};
use super::convert_gate;
use super::document::{Document, whole_file};
use super::layers::{LISTED, overlay};
use super::problems::{Problem, entry, field, one_of, shown};
use super::shape::{PolicyYaml, RulesYaml, ScoreYaml};
use super::shape_gate::GateYaml;
use super::shape_limits::{CountLimitYaml, LimitYaml};

/// Rules and governance policies over all services that state something of their own; the ones of the top count for each.
const MOST_ENTRIES: usize = 200_000;

/// Builds the policy. The layers come top first; problems go to `found`, and then there may be no policy.
pub(super) fn policy(layers: &[Document], found: &mut Vec<Problem>) -> Option<Policy> {
    let top = layers.first()?;
    let mut merged = Value::Mapping(Mapping::new());
    for layer in layers.iter().rev().filter(|layer| layer.value.is_mapping()) {
        overlay(&mut merged, layer.value.clone());
    }
    let shared = without(
        &merged,
        &[
            "name",
            "extends",
            "total_daily_budget_usd",
            "total_monthly_budget_usd",
            "max_changes_per_tick",
            "scores",
            "gate",
            "services",
        ],
    );
    let (totals, declared, gate, default) = split(read(without(&merged, &["services"]), top, found)?);

    let mut needed = Needed::default();
    let total_daily_budget_usd = needed.get("total_daily_budget_usd", totals.daily.map(LimitYaml::limit));
    let total_monthly_budget_usd = totals.monthly.and_then(LimitYaml::limit);
    let max_changes_per_tick = totals.changes.and_then(CountLimitYaml::limit);
    let known = found.len();
    let default = rules(default, &mut needed, &mut reporter(layers, "", known, found));
    // Values that were refused are not missing, and what they would have been is not known.
    if known == 0 {
        missing(&needed, top, found);
    }
    let mut agreement = Agreement { layers, missing: needed.missing(), known: found.len(), found };
    agreement.check("", &default);
    agreement.totals(total_daily_budget_usd, total_monthly_budget_usd);
    let scores = agreement.scores(declared);
    let gate = convert_gate::gate(gate, &mut |place, message| {
        let row = entry("gate.suppress", place);
        let layer = agreement.layers.iter().find(|layer| layer.states(&row)).unwrap_or(top);
        agreement.found.push(layer.problem(&field(&row, "until"), message));
    });

    let mut services = BTreeMap::new();
    let overrides = merged.get("services").and_then(Value::as_mapping).into_iter().flatten();
    let light = without(&shared, &LISTED);
    let mut entries = 0;
    for (name, own) in overrides {
        let Some(name) = name.as_str() else { continue };
        let mut all = light.clone();
        // Long lists are read once a file and not once a service, unless the service adds to them.
        for list in LISTED.into_iter().filter(|list| own.get(list).is_some()) {
            if let (Some(all), Some(below)) = (all.as_mapping_mut(), shared.get(list)) {
                all.insert(list.into(), below.clone());
            }
        }
        overlay(&mut all, own.clone());
        let Some(yaml) = read(all, top, agreement.found) else { continue };
        let prefix = field("services", name);
        // What is missing here is missing at the top, and reported there.
        let mut rules = rules(yaml, &mut Needed::default(), &mut reporter(layers, &prefix, known, agreement.found));
        if own.get("rules").is_none() {
            rules.rules.clone_from(&default.rules);
        }
        if own.get("policies").is_none() {
            rules.governance.clone_from(&default.governance);
        }
        entries += rules.rules.len() + rules.governance.len();
        agreement.check(&prefix, &rules);
        services.insert(name.to_owned(), rules);
        if entries > MOST_ENTRIES {
            let message = format!(
                "states {} services with {entries} rules in all, those of the top counted for each; the most is {MOST_ENTRIES}",
                services.len()
            );
            agreement.found.push(whole_file(&top.name, message));
            return None;
        }
    }
    if !found.is_empty() {
        return None;
    }
    Some(Policy {
        name: name_of(top),
        default,
        services,
        total_daily_budget_usd,
        total_monthly_budget_usd,
        max_changes_per_tick,
        scores,
        gate,
    })
}

/// Reads sieved values. That this fails would be a gap in the sieve; it is reported all the same, never skipped.
fn read<T: serde::de::DeserializeOwned>(value: Value, top: &Document, found: &mut Vec<Problem>) -> Option<T> {
    serde_yaml::from_value(value)
        .map_err(|error| found.push(whole_file(&top.name, format!("cannot be read: {}", shown(&error.to_string())))))
        .ok()
}

/// Limits over all services.
struct Totals {
    daily: Option<LimitYaml>,
    monthly: Option<LimitYaml>,
    changes: Option<CountLimitYaml>,
}

/// Turns what is wrong with an entry of a list into a problem with its line. An entry that a service merely inherits was
/// looked at where it stands, and one that the sieve complained of says enough already.
pub(super) fn reporter(
    layers: &[Document],
    prefix: &str,
    known: usize,
    found: &mut Vec<Problem>,
) -> impl FnMut(&'static str, &str, &str, String) {
    move |list, id, inside, message| {
        let path = if prefix.is_empty() { list.to_owned() } else { format!("{prefix}.{list}") };
        let at = layers.iter().find_map(|layer| {
            let (_, rows) = layer.lists(list).find(|(own, _)| *own == path)?;
            let row = rows.iter().position(|row| row.get("id").and_then(Value::as_str) == Some(id))?;
            Some((layer, entry(&path, row)))
        });
        let Some((layer, row)) = at else { return };
        let said = |problem: &Problem| problem.file == layer.name && problem.field.starts_with(&row);
        if !found[..known].iter().any(said) {
            let path = if inside.is_empty() { row } else { format!("{row}.{inside}") };
            found.push(layer.problem(&path, message));
        }
    }
}

/// The total budgets, the scores, the gate, and the rules for every service.
fn split(policy: PolicyYaml) -> (Totals, BTreeMap<String, ScoreYaml>, Option<GateYaml>, RulesYaml) {
    let PolicyYaml {
        name: _,     // the top layer's alone, see `name_of`
        extends: _,  // followed already
        services: _, // laid over the rest one by one
        total_daily_budget_usd,
        total_monthly_budget_usd,
        max_changes_per_tick,
        scores,
        gate,
        mode,
        objectives,
        thresholds,
        constraints,
        soft_constraints,
        evidence,
        decision,
        rollout,
        rollback,
        models,
        backup_model,
        task,
        parameters,
        prompts,
        experiments,
        rules,
        policies,
        daily_budget_usd,
        monthly_budget_usd,
    } = policy;
    let rules = RulesYaml {
        mode,
        objectives,
        thresholds,
        constraints,
        soft_constraints,
        evidence,
        decision,
        rollout,
        rollback,
        models,
        backup_model,
        task,
        parameters,
        prompts,
        experiments,
        rules,
        policies,
        daily_budget_usd,
        monthly_budget_usd,
    };
    let totals =
        Totals { daily: total_daily_budget_usd, monthly: total_monthly_budget_usd, changes: max_changes_per_tick };
    (totals, scores.unwrap_or_default(), gate, rules)
}

fn without(value: &Value, keys: &[&str]) -> Value {
    let mapping = value.as_mapping().into_iter().flatten();
    let kept = mapping.filter(|(key, _)| !key.as_str().is_some_and(|key| keys.contains(&key)));
    Value::Mapping(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// A name is not inherited: a file that extends `balanced` is something else than `balanced`.
fn name_of(top: &Document) -> String {
    let stated = top.value.get("name").and_then(Value::as_str);
    let stem = Path::new(&top.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stated.map(str::to_owned).or(stem).unwrap_or_else(|| top.name.clone())
}

fn missing(needed: &Needed, top: &Document, found: &mut Vec<Problem>) {
    let names = needed.missing();
    let Some((first, others)) = names.split_first() else { return };
    // A short list is named; a long one means that the file was never meant to be complete.
    let what = match others.len() {
        0..=3 => one_of(names),
        more => format!("`{first}` and {more} other settings"),
    };
    let message = format!("states no {what}; add what is missing, or `extends: balanced` to take it from a profile");
    found.push(whole_file(&top.name, message));
}
