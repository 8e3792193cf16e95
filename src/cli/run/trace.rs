//! The trace of a run that is over.

use jiff::Timestamp;

use super::Went;
use crate::{
    cli::{Failure, halt},
    domain::{
        fault::Exit,
        span::{Ran, tick},
    },
    tell::Traces,
};

/// Sends it where the environment names a collector. Whatever goes wrong is said, and changes nothing.
pub(super) fn send(begun: Timestamp, went: &Went) {
    if went.dry_run || went.ending().is_none() {
        return;
    }
    let sent = Traces::from_environment().and_then(|traces| {
        let Some(traces) = traces else { return Ok(()) };
        let root = tick(&Ran {
            id: &went.id,
            scope: went.scope,
            dry_run: went.dry_run,
            report: went.report.as_ref(),
            started_at: begun,
            ended_at: went.ended_at,
            times: &went.times,
            source: went.source.as_ref(),
            exit: went.failure.as_ref().map_or(Exit::Fine, Failure::exit),
            trouble: went.failure.as_ref().map(Failure::message),
        });
        halt::left().into_iter().fold(traces, Traces::within).send(&went.id, &root)
    });
    if let Err(why) = sent {
        tracing::warn!("{why}");
    }
}
