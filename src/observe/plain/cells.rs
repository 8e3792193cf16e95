//! Cells that several threads add to. A row goes to any of thousands of cells, whose histograms are together far larger than the
//! processor's caches; so rows are collected by groups of neighbouring cells, and each group is worked on at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::observe::{
    bins::Bins,
    fold::{Cell, CellKey, METRIC_SCALE, MINUTE_METRICS},
    histogram::UNIT,
};

/// Cells in a group, as a power of two: what they hold fits into a cache.
const GROUP: u32 = 4;

/// Rows of a group that are worked on together.
const TOGETHER: usize = 512;

/// Rows that may wait in one thread, 8 MiB.
const MOST_WAITING: usize = 1 << 18;

/// A row of weight one whose values are as small as nearly all are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    /// Place of the cell within the group.
    place: u8,
    pub kind: u8,
    /// One bit for each value that is known.
    pub known: u8,
    /// Minutes since 1970, UTC.
    pub minute: u32,
    /// In the order and the whole units of [`METRIC_SCALE`].
    pub values: [u32; 6],
}

/// Any row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub kind: u8,
    /// Thousandths.
    pub weight: i64,
    /// Minutes since 1970, UTC.
    pub minute: i64,
    /// In the order and the whole units of [`METRIC_SCALE`].
    pub values: [Option<i64>; 6],
}

type Group = Arc<Mutex<Vec<Cell>>>;

/// All cells; shared.
#[derive(Debug, Default)]
pub(super) struct Cells {
    groups: RwLock<Vec<Group>>,
}

fn locked(group: &Group) -> MutexGuard<'_, Vec<Cell>> {
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cells {
    /// Makes a cell. Places are given in order, by whoever holds the keys.
    pub(super) fn make(&self, place: u32, key: CellKey) {
        let index = (place >> GROUP) as usize;
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        if index == groups.len() {
            groups.push(Group::default());
        }
        locked(&groups[index]).push(Cell::new(key, 0));
    }

    pub(super) fn take(&self) -> Vec<Cell> {
        let groups = std::mem::take(&mut *self.groups.write().unwrap_or_else(PoisonError::into_inner));
        let mut cells = Vec::with_capacity(groups.len() << GROUP);
        groups.iter().for_each(|group| cells.append(&mut locked(group)));
        cells
    }
}

/// Rows of one thread on their way into cells.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    groups: Vec<Group>,
    rows: Vec<Vec<Record>>,
    waiting: usize,
    scratch: Vec<i16>,
}

impl Waiting {
    /// Adds a row to the cell at a place.
    #[inline]
    pub(super) fn add(&mut self, cells: &Cells, place: u32, row: &Row) {
        let index = (place >> GROUP) as usize;
        if index >= self.groups.len() {
            self.groups.clone_from(&cells.groups.read().unwrap_or_else(PoisonError::into_inner));
            self.rows.resize_with(self.groups.len(), Vec::new);
        }
        let within = (place & ((1 << GROUP) - 1)) as u8;
        let Some(record) = Record::of(row, within) else {
            locked(&self.groups[index])[usize::from(within)].add_row(row);
            return;
        };
        let rows = &mut self.rows[index];
        rows.push(record);
        self.waiting += 1;
        if rows.len() >= TOGETHER {
            self.waiting -= rows.len();
            work(rows, &mut locked(&self.groups[index]), &mut self.scratch);
        } else if self.waiting >= MOST_WAITING {
            self.end();
        }
    }

    /// Works on everything that waits.
    pub(super) fn end(&mut self) {
        for (rows, group) in self.rows.iter_mut().zip(&self.groups).filter(|(rows, _)| !rows.is_empty()) {
            work(rows, &mut locked(group), &mut self.scratch);
        }
        self.waiting = 0;
    }
}

impl Record {
    #[inline]
    fn of(row: &Row, place: u8) -> Option<Self> {
        let mut record =
            Self { place, kind: row.kind, known: 0, minute: u32::try_from(row.minute).ok()?, values: [0; 6] };
        for (metric, value) in row.values.iter().enumerate() {
            if let Some(value) = value {
                record.known |= 1 << metric;
                record.values[metric] = u32::try_from(*value).ok()?;
            }
        }
        (row.weight == UNIT).then_some(record)
    }
}

fn work(rows: &mut Vec<Record>, cells: &mut [Cell], bins: &mut Vec<i16>) {
    for row in &*rows {
        let cell = &mut cells[usize::from(row.place)];
        cell.counts.add(row.kind.cast_signed(), UNIT, row.known >> 4 & 1 == 0);
        let minute = cell.minute(i64::from(row.minute));
        for (place, metric) in MINUTE_METRICS.into_iter().enumerate() {
            if row.known >> metric & 1 == 1 {
                minute.totals[place] += i128::from(u64::from(row.values[metric]) * UNIT as u64);
                minute.weights[place] += UNIT;
            }
        }
    }
    let table = Bins::table();
    for (metric, scale) in METRIC_SCALE.into_iter().enumerate() {
        bins.clear();
        bins.extend(rows.iter().map(|row| table.bin(f64::from(row.values[metric]) / scale)));
        for (row, bin) in rows.iter().zip(&*bins) {
            if row.known >> metric & 1 == 1 {
                cells[usize::from(row.place)].histograms[metric].add(*bin, i64::from(row.values[metric]), UNIT);
            }
        }
    }
    rows.clear();
}

impl Cell {
    /// Adds one row of any weight.
    fn add_row(&mut self, row: &Row) {
        self.counts.add(row.kind.cast_signed(), row.weight, row.values[4].is_none());
        let minute = self.minute(row.minute);
        for (place, metric) in MINUTE_METRICS.into_iter().enumerate() {
            if let Some(value) = row.values[metric] {
                minute.totals[place] += i128::from(value) * i128::from(row.weight);
                minute.weights[place] += row.weight;
            }
        }
        for (metric, scale) in METRIC_SCALE.into_iter().enumerate() {
            if let Some(value) = row.values[metric] {
                self.histograms[metric].add(Bins::table().bin(value as f64 / scale), value, row.weight);
            }
        }
    }
}
