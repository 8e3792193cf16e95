//! An Orchestrator over HTTP: versions that have to match, keys that make a write happen once, and no trust in an answer that
//! was not read back.

mod address;
mod client;
mod credential;
mod delete;
mod errand;
mod goal;
mod hearing;
mod reading;
mod wire;

use std::time::{Duration, Instant};

pub use address::Base;
pub use credential::Credential;
pub use delete::Deletion;
pub use wire::parse_state;

use super::{Deployed, Later, Probe, Report, Rollback, Sink, SinkError, Write};
use crate::{
    domain::service_id::ServiceId,
    http::{HttpError, Patience},
};
use client::{Http, Kind};
use errand::Errand;

/// How patient the client is.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// With a write, and with each reading.
    pub patience: Patience,
    /// One service with everything that is asked about it.
    pub service: Duration,
    /// Before the first look at what was accepted but not done; it doubles.
    pub poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { patience: Patience::default(), service: Duration::from_secs(30), poll: Duration::from_secs(1) }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub limits: Limits,
    /// Create a service that was there when it was decided on and is gone now.
    pub create_missing: bool,
}

#[derive(Debug)]
pub struct Orchestrator {
    http: Http,
    options: Options,
}

impl Orchestrator {
    pub fn new(base: Base, credential: Option<Credential>, options: Options) -> Result<Self, HttpError> {
        Ok(Self { http: Http::new(base, credential, &options.limits)?, options })
    }

    async fn carry_out(&self, errand: Errand<'_>) -> Report {
        errand.run(&self.http, &self.options, Instant::now() + self.options.limits.service).await
    }
}

impl Sink for Orchestrator {
    fn shown(&self) -> String {
        self.http.shown()
    }

    fn read<'a>(&'a self, service: &'a ServiceId) -> Later<'a, Result<Option<Deployed>, SinkError>> {
        let end = Instant::now() + self.options.limits.service;
        Box::pin(async move {
            let look = self.http.look(service, &self.options.limits, end).await;
            look.map_err(|trouble| SinkError { stop_all: trouble.kind == Kind::Closed, why: trouble.why })
        })
    }

    fn probe<'a>(&'a self, service: &'a ServiceId) -> Later<'a, Probe> {
        Box::pin(self.http.probe(service, Instant::now() + self.options.limits.service))
    }

    fn write<'a>(&'a self, write: &'a Write) -> Later<'a, Report> {
        Box::pin(self.carry_out(Errand::write(write)))
    }

    fn roll_back<'a>(&'a self, rollback: &'a Rollback) -> Later<'a, Report> {
        Box::pin(self.carry_out(Errand::rollback(rollback)))
    }
}
