//! Lets through what the schema accepts and reports the rest, so that one look finds every problem of a file and the
//! checks that follow see sound values only.

use serde_yaml::{Mapping, Number, Value};

use crate::domain::duration;

use super::document::{Document, whole_file};
use super::moments;
use super::problems::{Problem, entry, field, one_of, shown};
use super::suggest::nearest;
use super::units::{plain_number, short};
use super::wants::{Kind, Wants};

/// Sieves a whole document in place. `begin` tells the owner of an empty file what to write first.
pub(super) fn sieve(document: &mut Document, schema: &serde_json::Value, begin: &str, found: &mut Vec<Problem>) {
    let root = Wants(schema);
    let value = std::mem::take(&mut document.value);
    let kept = match value {
        Value::Mapping(mapping) if !mapping.is_empty() => {
            let mut sieve = Sieve { document, root, found };
            sieve.mapping("", mapping, root)
        }
        // Emptied before, with a problem for each line that was taken out.
        Value::Mapping(mapping) if document.has_lines() => Value::Mapping(mapping),
        Value::Null | Value::Mapping(_) => {
            found.push(whole_file(&document.name, format!("is empty; begin with `{begin}`")));
            Value::Null
        }
        other => {
            let message = format!("wants a mapping of settings such as `{begin}`, got {}", described(&other));
            found.push(document.problem("", message));
            Value::Null
        }
    };
    document.value = kept;
}

/// Problems of a file up to which unknown keys are compared with known ones: by then it is a file of another kind, and
/// comparing takes far longer than reading.
const HINTED: usize = 1_000;

struct Sieve<'a> {
    document: &'a Document,
    root: Wants<'a>,
    found: &'a mut Vec<Problem>,
}

impl Sieve<'_> {
    fn problem(&mut self, path: &str, message: String) {
        self.found.push(self.document.problem(path, message));
    }

    /// What is left of a value; none if nothing is.
    fn value(&mut self, path: &str, value: Value, wants: Wants<'_>) -> Option<Value> {
        let refusal = match (wants.kind(), value) {
            (_, Value::Null) => format!("has no value; give it one ({wants}) or delete the line"),
            (Kind::Mapping, Value::Mapping(mapping)) => return Some(self.mapping(path, mapping, wants)),
            (Kind::List, Value::Sequence(list)) => return self.list(path, list, wants),
            (Kind::List, scalar @ (Value::Number(_) | Value::String(_))) => {
                let got = described(&scalar);
                let inside = match scalar {
                    Value::String(text) => format!("\"{}\"", shown(&text)),
                    Value::Number(number) => number.to_string(),
                    _ => String::new(),
                };
                format!("wants {wants}, got {got}; write `[{inside}]`")
            }
            (Kind::Scalar, Value::Number(number)) if number.as_f64().is_some_and(f64::is_finite) => {
                return Some(Value::Number(number));
            }
            (Kind::Flag | Kind::Scalar, Value::Bool(flag)) => return Some(Value::Bool(flag)),
            (Kind::Number | Kind::Whole, Value::Number(number)) => match refused(&number, wants) {
                None => return Some(Value::Number(number)),
                Some(message) => message,
            },
            (Kind::Number | Kind::Whole | Kind::Word, Value::String(word))
                if wants.words().contains(&word.as_str()) =>
            {
                return Some(Value::String(word));
            }
            (Kind::Number | Kind::Whole, Value::String(text)) => match plain_number(&text, wants.unit()) {
                Some(plain) => format!("wants {wants}, as a plain number; for `{}` write {plain}", shown(&text)),
                None => format!("wants {wants}, got the text `{}`", shown(&text)),
            },
            (Kind::Flag, Value::String(text)) => {
                let hint = match text.to_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" => "; write `true`",
                    "no" | "off" | "n" | "false" => "; write `false`",
                    _ => "",
                };
                format!("wants {wants}, got the text `{}`{hint}", shown(&text))
            }
            (Kind::Word, Value::String(text)) => {
                let hint = nearest(&text, wants.words()).map(|word| format!("; did you mean `{word}`?"));
                format!("wants {wants}, got `{}`{}", shown(&text), hint.unwrap_or_default())
            }
            (Kind::Text | Kind::Scalar, Value::String(text)) => match misshapen(&text, wants) {
                None => return Some(Value::String(text)),
                Some(message) => message,
            },
            (Kind::Text, Value::Number(number)) if wants.form() == "duration" => {
                format!("wants {wants}, got the number {number}; write `{number}m` or `{number}h`")
            }
            (Kind::Text, Value::Number(number)) => {
                format!("wants {wants}, got the number {number}; put it in quotes: `\"{number}\"`")
            }
            (_, other) => format!("wants {wants}, got {}", described(&other)),
        };
        self.problem(path, refusal);
        None
    }

    fn mapping(&mut self, path: &str, mapping: Mapping, wants: Wants<'_>) -> Value {
        let mut kept = Mapping::new();
        for (key, value) in mapping {
            let name = match &key {
                Value::String(name) => name.clone(),
                other => {
                    let name = plain_key(other);
                    let message = format!("is a key that is not text; put it in quotes: `\"{}\"`", shown(&name));
                    self.problem(&field(path, &name), message);
                    continue;
                }
            };
            let inner = field(path, &name);
            match wants.field(&name) {
                Some(_) if wants.any_key() && !is_name(&name) => {
                    self.problem(&inner, "is no name; names have 1 to 128 printable characters".into());
                }
                Some(wants) => {
                    if let Some(value) = self.value(&inner, value, wants) {
                        kept.insert(key, value);
                    }
                }
                None => self.unknown(path, &name, wants),
            }
        }
        for name in wants.required() {
            let present = self.document.states(&field(path, name));
            if !present {
                self.problem(path, format!("lacks `{name}`, which is required"));
            }
        }
        Value::Mapping(kept)
    }

    /// A key nobody knows: a slip of the finger, or a setting in the wrong place.
    fn unknown(&mut self, path: &str, name: &str, wants: Wants<'_>) {
        let known = wants.fields();
        let has = |section: &&str| self.root.field(section).is_some_and(|inside| inside.fields().contains(&name));
        let sections: Vec<&str> = self.root.fields().into_iter().filter(has).collect();
        let hint = if self.found.len() >= HINTED {
            "as many before it".to_owned()
        } else if self.root.fields().contains(&name) {
            format!("it belongs one level up, not under `{path}`")
        } else if !sections.is_empty() {
            format!("it belongs under {}", one_of(&sections))
        } else if let Some(near) = nearest(name, known.iter().copied()) {
            format!("did you mean `{near}`?")
        } else {
            format!("known here: {}", known.join(", "))
        };
        self.problem(&field(path, name), format!("is not a known setting; {hint}"));
    }

    fn list(&mut self, path: &str, list: Vec<Value>, wants: Wants<'_>) -> Option<Value> {
        let (least, most) = wants.length();
        let length = list.len();
        if length < least || length > most {
            let range = if least == 0 { format!("at most {most}") } else { format!("{least}..={most}") };
            self.problem(path, format!("has {length} entries, wants {range}"));
            return None;
        }
        let entries = wants.entries()?;
        let values = list.into_iter().enumerate();
        // An empty mapping in the place of one that was refused: the checks that follow find the others by their place.
        let stand_in = || (entries.kind() == Kind::Mapping).then(|| Value::Mapping(Mapping::new()));
        let kept = values.filter_map(|(i, value)| self.value(&entry(path, i), value, entries).or_else(stand_in));
        Some(Value::Sequence(kept.collect()))
    }
}

/// Why a number is refused; none if it is not.
fn refused(number: &Number, wants: Wants<'_>) -> Option<String> {
    // Every number of YAML is a float here; whole numbers beyond 2^53 are far outside of every range.
    let got = number.as_f64().unwrap_or(f64::NAN);
    if got.is_nan() {
        return Some(format!("wants {wants}, got `.nan`, which is no number"));
    }
    let whole = wants.kind() != Kind::Whole || number.is_u64() || number.is_i64();
    if !whole && got.fract() == 0.0 && wants.accepts(got) {
        return Some(format!("wants {wants}; write {} without the point", short(got)));
    }
    if !wants.accepts(got) || !whole {
        return Some(format!("wants {wants}, got {}{}", short(got), meant(got, wants)));
    }
    None
}

/// What somebody who wrote this number may have had in mind.
fn meant(got: f64, wants: Wants<'_>) -> String {
    let guess = match wants.unit() {
        "share" | "weight" | "probability" | "score" => got / 100.0,
        "percent" if wants.kind() == Kind::Whole && got < 1.0 => got * 100.0,
        "US dollars" if got == 0.0 && !wants.words().is_empty() => return "; for no limit write `unlimited`".into(),
        _ => return String::new(),
    };
    let fits =
        wants.accepts(guess) && got > 0.0 && (wants.kind() != Kind::Whole || short(guess).parse::<u64>().is_ok());
    if fits { format!("; did you mean {}?", short(guess)) } else { String::new() }
}

/// Why a text is refused; none if it is not.
fn misshapen(text: &str, wants: Wants<'_>) -> Option<String> {
    let (least, most) = wants.length();
    let length = text.chars().count();
    if length < least || length > most {
        return Some(format!("has {length} characters, wants {least}..={most}"));
    }
    if matches!(wants.form(), "prose" | "condition") {
        let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        return odd.then(|| "contains control characters; write plain text".into());
    }
    if text.chars().any(char::is_control) {
        return Some("contains control characters; write it on one line of plain text".into());
    }
    if text.trim() != text {
        return Some("begins or ends with a space; remove it".into());
    }
    match wants.form() {
        "model pattern" if !text.contains('/') && !text.starts_with('*') => {
            Some(format!("wants {wants}, `*` for any characters, got `{0}`; did you mean `\"*/{0}\"`?", shown(text)))
        }
        "model name" if text.contains('*') => {
            Some(format!("wants one model, got the pattern `{}`; name each model that is to be weighed", shown(text)))
        }
        "model name" if !text.contains('/') => Some(format!("wants {wants}, got `{}`", shown(text))),
        "duration" => duration::minutes(text).err(),
        "provider" => misnamed(text),
        "date" if moments::day(text).is_none() => Some(format!("wants {wants}, got `{}`", shown(text))),
        "time of day" if moments::minute_of_day(text).is_none() => {
            Some(format!("wants {wants}, got `{}`", shown(text)))
        }
        _ => None,
    }
}

/// Why a provider would never be found in the traffic, whose names are folded to the ones of the OpenTelemetry
/// conventions when it is read.
fn misnamed(provider: &str) -> Option<String> {
    let folded = match provider.to_lowercase().as_str() {
        "aws" | "bedrock" | "bedrock_converse" | "amazon" => "aws.bedrock",
        "azure" | "azure_openai" | "az.ai.openai" => "azure.ai.openai",
        "google" | "gemini" => "gcp.gemini",
        "vertex" | "vertex_ai" => "gcp.vertex_ai",
        "mistral" | "mistralai" => "mistral_ai",
        "xai" | "x-ai" => "x_ai",
        lower if lower == provider => return None,
        lower => return Some(format!("wants a provider in lower case; write `{}`", shown(lower))),
    };
    Some(format!("is called `{folded}` here, as in the traffic"))
}

/// Names of services come back in tables and in addresses of sinks.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= 128 && !name.chars().any(char::is_control) && name.trim() == name
}

fn plain_key(key: &Value) -> String {
    match key {
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        _ => "~".into(),
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text `{}`", shown(text)),
        Value::Sequence(_) => "a list".into(),
        Value::Mapping(_) => "a mapping".into(),
        Value::Tagged(_) => "a tagged value".into(),
    }
}
