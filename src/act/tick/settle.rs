//! What became of a write, and what that makes of its rollout.

use super::{Tick, point};
use crate::{
    act::{
        Course, Evidence, Intent, What,
        sink::{Job, Outcome, Report},
    },
    domain::{
        deed::DeedDetail,
        rollout::{Rollout, Stage, Version},
        run::{AlertKind, Did},
    },
    state::{StateError, Table},
};

impl Tick<'_> {
    /// Takes in the answer to one write.
    pub(super) fn settle(&mut self, mut intent: Intent, report: &Report) -> Result<(), StateError> {
        let Some(rollout) = self.book.get::<Rollout>(Table::Rollouts, &intent.rollout)? else {
            return Ok(());
        };
        let before = rollout.share_percent();
        let said = report.to_string();
        match &report.outcome {
            Outcome::Done { deployed, .. } => {
                intent.outcome = Course::Done { version: deployed.version.clone() };
                self.arrived(rollout, &intent, &deployed.version)?;
            }
            Outcome::Pending { .. } => {
                intent.outcome = Course::Waiting { why: said.clone() };
                self.line(&rollout, before, Did::Pending, said);
            }
            Outcome::InDoubt { .. } => {
                intent.outcome = Course::Waiting { why: said.clone() };
                self.alert(AlertKind::InDoubt, Some(&rollout.service), said.clone());
                self.line(&rollout, before, Did::InDoubt, said);
            }
            Outcome::Conflict { .. } => {
                intent.outcome = Course::Conflict { why: said.clone() };
                self.overtaken(rollout, &said);
            }
            Outcome::Refused { .. } | Outcome::Failed { .. } => {
                intent.outcome = Course::Failed { why: said.clone() };
                self.did("failed", &rollout.service, &about(&rollout, &said));
                self.alert(AlertKind::Sink, Some(&rollout.service), said.clone());
                let refused = matches!(report.outcome, Outcome::Refused { stop_all: false, .. });
                let rollout = match &intent.job {
                    Job::Rollback(_) if refused => Rollout { rollback_refused: Some(said.clone()), ..rollout },
                    Job::Rollback(_) | Job::Write(_) => rollout,
                };
                // What never began is decided anew by the next plan; what is under way stays where it is, and is tried again.
                let rollout =
                    if rollout.stage == Stage::Proposed { rollout.overtaken(&said, self.setup.now) } else { rollout };
                self.close_evidence(&rollout)?;
                self.put_rollout(&rollout);
                self.line(&rollout, before, Did::Failed, said);
            }
        }
        self.put_intent(&intent);
        point();
        Ok(())
    }

    /// The sink has it, and showed it when it was read back.
    fn arrived(&mut self, rollout: Rollout, intent: &Intent, version: &str) -> Result<(), StateError> {
        let (before, now) = (rollout.share_percent(), self.setup.now);
        let evidence: Option<Evidence> = self.book.get(Table::Evidence, &rollout.id)?;
        let detail = |rollout: &Rollout, because: &str| DeedDetail {
            share_percent: Some(rollout.share_percent()),
            in_sink: Some(version.to_owned()),
            ..about(rollout, because)
        };
        match &intent.what {
            What::Expose { step } => {
                let first = rollout.stage == Stage::Proposed;
                let rollout = rollout.exposed(*step, version, now);
                if let Some(evidence) = evidence {
                    self.put_evidence(&rollout, &evidence.at_step(rollout.share_percent(), now));
                }
                if first {
                    self.remember(&rollout, &rollout.from, "known");
                    self.remember(&rollout, &rollout.to, "known");
                }
                let did = if first { Did::Began } else { Did::Advanced };
                self.put_rollout(&rollout);
                let why = self.why(&rollout);
                self.did("expose", &rollout.service, &detail(&rollout, &why));
                self.line(&rollout, before, did, why);
            }
            What::RollBack { because } => {
                let rollout = rollout.rolled_back(because, version, now);
                let state = self.service(&rollout.service)?.after_rollback(&rollout.to.id, because, now);
                self.put_service(&rollout.service, &state);
                self.remember(&rollout, &rollout.to, "failed");
                self.close_evidence(&rollout)?;
                self.put_rollout(&rollout);
                self.did("roll_back", &rollout.service, &detail(&rollout, because));
                self.alert(AlertKind::RolledBack, Some(&rollout.service), because.clone());
                self.line(&rollout, before, Did::RolledBack, because.clone());
            }
        }
        Ok(())
    }

    /// Somebody else's word goes: nothing of theirs is undone.
    pub(super) fn overtaken(&mut self, rollout: Rollout, because: &str) {
        let before = rollout.share_percent();
        let rollout = rollout.overtaken(because, self.setup.now);
        if matches!(rollout.stage, Stage::Overtaken { .. })
            && let Ok(state) = self.service(&rollout.service)
        {
            let overtaken = Some(self.setup.now);
            self.put_service(&rollout.service, &crate::act::rollout::ServiceState { overtaken, ..state });
        }
        self.did("overtaken", &rollout.service, &about(&rollout, because));
        // A ledger that cannot be read is closed by whoever mends it.
        let _ = self.close_evidence(&rollout);
        self.put_rollout(&rollout);
        self.alert(AlertKind::Conflict, Some(&rollout.service), because.to_owned());
        self.line(&rollout, before, Did::Overtaken, because.to_owned());
    }

    /// What was seen of a rollout that is over is kept, and read by no tick any more.
    pub(super) fn close_evidence(&mut self, rollout: &Rollout) -> Result<(), StateError> {
        if !rollout.stage.is_open()
            && let Some(evidence) = self.book.get::<Evidence>(Table::Evidence, &rollout.id)?
        {
            self.put_evidence(rollout, &evidence);
        }
        Ok(())
    }

    /// Keeps what a version of the service is.
    pub(super) fn remember(&mut self, rollout: &Rollout, version: &Version, state: &str) {
        let place = crate::act::Place { service: &rollout.service, state, now: self.setup.now };
        let id = format!("{}@{}", rollout.service, version.id);
        // What is proven or has failed is not merely known.
        if state == "known" && self.book.has(Table::Configurations, &id) {
            return;
        }
        self.book.put(Table::Configurations, &id, place, version);
    }

    fn why(&self, rollout: &Rollout) -> String {
        let known = self.lines.get(&rollout.service).map(|line| line.why.clone());
        known.filter(|why| !why.is_empty()).unwrap_or_else(|| rollout.reason.clone())
    }
}

/// What a deed with a rollout is about.
pub(super) fn about(rollout: &Rollout, because: &str) -> DeedDetail {
    DeedDetail {
        rollout: Some(rollout.id.clone()),
        from: Some(rollout.from.id.clone()),
        to: Some(rollout.to.id.clone()),
        because: Some(because.to_owned()),
        ..DeedDetail::default()
    }
}
