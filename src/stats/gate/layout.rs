//! Which rows are compared with which: kinds of request that occur on both sides, their mix, and independent units.

use std::collections::BTreeMap;

use super::sample::{Lack, Sample, Side};

/// Units of a kind on each side that it takes to stand alone; kinds with fewer are put together.
const THIN: u32 = 8;

/// Numbers below this count as small.
const NEAR: usize = 1 << 16;

/// In place of a kind, for rows that take no part.
pub(super) const OUT: u32 = u32::MAX;

/// Whose mix both sides are brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mix {
    /// The baseline's: what the candidate would have done to the requests that came before. The default: it answers the
    /// question of a gate, and does not depend on how many requests the candidate happens to have.
    #[default]
    Baseline,
    /// That of both together: a smaller variance where the mixes are far apart; swapping the sides only flips the sign.
    Pooled,
}

/// What became of the kinds of request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matching {
    /// Kinds compared each by itself.
    pub kinds: u32,
    /// Kinds with so few requests on a side that they are compared together.
    pub together: u32,
    /// Kinds on one side only, ascending, which are left out of the adjusted comparison.
    pub unmatched: Vec<u32>,
    /// Share of each side's requests, baseline first, that is left out for it.
    pub left_out: [f64; 2],
}

/// The mix and both sides' rows in it.
#[derive(Debug)]
pub(super) struct Layout {
    /// Shares of the kinds; they sum to one.
    pub mix: Vec<f64>,
    pub sides: [Rows; 2],
    pub matching: Matching,
    /// Whether units are runs of many requests each.
    pub runs: bool,
}

/// One side's rows.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "rows are what it counts")]
pub(super) struct Rows {
    /// Kind of each row, or [`OUT`]. `None`: all of kind 0.
    cells: Option<Vec<u32>>,
    /// Rows that take part, by unit. `None`: each row is a unit.
    order: Option<Vec<u32>>,
    /// Sum of weights per kind.
    pub weights: Vec<f64>,
    /// Units per kind.
    pub counts: Vec<f64>,
    /// Rows that take part.
    pub rows: u64,
    /// Units that take part.
    pub units: u64,
}

impl Rows {
    pub fn cell(&self, row: usize) -> usize {
        self.cells.as_ref().map_or(0, |cells| cells[row] as usize)
    }

    /// Calls `visit` for each row that takes part.
    pub fn each(&self, length: usize, mut visit: impl FnMut(usize)) {
        match &self.cells {
            None => (0..length).for_each(visit),
            Some(cells) => cells.iter().enumerate().filter(|(_, cell)| **cell != OUT).for_each(|(row, _)| visit(row)),
        }
    }

    /// Rows by unit, if units are more than rows.
    pub fn order(&self) -> Option<&[u32]> {
        self.order.as_deref()
    }

    fn new(sample: &Sample, cells: Option<Vec<u32>>, kinds: usize) -> Self {
        let mut side =
            Self { cells, order: None, weights: vec![0.0; kinds], counts: vec![0.0; kinds], rows: 0, units: 0 };
        let (mut weights, mut counts, mut rows) = (vec![0.0; kinds], vec![0.0; kinds], 0);
        side.each(sample.values.len(), |row| {
            weights[side.cell(row)] += sample.weight(row);
            counts[side.cell(row)] += 1.0;
            rows += 1;
        });
        (side.weights, side.counts, side.rows, side.units) = (weights, counts, rows, rows);
        if let Some(units) = sample.units {
            let order = by_unit(&side, units);
            side.counts = vec![0.0; kinds];
            side.units = 0;
            let mut seen = vec![0; kinds];
            let mut last = None;
            for row in order.iter().map(|row| *row as usize) {
                if last != Some(units[row]) {
                    last = Some(units[row]);
                    side.units += 1;
                }
                let cell = side.cell(row);
                if seen[cell] != side.units {
                    seen[cell] = side.units;
                    side.counts[cell] += 1.0;
                }
            }
            side.order = Some(order);
        }
        side
    }
}

impl Layout {
    pub fn new(samples: [&Sample; 2], mix: Mix) -> Result<Self, Lack> {
        for (sample, side) in samples.into_iter().zip(Side::BOTH) {
            sample.check(side)?;
        }
        let unstratified = samples.iter().any(|sample| sample.strata.is_none());
        let plan = if unstratified { Plan::single() } else { Plan::new(samples)? };
        let mut sides = samples.map(|sample| {
            let strata = if unstratified { None } else { sample.strata };
            let cells = (strata.is_some() || sample.weights.is_some()).then(|| {
                let cell = |row: usize| {
                    if sample.weight(row) <= 0.0 { OUT } else { strata.map_or(0, |strata| plan.cell(strata[row])) }
                };
                (0..sample.values.len()).map(cell).collect::<Vec<u32>>()
            });
            Rows::new(sample, cells, plan.kinds)
        });
        for (side, name) in sides.iter().zip(Side::BOTH) {
            if side.rows == 0 {
                return Err(Lack::Weights(name));
            }
        }
        let shares = |side: &Rows| {
            let all: f64 = side.weights.iter().sum();
            side.weights.iter().map(|weight| weight / all).collect::<Vec<f64>>()
        };
        let mix = match mix {
            Mix::Baseline => shares(&sides[0]),
            Mix::Pooled => {
                let all: f64 = sides.iter().flat_map(|side| &side.weights).sum();
                (0..plan.kinds).map(|kind| (sides[0].weights[kind] + sides[1].weights[kind]) / all).collect()
            }
        };
        let mut matching = plan.matching;
        for (left_out, (sample, side)) in matching.left_out.iter_mut().zip(samples.into_iter().zip(&mut sides)) {
            let all: f64 = sample.weights.map_or(sample.values.len() as f64, |weights| weights.iter().sum());
            *left_out = (1.0 - side.weights.iter().sum::<f64>() / all).max(0.0);
        }
        Ok(Self { mix, sides, matching, runs: false })
    }
}

/// Which stratum goes where.
struct Plan {
    cells: BTreeMap<u32, u32>,
    /// The same, by number, where numbers are small: one look-up a row.
    near: Vec<u32>,
    kinds: usize,
    matching: Matching,
}

impl Plan {
    fn cell(&self, stratum: u32) -> u32 {
        self.near.get(stratum as usize).copied().unwrap_or_else(|| self.cells[&stratum])
    }

    fn single() -> Self {
        Self {
            cells: BTreeMap::new(),
            near: Vec::new(),
            kinds: 1,
            matching: Matching { kinds: 1, ..Matching::default() },
        }
    }

    fn new(samples: [&Sample; 2]) -> Result<Self, Lack> {
        let mut units: BTreeMap<u32, [u32; 2]> = BTreeMap::new();
        let mut most = [0; 2];
        for (side, sample) in samples.into_iter().enumerate() {
            most[side] = count(sample, |stratum, n| units.entry(stratum).or_default()[side] += n);
        }
        // With few units in all, as with runs, fewer must do.
        let enough = most.map(|units| THIN.min(units / 2).max(2));
        let (mut cells, mut thin, mut unmatched, mut kinds) = (BTreeMap::new(), Vec::new(), Vec::new(), 0_u32);
        for (stratum, [a, b]) in &units {
            if *a >= enough[0] && *b >= enough[1] {
                cells.insert(*stratum, kinds);
                kinds += 1;
            } else if (*a == 0 && *b >= enough[1]) || (*b == 0 && *a >= enough[0]) {
                // Too many to be missing on the other side by chance.
                cells.insert(*stratum, OUT);
                unmatched.push(*stratum);
            } else {
                thin.push(*stratum);
            }
        }
        let stand_alone = kinds;
        if !thin.is_empty() {
            let sum = |side: usize| thin.iter().map(|stratum| units[stratum][side]).sum::<u32>();
            let home = if (sum(0) >= enough[0] && sum(1) >= enough[1]) || kinds == 0 {
                kinds += 1;
                kinds - 1
            } else {
                // Not enough even together: with the smallest of the others.
                let smallest = cells
                    .iter()
                    .filter(|(_, cell)| **cell != OUT)
                    .min_by_key(|(stratum, _)| units[stratum].iter().sum::<u32>());
                smallest.map_or(0, |(_, cell)| *cell)
            };
            cells.extend(thin.iter().map(|stratum| (*stratum, home)));
        }
        let used = |side: usize| cells.iter().any(|(stratum, cell)| *cell != OUT && units[stratum][side] > 0);
        if kinds == 0 || !used(0) || !used(1) {
            return Err(Lack::NoCommonStratum);
        }
        let together = thin.len() as u32;
        // No larger than what is looked up in it.
        let most = NEAR.min(samples.iter().map(|sample| sample.values.len()).sum());
        let mut near = vec![OUT; most.min(cells.last_key_value().map_or(0, |(last, _)| *last as usize + 1))];
        for (stratum, cell) in cells.range(..near.len() as u32) {
            near[*stratum as usize] = *cell;
        }
        Ok(Self {
            cells,
            near,
            kinds: kinds as usize,
            matching: Matching { kinds: stand_alone, together, unmatched, left_out: [0.0; 2] },
        })
    }
}

/// The rows that take part, by unit, and in their order inside one.
fn by_unit(side: &Rows, units: &[u32]) -> Vec<u32> {
    let most = units.iter().max().map_or(0, |most| *most as usize);
    if most > 2 * units.len() {
        // Unit and row in one number: quick to sort.
        let mut keys = Vec::with_capacity(side.rows as usize);
        side.each(units.len(), |row| keys.push(key(units[row], row as u32)));
        keys.sort_unstable();
        return keys.into_iter().map(|key| key as u32).collect();
    }
    let mut ends = vec![0_u32; most + 2];
    side.each(units.len(), |row| ends[units[row] as usize + 1] += 1);
    for unit in 0..=most {
        ends[unit + 1] += ends[unit];
    }
    let mut order = vec![0; side.rows as usize];
    side.each(units.len(), |row| {
        let place = &mut ends[units[row] as usize];
        order[*place as usize] = row as u32;
        *place += 1;
    });
    order
}

fn key(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Units per stratum, and units in all.
fn count(sample: &Sample, mut add: impl FnMut(u32, u32)) -> u32 {
    let strata = sample.strata.unwrap_or_default();
    let live = |row: &usize| sample.weight(*row) > 0.0;
    let Some(units) = sample.units else {
        if strata.iter().all(|stratum| (*stratum as usize) < NEAR.min(strata.len())) {
            let mut counts = vec![0; strata.len().min(NEAR)];
            (0..strata.len()).filter(live).for_each(|row| counts[strata[row] as usize] += 1);
            let used = counts.iter().zip(0..).filter(|(count, _)| **count > 0);
            return used
                .map(|(count, stratum)| {
                    add(stratum, *count);
                    *count
                })
                .sum();
        }
        let mut rows: Vec<u32> = (0..strata.len()).filter(live).map(|row| strata[row]).collect();
        rows.sort_unstable();
        rows.chunk_by(|a, b| a == b).for_each(|run| add(run[0], run.len() as u32));
        return rows.len() as u32;
    };
    let most = |numbers: &[u32]| numbers.iter().max().map_or(0, |most| *most as usize + 1);
    let (kinds, numbers) = (most(strata), most(units));
    if kinds.saturating_mul(numbers) <= strata.len().max(NEAR) {
        let (mut met, mut live_units) = (vec![false; kinds * numbers], vec![false; numbers]);
        (0..strata.len()).filter(live).for_each(|row| {
            met[strata[row] as usize * numbers + units[row] as usize] = true;
            live_units[units[row] as usize] = true;
        });
        for (stratum, met) in met.chunks(numbers).enumerate() {
            let count = met.iter().filter(|met| **met).count() as u32;
            if count > 0 {
                add(stratum as u32, count);
            }
        }
        return live_units.into_iter().filter(|live| *live).count() as u32;
    }
    let mut pairs: Vec<u64> = (0..strata.len()).filter(live).map(|row| key(strata[row], units[row])).collect();
    pairs.sort_unstable();
    pairs.dedup();
    for pair in &pairs {
        add((pair >> 32) as u32, 1);
    }
    let mut all: Vec<u32> = pairs.into_iter().map(|pair| pair as u32).collect();
    all.sort_unstable();
    all.dedup();
    all.len() as u32
}
