//! One node of the JSON Schema, as the questions the reader asks of it and the words a message needs.

use std::fmt;

use serde_json::Value;

use super::problems::one_of;
use super::units::short;

/// What a field accepts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wants<'a>(pub(super) &'a Value);

/// The kinds of value there are in the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mapping,
    List,
    Number,
    Whole,
    Flag,
    Text,
    /// One of a few words.
    Word,
    /// A text, a number or a flag.
    Scalar,
}

impl<'a> Wants<'a> {
    pub(super) fn kind(self) -> Kind {
        if self.form() == "scalar" {
            return Kind::Scalar;
        }
        if !self.words().is_empty() && self.number().is_none() {
            return Kind::Word;
        }
        match self.number().unwrap_or(self).text("type") {
            "object" => Kind::Mapping,
            "array" => Kind::List,
            "integer" => Kind::Whole,
            "number" => Kind::Number,
            "boolean" => Kind::Flag,
            _ => Kind::Text,
        }
    }

    /// A value of the schema that is text; empty if it is not there.
    fn text(self, key: &str) -> &'a str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// What a number counts, for example `milliseconds`.
    pub(super) fn unit(self) -> &'a str {
        self.text("x-unit")
    }

    /// What a text has to look like, for example `model pattern`.
    pub(super) fn form(self) -> &'a str {
        self.text("x-form")
    }

    /// The number among alternatives, where a word may stand in its place.
    fn number(self) -> Option<Wants<'a>> {
        self.0
            .get("anyOf")?
            .as_array()?
            .iter()
            .map(Wants)
            .find(|choice| matches!(choice.text("type"), "number" | "integer"))
    }

    /// The words that are accepted.
    pub(super) fn words(self) -> Vec<&'a str> {
        let choices = ["oneOf", "anyOf"].iter().find_map(|key| self.0.get(key)?.as_array());
        let each = choices.into_iter().flatten().filter_map(|choice| choice.get("const"));
        each.chain(self.0.get("enum").and_then(Value::as_array).into_iter().flatten())
            .filter_map(Value::as_str)
            .collect()
    }

    /// The schema of one field of a mapping.
    pub(super) fn field(self, key: &str) -> Option<Wants<'a>> {
        let known = self.0.get("properties").and_then(|properties| properties.get(key));
        known.or_else(|| self.0.get("additionalProperties").filter(|schema| schema.is_object())).map(Wants)
    }

    /// Whether the keys of a mapping are free, such as names of services.
    pub(super) fn any_key(self) -> bool {
        self.0.get("additionalProperties").is_some_and(Value::is_object)
    }

    /// The names of the fields of a mapping, in alphabetical order.
    pub(super) fn fields(self) -> Vec<&'a str> {
        let properties = self.0.get("properties").and_then(Value::as_object);
        let mut names: Vec<&str> = properties.into_iter().flat_map(|map| map.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The fields that must not be left out.
    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        self.0.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The schema of each entry of a list.
    pub(super) fn entries(self) -> Option<Wants<'a>> {
        self.0.get("items").map(Wants)
    }

    fn limit(self, key: &str) -> Option<f64> {
        self.number().unwrap_or(self).0.get(key).and_then(Value::as_f64)
    }

    /// Whether a number is within the range. False for NaN: the question is what is accepted.
    pub(super) fn accepts(self, number: f64) -> bool {
        number.is_finite()
            && self.limit("minimum").is_none_or(|least| number >= least)
            && self.limit("exclusiveMinimum").is_none_or(|floor| number > floor)
            && self.limit("maximum").is_none_or(|most| number <= most)
    }

    /// Smallest and largest length of a text (in characters) or list.
    pub(super) fn length(self) -> (usize, usize) {
        let (least, most) =
            if self.kind() == Kind::List { ("minItems", "maxItems") } else { ("minLength", "maxLength") };
        let read = |key| self.0.get(key).and_then(Value::as_u64).map(|length| length as usize);
        (read(least).unwrap_or(0), read(most).unwrap_or(usize::MAX))
    }

    fn range(self) -> String {
        let most = self.limit("maximum").map(short).unwrap_or_default();
        match (self.limit("minimum"), self.limit("exclusiveMinimum")) {
            (Some(least), _) => format!("{}..={most}", short(least)),
            (None, Some(floor)) => format!("more than {} and at most {most}", short(floor)),
            (None, None) => format!("at most {most}"),
        }
    }
}

impl fmt::Display for Wants<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit() {
            "" => "a number",
            "share" => "a share",
            "weight" => "a weight",
            "probability" => "a probability",
            "score" => "a score",
            "times" => "a multiple",
            unit => unit,
        };
        match self.kind() {
            Kind::Mapping => f.write_str("a mapping of settings"),
            Kind::List => match self.entries() {
                Some(entries) if entries.kind() != Kind::Mapping => write!(f, "a list, each entry {entries}"),
                _ => f.write_str("a list"),
            },
            Kind::Whole if self.words().is_empty() => write!(f, "whole {unit}, {}", self.range()),
            Kind::Whole => write!(f, "whole {unit}, {}, or {}", self.range(), one_of(&self.words())),
            Kind::Number if self.words().is_empty() => write!(f, "{unit}, {}", self.range()),
            Kind::Number => write!(f, "{unit}, {}, or {}", self.range(), one_of(&self.words())),
            Kind::Flag => f.write_str("`true` or `false`"),
            Kind::Text => f.write_str(match self.form() {
                "model pattern" | "model name" => "a model as `provider/model`",
                "duration" => "a duration such as `15m`, `1h30m` or `2d`",
                "condition" => "a condition in CEL such as `errors.rate > 0.05`",
                "provider" => "a provider in lower case",
                "date" => "a day as `YYYY-MM-DD`",
                "time of day" => "a time in UTC as `HH:MM`, `00:00` to `23:59`",
                _ => "text",
            }),
            Kind::Scalar => f.write_str("a text, a number, or `true` or `false`"),
            Kind::Word => f.write_str(&one_of(&self.words())),
        }
    }
}
