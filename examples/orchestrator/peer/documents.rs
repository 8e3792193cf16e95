//! What is sent to the server, read strictly: a client that writes nonsense learns of it here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Why a body is refused, in words and field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub field: &'static str,
    pub why: String,
}

fn invalid(field: &'static str, why: impl Into<String>) -> Invalid {
    Invalid { field, why: why.into() }
}

#[derive(Debug, Clone, Deserialize)]
pub struct ConfigWrite {
    pub service_id: String,
    pub configuration: Map<String, Value>,
    #[serde(default)]
    pub deployment: Deployment,
    #[serde(default)]
    pub metadata: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Deployment {
    pub strategy: String,
    pub initial_percentage: i64,
    pub progression: Vec<i64>,
    pub progression_interval_minutes: i64,
    pub rollback_on_error_rate: Option<f64>,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            strategy: "immediate".into(),
            initial_percentage: 100,
            progression: vec![100],
            progression_interval_minutes: 0,
            rollback_on_error_rate: None,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct RollbackWrite {
    pub target_version: String,
    /// `canary` withdraws a candidate, `all` puts back what a version was.
    pub scope: String,
    #[serde(default)]
    pub immediate: bool,
    #[serde(default)]
    pub reason: String,
}

/// Whether every sink can hold a service of this name.
pub fn is_service(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    let first = id.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    first && id.len() <= 63 && id.bytes().all(fits) && !id.contains("--") && !id.ends_with(['-', '.'])
}

impl ConfigWrite {
    pub fn read(body: &[u8]) -> Result<Self, Invalid> {
        let write: Self = serde_json::from_slice(body).map_err(|error| invalid("body", error.to_string()))?;
        write.check().map(|()| write)
    }

    fn check(&self) -> Result<(), Invalid> {
        if !is_service(&self.service_id) {
            return Err(invalid("service_id", "lower-case letters, digits, `.` and `-`, at most 63, no `--`"));
        }
        if self.configuration.is_empty() {
            return Err(invalid("configuration", "is empty"));
        }
        if let Some((key, _)) = self.configuration.iter().find(|(_, value)| !value.is_string()) {
            return Err(invalid("configuration", format!("`{key}` is no string")));
        }
        let plan = &self.deployment;
        if !["immediate", "canary", "blue_green", "shadow"].contains(&plan.strategy.as_str()) {
            return Err(invalid("deployment.strategy", "immediate, canary, blue_green or shadow"));
        }
        if !(0..=100).contains(&plan.initial_percentage) {
            return Err(invalid("deployment.initial_percentage", "0 to 100"));
        }
        let ascends = plan.progression.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascends || !plan.progression.iter().all(|share| (0..=100).contains(share)) {
            return Err(invalid("deployment.progression", "shares of 0 to 100, each above the one before"));
        }
        // A list of one is a client that leads the canary by itself; a longer one is ours to walk, and has to arrive.
        if plan.progression.len() > 1 && plan.progression.last() != Some(&100) {
            return Err(invalid("deployment.progression", "ends with 100"));
        }
        if !(0..=1_000_000).contains(&plan.progression_interval_minutes) {
            return Err(invalid("deployment.progression_interval_minutes", "zero or more minutes"));
        }
        if plan.rollback_on_error_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err(invalid("deployment.rollback_on_error_rate", "0 to 1"));
        }
        Ok(())
    }

    pub fn settings(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.configuration.iter().map(|(key, value)| (key.clone(), text(value))).collect()
    }

    pub fn metadata(&self, key: &str) -> Option<String> {
        self.metadata.get(key)?.as_str().map(str::to_owned)
    }
}

impl RollbackWrite {
    pub fn read(body: &[u8]) -> Result<Self, Invalid> {
        let write: Self = serde_json::from_slice(body).map_err(|error| invalid("body", error.to_string()))?;
        if !["canary", "all"].contains(&write.scope.as_str()) {
            return Err(invalid("scope", "canary or all"));
        }
        if write.target_version.is_empty() {
            return Err(invalid("target_version", "`previous` or a version"));
        }
        Ok(write)
    }
}
