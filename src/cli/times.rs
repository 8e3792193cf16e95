//! When the parts of a run took place.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use jiff::Timestamp;

use crate::domain::phase::{Phase, Timed};

/// Shared by all that work on a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Times(Arc<Mutex<Vec<Timed>>>);

impl Times {
    pub(super) fn time<T>(&self, phase: Phase, part: Option<&'static str>, work: impl FnOnce() -> T) -> T {
        let (started_at, begun) = (Timestamp::now(), Instant::now());
        let done = work();
        let timed = Timed { phase, part, started_at, took: begun.elapsed() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(timed);
        done
    }

    pub(super) fn all(&self) -> Vec<Timed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
