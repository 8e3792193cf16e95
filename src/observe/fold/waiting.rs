//! Rows on their way into histograms. All histograms together are far larger than the processor's caches, and a row that goes to
//! any of them waits for memory; so rows are collected by groups of neighbours, and each group is worked on at once.

use super::Cell;

/// Cells in a group, as a power of two: their histograms of one metric fit into a cache.
const GROUP: u32 = 6;

/// Rows of a group that are worked on together.
const TOGETHER: usize = 4_096;

/// A row of weight one: 12 bytes.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(4))]
struct Row {
    /// Place of the cell within the group.
    place: u16,
    bin: i16,
    value: i64,
}

/// Rows by metric, then by group of cells.
#[derive(Default)]
pub(super) struct Waiting {
    metrics: [Vec<Vec<Row>>; 6],
}

impl Waiting {
    #[inline]
    pub(super) fn add(&mut self, cells: &mut [Cell], metric: usize, place: u32, bin: i16, value: i64) {
        let groups = &mut self.metrics[metric];
        let group = (place >> GROUP) as usize;
        if group >= groups.len() {
            groups.resize_with(group + 1, Vec::new);
        }
        let rows = &mut groups[group];
        rows.push(Row { place: (place & ((1 << GROUP) - 1)) as u16, bin, value });
        if rows.len() == TOGETHER {
            work(rows, &mut cells[group << GROUP..], metric);
        }
    }

    /// Works on everything that still waits.
    pub(super) fn empty(&mut self, cells: &mut [Cell]) {
        for (metric, groups) in self.metrics.iter_mut().enumerate() {
            for (group, mut rows) in groups.drain(..).enumerate() {
                work(&mut rows, &mut cells[group << GROUP..], metric);
            }
        }
    }
}

fn work(rows: &mut Vec<Row>, cells: &mut [Cell], metric: usize) {
    for row in &*rows {
        cells[usize::from(row.place)].histograms[metric].add(row.bin, row.value, super::UNIT);
    }
    rows.clear();
}
