//! What the server holds of one service.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::documents::ConfigWrite;

/// Settings and the name their traffic carries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    pub configuration: BTreeMap<String, String>,
    pub config_version: Option<String>,
}

/// One version of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    pub service_id: String,
    pub version: String,
    pub previous_version: Option<String>,
    pub new: Labelled,
    /// What the other traffic gets while `percentage` is below 100.
    pub baseline: Option<Labelled>,
    pub strategy: String,
    pub initial_percentage: u8,
    pub progression: Vec<u8>,
    pub interval_minutes: u32,
    pub rollback_on_error_rate: Option<f64>,
    pub state: String,
    pub percentage: u8,
    /// Milliseconds since 1970.
    pub started_at: u64,
    pub completed_at: Option<u64>,
    pub created_at: u64,
    pub updated_at: u64,
    pub updated_by: String,
    pub decision_id: Option<String>,
    pub rationale: Option<String>,
    pub requested_by: Option<String>,
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

fn stamp(ms: u64) -> String {
    Timestamp::from_millisecond(ms.cast_signed()).unwrap_or_default().to_string()
}

impl Configuration {
    /// What `write` makes of what was there.
    pub fn following(before: Option<&Self>, write: &ConfigWrite, version: String) -> Self {
        let (plan, now) = (&write.deployment, now());
        let percentage = plan.initial_percentage.clamp(0, 100) as u8;
        let new = Labelled { configuration: write.settings(), config_version: write.metadata("config_version") };
        let baseline = before.and_then(Self::for_all).filter(|_| percentage < 100);
        let goes_on = before.filter(|before| before.percentage < 100 && before.new.configuration == new.configuration);
        let requested_by = write.metadata("requested_by");
        Self {
            service_id: write.service_id.clone(),
            version,
            previous_version: before.map(|before| before.version.clone()),
            new,
            baseline,
            strategy: plan.strategy.clone(),
            initial_percentage: percentage,
            progression: plan.progression.iter().map(|share| *share as u8).collect(),
            interval_minutes: plan.progression_interval_minutes as u32,
            rollback_on_error_rate: plan.rollback_on_error_rate,
            state: if percentage == 100 { "completed" } else { "in-progress" }.to_owned(),
            percentage,
            started_at: goes_on.map_or(now, |before| before.started_at),
            completed_at: (percentage == 100).then_some(now),
            created_at: before.map_or(now, |before| before.created_at),
            updated_at: now,
            updated_by: requested_by.clone().unwrap_or_else(|| "unknown".to_owned()),
            decision_id: write.metadata("decision_id"),
            rationale: write.metadata("rationale"),
            requested_by,
        }
    }

    /// The configuration that all traffic had before the canary that may be under way.
    pub fn for_all(&self) -> Option<Labelled> {
        if self.percentage == 100 { Some(self.new.clone()) } else { self.baseline.clone() }
    }

    /// All traffic back to `target`.
    pub fn rolled_back(&self, target: Labelled, version: String, reason: &str) -> Self {
        let now = now();
        Self {
            version,
            previous_version: Some(self.version.clone()),
            new: target,
            baseline: None,
            initial_percentage: 100,
            progression: vec![100],
            state: "rolled-back".to_owned(),
            percentage: 100,
            completed_at: Some(now),
            updated_at: now,
            rationale: Some(reason.to_owned()),
            ..self.clone()
        }
    }

    /// Walks the progression it was given, where it was given more than one step. The version stays: nobody wrote anything.
    pub fn advance(&mut self, minute_ms: u64, now: u64) {
        let leads_itself = self.progression.len() > 1 && self.interval_minutes > 0 && self.state == "in-progress";
        if !leads_itself {
            return;
        }
        let steps = now.saturating_sub(self.started_at) / (u64::from(self.interval_minutes) * minute_ms).max(1);
        let after_first = self.progression.iter().filter(|share| **share > self.initial_percentage);
        let reached = after_first.take(steps as usize).last().copied().unwrap_or(self.initial_percentage);
        self.percentage = self.percentage.max(reached);
        if self.percentage == 100 {
            (self.state, self.completed_at, self.baseline) = ("completed".to_owned(), Some(now), None);
        }
    }

    /// As answers show it.
    pub fn shown(&self) -> Value {
        let mut shown = json!({
            "service_id": self.service_id, "version": self.version, "previous_version": self.previous_version,
            "configuration": self.new.configuration,
            "deployment": {
                "strategy": self.strategy, "initial_percentage": self.initial_percentage,
                "progression": self.progression, "progression_interval_minutes": self.interval_minutes,
                "rollback_on_error_rate": self.rollback_on_error_rate, "state": self.state,
                "percentage": self.percentage, "started_at": stamp(self.started_at),
                "completed_at": self.completed_at.map(stamp), "errors": [],
            },
            "metadata": {
                "decision_id": self.decision_id, "rationale": self.rationale, "requested_by": self.requested_by,
                "config_version": self.new.config_version,
            },
            "created_at": stamp(self.created_at), "updated_at": stamp(self.updated_at), "updated_by": self.updated_by,
        });
        if let Some(baseline) = &self.baseline {
            shown["baseline_configuration"] = json!(baseline.configuration);
        }
        shown
    }
}
