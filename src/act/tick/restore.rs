//! Going back because somebody says so.

use super::{Tick, begin::present};
use crate::{
    act::{Evidence, What},
    domain::{
        policy::RolloutStrategy,
        rollout::{Purpose, Rollout, RolloutStep, Stage, Version},
        run::Did,
    },
    state::{StateError, Store, Table, Wanted},
};

impl Tick<'_> {
    /// Takes back the rollout under way in a service, or all of them. The number of them.
    pub fn take_back(&mut self, service: Option<&str>, because: &str) -> Result<usize, StateError> {
        let mut rollouts = self.rollouts()?;
        rollouts.retain(|rollout| service.is_none_or(|service| rollout.service == service));
        // What never reached the sink has nothing to go back from.
        rollouts.retain(|rollout| rollout.stage != Stage::Proposed);
        self.look_up(rollouts.iter().map(|rollout| rollout.service.clone()));
        let number = rollouts.len();
        for rollout in rollouts {
            self.intend(&rollout, What::RollBack { because: because.to_owned() }, because);
        }
        Ok(number)
    }

    /// Versions of a service that are known, those proven first, each with whether it is proven; the newest first.
    pub fn versions(&mut self, store: &mut Store, service: &str) -> Result<Vec<(Version, String)>, StateError> {
        self.book.read(store, Table::Configurations, Wanted { service: Some(service), ..Wanted::default() })?;
        let mut rows: Vec<_> =
            self.book.rows(Table::Configurations).filter(|row| row.service == service).cloned().collect();
        rows.sort_by(|a, b| (b.state == "proven", &b.changed_at).cmp(&(a.state == "proven", &a.changed_at)));
        let mut versions = Vec::new();
        for row in rows {
            if let Some(version) = self.book.get(Table::Configurations, &row.id)? {
                versions.push((version, row.state));
            }
        }
        Ok(versions)
    }

    /// What the sink shows that all traffic of a service gets.
    pub fn in_force(&mut self, service: &str) -> Result<Option<Version>, String> {
        self.look_up([service.to_owned()]);
        match &self.shown[service] {
            Ok(found) => Ok(found.as_ref().and_then(present)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Records that a service goes back to a version at once. What it leaves counts as taken back: the next plan may find as much for it as
    /// the last one did, and nobody wants to undo the same change twice.
    pub fn restore(&mut self, service: &str, from: Version, to: Version, because: &str) -> Result<(), StateError> {
        let now = self.setup.now;
        let state = self.service(service)?.after_rollback(&from.id, because, now);
        self.put_service(service, &state);
        let rollout = Rollout {
            id: self.setup.id.clone(),
            service: service.to_owned(),
            reason: because.to_owned(),
            purpose: Purpose::Restore,
            strategy: RolloutStrategy::Immediate,
            subjects: Vec::new(),
            from,
            to,
            steps: vec![RolloutStep { share_percent: 100, mirrored_percent: 0, bake_minutes: 0 }],
            started_at: now,
            deadline: jiff::Timestamp::MAX,
            stage: Stage::Proposed,
            deployed: None,
            labels: Vec::new(),
            effects: std::collections::BTreeMap::new(),
            restarts: 0,
            restarted_because: None,
            rollback_refused: None,
        };
        self.put_rollout(&rollout);
        self.put_evidence(&rollout, &Evidence::new(100, 0.0, now));
        self.intend(&rollout, What::Expose { step: 0 }, because);
        if let Some(line) = self.lines.get_mut(service) {
            line.did = Did::Began;
        }
        Ok(())
    }
}
