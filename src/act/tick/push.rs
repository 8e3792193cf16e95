//! Writing what was recorded.

use super::{ALL_SERVICES, Tick, point};
use crate::{
    act::{
        Course, Intent, What,
        rollout::Reach,
        sink::{Job, push_all},
    },
    state::{Commit, Lease, StateError, Store, Table},
};

/// Services that are written before their outcomes are recorded: the lease is prolonged in between.
const AT_ONCE: usize = 128;

impl Tick<'_> {
    /// Writes everything that was recorded in this tick, rollbacks first, and records what became of it.
    pub fn push(&mut self, store: &mut Store, lease: &Lease) -> Result<(), StateError> {
        let mut intents: Vec<Intent> = Vec::new();
        for key in std::mem::take(&mut self.to_push) {
            intents.extend(self.book.get::<Intent>(Table::Intents, &key)?);
        }
        intents.sort_by_key(|intent| !matches!(intent.what, What::RollBack { .. }));
        for chunk in intents.chunks(AT_ONCE) {
            // Somebody may have said stop since this tick began.
            self.reread_freezes(store, chunk)?;
            let mut going = Vec::new();
            for intent in chunk {
                match self.stopped(intent)? {
                    Some(why) => self.dropped(intent.clone(), &why)?,
                    None => going.push(intent.clone()),
                }
            }
            let jobs: Vec<Job> = going.iter().map(|intent| intent.job.clone()).collect();
            let mut breaker = self.breaker()?;
            let now = self.setup.now;
            let clock = move || now;
            let reports = self.runtime.block_on(push_all(self.setup.sink, &jobs, &mut breaker, self.setup.push, clock));
            point();
            self.put_breaker(breaker);
            for (intent, report) in going.into_iter().zip(&reports) {
                self.settle(intent, report)?;
            }
            self.commit(store, lease, Commit::default())?;
            point();
        }
        Ok(())
    }

    fn reread_freezes(&mut self, store: &mut Store, intents: &[Intent]) -> Result<(), StateError> {
        let services = intents.iter().map(|intent| intent.service.as_str());
        for service in services.chain([ALL_SERVICES]) {
            self.book.reread(store, Table::Services, service)?;
        }
        Ok(())
    }

    fn stopped(&self, intent: &Intent) -> Result<Option<String>, StateError> {
        let Some(freeze) = self.freeze(&intent.service)? else { return Ok(None) };
        let forward = matches!(intent.what, What::Expose { .. });
        let rollout = self.book.get::<crate::domain::rollout::Rollout>(Table::Rollouts, &intent.rollout)?;
        let restores = rollout.is_some_and(|rollout| rollout.purpose == crate::domain::rollout::Purpose::Restore);
        let holds = freeze.reach == Reach::Everything || forward && !restores;
        Ok(holds.then(|| format!("stopped by {}: {}", freeze.said.by, freeze.said.reason)))
    }

    /// Never sent.
    fn dropped(&mut self, mut intent: Intent, why: &str) -> Result<(), StateError> {
        let report = crate::act::sink::Report::unasked(why.to_owned());
        intent.outcome = Course::Failed { why: why.to_owned() };
        self.settle(intent, &report)
    }
}
