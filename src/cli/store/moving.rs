//! Rows on their way to the archive, a file at a time.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;

use super::{
    archive::Archive,
    gc::{Ages, in_use, name},
};
use crate::{
    act::{self, tick::point},
    cli::{Failure, progress::Progress},
    domain::{deed::DeedDetail, stored::Cell},
    state::{Deed, Lease, Over, Store},
};

/// Bytes of text in one file; some ten times as much is in memory while it is written and read back.
const BYTES_A_FILE: usize = 32 << 20;

/// Rows that are read at once. A plan of a thousand services has megabytes.
fn at_once(what: Over) -> usize {
    if what == Over::Plans { 1 } else { 100 }
}

/// Rows under way to the archive.
pub(super) struct Moving<'a> {
    /// Names the files.
    pub id: String,
    pub now: Timestamp,
    pub by: String,
    pub reason: &'a str,
    /// Rows that were moved, by table.
    pub moved: BTreeMap<String, u64>,
    pub files: usize,
}

/// What goes together: rows by the tables of [`Over::tables`].
struct Batch {
    ids: Vec<String>,
    rows: Vec<Vec<Vec<Cell>>>,
    bytes: usize,
}

impl Batch {
    fn new(what: Over) -> Self {
        Self { ids: Vec::new(), rows: vec![Vec::new(); what.tables().len()], bytes: 0 }
    }
}

impl Moving<'_> {
    /// Moves everything that is over and old enough.
    pub(super) fn all(&mut self, store: &mut Store, lease: &Lease, folder: &Path, ages: &Ages) -> Result<(), Failure> {
        let archive = Archive::open(folder)?;
        let progress = Progress::start();
        let in_use = in_use(store)?;
        for what in Over::ALL {
            progress.says(name(what));
            let mut number = 0;
            let mut batch = Batch::new(what);
            for ids in store.over(what, ages.stale(what, &in_use))?.chunks(at_once(what)) {
                for ((table, key), rows) in what.tables().iter().zip(&mut batch.rows) {
                    let found = store.rows_to_archive(table, key, ids)?;
                    batch.bytes += found.iter().flatten().map(size).sum::<usize>();
                    rows.extend(found);
                }
                batch.ids.extend_from_slice(ids);
                if batch.bytes >= BYTES_A_FILE {
                    number += 1;
                    let full = std::mem::replace(&mut batch, Batch::new(what));
                    self.batch(store, lease, &archive, what, &full, number)?;
                }
            }
            if !batch.ids.is_empty() {
                self.batch(store, lease, &archive, what, &batch, number + 1)?;
            }
        }
        Ok(())
    }

    /// First the files, whole and under their names; then the rows and a deed, in one transaction.
    fn batch(
        &mut self,
        store: &mut Store,
        lease: &Lease,
        archive: &Archive,
        what: Over,
        batch: &Batch,
        number: usize,
    ) -> Result<(), Failure> {
        let mut parts = archive.parts();
        for ((table, _), rows) in what.tables().iter().zip(&batch.rows) {
            if !rows.is_empty() {
                parts.write(table, &self.id, number, rows)?;
                point();
            }
        }
        let files = parts.keep()?;
        point();
        let counts: Vec<u64> = batch.rows.iter().map(|rows| rows.len() as u64).collect();
        let tables = what.tables().iter().map(|(table, _)| (*table).to_owned());
        let detail = DeedDetail {
            because: Some(self.reason.to_owned()),
            archived: tables.zip(counts.iter().copied()).filter(|(_, rows)| *rows > 0).collect(),
            files: files.iter().map(|file| file.display().to_string()).collect(),
            ..DeedDetail::default()
        };
        let deed = Deed {
            at: act::stamp(self.now),
            actor: self.by.clone(),
            action: "gc".to_owned(),
            service: String::new(),
            body: serde_json::to_string(&detail).expect("deeds are plain data"),
        };
        store.delete_archived(lease, what, &batch.ids, &counts, &deed)?;
        point();
        self.files += files.len();
        for (table, rows) in detail.archived {
            *self.moved.entry(table).or_default() += rows;
        }
        Ok(())
    }
}

fn size(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) => text.len(),
        Cell::Number(_) => size_of::<i64>(),
    }
}
