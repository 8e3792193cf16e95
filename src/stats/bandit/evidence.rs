//! What is kept of an arm's rewards.

use serde::{Deserialize, Serialize};

/// Rewards beyond it would overflow when squared and summed.
const LARGEST: f64 = 1e100;

/// Why statistics were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unusable {
    #[error("the number of requests is not a number of zero or more")]
    Requests,
    #[error("the mean reward is not a number between -1e100 and 1e100")]
    Mean,
    #[error("the variance of the rewards is not a number of zero or more")]
    Variance,
    #[error("a feature is not a number between -1e9 and 1e9")]
    Feature,
    #[error("the number of features differs")]
    Features,
    #[error("more features than the model holds")]
    TooManyFeatures,
}

/// Number, mean and scatter of an arm's rewards: all a normal or Bernoulli posterior needs. Merges by addition.
///
/// `requests` is an *effective* number: divide by the design effect where requests depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Evidence {
    requests: f64,
    mean: f64,
    /// Sum of squared deviations from the mean.
    squares: f64,
}

/// The form in history.
#[derive(Serialize, Deserialize)]
struct Stored {
    requests: f64,
    mean: f64,
    squares: f64,
}

impl Evidence {
    /// From an effective number of requests, their mean reward and its sample variance (divided by n − 1). Below two requests
    /// there is no variance, and the one given is not used; without requests nothing is.
    pub fn new(requests: f64, mean: f64, variance: f64) -> Result<Self, Unusable> {
        let scatter = if requests > 1.0 { variance * (requests - 1.0) } else { 0.0 };
        Self::checked(requests, mean, scatter)
    }

    fn checked(requests: f64, mean: f64, squares: f64) -> Result<Self, Unusable> {
        if !(requests >= 0.0 && requests.is_finite()) {
            return Err(Unusable::Requests);
        }
        if requests.total_cmp(&0.0).is_eq() {
            return Ok(Self::default());
        }
        if !(-LARGEST..=LARGEST).contains(&mean) {
            return Err(Unusable::Mean);
        }
        if !(squares >= 0.0 && squares.is_finite()) {
            return Err(Unusable::Variance);
        }
        Ok(Self { requests, mean, squares })
    }

    /// Effective number of requests.
    #[must_use]
    pub fn requests(&self) -> f64 {
        self.requests
    }

    /// Mean reward; 0 where there is none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Sum of squared deviations from the mean.
    #[must_use]
    pub fn squares(&self) -> f64 {
        self.squares
    }

    /// One more reward. One that is no number changes nothing: missing data never counts as good.
    pub fn observe(&mut self, reward: f64) {
        if reward.abs() <= LARGEST {
            *self = self.merge(&Self { requests: 1.0, mean: reward, squares: 0.0 });
        }
    }

    /// Both together (Chan, Golub, `LeVeque`, The American Statistician 37, 1983, doi:10.1080/00031305.1983.10483115).
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let requests = self.requests + other.requests;
        if requests <= 0.0 || !requests.is_finite() {
            return *self;
        }
        let (weight, apart) = (other.requests / requests, other.mean - self.mean);
        let squares = self.squares + other.squares + apart * apart * self.requests * weight;
        Self { requests, mean: self.mean + apart * weight, squares }
    }

    /// Old evidence at a part of its weight, `0..=1`: 0.5 counts every request half. The mean stays. Without a usable factor
    /// nothing is left.
    #[must_use]
    pub fn discounted(&self, factor: f64) -> Self {
        let factor = if factor.is_nan() { 0.0 } else { factor.clamp(0.0, 1.0) };
        Self::checked(self.requests * factor, self.mean, self.squares * factor).unwrap_or_default()
    }
}

impl TryFrom<Stored> for Evidence {
    type Error = Unusable;

    fn try_from(Stored { requests, mean, squares }: Stored) -> Result<Self, Unusable> {
        Self::checked(requests, mean, squares)
    }
}

impl From<Evidence> for Stored {
    fn from(Evidence { requests, mean, squares }: Evidence) -> Self {
        Self { requests, mean, squares }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_is_the_same_as_seeing_all() {
        let rewards = [0.2, 0.9, 0.4, 0.4, 1.0, 0.0, 0.7];
        let seen = |part: &[f64]| {
            let mut evidence = Evidence::default();
            for reward in part {
                evidence.observe(*reward);
            }
            evidence
        };
        let (all, parts) = (seen(&rewards), seen(&rewards[..3]).merge(&seen(&rewards[3..])));
        assert!((all.mean - 3.6 / 7.0).abs() < 1e-15 && (all.mean - parts.mean).abs() < 1e-15);
        assert!((all.squares - parts.squares).abs() < 1e-14 && (all.requests - 7.0).abs() < 1e-15);
        let variance = all.squares / 6.0;
        assert_eq!(Evidence::new(7.0, all.mean, variance).map(|e| (e.squares - all.squares).abs() < 1e-14), Ok(true));
        assert_eq!(all.merge(&Evidence::default()), all);
        assert_eq!(Evidence::default().merge(&all), all);
    }

    #[test]
    fn age_takes_weight_and_leaves_the_mean() {
        let evidence = Evidence::new(100.0, 0.7, 0.04).unwrap();
        let old = evidence.discounted(0.25);
        assert!((old.requests - 25.0).abs() < 1e-12 && (old.mean - 0.7).abs() < 1e-15);
        assert!((old.squares - evidence.squares * 0.25).abs() < 1e-12);
        assert_eq!((evidence.discounted(f64::NAN), evidence.discounted(-1.0)), Default::default());
        assert_eq!(evidence.discounted(7.0), evidence);
    }

    #[test]
    fn what_is_no_statistic_is_refused_by_name() {
        assert_eq!(Evidence::new(f64::NAN, 0.0, 0.0), Err(Unusable::Requests));
        assert_eq!(Evidence::new(-1.0, 0.0, 0.0), Err(Unusable::Requests));
        assert_eq!(Evidence::new(5.0, f64::INFINITY, 0.0), Err(Unusable::Mean));
        assert_eq!(Evidence::new(5.0, 1e300, 0.0), Err(Unusable::Mean));
        assert_eq!(Evidence::new(5.0, 0.0, -1.0), Err(Unusable::Variance));
        assert_eq!(Evidence::new(0.0, f64::NAN, f64::NAN), Ok(Evidence::default()));
        assert!(Evidence::new(1.0, 0.3, f64::NAN).is_ok(), "one request has no variance");
        let mut evidence = Evidence::default();
        evidence.observe(f64::NAN);
        assert_eq!(evidence, Evidence::default());
    }

    #[test]
    fn history_keeps_every_bit_and_is_checked_when_read() {
        let evidence = Evidence::new(12.5, 0.1 + 0.2, 1.0 / 3.0).unwrap();
        let text = serde_json::to_string(&evidence).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), evidence);
        let broken = r#"{"requests":-3.0,"mean":0.5,"squares":1.0}"#;
        assert!(serde_json::from_str::<Evidence>(broken).unwrap_err().to_string().contains("number of requests"));
    }
}
