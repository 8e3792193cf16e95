//! What an operator says of a service or of all of them. It holds from the moment it is stored: a run under way looks before each write.

use jiff::Timestamp;

use super::{
    Book, Place,
    rollout::{Freeze, Reach, ServiceState},
    tick::ALL_SERVICES,
};
use crate::{
    domain::{deed::DeedDetail, rollout::Pause},
    state::{Commit, StateError, Store, Table},
};

/// Times that a word is said again when a run wrote the same row at the same moment.
const ATTEMPTS: u32 = 5;

/// Whoever says something, when and why.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    pub by: &'a str,
    pub reason: &'a str,
    pub now: Timestamp,
}

/// Keeps a service, or all of them, from moving. Said again, the new word takes the place of the old one.
pub fn freeze(store: &mut Store, service: Option<&str>, reach: Reach, word: Word<'_>) -> Result<(), StateError> {
    let said = Pause { at: word.now, by: word.by.to_owned(), reason: word.reason.to_owned() };
    let action = if reach == Reach::Everything { "stop" } else { "pause" };
    set(store, service, Some(&Freeze { said, reach }), action, word).map(drop)
}

/// Takes the word back. False where there was none.
pub fn thaw(store: &mut Store, service: Option<&str>, word: Word<'_>) -> Result<bool, StateError> {
    set(store, service, None, "resume", word)
}

/// What somebody said of a service or of all of them, if it is in force.
pub fn frozen(store: &mut Store, service: Option<&str>) -> Result<Option<Freeze>, StateError> {
    let id = service.unwrap_or(ALL_SERVICES);
    let mut book = Book::default();
    book.look_up(store, Table::Services, id)?;
    Ok(book.get::<ServiceState>(Table::Services, id)?.and_then(|known| known.freeze))
}

fn set(
    store: &mut Store,
    service: Option<&str>,
    freeze: Option<&Freeze>,
    action: &str,
    word: Word<'_>,
) -> Result<bool, StateError> {
    let id = service.unwrap_or(ALL_SERVICES);
    let mut attempt = 1;
    loop {
        let mut book = Book::default();
        book.look_up(store, Table::Services, id)?;
        let known: ServiceState = book.get(Table::Services, id)?.unwrap_or_default();
        if known.freeze.is_none() && freeze.is_none() {
            return Ok(false);
        }
        let place = Place { service: id, state: "known", now: word.now };
        book.put(Table::Services, id, place, &ServiceState { freeze: freeze.cloned(), ..known });
        let detail = DeedDetail { because: Some(word.reason.to_owned()), ..DeedDetail::default() };
        book.did(word.now, word.by, action, service.unwrap_or_default(), &detail);
        match book.commit(store, None, Commit::default()) {
            Ok(()) => return Ok(true),
            Err(StateError::Overtaken { .. }) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}
