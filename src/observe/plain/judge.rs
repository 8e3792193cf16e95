//! Which rows of a chunk are plainly fine: what `judge.sql` says of them is known without it. Every other row is left to the SQL, so
//! nothing here needs to know what is wrong with one, and a test holds the two to each other.

use std::ops::RangeInclusive;

use super::{
    fields::{Field, Rows},
    vectors::Column,
};
use crate::observe::fold::RETRIED;

/// What a row is, as `scan.sql` counts it.
pub(super) const CACHED: u8 = 0;
pub(super) const SUCCESS: u8 = 1;
pub(super) const PROVIDER: u8 = 2;
pub(super) const CALLER: u8 = 3;
pub(super) const UNSEEN: u8 = 4;
pub(super) const TIMEOUT: u8 = 5;

/// Nothing that any clock stamped lies before 1900, in microseconds since 1970. `-infinity` does.
const EARLIEST_US: i64 = -2_208_988_800_000_000;

/// Bytes of the longest name that is plainly short enough.
const NAME: usize = 256;
const IDENTITY: usize = 128;

const TOKENS: RangeInclusive<f64> = 0.0..=1e9;

/// What was found out about the rows of a chunk; numbers are NaN where they are unknown.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Rows that are not plainly fine.
    pub odd: Vec<bool>,
    pub kinds: Vec<u8>,
    pub latency: Vec<f64>,
    pub ttft: Vec<f64>,
    pub input: Vec<f64>,
    pub cached: Vec<f64>,
    pub written: Vec<f64>,
    pub output: Vec<f64>,
    pub cost: Vec<f64>,
    pub quality: Vec<f64>,
    pub weight: Vec<f64>,
    status: Vec<f64>,
    retries: Vec<f64>,
}

impl Judged {
    /// Judges the rows of a chunk. `future_us` is where the future begins; `records_failures` whether the log has failed requests.
    pub(super) fn judge(&mut self, rows: &Rows<'_>, future_us: i64, records_failures: bool) {
        self.times(rows, future_us);
        self.texts(rows);
        let odd = &mut self.odd;
        let mut numbers = |field, range, whole, out: &mut Vec<f64>| {
            taken(rows.numbers(field), rows.len(), &range, whole, out, odd);
        };
        numbers(Field::Latency, 0.0..=604_800_000.0, false, &mut self.latency);
        numbers(Field::Ttft, 0.0..=604_800_000.0, false, &mut self.ttft);
        numbers(Field::Input, TOKENS, true, &mut self.input);
        numbers(Field::Cached, TOKENS, true, &mut self.cached);
        numbers(Field::CacheWrite, TOKENS, true, &mut self.written);
        numbers(Field::Output, TOKENS, true, &mut self.output);
        numbers(Field::Cost, 0.0..=1e6, false, &mut self.cost);
        numbers(Field::Quality, 0.0..=1.0, false, &mut self.quality);
        numbers(Field::Status, 100.0..=599.0, true, &mut self.status);
        numbers(Field::Retries, 0.0..=1e6, false, &mut self.retries);
        numbers(Field::Weight, 0.001..=1e6, false, &mut self.weight);
        self.outcomes(rows, records_failures);
        for row in 0..rows.len() {
            // Comparisons with what is unknown are false. The latency of a success has to be known; so has the one that a time to the
            // first token is held to, and the input that the parts are held to.
            let latency = self.latency[row];
            let untimed = self.ttft[row] > latency || latency.is_nan() && !self.ttft[row].is_nan();
            self.odd[row] |= untimed;
        }
        if rows.numbers(Field::Cached).is_some() || rows.numbers(Field::CacheWrite).is_some() {
            for row in 0..rows.len() {
                let (cached, written) = (self.cached[row], self.written[row]);
                if !(cached.is_nan() && written.is_nan()) {
                    let parts =
                        if cached.is_nan() { 0.0 } else { cached } + if written.is_nan() { 0.0 } else { written };
                    self.odd[row] |= self.input[row].is_nan() || parts > self.input[row];
                }
            }
        }
    }

    fn times(&mut self, rows: &Rows<'_>, future_us: i64) {
        let times = rows.ts_us;
        self.odd.clear();
        self.odd.extend(times.values().iter().map(|at| *at > future_us || *at < EARLIEST_US));
        unknown_is_odd(&times, &mut self.odd);
    }

    fn texts(&mut self, rows: &Rows<'_>) {
        if let Some(ids) = rows.texts(Field::RequestId) {
            for (row, odd) in self.odd.iter_mut().enumerate() {
                *odd |= !ids.text(row).is_some_and(|id| id.len() <= IDENTITY && is_trimmed(id));
            }
        }
        if let Some(endpoints) = rows.texts(Field::Endpoint) {
            for (row, odd) in self.odd.iter_mut().enumerate() {
                *odd |= endpoints.get(row).is_some_and(|text| text.len() > NAME);
            }
        }
    }

    /// What became of each request, and whether that is known at all.
    fn outcomes(&mut self, rows: &Rows<'_>, records_failures: bool) {
        let stated = rows.texts(Field::Outcome);
        let errors = rows.texts(Field::ErrorType);
        let hits = rows.flags(Field::CacheHit);
        let success = if records_failures { SUCCESS } else { UNSEEN };
        self.kinds.clear();
        for row in 0..rows.len() {
            // Zero where it is unknown.
            let status = self.status[row] as u16;
            let refused = (400..=499).contains(&status) && !matches!(status, 408 | 429);
            let kind = match stated.as_ref().and_then(|stated| stated.text(row)) {
                Some(b"success") => Some(success),
                Some(outcome) => stated_kind(outcome, success, refused),
                // Classes of failures are many; the SQL knows them.
                None if errors.is_some_and(|errors| errors.is_known(row)) => None,
                None => match status {
                    408 | 504 => Some(TIMEOUT),
                    499 => Some(CALLER),
                    400.. => Some(if refused { CALLER } else { PROVIDER }),
                    100.. => Some(success),
                    _ => None,
                },
            };
            let succeeded = kind == Some(success);
            self.odd[row] |= kind.is_none() || succeeded && self.latency[row].is_nan();
            let hit = hits.is_some_and(|hits| hits.get(row).is_some_and(|hit| hit != 0));
            let kind = kind.unwrap_or(PROVIDER);
            let retried = if self.retries[row] > 0.0 { RETRIED } else { 0 };
            self.kinds.push(retried | if hit { CACHED } else { kind });
            if !succeeded {
                self.quality[row] = f64::NAN;
            }
        }
    }
}

/// What a stated outcome makes of a request, in any case of letters; none where nobody knows it.
fn stated_kind(outcome: &[u8], success: u8, refused: bool) -> Option<u8> {
    match outcome.to_ascii_lowercase().as_slice() {
        b"success" => Some(success),
        b"error" => Some(if refused { CALLER } else { PROVIDER }),
        b"timeout" => Some(TIMEOUT),
        b"cancelled" => Some(CALLER),
        _ => None,
    }
}

/// Whether a text is its own trimmed self, without a look at what is in between. Empty text is not: it is unknown.
pub(super) fn is_trimmed(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_graphic) && text.last().is_some_and(u8::is_ascii_graphic)
}

fn unknown_is_odd<T: Copy>(column: &Column<'_, T>, odd: &mut [bool]) {
    if !column.all_known() {
        for (row, odd) in odd.iter_mut().enumerate() {
            *odd |= !column.is_known(row);
        }
    }
}

/// Takes over a column of numbers, NaN for what is unknown. Numbers outside the range, or not whole where they must be, are odd.
#[expect(clippy::float_cmp, reason = "a whole number is its own whole part to the last bit")]
#[expect(clippy::needless_bitwise_bool, reason = "without branches several numbers are looked at together")]
fn taken(
    column: Option<Column<'_, f64>>,
    rows: usize,
    range: &RangeInclusive<f64>,
    whole: bool,
    out: &mut Vec<f64>,
    odd: &mut [bool],
) {
    out.clear();
    let Some(column) = column else {
        out.resize(rows, f64::NAN);
        return;
    };
    let fits = |value: f64| range.contains(&value) & (!whole | (value as i64 as f64 == value));
    if column.all_known() {
        out.extend_from_slice(column.values());
        for (odd, value) in odd.iter_mut().zip(column.values()) {
            *odd |= !fits(*value);
        }
    } else {
        for (row, odd) in odd.iter_mut().enumerate() {
            let known = column.is_known(row);
            let value = column.value(row);
            *odd |= known & !fits(value);
            out.push(if known { value } else { f64::NAN });
        }
    }
}
