//! The parts of the requests that are looked at apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::gate::{OneSided, Slice},
    stats::gate::Requests,
};

/// Some requests of both sides.
#[derive(Debug)]
pub(super) struct Part {
    pub slice: Slice,
    /// By side; none for all of them.
    pub rows: [Option<Vec<u32>>; 2],
}

/// Everything, and every value of every dimension that has more than one; those of one side only are told apart.
pub(super) fn parts(baseline: &Requests, candidate: &Requests) -> (Vec<Part>, Vec<OneSided>) {
    let mut parts = vec![Part { slice: Slice::Overall, rows: [None, None] }];
    let mut one_sided = Vec::new();
    let dimensions: [fn(String) -> Slice; 4] = [Slice::Service, Slice::Endpoint, Slice::Complexity, Slice::Domain];
    for (place, dimension) in dimensions.into_iter().enumerate() {
        let sides = [baseline, candidate];
        let names: BTreeSet<&String> =
            sides.iter().flat_map(|side| &side.slices).filter_map(|names| names[place].as_ref()).collect();
        let numbers: BTreeMap<&String, usize> = names.iter().copied().zip(0..).collect();
        let mut rows_of: Vec<[Vec<u32>; 2]> = vec![Default::default(); names.len()];
        for (side, requests) in sides.into_iter().enumerate() {
            let numbers: Vec<Option<usize>> =
                requests.slices.iter().map(|names| Some(numbers[names[place].as_ref()?])).collect();
            for (row, slice) in (0_u32..).zip(&requests.slice) {
                if let Some(number) = numbers[*slice as usize] {
                    rows_of[number][side].push(row);
                }
            }
        }
        // Names that no request has are those of the other side, or of nobody.
        let found =
            names.into_iter().cloned().zip(rows_of).filter(|(_, rows)| rows.iter().any(|rows| !rows.is_empty()));
        let found: Vec<(String, [Vec<u32>; 2])> = found.collect();
        if found.len() < 2 {
            continue;
        }
        for (name, rows) in found {
            let slice = dimension(name);
            let [before, after] = [rows[0].len(), rows[1].len()];
            if before == 0 || after == 0 {
                let requests = before.max(after) as u64;
                one_sided.push(OneSided { slice, requests, in_candidate: before == 0 });
            } else {
                parts.push(Part { slice, rows: rows.map(Some) });
            }
        }
    }
    (parts, one_sided)
}
