//! What a switch of models costs once: the provider's cache knows nothing of the prompts yet.

use super::{Unpriced, Workload, rates};
use crate::domain::price::ModelPrice;

/// What a switch costs once, because the new model's cache is empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColdCache {
    /// US dollars, at most: every request of the first cache lifetime pays in full what it would read from a warm cache.
    pub at_most_usd: f64,
    /// US dollars, at least: one request does.
    pub at_least_usd: f64,
    /// Tokens that would have been read from the cache in that time.
    pub tokens: f64,
}

/// Cost of the cold cache at the rates of `price`, for `requests_per_minute` moved to the new model at `at_us`, over the first
/// `lifetime_minutes` of its cache. From then on the share read from the cache is taken to be what it was.
///
/// In that time the tokens are charged as written to the cache, or as plain input where that is dearer, instead of as read.
/// How many different prompts share a beginning is not in the logs, so the truth lies between one miss and all.
pub fn cold_cache(
    price: &ModelPrice,
    at_us: i64,
    workload: &Workload,
    requests_per_minute: f64,
    lifetime_minutes: f64,
) -> Result<ColdCache, Unpriced> {
    if !workload.cache.is_sound() {
        return Err(Unpriced::CacheShares);
    }
    let mean = workload.input_tokens.mean().ok_or(Unpriced::InputTokens)? * workload.log_tokenizer_ratio.value.exp();
    let requests = requests_per_minute * lifetime_minutes;
    if !(requests.is_finite() && requests >= 0.0 && mean.is_finite()) {
        return Err(Unpriced::NotFinite);
    }
    let pieces = price.pieces();
    let total = workload.input_tokens.weight();
    let mut extra = 0.0;
    for bin in workload.input_tokens.bins().iter().filter(|bin| bin.weight > 0.0) {
        let tokens = bin.sum / bin.weight * workload.log_tokenizer_ratio.value.exp();
        let (rates, _) = rates(&pieces, at_us, tokens).ok_or(Unpriced::NotInForce)?;
        let plain = rates.input.ok_or(Unpriced::InputPrice)?;
        let full = rates.cache_write.map_or(plain, |write| write.max(plain));
        extra += bin.weight / total * tokens * (full - rates.cached_input.unwrap_or(plain)).max(0.0);
    }
    let one = extra * workload.cache.read.value;
    Ok(ColdCache {
        at_most_usd: one * requests,
        at_least_usd: one * requests.min(1.0),
        tokens: mean * workload.cache.read.value * requests,
    })
}
