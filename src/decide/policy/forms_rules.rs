//! Rules whose condition and action are taken apart into fields, put together again as `when` and `then`.

use serde_yaml::{Mapping, Value};

use super::forms::{Forms, keys};
use super::problems::{entry, field, shown};
use crate::decide::condition::{NAMES, canonical};

/// Milliseconds of a minute.
const MILLISECONDS: u64 = 60_000;

/// Rewrites one rule in place.
pub(super) fn rule(forms: &mut Forms<'_>, path: &str, rule: &mut Value) {
    let Value::Mapping(rule) = rule else { return };
    if let Some(name) = rule.remove("name")
        && !rule.contains_key("description")
    {
        forms.document.alias(&field(path, "name"), &field(path, "description"));
        rule.insert("description".into(), name);
    }
    if let Some(enabled) = rule.remove("enabled") {
        forms.document.alias(&field(path, "enabled"), &field(path, "mode"));
        if enabled == Value::Bool(false) {
            rule.insert("mode".into(), "off".into());
        }
    }
    for (from, to) in [("maxApplicationsPerDay", "max_per_day"), ("condition", "when"), ("action", "then")] {
        if let Some(value) = rule.remove(from) {
            forms.document.alias(&field(path, from), &field(path, to));
            rule.insert(to.into(), value);
        }
    }
    if let Some(rest) = rule.remove("cooldownPeriod") {
        forms.document.alias(&field(path, "cooldownPeriod"), &field(path, "cooldown"));
        rule.insert("cooldown".into(), minutes(&rest).unwrap_or(rest));
    }
    if let Some(when) = rule.get("when").filter(|when| when.is_mapping()).cloned() {
        let stated = if forms.document.states(&field(path, "condition")) { "condition" } else { "when" };
        let mut longest = None;
        match text(forms, &field(path, stated), &when, true, &mut longest) {
            Some(text) => rule.insert("when".into(), text.into()),
            None => rule.remove("when"),
        };
        if let Some(hold) = longest.filter(|_| !rule.contains_key("for")) {
            rule.insert("for".into(), format!("{}m", hold / MILLISECONDS).into());
        }
    }
    let stated = if forms.document.states(&field(path, "action")) { "action" } else { "then" };
    if let Some(then) = rule.get_mut("then") {
        action(forms, &field(path, stated), &field(path, "then"), then);
    }
}

/// Milliseconds as a duration, if they are whole minutes.
fn minutes(value: &Value) -> Option<Value> {
    let whole = value.as_u64().filter(|ms| *ms > 0 && ms % MILLISECONDS == 0)?;
    Some(format!("{}m", whole / MILLISECONDS).into())
}

/// A condition as CEL; none if it is refused. `joint`: a duration in here holds for the whole rule.
fn text(
    forms: &mut Forms<'_>,
    path: &str,
    condition: &Value,
    joint: bool,
    longest: &mut Option<u64>,
) -> Option<String> {
    let word = |key: &str| condition.get(key).and_then(Value::as_str);
    for key in keys(condition) {
        if !["type", "metric", "operator", "threshold", "duration", "logicalOperator", "subConditions"]
            .contains(&key.as_str())
        {
            forms.says(
                &field(path, &key),
                "is not known in a condition; write the condition in CEL: `when: errors.rate > 0.05`".into(),
            );
        }
    }
    if let Some(duration) = condition.get("duration") {
        let ms = duration.as_u64().filter(|ms| *ms > 0 && ms % MILLISECONDS == 0);
        match ms {
            Some(ms) if joint => *longest = Some(longest.map_or(ms, |known| known.max(ms))),
            Some(_) => forms.says(
                &field(path, "duration"),
                "holds for a part of the condition only; write it as `for` of the rule, such as `for: 1h`".into(),
            ),
            None => forms.says(
                &field(path, "duration"),
                "wants milliseconds that make whole minutes; or write `for: 1h` in the rule".into(),
            ),
        }
    }
    match word("type") {
        Some("composite") => composite(forms, path, condition, joint, longest),
        Some("metric") => compared(forms, path, condition, None),
        Some("trend") => {
            let topic = topic(forms, path, condition)?;
            compared(forms, path, condition, Some(format!("trend.{topic}")))
        }
        Some("anomaly") => {
            let topic = topic(forms, path, condition)?;
            if condition.get("threshold").is_none() {
                return Some(format!("anomaly.{topic}"));
            }
            Some(format!("anomaly.{topic} && {}", compared(forms, path, condition, None)?))
        }
        other => {
            let got = other.map_or("nothing".to_owned(), |other| format!("`{}`", shown(other)));
            forms.says(&field(path, "type"), format!("is `metric`, `trend`, `anomaly` or `composite`, got {got}"));
            None
        }
    }
}

fn composite(
    forms: &mut Forms<'_>,
    path: &str,
    condition: &Value,
    joint: bool,
    longest: &mut Option<u64>,
) -> Option<String> {
    let parts = condition.get("subConditions").and_then(Value::as_sequence).cloned().unwrap_or_default();
    let operator = condition.get("logicalOperator").and_then(Value::as_str).unwrap_or_default();
    if parts.is_empty() {
        forms.says(path, "joins no `subConditions`; list at least one".into());
        return None;
    }
    let joint = joint && (operator == "AND" || parts.len() == 1 && operator != "NOT");
    let mut texts = Vec::new();
    let mut sound = true;
    for (at, part) in parts.iter().enumerate() {
        match text(forms, &entry(&field(path, "subConditions"), at), part, joint, longest) {
            Some(text) => texts.push(format!("({text})")),
            None => sound = false,
        }
    }
    let joined = match operator {
        "AND" => texts.join(" && "),
        "OR" => texts.join(" || "),
        "NOT" if parts.len() == 1 => format!("!{}", texts.first()?),
        "NOT" => {
            forms.says(
                &field(path, "logicalOperator"),
                format!("denies {} conditions at once; put them into one `AND` or `OR`", parts.len()),
            );
            return None;
        }
        other => {
            forms.says(&field(path, "logicalOperator"), format!("is `AND`, `OR` or `NOT`, got `{}`", shown(other)));
            return None;
        }
    };
    sound.then_some(joined)
}

/// The metric as trends and anomalies call it.
fn topic(forms: &mut Forms<'_>, path: &str, condition: &Value) -> Option<&'static str> {
    let metric = condition.get("metric").and_then(Value::as_str).unwrap_or_default();
    let topic = match canonical(metric).unwrap_or(metric) {
        "errors.rate" => "error_rate",
        "cost.per_request" | "cost.hourly" | "cost.today" => "cost",
        "quality.overall" => "quality",
        "requests.count" | "requests.per_minute" => "requests",
        name if name.starts_with("latency.") => "latency",
        _ => {
            forms.says(
                &field(path, "metric"),
                format!("has no trend and no anomaly here, got `{}`; there are `latency.p95`, `errors.rate`, `cost.per_request`, `quality.overall` and `requests.count`", shown(metric)),
            );
            return None;
        }
    };
    Some(topic)
}

/// `metric operator threshold`.
fn compared(forms: &mut Forms<'_>, path: &str, condition: &Value, name: Option<String>) -> Option<String> {
    let word = |key: &str| condition.get(key).and_then(Value::as_str);
    let Some(metric) = name.or_else(|| word("metric").map(str::to_owned)) else {
        forms.says(path, "states no `metric`".into());
        return None;
    };
    let operator = match word("operator") {
        Some("=") => "==",
        Some(operator @ (">" | "<" | ">=" | "<=" | "!=" | "==")) => operator,
        other => {
            let got = other.map_or("nothing".to_owned(), |other| format!("`{}`", shown(other)));
            forms.says(&field(path, "operator"), format!("is `>`, `<`, `=`, `>=`, `<=` or `!=`, got {got}"));
            return None;
        }
    };
    let Some(threshold) = condition.get("threshold").and_then(Value::as_f64) else {
        forms.says(&field(path, "threshold"), "wants a number".into());
        return None;
    };
    let Some(name) = canonical(&metric).and_then(|name| NAMES.iter().find(|known| known.name == name)) else {
        // The compiler of conditions says what there is instead, on the line of the metric.
        if let Err(message) = crate::decide::condition::compile(&format!("{metric} {operator} {threshold}")) {
            forms.says(&field(path, "metric"), message);
        }
        return None;
    };
    if name.range[1] <= 1.0 && threshold > 1.0 && threshold <= 100.0 {
        let message =
            format!("is more than `{}` can be, which runs from 0 to 1; write {}", name.name, threshold / 100.0);
        forms.says(&field(path, "threshold"), message);
        return None;
    }
    Some(format!("{} {operator} {threshold}", name.name))
}

/// What a rule does, in one of the other forms.
fn action(forms: &mut Forms<'_>, path: &str, then: &str, value: &mut Value) {
    match value {
        Value::String(word) if word == "rollback" => *value = single("rollback", Value::Bool(true)),
        Value::Mapping(mapping) if mapping.contains_key("type") => {
            let kind = mapping.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let parameters = mapping.get("parameters").cloned().unwrap_or(Value::Null);
            *value = typed(forms, path, then, &kind, &parameters).unwrap_or(Value::Mapping(Mapping::new()));
        }
        Value::Mapping(mapping) => {
            // A plain number is the new value.
            let moves = mapping.get_mut("adjust").and_then(Value::as_mapping_mut).into_iter().flatten();
            for (_, number) in moves.filter(|(_, number)| number.is_number()) {
                *number = single("set", number.clone());
            }
        }
        _ => {}
    }
}

/// `{type: …, parameters: {…}}`.
fn typed(forms: &mut Forms<'_>, path: &str, then: &str, kind: &str, parameters: &Value) -> Option<Value> {
    let at = |key: &str| field(&field(path, "parameters"), key);
    let target = |forms: &mut Forms<'_>, name: &str| {
        forms.document.alias(&at("targetModel"), &field(then, name));
        parameters.get("targetModel").cloned().map(|model| single(name, model))
    };
    let (value, taken): (Option<Value>, &[&str]) = match kind {
        "model_switch" => (target(forms, "switch_model"), &["targetModel", "rolloutStrategy"]),
        "experiment" => (target(forms, "experiment"), &["targetModel"]),
        "rollback" => (Some(single("rollback", Value::Bool(true))), &["targetVersion", "immediate"]),
        "alert" => (Some(single("alert", parameters.clone())), &["severity", "message"]),
        "config_change" => {
            let known =
                [("temperature", "temperature"), ("topP", "top_p"), ("topK", "top_k"), ("maxTokens", "max_tokens")];
            let named = |(camel, name): (&str, &'static str)| {
                let value = parameters.get(camel).or_else(|| parameters.get(name))?;
                Some((Value::from(name), single("set", value.clone())))
            };
            let moves: Mapping = known.into_iter().filter_map(named).collect();
            (
                Some(single("adjust", Value::Mapping(moves))),
                &["temperature", "topP", "topK", "maxTokens", "top_p", "top_k", "max_tokens"],
            )
        }
        other => {
            let message = format!(
                "is `model_switch`, `rollback`, `config_change`, `experiment` or `alert`, got `{}`",
                shown(other)
            );
            forms.says(&field(path, "type"), message);
            return None;
        }
    };
    for key in keys(parameters).filter(|key| !taken.contains(&key.as_str())) {
        let message = match key.as_str() {
            "canaryPercentage" => {
                "is the first share under `rollout: { steps_percent: […] }`; delete it here".to_owned()
            }
            _ => format!("is not known to `{kind}`; delete it, or write the rule with `then:`"),
        };
        forms.says(&at(&key), message);
    }
    for (key, plain) in [("rolloutStrategy", "canary"), ("targetVersion", "previous")] {
        let stated =
            parameters.get(key).and_then(Value::as_str).filter(|stated| *stated != plain && taken.contains(&key));
        if let Some(stated) = stated {
            forms.says(&at(key), format!("is always `{plain}` here, got `{}`", shown(stated)));
        }
    }
    if value.is_none() {
        forms.says(path, "states no `targetModel` under `parameters`".into());
    }
    value
}

fn single(key: &str, value: Value) -> Value {
    Value::Mapping(Mapping::from_iter([(key.into(), value)]))
}
