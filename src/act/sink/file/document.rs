//! One document: everything a service has to know to serve each request with the right configuration.
//!
//! ```json
//! {
//!   "schema": "llm-auto-optimizer/config/v1", "service_id": "chat", "version": 2,
//!   "active": { "config_version": "3f0c…", "configuration": { "model": "a", "temperature": "0.7" } },
//!   "candidate": { "config_version": "91be…", "configuration": { "model": "b", "temperature": "0.7" } },
//!   "candidate_percentage": 5, "strategy": "canary", "state": "in-progress", "previous": null,
//!   "decision_id": "d-1", "rationale": "…", "requested_by": "optimizer", "updated_at": "2025-06-01T12:00:00Z"
//! }
//! ```
//!
//! A service gives `candidate_percentage` of its requests the candidate and the others what is `active`, and labels each with the
//! `config_version` of what it used. Without a candidate, all get what is active.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    act::sink::{Deployed, Rollback, State, Strategy, Write},
    domain::{configuration::Configuration, service_id::ServiceId},
};

/// The form, so that a later one is not misread.
const SCHEMA: &str = "llm-auto-optimizer/config/v1";

/// A configuration, and the name with which its traffic is labelled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Arm {
    pub(super) config_version: Option<String>,
    pub(super) configuration: Configuration,
}

/// What all traffic had before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Previous {
    version: String,
    active: Arm,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Document {
    schema: String,
    service_id: ServiceId,
    /// One more with every write.
    version: u64,
    /// For the traffic that the candidate does not get.
    pub(super) active: Arm,
    #[serde(default)]
    candidate: Option<Arm>,
    /// 0 to 100.
    candidate_percentage: u8,
    strategy: Strategy,
    state: State,
    #[serde(default)]
    previous: Option<Previous>,
    decision_id: String,
    rationale: String,
    requested_by: String,
    updated_at: Timestamp,
}

impl Document {
    pub(super) fn parse(bytes: &[u8], service: &ServiceId) -> Result<Self, String> {
        let document: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("the document of `{service}` is not one of ours: {error}"))?;
        if document.schema != SCHEMA {
            return Err(format!("the document of `{service}` is of another form, `{:.80}`", document.schema));
        }
        if document.service_id != *service {
            return Err(format!("the document of `{service}` is about another service, `{}`", document.service_id));
        }
        if document.candidate_percentage > 100 || (document.candidate.is_none() && document.candidate_percentage > 0) {
            return Err(format!("the document of `{service}` has an impossible share for the candidate"));
        }
        Ok(document)
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("names and numbers are always JSON") + "\n"
    }

    /// The number and a hash: an edit by hand that leaves the number as it was is another version all the same.
    pub(super) fn version(&self) -> String {
        let hash = Sha256::digest(serde_json::to_vec(self).expect("names and numbers are always JSON"));
        let short = u64::from_be_bytes(std::array::from_fn(|at| hash[at])) >> 16;
        format!("{}-{short:012x}", self.version)
    }

    pub(super) fn deployed(&self) -> Deployed {
        let arm = self.candidate.as_ref().unwrap_or(&self.active);
        Deployed {
            version: self.version(),
            previous_version: self.previous.as_ref().map(|previous| previous.version.clone()),
            configuration: arm.configuration.clone(),
            baseline: self.candidate.is_some().then(|| self.active.configuration.clone()),
            percentage: if self.candidate.is_some() { self.candidate_percentage } else { 100 },
            state: self.state,
            strategy: Some(self.strategy),
            decision_id: Some(self.decision_id.clone()),
            config_version: arm.config_version.clone(),
            updated_by: Some(self.requested_by.clone()),
            updated_at: Some(self.updated_at),
        }
    }

    /// The arm with these settings, where the document has one, so that it keeps its label.
    fn labelled(&self, configuration: &Configuration) -> Option<&Arm> {
        let previous = self.previous.as_ref().map(|previous| &previous.active);
        let arms = [Some(&self.active), self.candidate.as_ref(), previous];
        arms.into_iter().flatten().find(|arm| arm.configuration.same_as(configuration))
    }

    /// What is to be gone back to: what all traffic had before `active` changes, and else what it was.
    fn previous_of(before: Option<&Self>, active: &Arm) -> Option<Previous> {
        let before = before?;
        if before.active.configuration.same_as(&active.configuration) {
            return before.previous.clone();
        }
        Some(Previous { version: before.version(), active: before.active.clone() })
    }

    pub(super) fn of_write(before: Option<&Self>, write: &Write, now: Timestamp) -> Result<Self, String> {
        let new =
            Arm { config_version: Some(write.config_version.clone()), configuration: write.configuration.clone() };
        let (active, candidate) = match write.percentage {
            100 => (new, None),
            0..100 => (Self::baseline(before, write)?, Some(new)),
            _ => return Err(format!("{} % is no share of the traffic", write.percentage)),
        };
        Ok(Self {
            schema: SCHEMA.to_owned(),
            service_id: write.service.clone(),
            version: Self::next(before),
            previous: Self::previous_of(before, &active),
            candidate_percentage: if candidate.is_some() { write.percentage } else { 0 },
            state: if candidate.is_some() { State::InProgress } else { State::Completed },
            active,
            candidate,
            strategy: write.strategy,
            decision_id: write.decision_id.clone(),
            rationale: write.rationale.clone(),
            requested_by: write.requested_by.clone(),
            updated_at: now,
        })
    }

    /// What the other traffic keeps: what the write says, or what it has.
    fn baseline(before: Option<&Self>, write: &Write) -> Result<Arm, String> {
        match (&write.baseline, before) {
            (None, None) => Err("there is no other configuration for the rest of the traffic".to_owned()),
            (None, Some(before)) => Ok(before.active.clone()),
            (Some(baseline), before) => {
                let known = before.and_then(|before| before.labelled(baseline)).cloned();
                Ok(known.unwrap_or_else(|| Arm { config_version: None, configuration: baseline.clone() }))
            }
        }
    }

    pub(super) fn of_rollback(before: Option<&Self>, rollback: &Rollback, now: Timestamp) -> Result<Self, String> {
        let before = before.ok_or("there is nothing to roll back")?;
        let known = before.labelled(&rollback.configuration).and_then(|arm| arm.config_version.clone());
        let active = Arm {
            config_version: rollback.config_version.clone().or(known),
            configuration: rollback.configuration.clone(),
        };
        Ok(Self {
            version: Self::next(Some(before)),
            previous: Self::previous_of(Some(before), &active),
            active,
            candidate: None,
            candidate_percentage: 0,
            state: State::RolledBack,
            decision_id: rollback.decision_id.clone(),
            rationale: rollback.reason.clone(),
            requested_by: rollback.requested_by.clone(),
            updated_at: now,
            ..before.clone()
        })
    }

    fn next(before: Option<&Self>) -> u64 {
        before.map_or(1, |before| before.version.saturating_add(1))
    }
}
