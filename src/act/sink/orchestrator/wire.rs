//! The words of the contract: what is sent, and what is made of what comes back.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    act::sink::{Deployed, Rollback, State, Strategy, Write},
    domain::{configuration::Configuration, service_id::ServiceId},
    http::short,
};

pub(super) fn config_write(write: &Write) -> Value {
    let mut deployment = json!({
        "strategy": write.strategy.name(), "initial_percentage": write.percentage, "progression": write.progression,
        "progression_interval_minutes": write.interval_minutes,
    });
    if let Some(rate) = write.rollback_on_error_rate {
        deployment["rollback_on_error_rate"] = json!(rate);
    }
    json!({
        "service_id": write.service, "configuration": write.configuration, "deployment": deployment,
        "metadata": {
            "decision_id": write.decision_id, "rationale": write.rationale, "requested_by": write.requested_by,
            "config_version": write.config_version,
        },
    })
}

pub(super) fn rollback_write(rollback: &Rollback) -> Value {
    json!({
        "target_version": rollback.target.name(), "scope": rollback.scope, "immediate": true, "reason": rollback.reason,
    })
}

/// Reads the state of `service` from the body of an answer and its `ETag`. Whatever is not certain is an error, in words: a
/// state that was half guessed would be compared with what was asked for, and believed.
///
/// The version is the body's; where there is none, the tag's. A weak tag, or one that says something else, counts for nothing:
/// what is written on the strength of the version is read back in any case.
pub fn parse_state(body: &[u8], etag: Option<&str>, service: &ServiceId) -> Result<Deployed, String> {
    let json: Value = serde_json::from_slice(body).map_err(|_| "its answer is not JSON".to_owned())?;
    let body = json.as_object().ok_or("its answer is no configuration")?;
    match body.get("service_id").and_then(Value::as_str) {
        Some(id) if id == service.as_str() => {}
        Some(id) => return Err(format!("its answer is about another service, `{}`", short(id))),
        None => return Err("its answer does not say which service it is about".to_owned()),
    }
    let version = text(body, "version").or_else(|| etag.and_then(tag)).filter(|version| is_version(version));
    let deployment =
        body.get("deployment").and_then(Value::as_object).ok_or("its answer tells nothing of the deployment")?;
    let known = deployment.get("state").and_then(Value::as_str).and_then(stage);
    let stage = known.ok_or("its answer does not say in a known word how far the deployment is")?;
    let metadata = body.get("metadata").and_then(Value::as_object);
    let about = |key: &str| metadata.and_then(|metadata| text(metadata, key));
    Ok(Deployed {
        version: version.ok_or("its answer has no version")?,
        previous_version: text(body, "previous_version").filter(|version| is_version(version)),
        configuration: settings(body.get("configuration"))?.ok_or("its answer has no configuration")?,
        baseline: settings(body.get("baseline_configuration"))?,
        percentage: share(deployment, stage)?,
        state: stage,
        strategy: deployment.get("strategy").and_then(Value::as_str).and_then(strategy),
        decision_id: about("decision_id"),
        config_version: about("config_version"),
        updated_by: text(body, "updated_by").map(|who| short(&who)),
        updated_at: body.get("updated_at").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok()),
    })
}

fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A strong tag without its quotes.
fn tag(etag: &str) -> Option<String> {
    etag.strip_prefix('"')?.strip_suffix('"').filter(|tag| !tag.is_empty()).map(str::to_owned)
}

/// What can stand in `If-Match` again.
fn is_version(version: &str) -> bool {
    version.len() <= 256 && version.bytes().all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte))
}

fn settings(found: Option<&Value>) -> Result<Option<Configuration>, String> {
    let settings = match found {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(settings)) => settings,
        Some(_) => return Err("its answer has a configuration that is no map".to_owned()),
    };
    let value = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Ok((key.clone(), text.clone())),
        Value::Number(number) => Ok((key.clone(), number.to_string())),
        _ => Err(format!("its answer has neither text nor a number for `{}`", short(key))),
    };
    settings.iter().map(value).collect::<Result<_, _>>().map(|map| Some(Configuration(map)))
}

fn share(deployment: &Map<String, Value>, stage: State) -> Result<u8, String> {
    let odd = || "its answer does not say what share of the traffic it is about".to_owned();
    match deployment.get("percentage") {
        Some(Value::Number(share)) => {
            let share = share.as_f64().filter(|share| (0.0..=100.0).contains(share) && share.fract() == 0.0);
            share.map(|share| share as u8).ok_or_else(odd)
        }
        None | Some(Value::Null) if stage == State::Completed => Ok(100),
        _ => Err(odd()),
    }
}

fn stage(word: &str) -> Option<State> {
    Some(match word.to_ascii_lowercase().replace('_', "-").as_str() {
        "pending" => State::Pending,
        "in-progress" => State::InProgress,
        "paused" => State::Paused,
        "completed" => State::Completed,
        "failed" => State::Failed,
        "rolled-back" => State::RolledBack,
        _ => return None,
    })
}

fn strategy(word: &str) -> Option<Strategy> {
    [Strategy::Immediate, Strategy::Canary, Strategy::BlueGreen, Strategy::Shadow]
        .into_iter()
        .find(|known| known.name() == word)
}
