//! The flag that names the state store, and what is read from there and written to it.

use clap::Args;
use jiff::Timestamp;

use crate::{
    domain::{Plan, Remembered},
    state::{Address, DecisionRow, MemoryRow, Open, PlanRow, StateError, Store, Stored},
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

    /// What is remembered, from a store that is made where there is none.
    pub(super) fn remembered(&self) -> Result<Known, StateError> {
        known(&self.open(Open::Create)?.memory()?)
    }

    /// The same without making or changing anything: where there is no store, this is the first run.
    pub(super) fn remembered_as_it_is(&self) -> Result<Known, StateError> {
        match self.open(Open::AsItIs) {
            Ok(mut store) => known(&store.memory()?),
            Err(StateError::Missing { .. }) => Ok(Known { remembered: Remembered::default(), generation: 0 }),
            Err(error) => Err(error),
        }
    }

    /// Keeps a plan and what it leaves behind, all or nothing.
    pub(super) fn keep(&self, plan: &Plan, known: &Known, next: &Remembered) -> Result<Stored, StateError> {
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
        let next = serde_json::to_string(next).expect("a memory is plain data");
        self.open(Open::Create)?.put_plan(&row, &decisions, &next, known.generation)
    }
}

fn known(row: &MemoryRow) -> Result<Known, StateError> {
    let unreadable = |cause| StateError::Unreadable { what: "what is remembered of former plans".to_owned(), cause };
    let remembered = row.body.as_deref().map(serde_json::from_str).transpose().map_err(unreadable)?;
    Ok(Known { remembered: remembered.unwrap_or_default(), generation: row.generation })
}
