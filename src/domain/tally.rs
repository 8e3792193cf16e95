//! What all runs together came to. Processes end, and the store throws old runs away; counters must do neither, so the sums are kept as
//! one small document, written with the end of each run.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    fault::Exit,
    run::{Did, RunReport},
};

/// Upper ends of the classes of duration, seconds.
pub const CLASSES: [f64; 9] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0];

/// How a run that held the lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Fine,
    Usage,
    Source,
    State,
    Sink,
    InDoubt,
    Overdue,
    Interrupted,
    /// It never said how: the next run found it.
    Killed,
}

impl Ending {
    pub const ALL: [Self; 9] = [
        Self::Fine,
        Self::Usage,
        Self::Source,
        Self::State,
        Self::Sink,
        Self::InDoubt,
        Self::Overdue,
        Self::Interrupted,
        Self::Killed,
    ];

    /// None for a run that another one kept from acting: it did nothing.
    #[must_use]
    pub fn of(exit: Exit) -> Option<Self> {
        Some(match exit {
            Exit::Fine => Self::Fine,
            Exit::Unmet | Exit::Usage => Self::Usage,
            Exit::Source => Self::Source,
            Exit::State => Self::State,
            Exit::Sink => Self::Sink,
            Exit::InDoubt => Self::InDoubt,
            Exit::Overdue => Self::Overdue,
            Exit::Interrupted | Exit::Terminated => Self::Interrupted,
            Exit::Held => return None,
        })
    }

    /// As labels have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Usage => "usage",
            Self::Source => "source",
            Self::State => "state",
            Self::Sink => "sink",
            Self::InDoubt => "in_doubt",
            Self::Overdue => "overdue",
            Self::Interrupted => "interrupted",
            Self::Killed => "killed",
        }
    }
}

/// What was changed in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A new configuration got its first traffic.
    Began,
    /// It got more.
    Advanced,
    /// It lost all of it.
    RolledBack,
}

impl Change {
    pub const ALL: [Self; 3] = [Self::Began, Self::Advanced, Self::RolledBack];

    fn of(did: Did) -> Option<Self> {
        match did {
            Did::Began => Some(Self::Began),
            Did::Advanced => Some(Self::Advanced),
            Did::RolledBack => Some(Self::RolledBack),
            Did::Held
            | Did::Completed
            | Did::Restarted
            | Did::Overtaken
            | Did::InDoubt
            | Did::Pending
            | Did::Failed => None,
        }
    }

    /// As labels have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Advanced => "advanced",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// US dollars that completed changes spared and cost. Two sums, because each of them only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    pub saved_usd: f64,
    pub added_usd: f64,
}

/// All runs of a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub endings: BTreeMap<Ending, u64>,
    pub changes: BTreeMap<Change, u64>,
    /// Rollouts that came to their end well.
    pub completed: u64,
    pub alerts: BTreeMap<String, u64>,
    /// Runs in each of [`CLASSES`], and above the last.
    pub durations: [u64; CLASSES.len() + 1],
    pub seconds: f64,
    /// None until something was measured.
    pub saved: Option<Saved>,
    /// Hours that ended later were not looked at yet for what they spared.
    pub saved_until: Option<Timestamp>,
    /// End of the last run that went well.
    pub last_fine_at: Option<Timestamp>,
}

impl Tally {
    /// The sums after one more run. A dry run leaves them as they are.
    #[must_use]
    pub fn after(mut self, run: &RunReport, ending: Ending, took: Duration, ended_at: Timestamp) -> Self {
        if run.dry_run {
            return self;
        }
        self = self.acted(run);
        *self.endings.entry(ending).or_default() += 1;
        let seconds = took.as_secs_f64();
        self.durations[CLASSES.iter().take_while(|end| seconds > **end).count()] += 1;
        self.seconds += seconds;
        if ending == Ending::Fine {
            self.last_fine_at = Some(ended_at);
        }
        self
    }

    /// The sums after what was done, by a run or by an operator's command.
    #[must_use]
    pub fn acted(mut self, run: &RunReport) -> Self {
        for step in &run.steps {
            self.completed += u64::from(step.did == Did::Completed);
            if let Some(change) = Change::of(step.did) {
                *self.changes.entry(change).or_default() += 1;
            }
        }
        for alert in &run.alerts {
            *self.alerts.entry(alert.kind.name().to_owned()).or_default() += 1;
        }
        self
    }

    /// The same after runs were found that never ended. How long they took is not known.
    #[must_use]
    pub fn with_killed(mut self, runs: u64) -> Self {
        *self.endings.entry(Ending::Killed).or_default() += runs;
        self
    }

    /// Adds what was measured of requests that were not counted before, up to `until`: dollars spared, or below zero, dollars more.
    #[must_use]
    pub fn with_saved(mut self, usd: f64, until: Timestamp) -> Self {
        if usd.is_finite() {
            self.saved_until = self.saved_until.max(Some(until));
            let saved = self.saved.get_or_insert_default();
            saved.saved_usd += usd.max(0.0);
            saved.added_usd += (-usd).max(0.0);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(did: &[&str], dry_run: bool) -> RunReport {
        let step = |did: &&str| {
            json!({"service": "a", "rollout": "r", "purpose": "change", "from": "1", "to": "2", "share_before": 0,
                "share_after": 5, "did": did, "why": "", "judgement": null})
        };
        serde_json::from_value(json!({
            "schema_version": "run/v1", "id": "t", "scope": "standard", "dry_run": dry_run, "started_at": "2026-01-01T00:00:00Z",
            "sink": "s", "plan": null, "data_until": null, "steps": did.iter().map(step).collect::<Vec<_>>(),
            "not_begun": [], "alerts": [{"kind": "harm", "service": "a", "message": "m"}]
        }))
        .unwrap()
    }

    #[test]
    fn sums_only_grow_and_survive_being_stored() {
        let at: Timestamp = "2026-01-01T00:00:05Z".parse().unwrap();
        let mut tally = Tally::default();
        for (did, ending) in [
            (&["began", "advanced"][..], Ending::Fine),
            (&["rolled_back", "held"], Ending::InDoubt),
            (&["completed"], Ending::Sink),
        ] {
            tally = tally.after(&run(did, false), ending, Duration::from_millis(700), at);
            // As the next process reads it.
            tally = serde_json::from_str(&serde_json::to_string(&tally).unwrap()).unwrap();
        }
        assert_eq!(tally.clone().after(&run(&["began"], true), Ending::Fine, Duration::MAX, at), tally, "a dry run");
        assert_eq!(tally.changes.values().copied().collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!((tally.completed, tally.alerts["harm"], tally.last_fine_at), (1, 3, Some(at)));
        assert_eq!(tally.durations, [0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(tally.clone().with_killed(2).endings[&Ending::Killed], 2);
        assert_eq!(tally.saved, None, "nothing was measured");
        let saved = tally.with_saved(2.5, at).with_saved(-1.0, at).with_saved(f64::NAN, at).saved;
        assert_eq!(saved, Some(Saved { saved_usd: 2.5, added_usd: 1.0 }));
    }

    #[test]
    fn durations_fall_into_their_classes_ends_included() {
        let at = Timestamp::UNIX_EPOCH;
        let of = |seconds: f64| {
            let tally = Tally::default().after(&run(&[], false), Ending::Fine, Duration::from_secs_f64(seconds), at);
            tally.durations.iter().position(|count| *count == 1).unwrap()
        };
        assert_eq!([0.0, 0.1, 0.11, 120.0, 120.1].map(of), [0, 0, 1, 8, 9]);
    }

    #[test]
    fn documents_of_older_versions_are_read() {
        assert_eq!(serde_json::from_str::<Tally>("{}").unwrap(), Tally::default());
    }
}
