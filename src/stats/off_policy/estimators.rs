//! Importance weighting, self-normalised weighting and the doubly robust estimator, each with an influence-function error.

use crate::stats::{interval::Uncertain, prediction::Student};

/// Effective requests below which nothing is said: weights so uneven that a few requests decide.
pub const MIN_EFFECTIVE_REQUESTS: f64 = 30.0;

/// Standard errors, at their largest, by which the mean weight may miss 1 before the log counts as contradicting itself.
const MOST_IMBALANCE: f64 = 4.0;

/// One request of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Probability with which the logging policy took this action here, above 0 and at most 1.
    pub propensity: f64,
    /// Probability with which the target policy takes it, `0..=1`.
    pub target: f64,
    /// What came of it: any finite number, more is not necessarily better.
    pub reward: f64,
    /// What a model that has not seen this request expects. Only the doubly robust estimator asks for it.
    pub expected: Option<Expected>,
}

/// A reward model's expectation for one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Of the action that was taken.
    pub taken: f64,
    /// Of the target policy: the mean over its actions by their probability.
    pub target: f64,
}

/// How the value is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Mean of w·r, w = target / propensity (Horvitz and Thompson, JASA 47, 1952, doi:10.1080/01621459.1952.10483446). Unbiased
    /// where propensities are right; the widest.
    Weighted,
    /// Σ w·r / Σ w (Swaminathan and Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NIPS 2015). Never
    /// leaves the range of the rewards, and moving all rewards by a constant moves it by the same.
    SelfNormalised,
    /// Mean of the model's expectation plus w·(r − expected) (Dudík, Erhan, Langford, Li, Statistical Science 29(4), 2014,
    /// doi:10.1214/14-STS500). Right where either model or propensities are.
    DoublyRobust,
}

/// The value of the target policy, per request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// With the 90 % interval of Student's t for the effective number of requests, widened as everywhere.
    pub estimate: Uncertain,
    pub requests: u64,
    /// Kish's (Σ w)² / Σ w².
    pub effective_requests: f64,
    /// Mean weight; 1 in expectation.
    pub mean_weight: f64,
    /// Largest weight as a share of all.
    pub largest_weight: f64,
    /// Requests whose weight was cut to the limit, and the share of all weight that went with it. Above zero, the estimate leans
    /// towards the logging policy (towards the model, where doubly robust) by an unknown amount.
    pub clipped: u64,
    pub clipped_weight: f64,
}

/// Why no value is given.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Abstention {
    #[error("the log is empty")]
    Empty,
    #[error("request {place} has a propensity, probability or reward that cannot be")]
    NotSound { place: u64 },
    #[error("request {place} comes without an expected reward")]
    NoModel { place: u64 },
    #[error("the log never took an action that the target policy would take")]
    NoOverlap,
    #[error(
        "{effective:.0} effective requests of {requests}, {MIN_EFFECTIVE_REQUESTS:.0} needed: the log rarely did what the target policy would do"
    )]
    TooFew { effective: f64, requests: u64 },
    #[error(
        "the mean weight is {mean_weight:.2} where it should be 1: propensities are wrong, or the log never takes some actions of the target policy"
    )]
    Imbalanced { mean_weight: f64 },
    #[error("the limit on weights is not above zero")]
    Limit,
}

/// Sums over the log that every method needs; one pass keeps memory constant.
#[derive(Default)]
struct Sums {
    requests: u64,
    raw: f64,
    largest_raw: f64,
    weight: f64,
    weight_squared: f64,
    largest: f64,
    clipped: u64,
    /// Of terms, and of terms squared: w·r, or the doubly robust term.
    term: f64,
    term_squared: f64,
    weighted_reward: f64,
    /// Σ w²·r and Σ w²·r².
    squared_reward: f64,
    squared_reward_squared: f64,
}

/// Value of the target policy from a log, weights cut at `limit` where there is one.
///
/// Errors are those of independent requests; give one sample a cluster where they are not. Abstains below
/// [`MIN_EFFECTIVE_REQUESTS`] and where the weights do not average one.
pub fn evaluate(
    log: impl IntoIterator<Item = Sample>,
    method: Method,
    limit: Option<f64>,
) -> Result<Value, Abstention> {
    let limit = limit.unwrap_or(f64::INFINITY);
    if limit.is_nan() || limit <= 0.0 {
        return Err(Abstention::Limit);
    }
    let mut sums = Sums::default();
    // Shifted by the first reward, so that squares of large rewards do not swallow their spread.
    let mut origin = None;
    for sample in log {
        let place = sums.requests;
        check(&sample).map_err(|()| Abstention::NotSound { place })?;
        let origin = *origin.get_or_insert(sample.reward);
        let raw = sample.target / sample.propensity;
        let weight = raw.min(limit);
        let reward = sample.reward - origin;
        let term = match method {
            Method::Weighted => weight * sample.reward,
            Method::SelfNormalised => 0.0,
            Method::DoublyRobust => {
                let expected = sample.expected.ok_or(Abstention::NoModel { place })?;
                expected.target - origin + weight * (sample.reward - expected.taken)
            }
        };
        sums.add(raw, weight, reward, term);
    }
    sums.value(method, origin.unwrap_or(0.0))
}

fn check(sample: &Sample) -> Result<(), ()> {
    let expected = sample.expected.is_none_or(|expected| expected.taken.is_finite() && expected.target.is_finite());
    let propensity = sample.propensity > 0.0 && sample.propensity <= 1.0;
    let weight = (sample.target / sample.propensity).is_finite();
    let sound = propensity && weight && (0.0..=1.0).contains(&sample.target) && sample.reward.is_finite();
    if sound && expected { Ok(()) } else { Err(()) }
}

impl Sums {
    fn add(&mut self, raw: f64, weight: f64, reward: f64, term: f64) {
        self.requests += 1;
        self.raw += raw;
        self.largest_raw = self.largest_raw.max(raw);
        self.weight += weight;
        self.weight_squared += weight * weight;
        self.largest = self.largest.max(weight);
        self.clipped += u64::from(weight < raw);
        self.term += term;
        self.term_squared += term * term;
        self.weighted_reward += weight * reward;
        self.squared_reward += weight * weight * reward;
        self.squared_reward_squared += (weight * reward).powi(2);
    }

    fn value(&self, method: Method, origin: f64) -> Result<Value, Abstention> {
        let n = self.requests as f64;
        if self.requests == 0 {
            return Err(Abstention::Empty);
        }
        if self.weight <= 0.0 {
            return Err(Abstention::NoOverlap);
        }
        let effective = self.weight * self.weight / self.weight_squared;
        if effective.is_nan() || effective < MIN_EFFECTIVE_REQUESTS {
            return Err(Abstention::TooFew { effective, requests: self.requests });
        }
        // Before clipping: it is the log that is judged here. The spread that was seen is no measure, since a log that is short
        // of heavy weights is short of spread, too; but E w² ≤ max w · E w, which should be the largest weight.
        let mean_weight = self.raw / n;
        if (mean_weight - 1.0).abs() > MOST_IMBALANCE * (self.largest_raw.max(1.0) / n).sqrt() {
            return Err(Abstention::Imbalanced { mean_weight });
        }
        let (value, variance) = match method {
            Method::SelfNormalised => {
                let value = self.weighted_reward / self.weight;
                let squares = self.squared_reward_squared - 2.0 * value * self.squared_reward
                    + value * value * self.weight_squared;
                (origin + value, squares.max(0.0) / (self.weight * self.weight) * effective / (effective - 1.0))
            }
            Method::Weighted | Method::DoublyRobust => {
                let mean = self.term / n;
                let shift = if method == Method::DoublyRobust { origin } else { 0.0 };
                (mean + shift, (self.term_squared / n - mean * mean).max(0.0) / (n - 1.0))
            }
        };
        let student = Student::new(value, variance.sqrt(), effective - 1.0).ok_or(Abstention::NotSound { place: 0 })?;
        Ok(Value {
            estimate: student.uncertain(),
            requests: self.requests,
            effective_requests: effective,
            mean_weight,
            largest_weight: self.largest / self.weight,
            clipped: self.clipped,
            clipped_weight: 1.0 - self.weight / self.raw,
        })
    }
}
