//! What a write that arrived makes of a rollout.

use jiff::Timestamp;

use crate::domain::rollout::{Rollout, Stage};

impl Rollout {
    /// At this step since now; the sink calls it so.
    #[must_use]
    pub fn exposed(mut self, step: usize, version: &str, now: Timestamp) -> Self {
        self.stage = Stage::Canary { step, since: now };
        self.deployed = Some(version.to_owned());
        self.labels.push(version.to_owned());
        self
    }

    #[must_use]
    pub fn rolled_back(mut self, because: &str, version: &str, now: Timestamp) -> Self {
        self.stage = Stage::RolledBack { at: now, because: because.to_owned() };
        self.deployed = Some(version.to_owned());
        self
    }

    #[must_use]
    pub fn completed(mut self, now: Timestamp) -> Self {
        self.stage = Stage::Full { since: now };
        self
    }

    #[must_use]
    pub fn overtaken(mut self, because: &str, now: Timestamp) -> Self {
        self.stage = match self.stage {
            Stage::Proposed => Stage::Dropped { at: now, because: because.to_owned() },
            _ => Stage::Overtaken { at: now, because: because.to_owned() },
        };
        self
    }

    /// The same at a step where somebody put it; what was seen before counts no longer.
    #[must_use]
    pub fn restarted(mut self, step: usize, version: &str, because: &str, now: Timestamp) -> Self {
        self.restarts += 1;
        self.restarted_because = Some(because.to_owned());
        self.exposed(step, version, now)
    }
}
