//! Folds the stream of events into cells in one pass: counts, six histograms and totals by minute. It is what
//! `rollup_cells.sql`, `rollup_bins.sql` and `rollup_minutes.sql` say, several times faster and in memory that grows with the
//! bins that occur, not with the rows; the test below holds the two to each other.

mod batch;
mod places;
mod waiting;

use super::{
    Engine, ObserveError,
    histogram::{Histogram, UNIT},
    identities::{Finder, Identities},
};
use crate::{domain::ModelTable, stats::Bucket};
use batch::Batch;
use places::Places;
pub(super) use places::{Hashed, NOWHERE};
use waiting::Waiting;

const DOING: &str = "reducing events";

/// Brings the whole numbers of the SQL back to units: latency, ttft, tokens in, tokens out, cost, quality.
pub(super) const METRIC_SCALE: [f64; 6] = [1e3, 1e3, 1.0, 1.0, 1e9, 1e6];
pub(super) const WEIGHT_SCALE: f64 = 1e3;

/// The metrics that are also kept by minute, as positions in [`METRIC_SCALE`]: latency, cost, quality.
pub(super) const MINUTE_METRICS: [usize; 3] = [0, 4, 5];

/// Added to the kind of a row that is an attempt after others.
pub(super) const RETRIED: u8 = 8;

pub(super) const MINUTE_US: i64 = 60_000_000;

/// What a cell's rows have in common. Ordered as the plan lists them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellKey {
    pub service: String,
    pub complexity: Option<String>,
    pub provider: Option<String>,
    pub model: String,
    pub config_version: Option<String>,
    pub variant: Option<String>,
    /// Where in time, as [`Slots`] says.
    pub span: u32,
}

/// Sums of `weight_milli`, and of its squares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub rows: u64,
    pub weight: i128,
    pub weight_squared: i128,
    pub served: i128,
    pub succeeded: i128,
    pub provider_errors: i128,
    pub caller_errors: i128,
    pub unpriced: i128,
    pub unseen: i128,
    pub timeouts: i128,
    /// Of requests that reached a provider: attempts after others.
    pub retried: i128,
}

/// Weighted sums and weights of [`MINUTE_METRICS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Minute {
    /// Minutes since 1970, UTC.
    pub at: i64,
    pub totals: [i128; 3],
    pub weights: [i64; 3],
}

#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub key: CellKey,
    pub counts: Counts,
    pub histograms: [Histogram; 6],
    /// Ascending.
    pub minutes: Vec<Minute>,
    /// Where in `minutes` the last row fell.
    last: usize,
    /// Position of the price of its requests.
    price: u32,
}

impl Minute {
    /// The same in units, with what it stands for.
    pub(super) fn buckets(&self) -> [Bucket; 3] {
        std::array::from_fn(|place| {
            let scale = WEIGHT_SCALE * METRIC_SCALE[MINUTE_METRICS[place]];
            Bucket { weight: self.weights[place] as f64 / WEIGHT_SCALE, sum: self.totals[place] as f64 / scale }
        })
    }
}

/// How time is cut: each key has a cell for every span in which it has rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slots {
    /// 0 the window, 1 the window before, 2 earlier; where the first two start, in microseconds since 1970.
    Windows { window_start_us: i64, before_start_us: i64 },
    /// One after another, each so many minutes long; the first begins at this minute (since 1970).
    Every { minutes: i64, first: i64 },
}

impl Slots {
    #[inline]
    pub(super) fn of(self, ts_us: i64) -> u32 {
        match self {
            Self::Windows { window_start_us, before_start_us } => {
                u32::from(ts_us < window_start_us) + u32::from(ts_us < before_start_us)
            }
            Self::Every { minutes, first } => {
                u32::try_from((ts_us.div_euclid(MINUTE_US) - first).div_euclid(minutes)).unwrap_or(0)
            }
        }
    }
}

/// How to fold.
pub(super) struct Settings<'a> {
    pub prices: &'a ModelTable,
    pub slots: Slots,
    /// Where to look for duplicates; none when nobody is to look.
    pub identities: Option<&'a Identities>,
}

/// Reduces the view `unique_rows` to cells, in the order of their keys, and makes of them what `finish` does; `ended` is called
/// in between. Both steps share a thread, because memory freed by the one is then at hand for the other.
pub(super) fn fold<T: Send>(
    engine: &Engine,
    settings: &Settings<'_>,
    ended: &dyn Fn(),
    finish: impl FnOnce(Vec<Cell>) -> Result<T, ObserveError> + Send,
) -> Result<T, ObserveError> {
    let places = Places::read(engine, settings.prices)?;
    engine.stream(DOING, include_str!("../../queries/scan.sql"), ended, |batches| {
        let mut finder = Finder::default();
        let mut fold = Fold { places, scratch: Scratch::default(), waiting: Waiting::default() };
        for batch in batches {
            let batch = Batch::of(&batch);
            if let Some(identities) = settings.identities {
                batch.identity.values().iter().for_each(|hash| finder.add(identities, *hash));
            }
            fold.add(&batch, settings)?;
        }
        fold.waiting.empty(&mut fold.places.cells);
        if let Some(identities) = settings.identities {
            finder.end(identities);
        }
        let mut cells = fold.places.into_cells();
        cells.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        finish(cells)
    })
}

struct Fold<'a> {
    places: Places<'a>,
    scratch: Scratch,
    waiting: Waiting,
}

/// For each row of the batch at hand, the place of its cell; its cost, and one metric's values and bins.
#[derive(Default)]
struct Scratch {
    rows: Vec<u32>,
    costs: Vec<Option<i64>>,
    values: Vec<i64>,
    bins: Vec<i16>,
}

impl Fold<'_> {
    fn add(&mut self, batch: &Batch<'_>, settings: &Settings<'_>) -> Result<(), ObserveError> {
        let Self { places, scratch, waiting } = self;
        scratch.rows.clear();
        for (hash, ts_us) in batch.cell.values().iter().zip(batch.ts_us.values()) {
            let span = settings.slots.of(*ts_us);
            scratch.rows.push(places.find(*hash, span)?);
        }
        let (cells, prices) = (&mut places.cells, &places.prices);
        scratch.costs.clear();
        let costs = scratch.rows.iter().enumerate();
        let costs = costs.map(|(row, place)| batch.cost(row, prices[cells[*place as usize].price as usize]));
        scratch.costs.extend(costs);
        for (row, place) in scratch.rows.iter().enumerate() {
            let cell = &mut cells[*place as usize];
            let (weight, cost) = (batch.weight.value(row), scratch.costs[row]);
            cell.counts.add(batch.kind.value(row), weight, cost.is_none());
            let minute = cell.minute(batch.ts_us.value(row).div_euclid(MINUTE_US));
            for (place, value) in [batch.whole(0, row), cost, batch.whole(5, row)].into_iter().enumerate() {
                if let Some(value) = value {
                    minute.totals[place] += i128::from(value) * i128::from(weight);
                    minute.weights[place] += weight;
                }
            }
        }
        for metric in 0..METRIC_SCALE.len() {
            let known = batch.bins(metric, scratch);
            for (row, place) in scratch.rows.iter().enumerate() {
                if known.is_none_or(|known| known.is_valid(row)) && (metric != 4 || scratch.costs[row].is_some()) {
                    let (bin, value) = (scratch.bins[row], scratch.values[row]);
                    if batch.weight.value(row) == UNIT {
                        waiting.add(cells, metric, *place, bin, value);
                    } else {
                        cells[*place as usize].histograms[metric].add(bin, value, batch.weight.value(row));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Cell {
    pub(super) fn new(key: CellKey, price: u32) -> Self {
        Self { key, counts: Counts::default(), histograms: Default::default(), minutes: Vec::new(), last: 0, price }
    }

    /// A cell that was added up elsewhere; `minutes` ascending.
    pub(super) fn ready(key: CellKey, counts: Counts, histograms: [Histogram; 6], minutes: Vec<Minute>) -> Self {
        Self { counts, histograms, minutes, ..Self::new(key, 0) }
    }

    /// Nearly every log is in the order of time, more or less: the minute is that of the row before.
    pub(super) fn minute(&mut self, at: i64) -> &mut Minute {
        if self.minutes.get(self.last).is_none_or(|minute| minute.at != at) {
            self.last = self.minutes.binary_search_by_key(&at, |minute| minute.at).unwrap_or_else(|place| {
                self.minutes.insert(place, Minute { at, ..Minute::default() });
                place
            });
        }
        &mut self.minutes[self.last]
    }
}

impl Counts {
    pub(super) fn absorb(&mut self, other: &Self) {
        let Self {
            rows,
            weight,
            weight_squared,
            served,
            succeeded,
            provider_errors,
            caller_errors,
            unpriced,
            unseen,
            timeouts,
            retried,
        } = other;
        self.timeouts += timeouts;
        self.retried += retried;
        self.rows += rows;
        self.weight += weight;
        self.weight_squared += weight_squared;
        self.served += served;
        self.succeeded += succeeded;
        self.provider_errors += provider_errors;
        self.caller_errors += caller_errors;
        self.unpriced += unpriced;
        self.unseen += unseen;
    }

    pub(super) fn add(&mut self, kind: i8, weight: i64, unpriced: bool) {
        let weight = i128::from(weight);
        self.weigh(kind, 1, weight, weight * weight, unpriced);
    }

    /// Adds rows of weight one.
    pub(super) fn add_rows(&mut self, kind: i8, rows: u32, unpriced: bool) {
        let (count, unit) = (i128::from(rows), i128::from(UNIT));
        self.weigh(kind, u64::from(rows), count * unit, count * unit * unit, unpriced);
    }

    fn weigh(&mut self, kind: i8, rows: u64, weight: i128, weight_squared: i128, unpriced: bool) {
        self.rows += rows;
        self.weight += weight;
        self.weight_squared += weight_squared;
        // As scan.sql says.
        let (retried, kind) = (kind & RETRIED.cast_signed() != 0, kind & !RETRIED.cast_signed());
        match kind {
            0 => return,
            1 | 4 => {
                self.unseen += if kind == 4 { weight } else { 0 };
                self.succeeded += weight;
                self.unpriced += if unpriced { weight } else { 0 };
            }
            2 | 5 => {
                self.provider_errors += weight;
                self.timeouts += if kind == 5 { weight } else { 0 };
            }
            _ => self.caller_errors += weight,
        }
        self.served += weight;
        self.retried += if retried { weight } else { 0 };
    }
}

#[cfg(test)]
mod tests;
