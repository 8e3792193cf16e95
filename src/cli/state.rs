//! The flag that names the state store, and what is read from there and written to it.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use crate::{
    act,
    domain::{Plan, Remembered},
    state::{Address, Commit, DecisionRow, Open, PlanRow, StateError, Store, Stored},
};

#[derive(Debug, Args)]
pub(super) struct StateArgs {
    /// Where baselines, plans and what ticks remember are kept: `sqlite:FILE` or `postgres://user@host/database`
    #[arg(long, value_name = "ADDRESS", env = "OPTIMIZER_STATE", default_value = "sqlite:optimizer.db")]
    state: String,
}

/// What former ticks left behind, and which state of it this is.
pub(super) struct Known {
    pub remembered: Remembered,
    generation: i64,
}

impl StateArgs {
    pub(super) fn open(&self, open: Open) -> Result<Store, StateError> {
        Store::open(&self.address()?, open)
    }

    fn address(&self) -> Result<Address, StateError> {
        self.state.parse()
    }

    /// How messages call it.
    pub(super) fn shown(&self) -> Result<String, StateError> {
        Ok(self.address()?.shown().to_owned())
    }

    /// The folder that a file of SQLite lies in; none where the state is in a database.
    pub(super) fn folder(&self) -> Result<Option<PathBuf>, StateError> {
        let address = self.address()?;
        let parent = address.file().map(|file| file.parent().unwrap_or(Path::new("")));
        Ok(parent.map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent }.to_owned()))
    }

    /// What is remembered, from a store that is made where there is none.
    pub(super) fn remembered(&self) -> Result<Known, StateError> {
        known(&mut self.open(Open::Create)?, Timestamp::now())
    }

    /// The same without making or changing anything: where there is no store, this is the first run.
    pub(super) fn remembered_as_it_is(&self) -> Result<Known, StateError> {
        match self.open(Open::AsItIs) {
            Ok(mut store) => known(&mut store, Timestamp::now()),
            Err(StateError::Missing { .. }) => Ok(Known { remembered: Remembered::default(), generation: 0 }),
            Err(error) => Err(error),
        }
    }

    /// Keeps a plan and what it leaves behind, all or nothing.
    pub(super) fn keep(&self, plan: &Plan, known: &Known, next: &Remembered) -> Result<Stored, StateError> {
        let Commit { plan: kept, memory, .. } = commit(plan, known, next);
        let ((row, decisions), (next, seen)) = kept.zip(memory).expect("both are there");
        self.open(Open::Create)?.put_plan(&row, &decisions, &next, seen)
    }
}

/// A plan and what it leaves behind, as they are kept.
pub(super) fn commit(plan: &Plan, known: &Known, next: &Remembered) -> Commit {
    let row = PlanRow {
        id: plan.id.clone(),
        made_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        body: serde_json::to_string(plan).expect("a plan is plain data"),
    };
    let decisions: Vec<DecisionRow> = plan
        .decisions
        .iter()
        .map(|decision| DecisionRow {
            id: decision.id.clone(),
            plan_id: plan.id.clone(),
            service: decision.service.clone(),
            segment: decision.segment.name().to_owned(),
            action: decision.action.name().to_owned(),
        })
        .collect();
    // Changes are in the rollouts, and told from there.
    let mut next = next.clone();
    next.now.changes.clear();
    let next = serde_json::to_string(&next).expect("a memory is plain data");
    Commit { plan: Some((row, decisions)), memory: Some((next, known.generation)), ..Commit::default() }
}

/// What is remembered in this store.
pub(super) fn known(store: &mut Store, now: Timestamp) -> Result<Known, StateError> {
    let row = store.memory()?;
    let unreadable = |cause| StateError::Unreadable { what: "what is remembered of former plans".to_owned(), cause };
    let remembered: Option<Remembered> =
        row.body.as_deref().map(serde_json::from_str).transpose().map_err(unreadable)?;
    let mut remembered = remembered.unwrap_or_default();
    remembered.now.changes = act::past_changes(store, now)?;
    Ok(Known { remembered, generation: row.generation })
}
