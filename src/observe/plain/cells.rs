//! Cells that several threads add to. A row goes to any of thousands of cells, whose histograms are together far larger than the
//! processor's caches; so many rows are collected and worked on cell by cell.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::observe::{
    bins::Bins,
    fold::{Cell, CellKey, METRIC_SCALE, MINUTE_METRICS, RETRIED},
    histogram::UNIT,
};

/// Cells in a group, as a power of two, which one thread at a time adds to.
const GROUP: u32 = 4;

/// Rows that wait in one thread before they are worked on, 36 MiB. It is one piece of memory, which goes back to the system as a
/// whole, and large enough for most of what is fetched into a cache to be used more than once.
const TOGETHER: usize = 1 << 20;

/// From so many rows of a cell on, most of its bins will be needed.
const MANY: usize = 32;

/// A row of weight one whose values are as small as nearly all are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    place: u32,
    kind: u8,
    /// One bit for each value that is known.
    known: u8,
    /// Minutes since 1970, UTC.
    minute: u32,
    /// In the order and the whole units of [`METRIC_SCALE`].
    values: [u32; 6],
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

    fn group(&self, place: u32) -> Group {
        self.groups.read().unwrap_or_else(PoisonError::into_inner)[(place >> GROUP) as usize].clone()
    }

    pub(super) fn take(&self) -> Vec<Cell> {
        let groups = std::mem::take(&mut *self.groups.write().unwrap_or_else(PoisonError::into_inner));
        let mut cells = Vec::with_capacity(groups.len() << GROUP);
        for group in &groups {
            cells.append(&mut locked(group));
        }
        cells
    }
}

/// Rows of one thread on their way into cells, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    rows: Vec<Record>,
}

impl Waiting {
    /// Adds a row to the cell at a place.
    #[inline]
    pub(super) fn add(&mut self, cells: &Cells, place: u32, row: &Row) {
        let Some(record) = Record::of(row, place) else {
            let group = cells.group(place);
            locked(&group)[within(place)].add_row(row);
            return;
        };
        self.rows.push(record);
        if self.rows.len() == TOGETHER {
            self.end(cells);
        }
    }

    /// Works on everything that waits, cell by cell.
    pub(super) fn end(&mut self, cells: &Cells) {
        let groups = cells.groups.read().unwrap_or_else(PoisonError::into_inner).clone();
        // A counting sort: where the rows of each cell start, then the rows in that order.
        let mut starts = vec![0_u32; (groups.len() << GROUP) + 1];
        for row in &self.rows {
            starts[row.place as usize + 1] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut next = starts.clone();
        let mut order = vec![0_u32; self.rows.len()];
        for (index, row) in self.rows.iter().enumerate() {
            let at = &mut next[row.place as usize];
            order[*at as usize] = index as u32;
            *at += 1;
        }
        let mut own = Vec::new();
        for (group, starts) in groups.iter().zip(starts.windows((1 << GROUP) + 1).step_by(1 << GROUP)) {
            if starts[0] == starts[1 << GROUP] {
                continue;
            }
            let mut cells = locked(group);
            for (cell, range) in cells.iter_mut().zip(starts.windows(2)) {
                own.clear();
                own.extend(order[range[0] as usize..range[1] as usize].iter().map(|row| self.rows[*row as usize]));
                cell.add_rows(&own);
            }
        }
        self.rows.clear();
    }
}

fn within(place: u32) -> usize {
    (place & ((1 << GROUP) - 1)) as usize
}

impl Record {
    #[inline]
    fn of(row: &Row, place: u32) -> Option<Self> {
        if row.weight != UNIT {
            return None;
        }
        let mut record =
            Self { place, kind: row.kind, known: 0, minute: u32::try_from(row.minute).ok()?, values: [0; 6] };
        for (metric, value) in row.values.iter().enumerate() {
            if let Some(value) = value {
                record.known |= 1 << metric;
                record.values[metric] = u32::try_from(*value).ok()?;
            }
        }
        Some(record)
    }
}

impl Cell {
    /// Adds rows of weight one. Sums of fewer than 2³² values below 2³² fit 64 bits.
    fn add_rows(&mut self, rows: &[Record]) {
        let mut kinds = [[0_u32; 2]; 2 * RETRIED as usize];
        for row in rows {
            kinds[usize::from(row.kind)][usize::from(row.known >> 4 & 1)] += 1;
        }
        for (kind, [unpriced, priced]) in (0_i8..).zip(kinds) {
            self.counts.add_rows(kind, unpriced, true);
            self.counts.add_rows(kind, priced, false);
        }
        for rows in rows.chunk_by(|a, b| a.minute == b.minute) {
            let minute = self.minute(i64::from(rows[0].minute));
            for (place, metric) in MINUTE_METRICS.into_iter().enumerate() {
                // What is unknown is zero.
                let total: u64 = rows.iter().map(|row| u64::from(row.values[metric])).sum();
                let known: u64 = rows.iter().map(|row| u64::from(row.known >> metric & 1)).sum();
                minute.totals[place] += i128::from(total) * i128::from(UNIT);
                minute.weights[place] += known.cast_signed() * UNIT;
            }
        }
        let table = Bins::table();
        for (metric, scale) in METRIC_SCALE.into_iter().enumerate() {
            let histogram = &mut self.histograms[metric];
            if rows.len() >= MANY {
                histogram.fetch();
            }
            for row in rows.iter().filter(|row| row.known >> metric & 1 == 1) {
                let value = row.values[metric];
                histogram.add(table.bin(f64::from(value) / scale), i64::from(value), UNIT);
            }
        }
    }

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
