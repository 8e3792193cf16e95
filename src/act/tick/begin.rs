//! What was decided and is to begin.

use std::collections::BTreeMap;

use super::{ALL_SERVICES, Create, Tick, settle::about};
use crate::{
    act::{
        Evidence, What,
        rollout::{Beginning, NotBegun, begin},
        sink::{Breaker, Deployed},
    },
    domain::{
        KnownConfigurations, Plan,
        plan::{Action, Decision},
        policy::Mode,
        rollout::{Purpose, Rollout, Version},
        run::{AlertKind, Did, NotBegunLine},
    },
    state::{StateError, Store, Table},
};

/// What beginning takes beside the plan.
#[derive(Debug)]
pub struct Known<'a> {
    pub configurations: &'a BTreeMap<String, KnownConfigurations>,
    /// Latency p95 of what serves now, in milliseconds, by service: what the new one is held against.
    pub reference_ms: &'a BTreeMap<String, f64>,
    /// Why nothing may begin, whatever was decided.
    pub nothing_because: Option<String>,
}

impl Tick<'_> {
    /// Services about which a plan decided a change.
    #[must_use]
    pub fn moving(plan: &Plan) -> BTreeMap<&str, Vec<&Decision>> {
        let mut moving: BTreeMap<&str, Vec<&Decision>> = BTreeMap::new();
        for decision in plan.decisions.iter().filter(|decision| decision.action.moves()) {
            moving.entry(&decision.service).or_default().push(decision);
        }
        moving
    }

    /// Records the first step of everything that may begin.
    pub fn begin(&mut self, store: &mut Store, plan: &Plan, known: &Known<'_>) -> Result<(), StateError> {
        let moving = Self::moving(plan);
        let under_way: BTreeMap<String, Rollout> =
            self.rollouts()?.into_iter().map(|rollout| (rollout.service.clone(), rollout)).collect();
        let mut free = Vec::new();
        for (service, decisions) in moving {
            if let Some(trial) = under_way.get(service).filter(|rollout| rollout.purpose == Purpose::Trial)
                && self.after_trial(trial, &decisions, known)
            {
                continue;
            }
            match self.bars(service, &decisions, under_way.get(service), known) {
                Some(why) => self.not_begun(service, &decisions, &why),
                None => free.push((service, decisions)),
            }
        }
        self.look_up(free.iter().map(|(service, _)| (*service).to_owned()));
        for (service, decisions) in free {
            match self.begun(service, &decisions, known) {
                Ok(rollout) => {
                    let reference = known.reference_ms.get(service).copied().unwrap_or(0.0);
                    self.look_up_configurations_of(store, &rollout)?;
                    self.put_rollout(&rollout);
                    let share = rollout.steps.first().map_or(0, |step| step.share_percent);
                    self.put_evidence(&rollout, &Evidence::new(share, reference, self.setup.now));
                    let why = rollout.reason.clone();
                    self.intend(&rollout, What::Expose { step: 0 }, &why);
                    if let Some(line) = self.lines.get_mut(service).filter(|line| line.did == Did::Advanced) {
                        line.did = Did::Began;
                    }
                }
                Err(why) => {
                    if let Some(Err(error)) = self.shown.get(service) {
                        let message = format!("cannot be read: {error}");
                        self.alert(AlertKind::Sink, Some(service), message);
                    }
                    self.not_begun(service, &decisions, &why);
                }
            }
        }
        Ok(())
    }

    fn look_up_configurations_of(&mut self, store: &mut Store, rollout: &Rollout) -> Result<(), StateError> {
        // A key that was used before, by a write that failed, is used again.
        for version in [&rollout.from, &rollout.to] {
            let id = format!("{}@{}", rollout.service, version.id);
            self.book.look_up(store, Table::Configurations, &id)?;
        }
        self.book.look_up(store, Table::Rollouts, &rollout.id)?;
        self.book.look_up(store, Table::Evidence, &rollout.id)
    }

    /// A trial is under way, and the plan has come to a decision about the service. What was tried and is chosen now goes on from where it
    /// is; anything else waits until the trial is taken back. True where that settles it.
    fn after_trial(&mut self, trial: &Rollout, decisions: &[&Decision], known: &Known<'_>) -> bool {
        let still = decisions.iter().all(|decision| decision.action == Action::Experiment);
        let Ok(next) = self.made(&trial.service, decisions, Some(&trial.from), known) else { return false };
        if still || trial.step().is_none() || self.moved(trial) {
            return false;
        }
        if next.to.id != trial.to.id || next.purpose == Purpose::Restore {
            let because = "another change goes first".to_owned();
            self.intend(trial, What::RollBack { because: because.clone() }, &because);
            return true;
        }
        let share = trial.share_percent();
        let mut steps = trial.steps.clone();
        steps.extend(next.steps.iter().filter(|step| step.share_percent > share));
        let chosen = Rollout {
            purpose: next.purpose,
            reason: next.reason.clone(),
            steps,
            deadline: next.deadline,
            ..trial.clone()
        };
        self.did("chosen", &chosen.service, &about(&chosen, &chosen.reason));
        self.put_rollout(&chosen);
        self.line(&chosen, share, Did::Held, format!("what was tried is chosen: {}", chosen.reason));
        true
    }

    /// What forbids it without asking anybody.
    fn bars(
        &self,
        service: &str,
        decisions: &[&Decision],
        under_way: Option<&Rollout>,
        known: &Known<'_>,
    ) -> Option<String> {
        if self.setup.policy.rules(service).mode != Mode::Enforce {
            return Some("the policy lets this service be observed only".to_owned());
        }
        if let Some(rollout) = under_way {
            return Some(format!("rollout {} is under way", rollout.id));
        }
        if let Some(why) = &known.nothing_because {
            return Some(why.clone());
        }
        let safety = decisions.iter().any(|decision| decision.rung == crate::domain::plan::Rung::SafetyRule);
        if !safety && !known.reference_ms.contains_key(service) {
            return Some("nothing is known of its latency now, so a canary could not be judged".to_owned());
        }
        if !safety
            && let Ok(Breaker::Open { until, .. }) = self.breaker()
            && until > self.setup.now
        {
            return Some(format!("the sink does not answer, and is left alone until {until:.0}"));
        }
        None
    }

    fn begun(&self, service: &str, decisions: &[&Decision], known: &Known<'_>) -> Result<Rollout, String> {
        let found = match self.shown.get(service) {
            Some(Ok(found)) => found.as_ref(),
            Some(Err(error)) => return Err(format!("what is in force cannot be read: {error}")),
            None => return Err("what is in force was not read".to_owned()),
        };
        let present = match found {
            None => None,
            Some(found) => Some(present(found).ok_or_else(|| {
                format!(
                    "its traffic is split there already, at {} %, last changed by {}; that is for whoever did it to end",
                    found.percentage,
                    found.updated_by.as_deref().unwrap_or("somebody")
                )
            })?),
        };
        let rollout = self.made(service, decisions, present.as_ref(), known).map_err(|why| why.to_string())?;
        let whole = rollout.steps.first().is_some_and(|step| step.written_percent() == 100);
        if present.is_none() && !whole && self.setup.create != Create::AnyShare {
            return Err("the sink does not know the service, so nothing is there for the rest of its traffic; write there first \
                        what it runs with now"
                .to_owned());
        }
        Ok(rollout)
    }

    fn made(
        &self,
        service: &str,
        decisions: &[&Decision],
        present: Option<&Version>,
        known: &Known<'_>,
    ) -> Result<Rollout, NotBegun> {
        let unread = |error: StateError| NotBegun::Unread(error.to_string());
        let (state, all) = (self.service(service).map_err(unread)?, self.service(ALL_SERVICES).map_err(unread)?);
        begin(&Beginning {
            service,
            decisions,
            rules: self.setup.policy.rules(service),
            present,
            known: known.configurations.get(service),
            create: self.setup.create != Create::No,
            state: &state,
            freeze: all.freeze.as_ref(),
            now: self.setup.now,
        })
    }

    fn not_begun(&mut self, service: &str, decisions: &[&Decision], why: &str) {
        for decision in decisions {
            self.not_begun.push(NotBegunLine {
                service: service.to_owned(),
                decision: decision.id.clone(),
                why: why.to_owned(),
            });
        }
    }
}

/// What serves all of the traffic, where it is one configuration.
pub(super) fn present(found: &Deployed) -> Option<Version> {
    let configuration = found.for_all()?.clone();
    Some(Version { in_sink: Some(found.version.clone()), ..Version::of(configuration) })
}
