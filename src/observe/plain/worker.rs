//! What one thread does with the chunks it is given.

use std::sync::atomic::Ordering;

use super::{
    cells::{Row, Waiting},
    fields::Rows,
    job::{Job, Task},
    judge::{CACHED, Judged, SUCCESS, UNSEEN},
    keys::{KnownKeys, ODD},
    vectors::Chunk,
};
use crate::{
    domain::price::ModelPrice,
    observe::{
        ObserveError,
        fold::{METRIC_SCALE, MINUTE_US, NOWHERE, RETRIED},
        identities::Finder,
        price::{Tokens, cost_nano, whole},
    },
};

/// What a thread keeps from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct Worker {
    keys: KnownKeys,
    judged: Judged,
    /// For each row of the chunk at hand, the place of its cell and the position of its key.
    places: Vec<(u32, u32)>,
    finder: Finder,
    waiting: Waiting,
    /// Plainly fine rows, and the oldest and newest of them in microseconds since 1970.
    pub good: u64,
    pub span_us: Option<(i64, i64)>,
}

impl Worker {
    /// Judges a chunk and folds what is plainly fine; `odd` is told of each row whether the SQL has to look at it.
    pub(super) fn work(
        &mut self,
        job: &Job,
        task: &Task,
        chunk: &Chunk<'_>,
        odd: &mut [u8],
    ) -> Result<(), ObserveError> {
        let Self { keys, judged, places, finder, waiting, good, span_us } = self;
        let rows = Rows::new(chunk, &task.fields);
        let settings = &job.settings;
        let (start_us, end_us) = settings.lookback_us;
        judged.judge(&rows, settings.future_us, task.records_failures);
        let left_out = &settings.left_out;
        // A loop so short that the processor asks for the keys of many rows at once.
        places.clear();
        for (row, is_odd) in judged.odd.iter_mut().enumerate() {
            let mut place = NOWHERE;
            let mut position = ODD;
            if !*is_odd {
                let key = keys.find(&rows, row, &job.keys, &settings.prices)?;
                position = key.position;
                *is_odd = position == ODD || !left_out.is_empty() && left_out.contains(&rows.identity.value(row));
                let ts_us = rows.ts_us.value(row);
                if !*is_odd && (start_us..end_us).contains(&ts_us) {
                    let span = settings.slots.of(ts_us);
                    place = key.places.get(span as usize).copied().unwrap_or(NOWHERE);
                    if place == NOWHERE {
                        place = job.place(position, span);
                        if let Some(first) = key.places.get_mut(span as usize) {
                            *first = place;
                        }
                    }
                }
            }
            places.push((place, position));
        }
        let (mut odds, mut fine) = (0, 0);
        let (mut oldest, mut newest) = span_us.unwrap_or((i64::MAX, i64::MIN));
        for (row, (odd, (place, position))) in odd.iter_mut().zip(&*places).enumerate() {
            *odd = u8::from(judged.odd[row]);
            if judged.odd[row] {
                odds += 1;
                continue;
            }
            let ts_us = rows.ts_us.value(row);
            fine += 1;
            (oldest, newest) = (oldest.min(ts_us), newest.max(ts_us));
            if *place != NOWHERE {
                finder.add(&job.identities, rows.identity.value(row));
                waiting.add(&job.cells, *place, &judged.row(row, ts_us, || keys.price(*position)));
            }
        }
        if fine > 0 {
            *good += fine;
            *span_us = Some((oldest, newest));
        }
        let seen = job.seen.fetch_add(rows.len() as u64, Ordering::Relaxed) + rows.len() as u64;
        let odds = job.odd.fetch_add(odds, Ordering::Relaxed) + odds;
        // Many odd rows are told better by the SQL alone, and would not fit into memory beside the others.
        if odds > settings.most_odd() || odds > seen / 2 && seen > 50_000 { Err(ObserveError::Changed) } else { Ok(()) }
    }

    /// Works on everything that waits.
    pub(super) fn end(&mut self, job: &Job) {
        self.waiting.end(&job.cells);
        self.finder.end(&job.identities);
    }
}

impl Judged {
    /// A row in whole units.
    #[inline]
    fn row<'a>(&self, row: usize, ts_us: i64, price: impl FnOnce() -> Option<&'a ModelPrice>) -> Row {
        let kind = self.kinds[row];
        let minute = ts_us.div_euclid(MINUTE_US);
        let known = |value: f64| (!value.is_nan()).then_some(value);
        let units = |metric: usize, value: f64| known(value).map(|value| whole(value, METRIC_SCALE[metric]));
        let weight = known(self.weight[row]).map_or(1_000, |weight| whole(weight, 1e3));
        let quality = units(5, self.quality[row]);
        if kind & !RETRIED == CACHED {
            return Row { kind, weight, minute, values: [None, None, None, None, None, quality] };
        }
        let succeeded = matches!(kind & !RETRIED, SUCCESS | UNSEEN);
        let (latency, ttft) =
            if succeeded { (units(0, self.latency[row]), units(1, self.ttft[row])) } else { (None, None) };
        let mut cost = units(4, self.cost[row]);
        if cost.is_none() && succeeded {
            // Providers do not charge for refusing, so only a success is priced.
            let tokens = Tokens {
                input: known(self.input[row]),
                cached: known(self.cached[row]),
                cache_write: known(self.written[row]),
                output: known(self.output[row]),
            };
            cost = price().and_then(|price| cost_nano(price, ts_us, &tokens));
        }
        let values = [latency, ttft, units(2, self.input[row]), units(3, self.output[row]), cost, quality];
        Row { kind, weight, minute, values }
    }
}
