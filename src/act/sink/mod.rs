//! What holds the configurations of services and splits their traffic. One trait; whoever wants another sink writes one file.

mod breaker;
mod file;
mod halt;
mod key;
mod orchestrator;
mod outcome;
mod probe;
mod push;
mod reach;
#[cfg(test)]
mod tests;
mod types;

use std::{fmt::Debug, pin::Pin};

pub use breaker::{Admission, Breaker, BreakerSettings, Urgency};
pub use file::{FileError, FileSink};
pub use halt::{Asked, Halt};
pub use key::{Operation, idempotency_key};
pub use orchestrator::{Base, Credential, Deletion, Limits, Options, Orchestrator, parse_state};
pub use outcome::{Health, Outcome, Report, SinkError};
pub use probe::{Probe, Seen};
pub use push::{Purpose, Push, push_all};
pub use reach::Reach;
pub use types::{Deployed, Expected, Job, Rollback, Scope, State, Strategy, Target, Write};

use crate::domain::service_id::ServiceId;

/// What comes later. Boxed, so that a sink is chosen at run time and a new one needs no change elsewhere.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where configurations are written to.
///
/// Both ways of writing look first: what is there already is done, what somebody else changed is a conflict, and only the
/// version that was expected is written over. So the same call is right for the first try and for one that was interrupted.
pub trait Sink: Debug + Send + Sync {
    /// How messages call it, without secrets.
    fn shown(&self) -> String;

    /// What a service has. Nothing, where the sink does not know the service.
    fn read<'a>(&'a self, service: &'a ServiceId) -> Later<'a, Result<Option<Deployed>, SinkError>>;

    /// The same once, with what it says of the sink itself. Nothing is written.
    fn probe<'a>(&'a self, service: &'a ServiceId) -> Later<'a, Probe>;

    /// Brings a configuration to a share of the traffic.
    fn write<'a>(&'a self, write: &'a Write) -> Later<'a, Report>;

    /// Brings all traffic back to a configuration, so long as nobody else has changed the service since.
    fn roll_back<'a>(&'a self, rollback: &'a Rollback) -> Later<'a, Report>;
}

/// Does what a job says.
pub async fn carry_out(sink: &dyn Sink, job: &Job) -> Report {
    match job {
        Job::Write(write) => sink.write(write).await,
        Job::Rollback(rollback) => sink.roll_back(rollback).await,
    }
}

/// Finds out what became of a job that an earlier run left in doubt, and finishes it: what is there as wanted is done; while the
/// version is still the one that was expected, it is asked for again under the same key; anything else is a conflict.
///
/// It is the same walk as the first time, because that one looks before it writes too; only, what could not be seen stays in doubt.
pub async fn settle(sink: &dyn Sink, job: &Job) -> Report {
    carry_out(sink, job).await.of_settling()
}
