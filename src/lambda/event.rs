//! From an event to words of the command line. Strict: what is not known is an error that names it.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    commands::{COMMANDS, Command, Field, NeedsStore, RUN_NAME, Takes},
    setup::Setup,
    trouble::Trouble,
};
use crate::domain::{duration, format::short};

/// Values of one field.
const MOST_VALUES: usize = 100;
/// Bytes of one value.
const LONGEST: usize = 4_096;

/// What is to be done. Not to be printed: addresses may hold passwords.
pub(super) struct Order {
    pub command: &'static Command,
    /// Of the command line, the name of the command first. No value can be taken for a flag.
    pub words: Vec<String>,
}

/// An event of a schedule, as `EventBridge` sends it: by a rule, or by the Scheduler.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "they have to be as they are, and nothing is taken from them")]
struct Scheduled {
    version: Option<String>,
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    account: Option<String>,
    time: Timestamp,
    region: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    detail: Value,
}

/// What an event asks for.
pub(super) fn order(event: &Value, setup: &Setup) -> Result<Order, Trouble> {
    let Value::Object(fields) = event else {
        return Err(Trouble::event(format!("an event is a JSON object, and this is {}", kind(event)), EXAMPLE));
    };
    if fields.contains_key("source") || fields.contains_key("detail-type") {
        scheduled(event)?;
        return ordered(&Map::from_iter([("command".to_owned(), RUN_NAME.into())]), setup);
    }
    ordered(fields, setup)
}

const EXAMPLE: &str = "send `{\"command\": \"run\"}`, or let a schedule of EventBridge invoke the function";

fn scheduled(event: &Value) -> Result<(), Trouble> {
    let read = Scheduled::deserialize(event)
        .map_err(|error| Trouble::event(format!("this is no event of a schedule: {error}"), EXAMPLE))?;
    let known = matches!(read.source.as_str(), "aws.events" | "aws.scheduler");
    if !known || read.detail_type != "Scheduled Event" {
        let (source, kind) = (short(&read.source), short(&read.detail_type));
        return Err(Trouble::event(
            format!("`{kind}` of `{source}` is no event of a schedule"),
            "`Scheduled Event` of `aws.events` or `aws.scheduler` asks for a run; let others send `{\"command\": …}` as their input",
        ));
    }
    // The Scheduler sends an empty object as a text.
    let empty = match &read.detail {
        Value::Null => true,
        Value::Object(detail) => detail.is_empty(),
        Value::String(detail) => matches!(detail.trim(), "" | "{}"),
        _ => false,
    };
    if empty {
        return Ok(());
    }
    Err(Trouble::event(
        "`detail` of a schedule's event says something, and nothing of it would be heeded",
        "set the schedule's input to `{\"command\": \"run\", …}`",
    ))
}

fn ordered(fields: &Map<String, Value>, setup: &Setup) -> Result<Order, Trouble> {
    let known = || COMMANDS.iter().map(|command| format!("`{}`", command.name)).collect::<Vec<_>>().join(", ");
    let name = match fields.get("command") {
        Some(Value::String(name)) => name,
        Some(other) => return Err(Trouble::event(format!("`command` is a text, and here {}", kind(other)), EXAMPLE)),
        None => return Err(Trouble::event("the event names no `command`", EXAMPLE)),
    };
    let command = Command::named(name).ok_or_else(|| {
        Trouble::refused(
            format!("`{}` cannot be asked for by an event", short(name)),
            format!("events may ask for {}; the rest is for operators, on the command line", known()),
        )
    })?;
    let mut words = vec![command.name.to_owned(), "--format=json".to_owned()];
    let mut alone = None;
    for (name, value) in fields.iter().filter(|(name, _)| *name != "command") {
        let field = command.fields().find(|field| field.name == name).ok_or_else(|| {
            let known: Vec<_> = command.fields().map(|field| format!("`{}`", field.name)).collect();
            Trouble::event(
                format!("unknown field `{}` for `{}`", short(name), command.name),
                format!("it takes {}", known.join(", ")),
            )
        })?;
        let values = values(field, value).map_err(|why| {
            Trouble::event(format!("`{name}`: {why}"), "correct the event; docs/lambda.md lists the fields")
        })?;
        for value in values {
            match (field.flag, field.takes) {
                ("", _) => alone = Some(value),
                (flag, Takes::Flag) => words.push(flag.to_owned()),
                // One word, so that a value with a dash in front is none.
                (flag, _) => words.push(format!("{flag}={value}")),
            }
        }
    }
    let dry = words.iter().any(|word| word == "--dry-run");
    let acts = command.name == RUN_NAME && !dry;
    let names = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    if acts
        && !setup.from.is_empty()
        && let Some(name) = ["from", "scores"].into_iter().find(|name| names(name))
    {
        return Err(Trouble::refused(
            format!("a run that acts reads what the function is set up to read, not `{name}` of an event"),
            "leave it out, or add `\"dry_run\": true`; where every schedule is to name its own, unset OPTIMIZER_FROM",
        ));
    }
    let lasting = match command.store {
        NeedsStore::Always => true,
        NeedsStore::UnlessDry => !dry,
        NeedsStore::No => false,
    };
    if lasting {
        setup.store_lasts(command.name)?;
    }
    if command.reads_source && !names("from") {
        words.extend(setup.from.iter().map(|from| format!("--from={from}")));
    }
    if let Some(value) = alone {
        words.extend(["--".to_owned(), value]);
    }
    Ok(Order { command, words })
}

/// The value as it is written on a command line; for a flag, one empty text where it is set.
fn values(field: &Field, value: &Value) -> Result<Vec<String>, String> {
    let text = |value: &Value| match value {
        Value::String(text) if text.is_empty() => Err("is empty".to_owned()),
        Value::String(text) if text.len() > LONGEST => Err(format!("is longer than {LONGEST} bytes")),
        Value::String(text) if text.chars().any(char::is_control) => Err("holds a control character".to_owned()),
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("a text is wanted, and here is {}", kind(other))),
    };
    Ok(match (field.takes, value) {
        (_, Value::Null) => return Err("has no value; leave it out".to_owned()),
        (Takes::Flag, Value::Bool(set)) => set.then(String::new).into_iter().collect(),
        (Takes::Flag, other) => return Err(format!("`true` or `false` is wanted, and here is {}", kind(other))),
        (Takes::Texts, Value::Array(list)) if list.is_empty() || list.len() > MOST_VALUES => {
            return Err(format!("1 to {MOST_VALUES} values are wanted, and here are {}", list.len()));
        }
        (Takes::Texts, Value::Array(list)) => list.iter().map(text).collect::<Result<_, _>>()?,
        (Takes::Text | Takes::Texts, value) => vec![text(value)?],
        (Takes::Span, value) => {
            let text = text(value)?;
            duration::read(&text).map_err(|why| short(&why))?;
            vec![text]
        }
        (Takes::Time, value) => {
            let text = text(value)?;
            let read: Result<Timestamp, _> = text.parse();
            read.map_err(|_| format!("`{}` is no time like `2026-03-01T12:00:00Z`", short(&text)))?;
            vec![text]
        }
        (Takes::Count, value) => {
            let count = value.as_u64().filter(|count| (1..=100_000).contains(count));
            vec![
                count
                    .ok_or_else(|| format!("a number from 1 to 100,000 is wanted, and here is {}", kind(value)))?
                    .to_string(),
            ]
        }
        (Takes::OneOf(choices), value) => {
            let text = text(value)?;
            if !choices.contains(&text.as_str()) {
                return Err(format!("`{}` is none of {}", short(&text), choices.join(", ")));
            }
            vec![text]
        }
    })
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(set) => format!("`{set}`"),
        Value::Number(number) => format!("`{number}`"),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
