//! What the server remembers: in memory, and in a file where one was named.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    answer::Answer,
    call::Call,
    configuration::{Configuration, now},
};

/// Requests that are remembered for `GET /admin/requests`.
const REQUESTS: usize = 100_000;

/// What survives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Kept {
    last_version: u64,
    services: BTreeMap<String, Configuration>,
    history: BTreeMap<String, Vec<Configuration>>,
    first_answers: BTreeMap<String, FirstAnswer>,
}

/// The answer to the first request that carried a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FirstAnswer {
    /// Of method, path and body.
    pub of: String,
    pub answer: Answer,
}

/// A write that was accepted and is not done yet.
#[derive(Debug)]
pub struct Pending {
    pub call: Call,
    /// Reads until it is done; never, where there is none.
    pub reads: Option<u32>,
}

#[derive(Debug, Default)]
pub struct Store {
    pub kept: Kept,
    pub pending: BTreeMap<String, Pending>,
    pub requests: VecDeque<Value>,
    /// Changes since the start.
    pub changes: u64,
    file: Option<PathBuf>,
}

impl Store {
    pub fn open(file: Option<PathBuf>) -> io::Result<Self> {
        let kept = match file.as_deref().map(fs::read) {
            Some(Ok(bytes)) => serde_json::from_slice(&bytes)?,
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => Kept::default(),
        };
        Ok(Self { kept, file, ..Self::default() })
    }

    pub fn note(&mut self, request: Value) {
        if self.requests.len() == REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    /// Writes the file as a whole, beside the old one and then in its place. Says up to which change it is.
    pub fn keep(&self) -> io::Result<u64> {
        if let Some(file) = &self.file {
            let beside = beside(file);
            fs::write(&beside, serde_json::to_vec(&self.kept)?)?;
            fs::rename(beside, file)?;
        }
        Ok(self.changes)
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    file.with_file_name(name)
}

impl Kept {
    pub fn next_version(&mut self) -> String {
        self.last_version += 1;
        format!("v{}", self.last_version)
    }

    /// As it is now: a progression that the server walks has moved on with the time.
    pub fn current(&mut self, service: &str, minute_ms: u64) -> Option<&Configuration> {
        let found = self.services.get_mut(service)?;
        found.advance(minute_ms, now());
        Some(found)
    }

    pub fn current_mut(&mut self, service: &str) -> Option<&mut Configuration> {
        self.services.get_mut(service)
    }

    pub fn put(&mut self, next: Configuration) {
        self.history.entry(next.service_id.clone()).or_default().push(next.clone());
        self.services.insert(next.service_id.clone(), next);
    }

    pub fn remove(&mut self, service: &str) {
        self.services.remove(service);
    }

    /// Every version that was accepted, the oldest first.
    pub fn history(&self, service: &str) -> &[Configuration] {
        self.history.get(service).map_or(&[], Vec::as_slice)
    }

    pub fn first_answer(&self, key: &str) -> Option<&FirstAnswer> {
        self.first_answers.get(key)
    }

    pub fn remember(&mut self, key: &str, first: FirstAnswer) {
        self.first_answers.insert(key.to_owned(), first);
    }
}
