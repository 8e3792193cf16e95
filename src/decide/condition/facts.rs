//! What is known when conditions are evaluated.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use crate::domain::Finding;

use super::names::{Kind, NAMES, place};

/// A value of one name.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    Flag(bool),
}

/// What a condition may ask of a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingFact {
    /// As in the plan: `latency_high`.
    pub kind: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// As in the plan: `error_rate`; empty where the finding follows no metric.
    pub metric: String,
    pub observed: f64,
    pub limit: f64,
}

impl From<&Finding> for FindingFact {
    fn from(finding: &Finding) -> Self {
        Self {
            kind: word(&finding.kind),
            severity: finding.severity.to_string(),
            metric: finding.evidence.metric.as_ref().map(word).unwrap_or_default(),
            observed: finding.observed,
            limit: finding.limit,
        }
    }
}

/// A plain enum as it is written in JSON.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The values of the names; what was never set is missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    values: BTreeMap<usize, Value>,
    findings: Option<Vec<FindingFact>>,
}

impl Facts {
    /// Sets a number by any spelling of its name. None, and what is no number or infinite, is missing. So is a name
    /// that does not exist or is no number.
    pub fn number(&mut self, name: &str, value: Option<f64>) {
        self.set(name, Kind::Number, value.filter(|value| value.is_finite()).map(Value::Number));
    }

    /// Sets a text; none is missing.
    pub fn text(&mut self, name: &str, value: Option<&str>) {
        self.set(name, Kind::Text, value.map(|value| Value::Text(value.to_owned())));
    }

    /// Sets what is true or false; none is missing.
    pub fn flag(&mut self, name: &str, value: Option<bool>) {
        self.set(name, Kind::Flag, value.map(Value::Flag));
    }

    /// Sets any value; of another kind than the name's it is not set.
    pub fn put(&mut self, name: &str, value: &Value) {
        match value {
            Value::Number(number) => self.number(name, Some(*number)),
            Value::Text(text) => self.text(name, Some(text)),
            Value::Flag(flag) => self.flag(name, Some(*flag)),
        }
    }

    /// Sets `now.hour` and `now.weekday`, both in UTC.
    pub fn now(&mut self, now: Timestamp) {
        let now = now.to_zoned(TimeZone::UTC);
        self.number("now.hour", Some(f64::from(now.hour())));
        self.number("now.weekday", Some(f64::from(now.weekday().to_monday_one_offset())));
    }

    /// Sets `findings`; never set, they are missing, which is not the same as none.
    pub fn findings(&mut self, findings: Vec<FindingFact>) {
        self.findings = Some(findings);
    }

    fn set(&mut self, name: &str, kind: Kind, value: Option<Value>) {
        let at = place(name).filter(|at| NAMES[*at].kind == kind);
        debug_assert!(at.is_some(), "`{name}` is no name of this kind");
        let Some(at) = at else { return };
        match value {
            Some(value) => self.values.insert(at, value),
            None => self.values.remove(&at),
        };
    }

    /// The value of a name by any of its spellings.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.at(place(name)?)
    }

    /// The value of a name as JSON; null where it is missing.
    #[must_use]
    pub fn json(&self, name: &str) -> serde_json::Value {
        match self.get(name) {
            None => serde_json::Value::Null,
            Some(Value::Number(number)) => (*number).into(),
            Some(Value::Text(text)) => text.as_str().into(),
            Some(Value::Flag(flag)) => (*flag).into(),
        }
    }

    pub(super) fn at(&self, place: usize) -> Option<&Value> {
        self.values.get(&place)
    }

    pub(super) fn listed(&self) -> Option<&[FindingFact]> {
        self.findings.as_deref()
    }

    /// The value behind a name, as a sentence goes on: `= 0.07`.
    pub(super) fn told(&self, name: &str) -> String {
        if name == "findings" {
            return self.findings.as_ref().map_or("are not known".to_owned(), |all| format!("= {} of them", all.len()));
        }
        match self.get(name) {
            None => "is not known".to_owned(),
            Some(Value::Number(number)) => format!("= {}", super::tree::short(*number)),
            Some(Value::Text(text)) => format!("= '{text}'"),
            Some(Value::Flag(flag)) => format!("= {flag}"),
        }
    }
}
