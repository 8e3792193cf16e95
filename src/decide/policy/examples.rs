//! Reads a file of examples.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, IntoDeserializer as _, value::StrDeserializer};

use crate::decide::condition::{Kind, NAMES, Value as FactValue, canonical};
use crate::decide::examples::{Example, Examples, Expected, Figures, Given};
use crate::domain::{
    Arm, Configuration, Evidence, Finding, FindingKind, Metric, Segment, Severity, duration, memory::RuleMemory,
};

use super::document::{Document, whole_file};
use super::problems::{Problem, Problems, entry, field, one_of, shown};
use super::schema::examples_schema;
use super::shape_examples::{
    ArmYaml, ExampleYaml, ExamplesYaml, ExpectYaml, FindingYaml, GivenYaml, RuleMemoryYaml, ScalarYaml, SegmentYaml,
};
use super::sieve::sieve;
use super::suggest::nearest;

/// Where an example stands in time if it does not say so: a Monday.
const NOON: &str = "2026-03-02T12:00:00Z";

/// Reads a file of examples, or says everything that is wrong with it.
pub fn parse_examples(name: &str, text: &str) -> Result<Examples, Problems> {
    let mut found = Vec::new();
    let examples = read(name, text, &mut found);
    found.sort_by_key(|problem| problem.line);
    match (Problems::of(found), examples) {
        (Some(problems), _) => Err(problems),
        (None, Some(examples)) => Ok(examples),
        (None, None) => unreachable!("no examples without a problem that says why"),
    }
}

fn read(name: &str, text: &str, found: &mut Vec<Problem>) -> Option<Examples> {
    let mut document = Document::read(name, text, found)?;
    sieve(&mut document, &examples_schema(), "tests:", found);
    if !found.is_empty() {
        return None;
    }
    let ExamplesYaml { policy, tests } = serde_yaml::from_value(document.value.clone())
        .map_err(|error| found.push(whole_file(name, format!("cannot be read: {}", shown(&error.to_string())))))
        .ok()?;
    let mut reader = Reader { document: &document, found };
    let tests = tests.unwrap_or_default().into_iter().enumerate();
    let examples = tests.map(|(at, example)| reader.example(example, &entry("tests", at))).collect();
    Some(Examples { policy, examples })
}

struct Reader<'a> {
    document: &'a Document,
    found: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn says(&mut self, path: &str, message: String) {
        self.found.push(self.document.problem(path, message));
    }

    fn example(&mut self, yaml: ExampleYaml, path: &str) -> Example {
        let ExampleYaml { name, given, expect } = yaml;
        Example {
            name: name.unwrap_or_default(),
            line: self.document.line(path),
            given: self.given(given.unwrap_or_default(), &field(path, "given")),
            expected: self.expected(expect.unwrap_or_default(), &field(path, "expect")),
        }
    }

    fn given(&mut self, yaml: GivenYaml, path: &str) -> Given {
        let GivenYaml { service, segment, now, arms, findings, followed, facts, memory, configuration } = yaml;
        let service = service.unwrap_or_else(|| "example".to_owned());
        let now = now.unwrap_or_else(|| NOON.to_owned());
        let now: Timestamp = now.parse().unwrap_or_else(|_| {
            self.says(&field(path, "now"), format!("wants a time such as `{NOON}`, got `{}`", shown(&now)));
            Timestamp::UNIX_EPOCH
        });
        let mut served: BTreeMap<Arm, Figures> = BTreeMap::new();
        let mut present = None;
        for (at, yaml) in arms.unwrap_or_default().into_iter().enumerate() {
            let path = entry(&field(path, "arms"), at);
            let (arm, figures) = figures(yaml);
            if *present.get_or_insert(figures.requests) < figures.requests && figures.serves_now {
                self.says(&path, "serves more than the first one, which is the present; put it first, give it fewer requests, or say `serves_now: false`".into());
            }
            if served.insert(arm, figures).is_some() {
                self.says(&path, "repeats a model with the same `config_version`; keep one".into());
            }
        }
        let mut listed = Vec::new();
        for (at, yaml) in findings.unwrap_or_default().into_iter().enumerate() {
            let path = entry(&field(path, "findings"), at);
            listed.extend(self.finding(yaml, &service, &path));
        }
        let segment = match segment.unwrap_or(SegmentYaml::All) {
            SegmentYaml::Simple => Segment::Simple,
            SegmentYaml::Medium => Segment::Medium,
            SegmentYaml::Complex => Segment::Complex,
            SegmentYaml::All => Segment::Unlabelled,
        };
        Given {
            service,
            segment,
            now,
            arms: served,
            findings: listed,
            followed: followed.unwrap_or(true),
            facts: self.facts(facts.unwrap_or_default(), &field(path, "facts")),
            memory: self.memory(memory.unwrap_or_default(), now, &field(path, "memory")),
            configuration: configuration
                .map(|values| Configuration(values.into_iter().map(|(key, value)| (key, plain(value))).collect())),
        }
    }

    /// Values of names that conditions know, under their one spelling.
    fn facts(&mut self, given: BTreeMap<String, ScalarYaml>, path: &str) -> BTreeMap<String, FactValue> {
        let mut facts = BTreeMap::new();
        for (spelling, value) in given {
            match fact(&spelling, value) {
                Ok((name, value)) => {
                    if facts.insert(name.to_owned(), value).is_some() {
                        self.says(&field(path, &spelling), format!("says `{name}` once more; keep one"));
                    }
                }
                Err(message) => self.says(&field(path, &spelling), message),
            }
        }
        facts
    }

    fn memory(
        &mut self,
        given: BTreeMap<String, RuleMemoryYaml>,
        now: Timestamp,
        path: &str,
    ) -> BTreeMap<String, RuleMemory> {
        let ago = |reader: &mut Self, text: &str, path: &str| {
            let at = duration::read(text).ok().and_then(|length| now.checked_sub(length).ok());
            if at.is_none() {
                reader.says(path, format!("`{}` reaches past recorded time", shown(text)));
            }
            at
        };
        let mut memory = BTreeMap::new();
        for (id, RuleMemoryYaml { held_for, acted_ago }) in given {
            let path = field(path, &id);
            let true_since = held_for.and_then(|text| ago(self, &text, &field(&path, "held_for")));
            let acted = acted_ago.unwrap_or_default();
            let mut fired: Vec<Timestamp> =
                acted.iter().filter_map(|text| ago(self, text, &field(&path, "acted_ago"))).collect();
            fired.sort_unstable();
            // The tick just before looked at it, too: what has held has held without a break.
            memory.insert(id, RuleMemory { true_since, looked_at: Some(now), fired });
        }
        memory
    }

    fn finding(&mut self, yaml: FindingYaml, service: &str, path: &str) -> Option<Finding> {
        let FindingYaml { kind, severity, metric, observed, limit } = yaml;
        let kind: FindingKind = self.word(kind.as_deref()?, &field(path, "kind"))?;
        let metric: Option<Metric> = match metric {
            Some(metric) => Some(self.word(&metric, &field(path, "metric"))?),
            None => None,
        };
        Some(Finding {
            service: Some(service.to_owned()),
            kind,
            severity: severity.map_or(Severity::Medium, Severity::from),
            observed: observed.unwrap_or(2.0),
            limit: limit.unwrap_or(1.0),
            unit: metric.map_or("ratio", Metric::unit).into(),
            interval: None,
            requests: 0,
            cause: None,
            summary: "given by the example".to_owned(),
            evidence: Evidence { metric, ..Evidence::default() },
        })
    }

    /// A word of the plan. The message of its own reader names the words there are.
    fn word<T: DeserializeOwned>(&mut self, word: &str, path: &str) -> Option<T> {
        let reader: StrDeserializer<'_, serde::de::value::Error> = word.into_deserializer();
        T::deserialize(reader).map_err(|error| self.says(path, shown_whole(&error.to_string()))).ok()
    }

    fn expected(&mut self, yaml: ExpectYaml, path: &str) -> Expected {
        let ExpectYaml { action, model, rung, fired, not_fired, reason } = yaml;
        let silent = action.is_none() && model.is_none() && rung.is_none() && fired.is_none() && not_fired.is_none();
        if silent && reason.is_none() {
            self.says(
                path,
                "expects nothing; say at least one of `action`, `model`, `rung`, `fired`, `not_fired` and `reason`"
                    .into(),
            );
        }
        Expected {
            action: action.map(|action| word(&action)),
            model,
            rung: rung.map(|rung| word(&rung)),
            fired: fired.unwrap_or_default(),
            not_fired: not_fired.unwrap_or_default(),
            reason,
        }
    }
}

/// What the plan tells of each candidate by itself.
const OF_CANDIDATES: [&str; 3] = ["segment", "change.", "predicted."];

/// A value under the one spelling of its name, or what is wrong with it.
fn fact(spelling: &str, value: ScalarYaml) -> Result<(&'static str, FactValue), String> {
    let name = canonical(spelling).and_then(|name| NAMES.iter().find(|known| known.name == name));
    let Some(name) = name else {
        let near = nearest(spelling, NAMES.iter().map(|known| known.name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(format!("is no name that conditions know{hint}"));
    };
    if OF_CANDIDATES.iter().any(|own| name.name.starts_with(own)) {
        return Err("is what the plan finds out of each candidate, and cannot be given".to_owned());
    }
    let value = match (name.kind, value) {
        (Kind::Number, ScalarYaml::Number(number)) if (name.range[0]..=name.range[1]).contains(&number) => {
            FactValue::Number(number)
        }
        (Kind::Number, ScalarYaml::Number(number)) => {
            let [least, most] = name.range;
            let most = if most.is_finite() { format!(" to {most}") } else { " or more".to_owned() };
            return Err(format!("wants {least}{most}, got {number}"));
        }
        (Kind::Text, ScalarYaml::Text(text)) if name.words.is_empty() || name.words.contains(&text.as_str()) => {
            FactValue::Text(text)
        }
        (Kind::Text, ScalarYaml::Text(text)) => {
            return Err(format!("wants {}, got `{}`", one_of(name.words), shown(&text)));
        }
        (Kind::Flag, ScalarYaml::Flag(flag)) => FactValue::Flag(flag),
        (kind, _) => {
            let wants = match kind {
                Kind::Number => "a number",
                Kind::Text => "text",
                Kind::Flag => "`true` or `false`",
            };
            return Err(format!("wants {wants}"));
        }
    };
    Ok((name.name, value))
}

/// As configurations are written.
fn plain(value: ScalarYaml) -> String {
    match value {
        ScalarYaml::Flag(flag) => flag.to_string(),
        ScalarYaml::Number(number) => number.to_string(),
        ScalarYaml::Text(text) => text,
    }
}

/// A plain enum as it is written.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn shown_whole(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn figures(yaml: ArmYaml) -> (Arm, Figures) {
    let ArmYaml {
        model,
        config_version,
        requests,
        scored,
        quality,
        cost_usd,
        latency_p95_ms,
        error_rate,
        tokens_input,
        tokens_output,
        serves_now,
    } = yaml;
    let model = model.unwrap_or_default();
    let (provider, name) = model.split_once('/').unwrap_or(("", &model));
    let arm = Arm {
        provider: Some(provider.to_owned()),
        model: name.to_owned(),
        config_version: Some(config_version.unwrap_or_else(|| "v1".to_owned())),
    };
    let figures = Figures {
        requests: requests.unwrap_or(1),
        scored: scored.unwrap_or(1.0),
        quality,
        cost_usd,
        latency_p95_ms: latency_p95_ms.unwrap_or(1.0),
        error_rate: error_rate.unwrap_or(0.0),
        tokens_input,
        tokens_output,
        serves_now: serves_now.unwrap_or(true),
    };
    (arm, figures)
}
