//! What the last run left open, and what others did meanwhile.

use super::{Heed, Tick, point, settle::about};
use crate::{
    act::{
        Course, Intent, What,
        rollout::{Found, Reach, Shown, compare},
        sink::{Deployed, Job, Purpose, Push, push_all},
    },
    domain::{
        deed::DeedDetail,
        rollout::{Rollout, Stage},
        run::{AlertKind, Did, Scope},
    },
    state::{Commit, Lease, StateError, Store, Table},
};

/// Hours after which a step forward that never arrived is not sent again: what it was decided by is gone.
const STALE_HOURS: f64 = 1.0;

/// A write that is only looked for.
struct Unsent {
    why: String,
    /// Whether it stays open where it is not there.
    awaited: bool,
}

impl Tick<'_> {
    /// Settles what is open. Nothing else is decided before.
    pub fn reconcile(&mut self, store: &mut Store, lease: &Lease) -> Result<(), StateError> {
        let mut jobs = Vec::new();
        let mut intents = Vec::new();
        for intent in self.open_intents()? {
            if let Some(unsent) = self.not_again(&intent)? {
                self.look_up([intent.service.clone()]);
                self.read_only(intent, &unsent)?;
            } else {
                jobs.push(intent.job.clone());
                intents.push(intent);
            }
        }
        if !jobs.is_empty() {
            let mut breaker = self.breaker()?;
            let now = self.setup.now;
            let clock = move || now;
            let push = Push { purpose: Purpose::Settle, ..self.setup.push };
            let reports = self.runtime.block_on(push_all(self.setup.sink, &jobs, &mut breaker, push, clock));
            self.put_breaker(breaker);
            for (intent, report) in intents.into_iter().zip(&reports) {
                self.settle(intent, report)?;
            }
        }
        self.commit(store, lease, Commit::default())?;
        point();
        self.compare_all()?;
        self.commit(store, lease, Commit::default())?;
        point();
        Ok(())
    }

    /// The same without writing anything: what is open is told, and what others did is taken into account.
    pub fn foresee(&mut self) -> Result<(), StateError> {
        for intent in self.open_intents()? {
            if let Some(rollout) = self.book.get::<Rollout>(Table::Rollouts, &intent.rollout)? {
                let why =
                    format!("run {} left it open; the next run finds out before it does anything else", intent.tick);
                self.line(&rollout, rollout.share_percent(), Did::InDoubt, why);
            }
        }
        self.compare_all()
    }

    /// Whether a write is not sent again, if it never arrived.
    fn not_again(&self, intent: &Intent) -> Result<Option<Unsent>, StateError> {
        let freeze = self.freeze(&intent.service)?;
        let forward = matches!(intent.what, What::Expose { .. });
        let hours = self.setup.now.duration_since(intent.made_at).as_secs_f64() / 3600.0;
        let stale = hours.abs() > STALE_HOURS;
        // A first step may still be on its way: given up now, it would be nobody's when it arrives.
        let first = || -> Result<bool, StateError> {
            let rollout = self.book.get::<Rollout>(Table::Rollouts, &intent.rollout)?;
            Ok(rollout.is_some_and(|rollout| rollout.stage == Stage::Proposed))
        };
        if forward && self.setup.heed == Heed::Nobody {
            return Ok(Some(Unsent { why: "an operator acts".to_owned(), awaited: false }));
        }
        if let Some(freeze) = freeze
            && (forward || freeze.reach == Reach::Everything)
        {
            let why = format!("stopped by {}: {}", freeze.said.by, freeze.said.reason);
            return Ok(Some(Unsent { why, awaited: forward && !stale && first()? }));
        }
        if forward && stale {
            return Ok(Some(Unsent { why: "it was decided too long ago".to_owned(), awaited: false }));
        }
        if forward && self.setup.scope == Scope::Safety {
            // A later step is given up, so that harm is looked at now; if it comes all the same, it is known by its content.
            let why = "the safety scope moves nothing forward".to_owned();
            return Ok(Some(Unsent { why, awaited: first()? }));
        }
        Ok(None)
    }

    /// Finds out what became of a write without writing.
    fn read_only(&mut self, mut intent: Intent, unsent: &Unsent) -> Result<(), StateError> {
        let why = &unsent.why;
        let found = match self.shown.get(&intent.service) {
            Some(Ok(found)) => found.clone(),
            // Still open: nobody knows.
            Some(Err(_)) | None => return Ok(()),
        };
        let there = found.as_ref().is_some_and(|found| match &intent.job {
            Job::Write(write) => write.reach(found) == crate::act::sink::Reach::Reached,
            Job::Rollback(rollback) => rollback.reach(found) == crate::act::sink::Reach::Reached,
        });
        if there && let Some(deployed) = found {
            let report =
                crate::act::sink::Report::new(crate::act::sink::Outcome::Done { deployed, unchanged: true }, 0);
            return self.settle(intent, &report);
        }
        let rollout = self.book.get::<Rollout>(Table::Rollouts, &intent.rollout)?;
        if unsent.awaited {
            if let Some(rollout) = &rollout {
                let text = format!("not there yet, and not sent again: {why}");
                self.line(rollout, rollout.share_percent(), Did::Pending, text);
            }
            return Ok(());
        }
        intent.outcome = Course::Failed { why: format!("not sent again: {why}") };
        if let Some(rollout) = &rollout {
            self.did("dropped", &intent.service, &about(rollout, why));
        }
        if let Some(rollout) = rollout
            && rollout.stage == Stage::Proposed
        {
            let rollout = rollout.overtaken(why, self.setup.now);
            self.close_evidence(&rollout)?;
            self.put_rollout(&rollout);
            self.line(&rollout, 0, Did::Failed, why);
        }
        self.put_intent(&intent);
        Ok(())
    }

    /// Holds what the sink shows of every service under way against what was written there.
    fn compare_all(&mut self) -> Result<(), StateError> {
        let waiting: Vec<String> = self.open_intents()?.into_iter().map(|intent| intent.rollout).collect();
        let mut rollouts = self.rollouts()?;
        rollouts.retain(|rollout| !waiting.contains(&rollout.id));
        // What was read before it was settled is old.
        self.shown.clear();
        self.look_up(rollouts.iter().map(|rollout| rollout.service.clone()));
        for rollout in rollouts {
            let found = match &self.shown[&rollout.service] {
                Ok(found) => compare(&rollout, found.as_ref().map(shown)),
                Err(error) => {
                    let message = format!("cannot be read: {error}");
                    self.alert(AlertKind::Sink, Some(&rollout.service.clone()), message);
                    continue;
                }
            };
            match found {
                Found::AsWritten => {}
                Found::Theirs { because } => self.overtaken(rollout, &because),
                Found::Touched { step, version, because } => self.touched(rollout, step, &version, &because)?,
            }
        }
        Ok(())
    }

    fn touched(&mut self, rollout: Rollout, step: usize, version: &str, because: &str) -> Result<(), StateError> {
        let (before, now) = (rollout.share_percent(), self.setup.now);
        let walks = self.setup.progression == crate::act::Progression::Server && Some(step) > rollout.step();
        let rollout =
            if walks { rollout.exposed(step, version, now) } else { rollout.restarted(step, version, because, now) };
        if let Some(evidence) = self.book.get::<crate::act::Evidence>(Table::Evidence, &rollout.id)? {
            let share = rollout.share_percent();
            let evidence = if walks { evidence.at_step(share, now) } else { evidence.anew(share, now) };
            self.put_evidence(&rollout, &evidence);
        }
        let detail = DeedDetail { share_percent: Some(rollout.share_percent()), ..about(&rollout, because) };
        self.did(if walks { "walked" } else { "restarted" }, &rollout.service, &detail);
        self.put_rollout(&rollout);
        if walks {
            self.line(&rollout, before, Did::Advanced, because);
        } else {
            self.alert(AlertKind::Conflict, Some(&rollout.service), format!("{because}; its evidence begins anew"));
            self.line(&rollout, before, Did::Restarted, because);
        }
        Ok(())
    }
}

/// The part of what a sink shows that a rollout is held against.
pub(super) fn shown(deployed: &Deployed) -> Shown<'_> {
    Shown {
        version: &deployed.version,
        configuration: &deployed.configuration,
        baseline: deployed.baseline.as_ref(),
        percentage: deployed.percentage,
        updated_by: deployed.updated_by.as_deref().unwrap_or("somebody"),
    }
}
