//! How many of the next requests succeed, when the rate itself is uncertain.

use statrs::function::gamma::ln_gamma;

const MOST_REQUESTS: u64 = 100_000;

/// Successes among `requests` when the rate follows Beta(`successes`, `failures`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaBinomial {
    successes: f64,
    failures: f64,
    requests: u64,
}

impl BetaBinomial {
    /// `None` unless both shapes are above zero and finite and there are 1 to 100,000 requests: sums run over all of them, and
    /// more requests have no sampling error to speak of.
    #[must_use]
    pub fn new(successes: f64, failures: f64, requests: u64) -> Option<Self> {
        let sound = |shape: f64| shape > 0.0 && shape.is_finite();
        (sound(successes) && sound(failures) && (1..=MOST_REQUESTS).contains(&requests)).then_some(Self {
            successes,
            failures,
            requests,
        })
    }

    /// After `mean` · `seen` successes in `seen` requests, from Jeffreys' prior Beta(½, ½).
    #[must_use]
    pub fn after(mean: f64, seen: f64, requests: u64) -> Option<Self> {
        Self::new(mean * seen + 0.5, (1.0 - mean) * seen + 0.5, requests)
    }

    fn probability(&self, successes: u64) -> f64 {
        let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let (k, n) = (successes as f64, self.requests as f64);
        let ways = -ln_beta(k + 1.0, n - k + 1.0) - (n + 1.0).ln();
        (ways + ln_beta(k + self.successes, n - k + self.failures) - ln_beta(self.successes, self.failures)).exp()
    }

    /// Probability of fewer successes, the same number counted half.
    #[must_use]
    pub fn below(&self, successes: u64) -> f64 {
        let fewer: f64 = (0..successes.min(self.requests + 1)).map(|k| self.probability(k)).sum();
        if successes > self.requests { 1.0 } else { (fewer + self.probability(successes) / 2.0).min(1.0) }
    }

    /// Fewest and most successes that lie between the tails of probability `tail` each, the ends counted half.
    #[must_use]
    pub fn between(&self, tail: f64) -> [u64; 2] {
        let (mut ends, mut fewer) = ([self.requests, 0], 0.0);
        for k in 0..=self.requests {
            let here = self.probability(k);
            let below = fewer + here / 2.0;
            if below >= tail && below <= 1.0 - tail {
                ends = [ends[0].min(k), ends[1].max(k)];
            }
            fewer += here;
        }
        ends // where one number has all the probability but the tails, half of it lies below: never empty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy 1.17.1: betabinom(20, 8.5, 2.5): cdf(13) - pmf(13) / 2, and the middle cdf from 0.05 to 0.95.
        let found = BetaBinomial::after(0.8, 10.0, 20).unwrap();
        assert!((found.below(13) - 0.204_254_261_931_055_28).abs() < 1e-10, "{}", found.below(13));
        assert_eq!(found.between(0.05), [10, 19]);
        let all: f64 = (0..=20).map(|k| found.probability(k)).sum();
        assert!((all - 1.0).abs() < 1e-10);
    }

    #[test]
    fn ends_are_reachable_and_nonsense_is_none() {
        let sure = BetaBinomial::after(1.0, 1000.0, 5).unwrap();
        assert_eq!(sure.between(0.05)[1], 5);
        assert!(sure.below(5) < 0.95);
        assert!((sure.below(9) - 1.0).abs() < 1e-12);
        assert_eq!(BetaBinomial::new(f64::NAN, 1.0, 5), None);
        assert_eq!((BetaBinomial::new(1.0, 1.0, 0), BetaBinomial::new(1.0, 1.0, u64::MAX)), (None, None));
    }
}
