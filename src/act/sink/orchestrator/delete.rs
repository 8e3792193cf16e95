//! Taking a service out of the Orchestrator. For an operator who asked for it; nothing here does it by itself, so it is not part
//! of what every sink can do.

use std::time::Instant;

use super::{Orchestrator, client::Kind};
use crate::{
    act::sink::{Deployed, Outcome, Report},
    domain::service_id::ServiceId,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    Deleted,
    /// There was nothing to delete.
    WasGone,
}

impl Orchestrator {
    /// Deletes a service, so long as it still has the version that the operator saw. One attempt: whoever asked is there to ask
    /// again. The error is never `Done`.
    pub async fn delete(&self, service: &ServiceId, version: &str) -> Result<Deletion, Report> {
        let end = Instant::now() + self.options.limits.service;
        let Some(found) = self.seen(service, end).await.map_err(|outcome| Report::new(outcome, 0))? else {
            return Ok(Deletion::WasGone);
        };
        let told = |outcome| Report::new(outcome, 1);
        if found.version != version {
            return Err(Report::new(changed(found, version), 0));
        }
        let (why, answered) = match self.http.delete(self.http.base.service(service), version, end).await {
            Ok(answer) => match answer.status.as_u16() {
                401 | 403 => return Err(told(Outcome::Refused { why: self.http.refusal(&answer), stop_all: true })),
                200..=299 => ("it says it is gone, but still shows it".to_owned(), false),
                408 | 502 | 504.. => (self.http.refusal(&answer), false),
                _ => (self.http.refusal(&answer), true),
            },
            Err(trouble) => (trouble.why, !trouble.may_have_arrived),
        };
        // What it says is one thing; what is there is another.
        match self.seen(service, end).await {
            Ok(None) => Ok(Deletion::Deleted),
            Ok(Some(found)) if found.version != version => Err(told(changed(found, version))),
            Ok(Some(_)) if answered => Err(told(Outcome::Failed { why })),
            Ok(Some(_)) | Err(_) => Err(told(Outcome::InDoubt { why })),
        }
    }

    async fn seen(&self, service: &ServiceId, end: Instant) -> Result<Option<Deployed>, Outcome> {
        self.http.look(service, &self.options.limits, end).await.map_err(|trouble| match trouble.kind {
            Kind::Closed => Outcome::Refused { why: trouble.why, stop_all: true },
            _ => Outcome::Failed { why: trouble.why },
        })
    }
}

fn changed(found: Deployed, version: &str) -> Outcome {
    let why = format!("expected was version `{version}`, and version `{}` is there instead", found.version);
    Outcome::Conflict { found: Some(found), why }
}
