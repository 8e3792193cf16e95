//! What a request costs when the source does not say, in the whole numbers that cells add up.

use crate::domain::{
    ModelTable,
    price::{ModelPrice, PricePiece, Usage},
};

/// Tokens of one request; none where unknown. Cached and written tokens are part of the input.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tokens {
    pub input: Option<f64>,
    pub cached: Option<f64>,
    pub cache_write: Option<f64>,
    pub output: Option<f64>,
}

/// A price that holds for certain requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer<'a> {
    /// Empty for rows that do not tell theirs.
    pub provider: &'a str,
    pub model: &'a str,
    pub piece: PricePiece,
}

/// The price list as offers of which no two hold for one request, for databases that look prices up in a table.
pub(super) fn offers(table: &ModelTable) -> Vec<Offer<'_>> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for model in table.models() {
        names.extend([(model.provider.as_str(), model.model.as_str()), ("", model.model.as_str())]);
    }
    names.sort_unstable();
    names.dedup();
    let pieces = names.into_iter().flat_map(|(provider, model)| {
        let price = table.price_of((!provider.is_empty()).then_some(provider), model);
        let pieces = price.map(ModelPrice::pieces).unwrap_or_default();
        pieces.into_iter().map(move |piece| Offer { provider, model, piece })
    });
    pieces.collect()
}

/// Billionths of a US dollar that a successful request of these tokens, started at `ts_us` (microseconds since 1970), costs; none
/// where a price or a token count is missing.
pub(super) fn cost_nano(price: &ModelPrice, ts_us: i64, tokens: &Tokens) -> Option<i64> {
    let usage = Usage {
        input: tokens.input? as u64,
        cached_input: tokens.cached.unwrap_or(0.0) as u64,
        cache_write: tokens.cache_write.unwrap_or(0.0) as u64,
        output: tokens.output? as u64,
        reasoning: 0,
    };
    Some(whole(price.cost_usd(ts_us, &usage)?, 1e9))
}

/// `value × scale` as a whole number, halves away from zero: what `CAST(round(value * scale) AS BIGINT)` says in SQL.
/// Only for values of at least zero.
#[inline]
pub(super) fn whole(value: f64, scale: f64) -> i64 {
    let scaled = value * scale;
    let below = scaled as i64;
    // Saturating, because what stands where nothing is known may be any number.
    below.saturating_add(i64::from(scaled - below as f64 >= 0.5))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::price::{PriceEntry, Rates};

    #[test]
    fn what_is_missing_makes_the_cost_unknown_and_never_zero() {
        let rates = Rates { input: Some(3e-6), output: Some(15e-6), cached_input: Some(3e-7), cache_write: None };
        let price = ModelPrice::new(vec![PriceEntry { valid_from: None, daily_utc: None, rates, long_input: vec![] }]);
        let tokens = Tokens { input: Some(1_000.0), cached: Some(400.0), cache_write: Some(100.0), output: Some(50.0) };
        // 500 fresh and 100 written at 3 $, 400 cached at 0.3 $, 50 out at 15 $, each per million.
        assert_eq!(cost_nano(&price, 0, &tokens), Some(2_670_000));
        assert_eq!(cost_nano(&price, 0, &Tokens { output: None, ..tokens }), None);
        assert_eq!(cost_nano(&price, 0, &Tokens { input: None, ..tokens }), None);
        let plain = Tokens { cached: None, cache_write: None, ..tokens };
        assert_eq!(cost_nano(&price, 0, &plain), Some(3_750_000));
    }

    proptest! {
        #[test]
        fn rounding_is_that_of_the_library(value in prop_oneof![0.0..1e6f64, 0.0..1e-6f64], half in 0..2_000_000_000_000i64) {
            prop_assert_eq!(whole(value, 1e9), (value * 1e9).round() as i64);
            let half = half as f64 / 2.0;
            prop_assert_eq!(whole(half, 1.0), half.round() as i64);
            let less = half.next_down().max(0.0);
            prop_assert_eq!(whole(less, 1.0), less.round() as i64);
        }
    }
}
