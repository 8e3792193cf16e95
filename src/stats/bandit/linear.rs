//! Mean reward as a linear function of what is known of a request: Bayesian linear regression, the model under linear
//! Thompson sampling (Agrawal and Goyal, ICML 2013, arXiv:1209.3352) and `LinUCB` (Li, Chu, Langford, Schapire, WWW 2010,
//! doi:10.1145/1772690.1772758). Its prediction is a [`Posterior`] like any other arm's.

use serde::{Deserialize, Serialize};

use super::{
    Posterior, StudentMean, Unusable,
    cholesky::{Cholesky, place},
    posterior::PRIOR_FREEDOM,
};

/// Features a model may have, the constant 1 among them.
pub const MOST_FEATURES: usize = 16;
const LARGEST_FEATURE: f64 = 1e9;
const LARGEST_REWARD: f64 = 1e100;

/// Sums of an arm's rewards and features. Merges by addition, over services too where they share the arm's model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct LinearEvidence {
    requests: f64,
    /// Lower triangle of Σ x xᵀ, row by row.
    products: Vec<f64>,
    /// Σ x y.
    rewards: Vec<f64>,
    /// Σ y².
    squares: f64,
}

/// The form in history.
#[derive(Serialize, Deserialize)]
struct Stored {
    requests: f64,
    products: Vec<f64>,
    rewards: Vec<f64>,
    squares: f64,
}

impl LinearEvidence {
    /// Nothing seen yet, `features` numbers a request. Let the first be the constant 1, and keep the others near -1 to 1.
    pub fn new(features: usize) -> Result<Self, Unusable> {
        if features == 0 || features > MOST_FEATURES {
            return Err(Unusable::TooManyFeatures);
        }
        let products = vec![0.0; place(features, 0)];
        Ok(Self { requests: 0.0, products, rewards: vec![0.0; features], squares: 0.0 })
    }

    /// Numbers a request has.
    #[must_use]
    pub fn features(&self) -> usize {
        self.rewards.len()
    }

    /// Effective number of requests.
    #[must_use]
    pub fn requests(&self) -> f64 {
        self.requests
    }

    /// One more request and its reward. What is refused changes nothing.
    pub fn observe(&mut self, features: &[f64], reward: f64) -> Result<(), Unusable> {
        self.observe_many(features, 1.0, reward, 0.0)
    }

    /// Requests of the same features, from their effective number, mean reward and sample variance: a rollup's cell.
    pub fn observe_many(&mut self, features: &[f64], requests: f64, mean: f64, variance: f64) -> Result<(), Unusable> {
        self.fits(features)?;
        if !(0.0..=1e15).contains(&requests) {
            return Err(Unusable::Requests);
        }
        if !(-LARGEST_REWARD..=LARGEST_REWARD).contains(&mean) {
            return Err(Unusable::Mean);
        }
        let scatter = if requests > 1.0 { variance * (requests - 1.0) } else { 0.0 };
        if !(0.0..=LARGEST_REWARD * LARGEST_REWARD).contains(&scatter) {
            return Err(Unusable::Variance);
        }
        for (row, left) in features.iter().enumerate() {
            for (column, right) in features[..=row].iter().enumerate() {
                self.products[place(row, column)] += requests * left * right;
            }
            self.rewards[row] += requests * left * mean;
        }
        self.squares += scatter + requests * mean * mean;
        self.requests += requests;
        Ok(())
    }

    fn fits(&self, features: &[f64]) -> Result<(), Unusable> {
        if features.len() != self.features() {
            return Err(Unusable::Features);
        }
        if features.iter().all(|feature| feature.abs() <= LARGEST_FEATURE) { Ok(()) } else { Err(Unusable::Feature) }
    }

    /// Both together; refused where the number of features differs.
    pub fn merge(&self, other: &Self) -> Result<Self, Unusable> {
        if self.features() != other.features() {
            return Err(Unusable::Features);
        }
        let sum = |one: &[f64], two: &[f64]| one.iter().zip(two).map(|(a, b)| a + b).collect();
        Ok(Self {
            requests: self.requests + other.requests,
            products: sum(&self.products, &other.products),
            rewards: sum(&self.rewards, &other.rewards),
            squares: self.squares + other.squares,
        })
    }

    /// Old evidence at a part of its weight, `0..=1`. Without a usable factor nothing is left.
    #[must_use]
    pub fn discounted(&self, factor: f64) -> Self {
        let factor = if factor.is_nan() { 0.0 } else { factor.clamp(0.0, 1.0) };
        let all = |sums: &[f64]| sums.iter().map(|sum| sum * factor).collect();
        Self {
            requests: self.requests * factor,
            products: all(&self.products),
            rewards: all(&self.rewards),
            squares: self.squares * factor,
        }
    }
}

impl TryFrom<Stored> for LinearEvidence {
    type Error = Unusable;

    fn try_from(Stored { requests, products, rewards, squares }: Stored) -> Result<Self, Unusable> {
        let empty = Self::new(rewards.len())?;
        if products.len() != empty.products.len() {
            return Err(Unusable::Features);
        }
        if !(requests >= 0.0 && requests.is_finite()) {
            return Err(Unusable::Requests);
        }
        if !products.iter().all(|sum| sum.is_finite()) {
            return Err(Unusable::Feature);
        }
        if !rewards.iter().all(|sum| sum.is_finite()) {
            return Err(Unusable::Mean);
        }
        if !(squares >= 0.0 && squares.is_finite()) {
            return Err(Unusable::Variance);
        }
        Ok(Self { requests, products, rewards, squares })
    }
}

impl From<LinearEvidence> for Stored {
    fn from(LinearEvidence { requests, products, rewards, squares }: LinearEvidence) -> Self {
        Self { requests, products, rewards, squares }
    }
}

/// What is believed of the weights before any reward: that of the constant 1 is `mean`, all others 0, each as uncertain as
/// `1 / ridge` requests leave it; single rewards scatter by `deviation`, worth three requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearPrior {
    mean: f64,
    deviation: f64,
    ridge: f64,
}

impl LinearPrior {
    /// `None` unless the mean is finite, deviation and ridge above 0 and finite.
    #[must_use]
    pub fn new(mean: f64, deviation: f64, ridge: f64) -> Option<Self> {
        let usable = mean.abs() <= LARGEST_REWARD && deviation > 0.0 && deviation <= LARGEST_REWARD;
        (usable && (1e-9..=1e9).contains(&ridge)).then_some(Self { mean, deviation, ridge })
    }

    /// The regression. `None` where sums have grown past what numbers hold.
    #[must_use]
    pub fn regression(&self, evidence: &LinearEvidence) -> Option<Regression> {
        let size = evidence.features();
        // Everything counts from the prior mean, so that all weights are drawn towards 0.
        let shift = self.mean;
        let mut precision = evidence.products.clone();
        let products: Vec<f64> =
            (0..size).map(|row| evidence.rewards[row] - shift * evidence.products[place(row, 0)]).collect();
        for row in 0..size {
            precision[place(row, row)] += self.ridge;
        }
        let factor = Cholesky::new(size, &precision)?;
        let weights = factor.solve(&products);
        let squares = evidence.squares - 2.0 * shift * evidence.rewards[0] + shift * shift * evidence.products[0];
        let explained: f64 = factor.forward(&products).iter().map(|part| part * part).sum();
        let freedom = PRIOR_FREEDOM + evidence.requests;
        // Rounding may explain a little more than there is.
        let rest = (squares - explained).max(0.0);
        let variance = (PRIOR_FREEDOM * self.deviation * self.deviation + rest) / freedom;
        (variance.is_finite() && weights.iter().all(|weight| weight.is_finite())).then_some(Regression {
            shift,
            weights,
            factor,
            variance,
            freedom,
        })
    }
}

/// Weights and how well they are known.
pub struct Regression {
    shift: f64,
    weights: Vec<f64>,
    factor: Cholesky,
    variance: f64,
    freedom: f64,
}

impl std::fmt::Debug for Regression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Regression")
            .field("weights", &self.weights)
            .field("variance", &self.variance)
            .finish_non_exhaustive()
    }
}

impl Regression {
    /// Mean reward of requests with these features, the first of them the constant 1.
    pub fn predict(&self, features: &[f64]) -> Result<Posterior, Unusable> {
        if features.len() != self.weights.len() {
            return Err(Unusable::Features);
        }
        if !features.iter().all(|feature| feature.abs() <= LARGEST_FEATURE) {
            return Err(Unusable::Feature);
        }
        let location = self.shift * features[0] + features.iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f64>();
        let spread: f64 = self.factor.forward(features).iter().map(|part| part * part).sum();
        let student = StudentMean::new(location, (self.variance * spread).sqrt(), self.freedom);
        student.map(Posterior::Student).ok_or(Unusable::Feature)
    }
}

#[cfg(test)]
mod tests;
