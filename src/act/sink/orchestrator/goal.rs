//! What has to be there in the end, and how that which is there stands to it.

use reqwest::Method;

use super::{
    client::{Change, Http},
    wire,
};
use crate::{
    act::sink::{Deployed, Expected, Outcome, Rollback, Write, key, reach::Reach},
    domain::service_id::ServiceId,
};

#[derive(Debug, Clone, Copy)]
pub(super) enum Goal<'a> {
    Write(&'a Write),
    Rollback(&'a Rollback),
}

/// What a state of the service means for an errand.
#[expect(clippy::large_enum_variant, reason = "lives for a moment, one at a time")]
pub(super) enum Standing {
    Over(Outcome),
    /// Taken on, and not there yet.
    Underway,
    /// As it was before.
    Unchanged,
}

impl<'a> Goal<'a> {
    pub(super) fn service(self) -> &'a ServiceId {
        match self {
            Self::Write(write) => &write.service,
            Self::Rollback(rollback) => &rollback.service,
        }
    }

    /// Whether it gives one configuration to all traffic of a service, as the first one has to.
    pub(super) fn is_for_all(self) -> bool {
        matches!(self, Self::Write(write) if write.percentage == 100)
    }

    /// The request, where `expected` is there now.
    pub(super) fn change(self, http: &Http, expected: &Expected) -> Change {
        let service = self.service();
        let version = if let Expected::Version(version) = expected { Some(version.clone()) } else { None };
        match self {
            Self::Rollback(rollback) => Change {
                method: Method::POST,
                url: http.base.rollback(service),
                body: wire::rollback_write(rollback).to_string(),
                key: rollback.key,
                version,
            },
            Self::Write(write) => {
                let create = version.is_none();
                let instead = create && write.expected != Expected::Absent;
                Change {
                    method: if create { Method::POST } else { Method::PUT },
                    url: if create { http.base.configurations() } else { http.base.service(service) },
                    body: wire::config_write(write).to_string(),
                    // Another request than the one that was decided on, so under another name.
                    key: if instead { key::instead(write.key) } else { write.key },
                    version,
                }
            }
        }
    }

    /// `told` is the version that an answer called the result, where there was one.
    pub(super) fn standing(self, expected: &Expected, found: Option<Deployed>, told: Option<&str>) -> Standing {
        let conflict = |found, why| Standing::Over(Outcome::Conflict { found, why });
        let Some(state) = found else {
            let gone = || conflict(None, format!("the service is gone, which had {expected}"));
            return if *expected == Expected::Absent { Standing::Unchanged } else { gone() };
        };
        let (reach, decision) = match self {
            Self::Write(write) => (write.reach(&state), Some(&write.decision_id)),
            Self::Rollback(rollback) => (rollback.reach(&state), None),
        };
        let whose = state.updated_by.as_ref().map_or_else(String::new, |who| format!(", last changed by `{who}`"));
        match reach {
            Reach::Reached => {
                let ours = decision.is_some() && state.decision_id.as_ref() == decision;
                if let Some(told) = told.filter(|told| *told != state.version && !ours) {
                    let why = format!("it was changed again after our version `{told}`, to the same{whose}");
                    return conflict(Some(state), why);
                }
                Standing::Over(Outcome::Done { deployed: state, unchanged: false })
            }
            Reach::Underway => Standing::Underway,
            Reach::Not if expected.is(Some(&state)) => Standing::Unchanged,
            Reach::Not => {
                let instead = if told == Some(&state.version) { "under our version" } else { "instead" };
                let why = format!(
                    "expected was {expected}, and version `{}` with {} % of the traffic, {}, is there {instead}{whose}",
                    state.version,
                    state.percentage,
                    state.state.name()
                );
                conflict(Some(state), why)
            }
        }
    }
}
