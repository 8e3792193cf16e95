//! Settings as other tools and drafts call them. They are not guessed at, but whoever brings such a file is told, line by
//! line, what to write.

use serde_yaml::{Mapping, Value};

use super::forms::{Forms, keys};
use super::problems::{entry, field, shown};
use super::units::short;

/// Sections that do not exist here; what is inside is told one by one.
const SECTIONS: [&str; 5] = ["optimizer", "deployment", "budget", "performance", "quality"];

/// Takes what has another name out of the value, and tells what to write.
pub(super) fn refuse(value: &mut Value, forms: &mut Forms<'_>) {
    walk(forms, "", value, 0);
}

fn walk(forms: &mut Forms<'_>, path: &str, value: &mut Value, depth: usize) {
    if depth > 6 {
        return;
    }
    if let Some(Value::Sequence(rows)) = value.get_mut("thresholds") {
        let rows = std::mem::take(rows);
        listed(forms, &field(path, "thresholds"), &rows);
        if let Value::Mapping(settings) = value {
            settings.remove("thresholds");
        }
    }
    let Value::Mapping(settings) = value else { return };
    let section = path.rsplit('.').next().unwrap_or_default().to_owned();
    let names: Vec<String> = settings.keys().filter_map(Value::as_str).map(str::to_owned).collect();
    for name in names {
        let inner = field(path, &name);
        let Some(inside) = settings.get_mut(name.as_str()) else { continue };
        // Entries of lists have names of their own, and services may be called anything.
        let open = inside.is_mapping() && !["services", "prompts", "scores"].contains(&section.as_str());
        let foreign = open && SECTIONS.contains(&name.as_str()) && (path.is_empty() || section != "objectives");
        if foreign {
            leaves(forms, &inner, inside);
            settings.remove(name.as_str());
        } else if let Some(advice) = (!inside.is_mapping()).then(|| advice(&section, &name, inside)).flatten() {
            forms.says(&inner, advice);
            settings.remove(name.as_str());
        } else if inside.is_mapping() {
            walk(forms, &inner, inside, depth + 1);
        }
    }
}

/// Everything inside a section that does not exist.
fn leaves(forms: &mut Forms<'_>, path: &str, value: &Value) {
    for name in keys(value) {
        let inner = field(path, &name);
        let section = path.rsplit('.').next().unwrap_or_default();
        match value.get(name.as_str()) {
            Some(inside @ Value::Mapping(_)) => leaves(forms, &inner, inside),
            Some(inside) => {
                let told = match (section, name.as_str(), inside) {
                    ("rollback", "automatic", Value::Bool(flag)) => {
                        Some(format!("stands at the top of the file; write `rollback: {{ automatic: {flag} }}`"))
                    }
                    _ => advice(section, &name, inside),
                };
                forms.says(&inner, told.unwrap_or_else(|| format!("is not known; there is no section `{section}` here, so move it to the top of the file or delete it")));
            }
            None => {}
        }
    }
}

/// What to write for a setting that has another name here.
fn advice(section: &str, name: &str, value: &Value) -> Option<String> {
    let number = value.as_f64();
    let plain = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => shown(text),
        Value::Bool(flag) => flag.to_string(),
        _ => "…".to_owned(),
    };
    let share = |scale: f64| {
        number.map_or("…".to_owned(), |number| short(if number > 1.0 { number / scale } else { number }))
    };
    let percent = number.map_or("…".to_owned(), |number| short(number * 100.0));
    let write = |text: String| Some(format!("is called otherwise here; write `{text}`"));
    match (section, name) {
        (_, "minImprovement") => write(format!("decision: {{ min_improvement: {plain} }}")),
        (_, "minConfidence") => write(format!("decision: {{ min_confidence: {plain} }}")),
        (_, "maxRisk") => write(format!("decision: {{ max_risk: {plain} }}")),
        ("deployment", "steps") => write(format!("rollout: {{ steps_percent: {} }}", numbers(value, 1.0, &["%"]))),
        ("deployment", "durations") => {
            write(format!("rollout: {{ bake_minutes: {} }}", numbers(value, 60.0, &["m", "h"])))
        }
        (_, "errorRateIncrease") => write(format!("rollback: {{ error_rate_increase_points: {percent} }}")),
        ("optimizer", "strategy") => write(format!("extends: {plain}")),
        ("optimizer", "mode") => {
            Some("says how a service runs, which nothing here does; delete it, or write `mode: enforce`".into())
        }
        (_, "dailyMax") | ("thresholds", "daily_budget") => write(format!("total_daily_budget_usd: {plain}")),
        (_, "monthlyMax") => write(format!("total_monthly_budget_usd: {plain}")),
        (_, "maxP95Latency") => write(format!("constraints: {{ latency_p95_ms: {plain} }}")),
        (_, "maxErrorRate") => write(format!("constraints: {{ error_rate: {} }}", share(100.0))),
        (_, "minOverallScore") => write(format!("constraints: {{ quality_min: {} }}", share(100.0))),
        ("thresholds", "latency_increase_pct") => write(format!("latency_increase_percent: {plain}")),
        ("thresholds", "error_rate_pct") => {
            write(format!("error_rate: {}", number.map_or("…".into(), |number| short(number / 100.0))))
        }
        ("thresholds", "cost_per_request") => write(format!("cost_per_request_usd: {plain}")),
        ("thresholds", "quality_score_min") => write(format!("quality_min: {plain}")),
        ("thresholds", "quality_drop_pct") => write(format!("quality_drop_percent: {plain}")),
        ("thresholds", "psi_threshold" | "ks_test_p_value") => {
            Some("is not set here: the tests of drift take their limits from the data; delete it".into())
        }
        _ => None,
    }
}

/// A list such as `[5%, 1h]` in plain numbers; `scale` is what the second suffix stands for.
fn numbers(list: &Value, scale: f64, suffixes: &[&str]) -> String {
    let plain = |entry: &Value| match entry {
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let digits = text.trim_end_matches(char::is_alphabetic).trim_end_matches('%');
            let factor = if suffixes.get(1).is_some_and(|suffix| text.ends_with(suffix)) { scale } else { 1.0 };
            digits.parse::<f64>().map_or_else(|_| shown(text), |number| short(number * factor))
        }
        _ => "…".to_owned(),
    };
    let entries: Vec<String> = list.as_sequence().into_iter().flatten().map(plain).collect();
    format!("[{}]", entries.join(", "))
}

/// Thresholds as a list, each with a model to go to: rules here.
fn listed(forms: &mut Forms<'_>, path: &str, rows: &[Value]) {
    for (at, row) in rows.iter().enumerate() {
        let path = entry(path, at);
        let mut when = Vec::new();
        for key in keys(row) {
            let number = row.get(key.as_str()).and_then(Value::as_f64);
            let share = |scale: f64| {
                number.map_or("…".into(), |number| short(if number > 1.0 { number / scale } else { number }))
            };
            let plain = number.map_or("…".to_owned(), short);
            match key.as_str() {
                "maxLatencyMs" => when.push(format!("latency.p95 > {plain}")),
                "maxCostPerQuery" | "maxCostPerRequest" => when.push(format!("cost.per_request > {plain}")),
                "minQualityScore" => when.push(format!("quality.overall < {}", share(100.0))),
                "maxErrorRate" => when.push(format!("errors.rate > {}", share(100.0))),
                "minAccuracy" => forms.says(
                    &field(&path, &key),
                    "has no counterpart here; declare it under `scores`, then it is part of the quality".into(),
                ),
                _ => {}
            }
        }
        let id = row.get("name").and_then(Value::as_str).map_or("…".to_owned(), shown);
        let model = ["escalationModel", "preferredModel"].iter().find_map(|key| row.get(key).and_then(Value::as_str));
        let model = model.map_or("provider/model".to_owned(), |model| format!("provider/{}", shown(model)));
        let when = if when.is_empty() { "…".to_owned() } else { when.join(" || ") };
        forms.says(&path, format!("is a rule here; write under `rules`: `- {{ id: {id}, when: \"{when}\", then: {{ switch_model: {model} }} }}`"));
    }
}

/// The same for entries of a price table.
pub(super) fn refuse_models(value: &mut Value, forms: &mut Forms<'_>) {
    let rows = value.get_mut("models").and_then(Value::as_sequence_mut).into_iter().flatten();
    for (at, row) in rows.enumerate() {
        let path = entry("models", at);
        let Value::Mapping(row) = row else { continue };
        for name in row.keys().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>() {
            let Some(advice) = row.get(name.as_str()).and_then(|value| model_advice(row, &name, value)) else {
                continue;
            };
            if name == "id" {
                // That the two it stands for are not there needs no saying.
                for part in ["provider", "model"] {
                    forms.document.alias(&field(&path, "id"), &field(&path, part));
                }
            }
            forms.says(&field(&path, &name), advice);
            row.remove(name.as_str());
        }
    }
}

fn model_advice(row: &Mapping, name: &str, value: &Value) -> Option<String> {
    let dearer = value.as_f64().map_or("…".to_owned(), |price| short(price * 1_000.0));
    Some(match name {
        "id" if !row.contains_key("model") => {
            let id = value.as_str().unwrap_or("…");
            let provider = [
                ("claude", "anthropic"),
                ("gpt", "openai"),
                ("o1", "openai"),
                ("o3", "openai"),
                ("gemini", "gcp.gemini"),
                ("mistral", "mistral_ai"),
            ]
            .into_iter()
            .find_map(|(begin, provider)| id.starts_with(begin).then_some(provider))
            .unwrap_or("…");
            format!("is two settings here; write `provider: {provider}, model: {}`", shown(id))
        }
        "costPer1kTokensInput" => format!("is a price per thousand; write `input_usd_per_mtok: {dearer}`, per million"),
        "costPer1kTokensOutput" => {
            format!("is a price per thousand; write `output_usd_per_mtok: {dearer}`, per million")
        }
        "averageLatencyMs" => {
            "is a mean; write the 95th percentile as `profile: { latency_p95_ms: … }`, or delete it".into()
        }
        "name" | "capabilities" => "is not used here; delete it".into(),
        _ => return None,
    })
}
