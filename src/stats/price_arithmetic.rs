//! What a request would cost with another model, from its price list: known input, expected output, and the cache.
//!
//! What it takes for granted, and what a plan should say beside it: the length of an answer does not depend on the length of
//! its input; the share of input read from the provider's cache stays what it is now, once the new model's cache is warm; and
//! a request has the same input tokens up to a ratio of tokenizers.

mod cold_cache;

pub use cold_cache::{ColdCache, cold_cache};

use super::{Sketch, interval::Uncertain};
use crate::domain::price::{ModelPrice, PricePiece, Rates};

const NO_RATIO: Uncertain = Uncertain { value: 0.0, standard_error: 0.0 };

/// Why a cost cannot be worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    #[error("no instant is given at which a price would hold")]
    NoInstant,
    #[error("how many input tokens a request has is unknown")]
    InputTokens,
    #[error("how many output tokens the model would write is unknown")]
    OutputTokens,
    #[error("no price is in force for requests of this length at this time")]
    NotInForce,
    #[error("the model has no price for input tokens")]
    InputPrice,
    #[error("the model has no price for output tokens")]
    OutputPrice,
    #[error("the shares of input read from and written to the cache are not shares of one whole")]
    CacheShares,
    #[error("a number is not finite")]
    NotFinite,
}

/// Shares of all input tokens, each in `0..=1`, together at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheUse {
    /// Read from the provider's cache.
    pub read: Uncertain,
    /// Written to it.
    pub written: f64,
}

impl CacheUse {
    /// No cache at all.
    pub const NONE: Self = Self { read: NO_RATIO, written: 0.0 };

    fn is_sound(&self) -> bool {
        let share = 0.0..=1.0;
        share.contains(&self.read.value)
            && share.contains(&self.written)
            && self.read.value + self.written <= 1.0
            && self.read.standard_error >= 0.0
            && self.read.standard_error.is_finite()
    }
}

/// Requests of a service, as they would be put to another model.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// Input tokens a request, as counted by the present model.
    pub input_tokens: &'a Sketch,
    /// Effective number of requests in it.
    pub requests: f64,
    /// Logarithm of the new model's count of the same input over the present one's; zero where the tokenizers are taken as equal.
    pub log_tokenizer_ratio: Uncertain,
    /// Logarithm of the mean output tokens of the new model: its own, transferred, or declared.
    pub log_output_tokens: Option<Uncertain>,
    pub cache: CacheUse,
}

impl<'a> Workload<'a> {
    /// Without cache and with the same tokenizer.
    #[must_use]
    pub fn new(input_tokens: &'a Sketch, requests: f64, log_output_tokens: Option<Uncertain>) -> Self {
        Self { input_tokens, requests, log_tokenizer_ratio: NO_RATIO, log_output_tokens, cache: CacheUse::NONE }
    }
}

/// Cost of a request, and what makes it up, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// As `Measures::cost` is.
    pub per_request: Uncertain,
    pub input: f64,
    pub output: f64,
    /// Share of requests whose input is long enough for a higher price.
    pub long_input: f64,
}

impl Cost {
    /// The logarithm, with the error by the delta method: the interval stays above zero. `None` where it costs nothing.
    #[must_use]
    pub fn log(&self) -> Option<Uncertain> {
        let Uncertain { value, standard_error } = self.per_request;
        (value > 0.0).then(|| Uncertain { value: value.ln(), standard_error: standard_error / value })
    }
}

/// Mean cost of a request at `price`, averaged over the instants of `at_us` (microseconds since 1970 UTC), which for a whole day
/// of a model that costs more by day are its hours.
///
/// The error is that of the sampled input lengths, of the output length, of the tokenizer ratio and of the share read from the
/// cache, taken as independent and small (delta method).
pub fn per_request(price: &ModelPrice, at_us: &[i64], workload: &Workload) -> Result<Cost, Unpriced> {
    let output = workload.log_output_tokens.ok_or(Unpriced::OutputTokens)?;
    let tokenizer = workload.log_tokenizer_ratio;
    if !workload.cache.is_sound() {
        return Err(Unpriced::CacheShares);
    }
    if at_us.is_empty() {
        return Err(Unpriced::NoInstant);
    }
    let total = workload.input_tokens.weight();
    if total <= 0.0 || workload.requests < 2.0 {
        return Err(Unpriced::InputTokens);
    }
    let output_tokens = mean_of_log(&output).ok_or(Unpriced::NotFinite)?;
    let ratio = tokenizer.value.exp();
    let pieces = price.pieces();
    let instants = at_us.len() as f64;
    let mut sums = Sums::default();
    for bin in workload.input_tokens.bins().iter().filter(|bin| bin.weight > 0.0) {
        let tokens = bin.sum / bin.weight * ratio;
        let mut mean = Parts::default();
        for &at in at_us {
            let (rates, long) = rates(&pieces, at, tokens).ok_or(Unpriced::NotInForce)?;
            mean.add(1.0 / instants, &parts(rates, long, &workload.cache)?);
        }
        sums.add(bin.weight / total, tokens, &mean, output_tokens);
    }
    let cost = sums.input + sums.output;
    let sampled = (sums.squares - cost * cost).max(0.0) / (workload.requests - 1.0);
    let by_output = sums.output * output.standard_error;
    let by_tokenizer = sums.input * tokenizer.standard_error;
    let by_cache = sums.saved_by_cache * workload.cache.read.standard_error;
    let standard_error = (sampled + by_output.powi(2) + by_tokenizer.powi(2) + by_cache.powi(2)).sqrt();
    let found = Cost {
        per_request: Uncertain { value: cost, standard_error },
        input: sums.input,
        output: sums.output,
        long_input: sums.long,
    };
    if cost.is_finite() && standard_error.is_finite() { Ok(found) } else { Err(Unpriced::NotFinite) }
}

/// Estimates of the logarithm of a mean are of the mean already: nothing is added for the spread of single answers.
fn mean_of_log(log: &Uncertain) -> Option<f64> {
    let mean = log.value.exp();
    (mean.is_finite() && log.standard_error.is_finite() && log.standard_error >= 0.0).then_some(mean)
}

#[derive(Default)]
struct Sums {
    input: f64,
    output: f64,
    /// Of the cost of single requests, their output taken as the mean.
    squares: f64,
    /// Dollars a request that a share of 1 read from the cache saves against a share of 0.
    saved_by_cache: f64,
    long: f64,
}

impl Sums {
    fn add(&mut self, share: f64, tokens: f64, parts: &Parts, output_tokens: f64) {
        let (input, output) = (tokens * parts.input, output_tokens * parts.output);
        self.input += share * input;
        self.output += share * output;
        self.squares += share * (input + output).powi(2);
        self.saved_by_cache += share * tokens * (parts.plain - parts.cached);
        self.long += share * parts.long;
    }
}

/// US dollars per token.
#[derive(Default)]
struct Parts {
    plain: f64,
    cached: f64,
    /// Of the mix of plain, cached and written input.
    input: f64,
    output: f64,
    /// Share for which the prices of long input hold.
    long: f64,
}

impl Parts {
    fn add(&mut self, share: f64, other: &Self) {
        self.plain += share * other.plain;
        self.cached += share * other.cached;
        self.input += share * other.input;
        self.output += share * other.output;
        self.long += share * other.long;
    }
}

fn parts(rates: &Rates, long: bool, cache: &CacheUse) -> Result<Parts, Unpriced> {
    let plain = rates.input.ok_or(Unpriced::InputPrice)?;
    let output = rates.output.ok_or(Unpriced::OutputPrice)?;
    // As the price list itself has it: cached input without a price of its own costs what plain input costs.
    let (cached, written) = (rates.cached_input.unwrap_or(plain), rates.cache_write.unwrap_or(plain));
    let (read, write) = (cache.read.value, cache.written);
    let input = plain * (1.0 - read - write) + cached * read + written * write;
    Ok(Parts { plain, cached, input, output, long: f64::from(u8::from(long)) })
}

/// The rates for so many tokens at a time, and whether they are those of long input.
fn rates(pieces: &[PricePiece], at_us: i64, tokens: f64) -> Option<(&Rates, bool)> {
    let piece = pieces.iter().find(|piece| piece.holds(at_us, tokens.round() as u64))?;
    Some((&piece.rates, piece.above_tokens.is_some()))
}

#[cfg(test)]
mod tests;
