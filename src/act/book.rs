//! The documents of a tick: read once, changed in memory, written together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::domain::deed::DeedDetail;
use crate::state::{Commit, Deed, Document, Lease, StateError, Store, Table, Wanted};

/// What has been read, and what of it was changed since.
#[derive(Debug, Default)]
pub struct Book {
    documents: BTreeMap<(Table, String), Document>,
    changed: BTreeSet<(Table, String)>,
    deeds: Vec<Deed>,
}

impl Book {
    /// Reads rows of a table into the book.
    pub fn read(&mut self, store: &mut Store, table: Table, wanted: Wanted<'_>) -> Result<(), StateError> {
        for document in store.documents(table, wanted)? {
            self.documents.insert((table, document.id.clone()), document);
        }
        Ok(())
    }

    /// Reads one row into the book, where it is there and not read yet.
    pub fn look_up(&mut self, store: &mut Store, table: Table, id: &str) -> Result<(), StateError> {
        let key = (table, id.to_owned());
        if !self.documents.contains_key(&key)
            && let Some(document) = store.document(table, id)?
        {
            self.documents.insert(key, document);
        }
        Ok(())
    }

    /// Reads one row again, unless it was changed here.
    pub fn reread(&mut self, store: &mut Store, table: Table, id: &str) -> Result<(), StateError> {
        let key = (table, id.to_owned());
        if !self.changed.contains(&key) {
            match store.document(table, id)? {
                Some(document) => drop(self.documents.insert(key, document)),
                None => drop(self.documents.remove(&key)),
            }
        }
        Ok(())
    }

    /// A row that was put here as new takes the place of one that the store has and that was not read.
    pub fn replace_stored(&mut self, store: &mut Store, table: Table, id: &str) -> Result<(), StateError> {
        if let Some(document) = self.documents.get_mut(&(table, id.to_owned()))
            && document.generation == 0
            && let Some(stored) = store.document(table, id)?
        {
            document.generation = stored.generation;
        }
        Ok(())
    }

    /// The row of this id.
    pub fn get<T: DeserializeOwned>(&self, table: Table, id: &str) -> Result<Option<T>, StateError> {
        self.documents.get(&(table, id.to_owned())).map(parsed).transpose()
    }

    /// Whether there is a row of this id among those that were read.
    #[must_use]
    pub fn has(&self, table: Table, id: &str) -> bool {
        self.documents.contains_key(&(table, id.to_owned()))
    }

    /// All rows of a table that were read, by id.
    pub fn all<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, StateError> {
        self.rows(table).map(parsed).collect()
    }

    /// The same as they are kept.
    pub fn rows(&self, table: Table) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |((of, _), _)| *of == table).map(|(_, document)| document)
    }

    /// Puts a row in the place of the one that was read.
    pub fn put(&mut self, table: Table, id: &str, place: Place<'_>, value: &impl Serialize) {
        let key = (table, id.to_owned());
        let generation = self.documents.get(&key).map_or(0, |document| document.generation);
        let document = Document {
            id: id.to_owned(),
            service: place.service.to_owned(),
            state: place.state.to_owned(),
            generation,
            changed_at: stamp(place.now),
            body: serde_json::to_string(value).expect("documents are plain data"),
        };
        if self.documents.get(&key).is_some_and(|known| known.body == document.body && known.state == document.state) {
            return;
        }
        self.documents.insert(key.clone(), document);
        self.changed.insert(key);
    }

    /// Nothing that was changed since the last commit is written any more. It must not be read any more either.
    pub fn forget(&mut self) {
        self.changed.clear();
        self.deeds.clear();
    }

    /// Somebody did something.
    pub fn did(&mut self, now: Timestamp, actor: &str, action: &str, service: &str, detail: &DeedDetail) {
        self.deeds.push(Deed {
            at: stamp(now),
            actor: actor.to_owned(),
            action: action.to_owned(),
            service: service.to_owned(),
            body: serde_json::to_string(detail).expect("deeds are plain data"),
        });
    }

    /// Writes what was changed, and the rest of `commit` with it: all or nothing.
    pub fn commit(&mut self, store: &mut Store, lease: Option<&Lease>, mut commit: Commit) -> Result<(), StateError> {
        commit.documents = self.changed.iter().map(|key| (key.0, self.documents[key].clone())).collect();
        commit.deeds.clone_from(&self.deeds);
        store.commit(lease, &commit)?;
        for key in std::mem::take(&mut self.changed) {
            if let Some(document) = self.documents.get_mut(&key) {
                document.generation += 1;
            }
        }
        self.deeds.clear();
        Ok(())
    }
}

/// Where a row belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub service: &'a str,
    pub state: &'a str,
    pub now: Timestamp,
}

fn parsed<T: DeserializeOwned>(document: &Document) -> Result<T, StateError> {
    serde_json::from_str(&document.body).map_err(|cause| StateError::Unreadable {
        what: format!("the entry `{}` of {}", document.id, document.service),
        cause,
    })
}

/// As the store has times: they sort as text.
#[must_use]
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
