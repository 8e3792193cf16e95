//! Many changes at once: all of them, or none.

use sqlx::{Acquire as _, AnyConnection};

use super::{
    Deed, Document, Lease, StateError, Store, Table, audit, documents, lease,
    plans::{self, DecisionRow, PlanRow},
    slots::{self, SlotRow},
};

/// What belongs together.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    pub documents: Vec<(Table, Document)>,
    pub deeds: Vec<Deed>,
    pub plan: Option<(PlanRow, Vec<DecisionRow>)>,
    /// What ticks remember, with the generation that was seen.
    pub memory: Option<(String, i64)>,
    /// Slots of the history to be written in the place of those that are there.
    pub slots: Vec<SlotRow>,
    /// Slots to be forgotten, by length and first minute.
    pub outlived: Vec<(String, i64)>,
}

/// Why nothing was written.
enum Refused {
    Fenced,
    Overtaken,
}

impl Store {
    /// Writes all of it, or nothing. With a lease, only while it is held; every document only if it is the one that was read.
    pub fn commit(&mut self, lease: Option<&Lease>, commit: &Commit) -> Result<(), StateError> {
        let database_clock = self.file.is_none();
        let done = self.runtime.block_on(write(&mut self.connection, lease, database_clock, commit));
        let store = self.shown.clone();
        match done.map_err(|cause| self.failed("writing down what is done", cause))? {
            Ok(()) => Ok(()),
            Err(Refused::Fenced) => Err(StateError::Fenced { store }),
            Err(Refused::Overtaken) => Err(StateError::Overtaken { store }),
        }
    }
}

async fn write(
    connection: &mut AnyConnection,
    lease: Option<&Lease>,
    database_clock: bool,
    commit: &Commit,
) -> Result<Result<(), Refused>, sqlx::Error> {
    // What is not committed is undone when the transaction is dropped, and when the process dies.
    let mut transaction = connection.begin().await?;
    audit::lock(&mut transaction).await?;
    if let Some(lease) = lease
        && !lease::prolong(&mut transaction, lease, database_clock).await?
    {
        return Ok(Err(Refused::Fenced));
    }
    if let Some((plan, decisions)) = &commit.plan {
        plans::insert(&mut transaction, plan, decisions).await?;
    }
    if let Some((body, seen)) = &commit.memory
        && !plans::remember(&mut transaction, body, *seen).await?
    {
        return Ok(Err(Refused::Overtaken));
    }
    for (table, document) in &commit.documents {
        if !documents::put(&mut transaction, *table, document).await? {
            return Ok(Err(Refused::Overtaken));
        }
    }
    for slot in &commit.slots {
        slots::put(&mut transaction, slot).await?;
    }
    for (grain, start) in &commit.outlived {
        slots::forget(&mut transaction, grain, *start).await?;
    }
    if !commit.deeds.is_empty() {
        audit::add(&mut transaction, &commit.deeds).await?;
    }
    transaction.commit().await?;
    Ok(Ok(()))
}
