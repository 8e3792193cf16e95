//! A folder with one document for each service, for whoever needs no server: services read the document and split by it.
//!
//! A document is replaced as a whole and never written into, so a reader sees the one before or the one after. Writers take a
//! lock for each service. The folder belongs to the operator: whoever may write into it may change configurations anyway.

mod document;
mod error;
mod folder;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;

pub use error::FileError;

use super::{Deployed, Expected, Later, Outcome, Probe, Report, Rollback, Seen, Sink, SinkError, Write, reach::Reach};
use crate::domain::service_id::ServiceId;
use document::Document;
use folder::{Folder, Unwritten};

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub struct FileSink {
    folder: Arc<Folder>,
}

impl FileSink {
    /// The folder has to exist: a wrong name must not become an empty store in which every service looks new.
    pub fn new(folder: &Path) -> Result<Self, FileError> {
        Ok(Self { folder: Arc::new(Folder::open(folder, PATIENCE)?) })
    }

    async fn blocking<T: Send + 'static>(&self, act: impl FnOnce(&Folder) -> T + Send + 'static) -> Result<T, String> {
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || act(&folder))
            .await
            .map_err(|error| format!("the work was cut off: {error}"))
    }
}

impl Sink for FileSink {
    fn shown(&self) -> String {
        format!("file:{}", self.folder.shown())
    }

    fn read<'a>(&'a self, service: &'a ServiceId) -> Later<'a, Result<Option<Deployed>, SinkError>> {
        let service = service.clone();
        Box::pin(async move {
            let read = self.blocking(move |folder| read(folder, &service)).await.and_then(|read| read);
            read.map(|found| found.map(|(_, deployed)| deployed)).map_err(|why| SinkError { why, stop_all: false })
        })
    }

    fn probe<'a>(&'a self, service: &'a ServiceId) -> Later<'a, Probe> {
        Box::pin(async move {
            let seen = match self.read(service).await {
                Ok(Some(_)) => Seen::Known,
                Ok(None) => Seen::Unknown,
                Err(error) => Seen::Odd(error.why),
            };
            Probe { seen, date: None }
        })
    }

    fn write<'a>(&'a self, write: &'a Write) -> Later<'a, Report> {
        let write = write.clone();
        Box::pin(async move {
            let next = move |folder: &Folder| {
                let reach = |found: &Deployed| write.reach(found);
                change(folder, &write.service, &write.expected, reach, |before| {
                    Document::of_write(before, &write, Timestamp::now())
                })
            };
            self.blocking(next).await.unwrap_or_else(cut_off)
        })
    }

    fn roll_back<'a>(&'a self, rollback: &'a Rollback) -> Later<'a, Report> {
        let rollback = rollback.clone();
        Box::pin(async move {
            let next = move |folder: &Folder| {
                let expected = Expected::Version(rollback.expected.clone());
                let reach = |found: &Deployed| rollback.reach(found);
                // No history is kept here, so the target is what the rollback brings along, whatever it is called.
                change(folder, &rollback.service, &expected, reach, |before| {
                    Document::of_rollback(before, &rollback, Timestamp::now())
                })
            };
            self.blocking(next).await.unwrap_or_else(cut_off)
        })
    }
}

fn cut_off(why: String) -> Report {
    Report::sick(Outcome::InDoubt { why }, 1)
}

fn read(folder: &Folder, service: &ServiceId) -> Result<Option<(Document, Deployed)>, String> {
    let Some(bytes) = folder.read(service)? else { return Ok(None) };
    let document = Document::parse(&bytes, service)?;
    let deployed = document.deployed();
    Ok(Some((document, deployed)))
}

/// Under the lock: looks, decides as every sink does, replaces, and reads back.
fn change(
    folder: &Folder,
    service: &ServiceId,
    expected: &Expected,
    reach: impl Fn(&Deployed) -> Reach,
    next: impl FnOnce(Option<&Document>) -> Result<Document, String>,
) -> Report {
    let failed = |why| Report::sick(Outcome::Failed { why }, 0);
    let _lock = match folder.lock(service) {
        Ok(lock) => lock,
        Err(why) => return failed(why),
    };
    let found = match read(folder, service) {
        Ok(found) => found,
        Err(why) => return failed(why),
    };
    let (before, state) = found.unzip();
    if let Some(deployed) = state.as_ref().filter(|state| reach(state) == Reach::Reached) {
        return Report::new(Outcome::Done { deployed: deployed.clone(), unchanged: true }, 0);
    }
    if !expected.is(state.as_ref()) {
        let there = state.as_ref().map_or_else(|| "nothing".to_owned(), |state| format!("version `{}`", state.version));
        let why = format!("expected was {expected}, and {there} is there instead");
        return Report::new(Outcome::Conflict { found: state, why }, 0);
    }
    let next = match next(before.as_ref()) {
        Ok(next) => next,
        Err(why) => return Report::new(Outcome::Refused { why, stop_all: false }, 0),
    };
    match folder.replace(service, next.text().as_bytes()) {
        Ok(()) => {}
        Err(Unwritten::AsBefore(why)) => return Report::sick(Outcome::Failed { why }, 1),
        Err(Unwritten::Unsure(why)) => return Report::sick(Outcome::InDoubt { why }, 1),
    }
    match read(folder, service) {
        Ok(Some((back, deployed))) if back == next => Report::new(Outcome::Done { deployed, unchanged: false }, 1),
        Ok(found) => {
            let why = "somebody who does not keep to the lock wrote at the same time".to_owned();
            Report::new(Outcome::Conflict { found: found.map(|(_, state)| state), why }, 1)
        }
        Err(why) => {
            Report::sick(Outcome::InDoubt { why: format!("it was written, and cannot be read back: {why}") }, 1)
        }
    }
}
