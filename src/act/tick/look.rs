//! What the traffic says of each rollout, and the step that follows.

use super::{Tick, intent, settle::about};
use crate::{
    act::{
        Evidence, What, job, judge,
        rollout::{Look, Transition, Why, advance},
    },
    domain::{
        rollout::{Rollout, Stage},
        run::{AlertKind, Did, Scope},
        verdict::{Judgement, effects},
    },
    state::{StateError, Table},
    stats::evidence::{Seen, Watched},
};

impl Tick<'_> {
    /// The traffic that is to be read: every minute once, from the first that was not counted yet.
    pub fn wants(&self) -> Result<Vec<Watched>, StateError> {
        let mut wants = Vec::new();
        for rollout in self.rollouts()? {
            let Some(evidence) = self.book.get::<Evidence>(Table::Evidence, &rollout.id)? else { continue };
            if rollout.step().is_none() {
                continue;
            }
            let mut candidate = vec![rollout.to.id.clone()];
            candidate.extend(rollout.labels.iter().cloned());
            let control = [Some(rollout.from.id.clone()), rollout.from.in_sink.clone()];
            wants.push(Watched {
                service: rollout.service.clone(),
                minutes: evidence.next_minute()..i64::MAX,
                whole: rollout.share_percent() == 100,
                candidate,
                control: control.into_iter().flatten().collect(),
                reference_ms: evidence.ledger.tau_ms(),
            });
        }
        Ok(wants)
    }

    /// Takes in what was seen, judges every rollout by it, and records the step that follows. `seen` is none where nothing could be read.
    pub fn look(&mut self, seen: Option<&[(String, Seen)]>) -> Result<(), StateError> {
        let waiting: Vec<String> = self.open_intents()?.into_iter().map(|intent| intent.rollout).collect();
        for mut rollout in self.rollouts()? {
            let traffic = seen.and_then(|seen| seen.iter().find(|(service, _)| *service == rollout.service));
            let traffic = traffic.map(|(_, traffic)| traffic);
            let judgement = self.judged(&rollout, traffic, seen.is_some())?;
            if let Some(judgement) = &judgement {
                self.keep_judgement(&rollout, judgement);
                if judgement.readings.iter().any(|reading| reading.effect.is_some()) {
                    rollout.effects = effects(&judgement.readings);
                    self.put_rollout(&rollout);
                }
            }
            // One step at a time: what is not settled, or was settled in this very tick, is not moved again.
            if waiting.contains(&rollout.id) || self.moved(&rollout) {
                continue;
            }
            self.step(rollout, judgement.as_ref())?;
        }
        Ok(())
    }

    fn judged(
        &mut self,
        rollout: &Rollout,
        traffic: Option<&Seen>,
        read: bool,
    ) -> Result<Option<Judgement>, StateError> {
        let Some(mut evidence) = self.book.get::<Evidence>(Table::Evidence, &rollout.id)? else { return Ok(None) };
        let limits = &self.setup.policy.rules(&rollout.service).rollback;
        let mut critical = None;
        if let Some(Seen { cells, without_side, failures_unseen }) = traffic {
            evidence.absorb(cells, *without_side, *failures_unseen);
            critical = evidence.critical(limits);
            self.put_evidence(rollout, &evidence);
        }
        Ok(read.then(|| judge(&evidence, critical, limits, rollout.share_percent())))
    }

    /// Shown whatever comes of it.
    fn keep_judgement(&mut self, rollout: &Rollout, judgement: &Judgement) {
        if !self.lines.contains_key(&rollout.service) {
            self.line(rollout, rollout.share_percent(), Did::Held, "");
        }
        if let Some(line) = self.lines.get_mut(&rollout.service) {
            line.judgement = Some(judgement.clone());
        }
    }

    pub(super) fn moved(&self, rollout: &Rollout) -> bool {
        self.lines.get(&rollout.service).is_some_and(|line| line.rollout == rollout.id && line.did != Did::Held)
    }

    fn step(&mut self, rollout: Rollout, judgement: Option<&Judgement>) -> Result<(), StateError> {
        let (before, now) = (rollout.share_percent(), self.setup.now);
        let rules = self.setup.policy.rules(&rollout.service);
        let freeze = self.freeze(&rollout.service)?;
        let look = Look { rules, judgement, freeze: freeze.as_ref(), now };
        match advance(&rollout, &look) {
            Transition::Hold(why) => {
                if let Why::BreachedByHand { because } = &why {
                    self.alert(AlertKind::Harm, Some(&rollout.service), because.clone());
                }
                self.line(&rollout, before, Did::Held, why.to_string());
            }
            Transition::Complete => {
                let rollout = rollout.completed(now);
                self.remember(&rollout, &rollout.to, "proven");
                self.close_evidence(&rollout)?;
                self.did("complete", &rollout.service, &about(&rollout, &rollout.reason));
                self.put_rollout(&rollout);
                self.line(&rollout, before, Did::Completed, rollout.reason.clone());
            }
            Transition::Expose { .. } if self.setup.scope == Scope::Safety => {
                self.line(&rollout, before, Did::Held, "the safety scope moves nothing forward");
            }
            Transition::Expose { step } if self.walks_by_itself(&rollout) => {
                let share = rollout.steps[step].share_percent;
                self.line(&rollout, before, Did::Held, format!("the sink walks by itself, to {share} % next"));
            }
            Transition::Expose { step } => self.intend(&rollout, What::Expose { step }, ""),
            Transition::RollBack { because } => {
                let why = because.clone();
                self.intend(&rollout, What::RollBack { because }, &why);
            }
        }
        Ok(())
    }

    fn walks_by_itself(&self, rollout: &Rollout) -> bool {
        self.setup.progression == crate::act::Progression::Server && rollout.stage != Stage::Proposed
    }

    /// Records a write that is to be made.
    pub(super) fn intend(&mut self, rollout: &Rollout, what: What, why: &str) {
        let before = rollout.share_percent();
        let back = matches!(what, What::RollBack { .. });
        let expected = match self.shown.get(&rollout.service) {
            Some(Ok(found)) => found.as_ref().map(|found| found.version.clone()),
            // Going back is tried even where nothing can be read: it names what we deployed, and touches nothing else.
            Some(Err(_)) | None if back => rollout.deployed.clone(),
            Some(Err(_)) | None => {
                self.line(rollout, before, Did::Held, "the sink cannot be read");
                return;
            }
        };
        // What we deployed, whatever is there now: somebody else's work is not undone.
        let expected = if back { rollout.deployed.clone().or(expected) } else { expected };
        let limit = self.setup.policy.rules(&rollout.service).rollback.critical_error_rate;
        match job(rollout, &what, expected.as_deref(), self.setup.progression, limit) {
            Ok(job) => {
                let intent = intent(&self.setup, rollout, what, job);
                self.line(rollout, before, if back { Did::RolledBack } else { Did::Advanced }, why);
                // Where it goes; what arrives is told when the answer is there.
                let share = match &intent.what {
                    What::Expose { step } => rollout.steps[*step].share_percent,
                    What::RollBack { .. } => 0,
                };
                if let Some(line) = self.lines.get_mut(&rollout.service) {
                    line.share_after = share;
                }
                self.to_push.push(intent.key.clone());
                self.put_intent(&intent);
            }
            Err(error) => {
                let why = error.to_string();
                self.alert(AlertKind::Sink, Some(&rollout.service), why.clone());
                self.line(rollout, before, Did::Failed, why);
            }
        }
    }
}
