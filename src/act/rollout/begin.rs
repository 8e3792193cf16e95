//! From decisions of a plan to a rollout, or to why there is none.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::machine::{Freeze, Reach};
use crate::domain::{
    Arm, Configuration, KnownConfigurations, Segment, format,
    plan::{Action, Decision, Rung},
    policy::{Mode, RolloutStrategy, Rules},
    rollout::{Purpose, Rollout, RolloutStep, Stage, Subject, Version},
};

/// What is remembered of a service beside its rollouts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// An operator's word.
    pub freeze: Option<Freeze>,
    /// Rollbacks of the last two weeks, oldest first.
    #[serde(default)]
    pub rolled_back: Vec<Timestamp>,
    /// When somebody else last changed it while a rollout was under way.
    #[serde(default)]
    pub overtaken: Option<Timestamp>,
    /// Configurations that were taken back, by version.
    #[serde(default)]
    pub failed: BTreeMap<String, Failed>,
}

/// A configuration that was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub at: Timestamp,
    pub because: String,
}

/// Days after which a rollback counts no longer, and what failed may be proposed again: models change under their names.
const REPEATS_DAYS: i64 = 14;

/// Longest rest of a service, in hours.
const LONGEST_REST: f64 = 168.0;

/// Minutes for which what serves everything is watched before it counts as proven.
const WATCH_MINUTES: u32 = 30;

impl ServiceState {
    /// Until when nothing new is begun: after rollbacks, where the rest doubles with each that came before it, and after somebody else
    /// took over, who is not to be fought.
    #[must_use]
    pub fn rests_until(&self, cooldown_hours: f64, now: Timestamp) -> Option<Timestamp> {
        let after = |at: Timestamp, hours: f64| {
            at.saturating_add(SignedDuration::from_secs_f64(3600.0 * hours)).unwrap_or(Timestamp::MAX)
        };
        let theirs = self.overtaken.map(|at| after(at, cooldown_hours));
        let until = self.rolled_back_until(cooldown_hours, now).map(|(last, hours)| after(last, hours)).max(theirs)?;
        (until > now).then_some(until)
    }

    /// The last rollback, and for how many hours the service rests after it.
    fn rolled_back_until(&self, cooldown_hours: f64, now: Timestamp) -> Option<(Timestamp, f64)> {
        let recent: Vec<&Timestamp> =
            self.rolled_back.iter().filter(|at| days_since(**at, now) < REPEATS_DAYS as f64).collect();
        let last = **recent.last()?;
        let repeats = i32::try_from(recent.len() - 1).unwrap_or(i32::MAX).min(10);
        Some((last, (cooldown_hours * 2f64.powi(repeats)).min(LONGEST_REST)))
    }

    /// Why a configuration may not be tried again yet.
    #[must_use]
    pub fn bars(&self, version: &str, now: Timestamp) -> Option<&Failed> {
        self.failed.get(version).filter(|failed| days_since(failed.at, now) < REPEATS_DAYS as f64)
    }

    /// With one more rollback, and without what is too old to matter.
    #[must_use]
    pub fn after_rollback(mut self, version: &str, because: &str, now: Timestamp) -> Self {
        self.rolled_back.retain(|at| days_since(*at, now) < REPEATS_DAYS as f64);
        self.failed.retain(|_, failed| days_since(failed.at, now) < REPEATS_DAYS as f64);
        self.rolled_back.push(now);
        self.failed.insert(version.to_owned(), Failed { at: now, because: because.to_owned() });
        self
    }
}

fn days_since(at: Timestamp, now: Timestamp) -> f64 {
    // A rollback that lies in the future, by a clock that was set back, is a recent one.
    now.duration_since(at).as_secs_f64().max(0.0) / 86_400.0
}

/// Everything that speaks for or against beginning.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    pub service: &'a str,
    /// Of this service, those that change something.
    pub decisions: &'a [&'a Decision],
    pub rules: &'a Rules,
    /// What the sink says is in force, alone; none where it knows no such service.
    pub present: Option<&'a Version>,
    /// What ran under the versions that the traffic names.
    pub known: Option<&'a KnownConfigurations>,
    /// Whether a service that the sink does not know may be made there.
    pub create: bool,
    pub state: &'a ServiceState,
    /// Said of all services.
    pub freeze: Option<&'a Freeze>,
    pub now: Timestamp,
}

/// Why nothing is begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBegun {
    #[error("nothing of it changes anything")]
    Nothing,
    #[error("the policy lets this service be observed only")]
    NotEnforced,
    #[error("stopped by {by}: {reason}")]
    Frozen { by: String, reason: String },
    #[error("the service rests until {until} after {what}")]
    Resting { until: String, what: &'static str },
    #[error("this configuration was taken back {ago} ago ({because}); it is not tried again for {days} days")]
    FailedBefore { ago: String, because: String, days: i64 },
    #[error("the sink knows no configuration of this service, so there is nothing to go back to")]
    NoPresent,
    #[error("the configuration to go back to, {version}, is not known")]
    UnknownTarget { version: String },
    #[error("it is in force already")]
    InForce,
    #[error("what is remembered of it cannot be read: {0}")]
    Unread(String),
}

/// Makes a rollout of what was decided for a service.
pub fn begin(beginning: &Beginning<'_>) -> Result<Rollout, NotBegun> {
    let Beginning { service, decisions, rules, present, known, create, state, freeze, now } = *beginning;
    let first = decisions.first().ok_or(NotBegun::Nothing)?;
    let purpose = match (first.action, first.rung) {
        (Action::Revert, _) | (Action::Change, Rung::SafetyRule) => Purpose::Restore,
        (Action::Change, _) => Purpose::Change,
        (Action::Experiment, _) => Purpose::Trial,
        (Action::Deferred | Action::Keep | Action::Refused | Action::Off, _) => return Err(NotBegun::Nothing),
    };
    if rules.mode != Mode::Enforce {
        return Err(NotBegun::NotEnforced);
    }
    if let Some(Freeze { said, reach }) = freeze.or(state.freeze.as_ref())
        && (purpose != Purpose::Restore || *reach == Reach::Everything)
    {
        return Err(NotBegun::Frozen { by: said.by.clone(), reason: said.reason.clone() });
    }
    if purpose != Purpose::Restore
        && let Some(until) = state.rests_until(rules.rollout.cooldown_hours, now)
    {
        let theirs = state.rolled_back.last() < state.overtaken.as_ref();
        let what = if theirs { "somebody else changed it during a rollout" } else { "a rollback" };
        return Err(NotBegun::Resting { until: format::instant(until), what });
    }
    let from = match present {
        Some(version) => version.clone(),
        None if create => Version::of(configuration_of(first.current.as_ref().ok_or(NotBegun::NoPresent)?)),
        None => return Err(NotBegun::NoPresent),
    };
    let to = Version::of(target(&from.configuration, decisions, known)?);
    if to.id == from.id {
        return Err(NotBegun::InForce);
    }
    if purpose != Purpose::Restore
        && let Some(failed) = state.bars(&to.id, now)
    {
        let ago = format::hours(24.0 * days_since(failed.at, now));
        return Err(NotBegun::FailedBefore { ago, because: failed.because.clone(), days: REPEATS_DAYS });
    }
    let strategy = if purpose == Purpose::Restore { RolloutStrategy::Immediate } else { rules.rollout.strategy };
    let steps = steps(first, purpose, strategy, rules);
    let hours = match purpose {
        Purpose::Trial => 24.0 * rules.experiments.max_days,
        Purpose::Change | Purpose::Restore => rules.rollout.deadline_hours,
    };
    let subjects = decisions.iter().filter_map(|decision| {
        let (from, to) = decision.current.clone().zip(decision.proposed.clone())?;
        Some(Subject { segment: decision.segment, from, to })
    });
    Ok(Rollout {
        id: first.id.clone(),
        service: service.to_owned(),
        reason: first.reason.clone(),
        purpose,
        strategy,
        subjects: subjects.collect(),
        from,
        to,
        steps,
        started_at: now,
        deadline: now.saturating_add(SignedDuration::from_secs_f64(3600.0 * hours)).unwrap_or(Timestamp::MAX),
        stage: Stage::Proposed,
        deployed: None,
        labels: Vec::new(),
        effects: BTreeMap::new(),
        restarts: 0,
        restarted_because: None,
        rollback_refused: None,
    })
}

impl Version {
    /// As it is called by its content.
    #[must_use]
    pub fn of(configuration: Configuration) -> Self {
        Self { id: configuration.version(), configuration, in_sink: None }
    }
}

/// What an arm says of its configuration, where nobody says more.
fn configuration_of(arm: &Arm) -> Configuration {
    let provider = arm.provider.clone().map(|provider| ("provider".to_owned(), provider));
    Configuration(provider.into_iter().chain([("model".to_owned(), arm.model.clone())]).collect())
}

/// The present configuration with everything set that was decided. A key of one segment is written `segment.simple.model`.
fn target(
    present: &Configuration,
    decisions: &[&Decision],
    known: Option<&KnownConfigurations>,
) -> Result<Configuration, NotBegun> {
    let mut target = present.clone();
    for decision in decisions {
        let version = decision.proposed.as_ref().and_then(|arm| arm.config_version.as_deref());
        if decision.action == Action::Revert {
            // What is gone back to is a whole configuration, not a change of the present one.
            let version = version.unwrap_or_default();
            let whole = known.and_then(|known| known.versions.get(version));
            target = whole.cloned().ok_or_else(|| NotBegun::UnknownTarget { version: version.to_owned() })?;
            continue;
        }
        for setting in &decision.settings {
            let key = match decision.segment {
                Segment::Unlabelled => setting.key.clone(),
                Segment::Simple | Segment::Medium | Segment::Complex => {
                    format!("segment.{}.{}", decision.segment.name(), setting.key)
                }
            };
            target.0.insert(key, setting.to.clone());
        }
    }
    Ok(target)
}

/// The shares it passes through. What serves everything is watched before it counts as proven.
fn steps(first: &Decision, purpose: Purpose, strategy: RolloutStrategy, rules: &Rules) -> Vec<RolloutStep> {
    let step = |share_percent, bake_minutes| RolloutStep { share_percent, mirrored_percent: 0, bake_minutes };
    let whole = step(100, WATCH_MINUTES);
    if purpose == Purpose::Trial {
        return first.rollout_percent.first().map(|share| step(*share, 0)).into_iter().collect();
    }
    let mut steps = Vec::new();
    match strategy {
        RolloutStrategy::Immediate => {}
        RolloutStrategy::BlueGreen => steps.push(step(0, 0)),
        RolloutStrategy::Canary | RolloutStrategy::Shadow => {
            if strategy == RolloutStrategy::Shadow {
                let bake_minutes = rules.rollout.bake_minutes.first().copied().unwrap_or(0);
                let mirrored_percent = rules.rollout.steps_percent.first().copied().unwrap_or(100);
                steps.push(RolloutStep { mirrored_percent, ..step(0, bake_minutes) });
            }
            let shares = rules.rollout.steps_percent.iter().zip(&rules.rollout.bake_minutes);
            steps.extend(shares.map(|(share, bake)| step(*share, *bake)));
            let held_out = rules.rollout.holdout_percent;
            if held_out > 0 && steps.last().is_some_and(|last| last.share_percent < 100 - held_out) {
                steps.push(step(100 - held_out, (60.0 * rules.rollout.holdout_hours) as u32));
            }
        }
    }
    steps.push(whole);
    steps
}
