//! What each receiver of messages was told, as the store keeps it.

use jiff::Timestamp;

use super::{Book, Place};
use crate::{
    domain::told::Told,
    state::{Commit, StateError, Store, Table},
};

/// The entry of [`Table::Notes`].
pub const TOLD: &str = "told";

/// What everybody knows. Nothing, where nobody was told of anything.
pub fn told(store: &mut Store) -> Result<Told, StateError> {
    let mut book = Book::default();
    book.look_up(store, Table::Notes, TOLD)?;
    Ok(book.get(Table::Notes, TOLD)?.unwrap_or_default())
}

/// Keeps what everybody knows now, unless somebody else kept something since `before` was read.
pub fn keep_told(store: &mut Store, before: &Told, now: &Told, at: Timestamp) -> Result<(), StateError> {
    let mut book = Book::default();
    book.look_up(store, Table::Notes, TOLD)?;
    if book.get::<Told>(Table::Notes, TOLD)?.unwrap_or_default() != *before {
        return Err(StateError::Overtaken { store: store.shown().to_owned() });
    }
    book.put(Table::Notes, TOLD, Place { service: "", state: "known", now: at }, now);
    // No lease: it was given back, so that nobody waits for who is told.
    book.commit(store, None, Commit::default())
}
