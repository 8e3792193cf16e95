//! What a request costs by the price list: by length of its input, by date and by time of day.
//!
//! The rules are those of the providers, as pydantic/genai-prices writes them down in `tests/test_tiered_pricing.py`:
//! a step for long input sets the price of *every* token of the request, output included, as soon as the input is longer
//! than its threshold. It is not a marginal rate for the excess.

use jiff::civil::Date;
use serde::Serialize;

const DAY_US: i64 = 86_400_000_000;
const MINUTE_US: i64 = 60_000_000;

/// Tokens of one request. A source that counts the cached tokens beside the input, as Anthropic's own replies do, has to add
/// them to the input first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// All input tokens, those of the cache included.
    pub input: u64,
    /// The part of `input` that was read from the provider's cache.
    pub cached_input: u64,
    /// The part of `input` that was written to the provider's cache.
    pub cache_write: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning. It costs what output costs, so it never adds to the total.
    pub reasoning: u64,
}

impl Usage {
    /// Input tokens that are neither read from nor written to the cache; none where the parts exceed the whole.
    fn plain_input(&self) -> Option<u64> {
        self.input.checked_sub(self.cached_input)?.checked_sub(self.cache_write)
    }
}

/// Prices by kind of token, in US dollars per token; none is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Rates {
    pub input: Option<f64>,
    pub output: Option<f64>,
    /// Read from the provider's cache; where none is stated, as plain input.
    pub cached_input: Option<f64>,
    /// Written to the provider's cache; where none is stated, as plain input.
    pub cache_write: Option<f64>,
}

impl Rates {
    /// Cost in US dollars; none where a kind of token occurs that has no price, or the counts contradict each other.
    fn cost_usd(&self, usage: &Usage) -> Option<f64> {
        if usage.reasoning > usage.output {
            return None;
        }
        let part = |tokens: u64, price: Option<f64>| if tokens == 0 { Some(0.0) } else { Some(tokens as f64 * price?) };
        let plain = part(usage.plain_input()?, self.input)?;
        let cached = part(usage.cached_input, self.cached_input.or(self.input))?;
        let written = part(usage.cache_write, self.cache_write.or(self.input))?;
        Some(plain + cached + written + part(usage.output, self.output)?)
    }
}

/// The prices of a request whose input is long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LongInput {
    /// The rates hold for all tokens of a request with more input tokens than this.
    pub above_tokens: u64,
    pub rates: Rates,
}

/// Hours of every day in UTC: from the first minute to the minute before the last, past midnight where `to` is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DailyHours {
    from_minute: u16,
    to_minute: u16,
}

impl DailyHours {
    pub const MINUTES_PER_DAY: u16 = 1_440;

    /// Minutes since midnight UTC. None where one is not of a day, or both are the same and no time lies between.
    #[must_use]
    pub fn new(from_minute: u16, to_minute: u16) -> Option<Self> {
        let sound = from_minute < Self::MINUTES_PER_DAY && to_minute < Self::MINUTES_PER_DAY;
        (sound && from_minute != to_minute).then_some(Self { from_minute, to_minute })
    }

    fn contains(self, minute: u16) -> bool {
        if self.from_minute < self.to_minute {
            self.from_minute <= minute && minute < self.to_minute
        } else {
            self.from_minute <= minute || minute < self.to_minute
        }
    }

    /// Whether some minute belongs to both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.from_minute) || other.contains(self.from_minute)
    }
}

/// One line of a price list: rates, and when they hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriceEntry {
    /// First day in force, from midnight UTC; none means always.
    pub valid_from: Option<Date>,
    /// Hours in force; none means the whole day.
    pub daily_utc: Option<DailyHours>,
    pub rates: Rates,
    /// By rising threshold.
    pub long_input: Vec<LongInput>,
}

impl PriceEntry {
    fn rates(&self, input_tokens: u64) -> &Rates {
        let step = self.long_input.iter().rev().find(|step| input_tokens > step.above_tokens);
        step.map_or(&self.rates, |step| &step.rates)
    }
}

/// All prices of one model at one provider.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelPrice {
    /// The ones that take precedence first, each with the microsecond since 1970 from which it holds.
    entries: Vec<(i64, PriceEntry)>,
}

impl ModelPrice {
    /// The order of the entries does not matter. Of those in force at a time the newest holds, and of equally new ones the
    /// one for certain hours. A price list has no two that are both new and for the same hours.
    #[must_use]
    pub fn new(entries: Vec<PriceEntry>) -> Self {
        let mut entries: Vec<_> = entries
            .into_iter()
            .map(|mut entry| {
                entry.long_input.sort_by_key(|step| step.above_tokens);
                (entry.valid_from.map_or(i64::MIN, midnight_us), entry)
            })
            .collect();
        entries
            .sort_by_key(|(from_us, entry)| (std::cmp::Reverse(*from_us), entry.daily_utc.is_none(), entry.daily_utc));
        Self { entries }
    }

    /// Cost in US dollars of a request at `at_us`, in microseconds since 1970 UTC. None is unknown: no price was in force
    /// yet, a kind of token that occurs has none, or the counts contradict each other.
    #[must_use]
    pub fn cost_usd(&self, at_us: i64, usage: &Usage) -> Option<f64> {
        self.entry(at_us)?.rates(usage.input).cost_usd(usage)
    }

    /// The rates, where they depend on nothing: neither time nor length of the input.
    #[must_use]
    pub fn flat(&self) -> Option<&Rates> {
        match self.entries.as_slice() {
            [(_, PriceEntry { valid_from: None, daily_utc: None, rates, long_input })] if long_input.is_empty() => {
                Some(rates)
            }
            _ => None,
        }
    }

    /// The same prices as pieces of time, hours and input length of which no two overlap, for engines that look prices up in a
    /// table. What lies in no piece has no known price.
    #[must_use]
    pub fn pieces(&self) -> Vec<PricePiece> {
        let mut dates: Vec<i64> =
            self.entries.iter().map(|(from_us, _)| *from_us).chain([i64::MIN, i64::MAX]).collect();
        let hours = self.entries.iter().filter_map(|(_, entry)| entry.daily_utc);
        let mut minutes: Vec<u16> = hours.flat_map(|hours| [hours.from_minute, hours.to_minute]).collect();
        minutes.extend([0, DailyHours::MINUTES_PER_DAY]);
        dates.sort_unstable();
        dates.dedup();
        minutes.sort_unstable();
        minutes.dedup();
        let mut pieces = Vec::new();
        for (date, minute) in dates.windows(2).flat_map(|date| minutes.windows(2).map(move |minute| (date, minute))) {
            let holds = |(from_us, entry): &&(i64, PriceEntry)| {
                *from_us <= date[0] && entry.daily_utc.is_none_or(|hours| hours.contains(minute[0]))
            };
            let Some((_, entry)) = self.entries.iter().find(holds) else { continue };
            let steps = entry.long_input.iter().map(|step| (Some(step.above_tokens), step.rates));
            let steps: Vec<(Option<u64>, Rates)> = std::iter::once((None, entry.rates)).chain(steps).collect();
            for (place, (above_tokens, rates)) in steps.iter().enumerate() {
                pieces.push(PricePiece {
                    from_us: date[0],
                    until_us: date[1],
                    from_minute: minute[0],
                    until_minute: minute[1],
                    above_tokens: *above_tokens,
                    upto_tokens: steps.get(place + 1).and_then(|(above, _)| *above),
                    rates: *rates,
                });
            }
        }
        pieces
    }

    fn entry(&self, at_us: i64) -> Option<&PriceEntry> {
        let minute = (at_us.rem_euclid(DAY_US) / MINUTE_US) as u16;
        let in_force = |(from_us, entry): &&(i64, PriceEntry)| {
            *from_us <= at_us && entry.daily_utc.is_none_or(|hours| hours.contains(minute))
        };
        self.entries.iter().find(in_force).map(|(_, entry)| entry)
    }
}

/// Rates, and the requests they hold for: started in a span of time, in certain minutes of the day (UTC), with so many tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PricePiece {
    /// Microseconds since 1970, the second not included.
    pub from_us: i64,
    pub until_us: i64,
    /// Minutes of the day, the second not included.
    pub from_minute: u16,
    pub until_minute: u16,
    /// Input tokens: more than the first, where there is one, and at most the second.
    pub above_tokens: Option<u64>,
    pub upto_tokens: Option<u64>,
    pub rates: Rates,
}

impl PricePiece {
    /// Whether it holds for a request.
    #[must_use]
    pub fn holds(&self, at_us: i64, input_tokens: u64) -> bool {
        let minute = (at_us.rem_euclid(DAY_US) / MINUTE_US) as u16;
        (self.from_us..self.until_us).contains(&at_us)
            && (self.from_minute..self.until_minute).contains(&minute)
            && self.above_tokens.is_none_or(|above| input_tokens > above)
            && self.upto_tokens.is_none_or(|upto| input_tokens <= upto)
    }
}

/// The first instant of a day, in microseconds since 1970 UTC.
fn midnight_us(day: Date) -> i64 {
    let since = day.duration_since(Date::constant(1970, 1, 1));
    since.as_secs() * 1_000_000
}

#[cfg(test)]
mod tests;
