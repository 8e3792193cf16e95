//! Processes with several plausible hyperparameters, so that not knowing them widens the predictions.

use super::budget::Budget;
use super::fit::{Fitted, Unfit, hyperparameters};
use super::halton::halton;
use super::predict::{Anchor, Prediction, normal_cdf};
use super::process::{GaussianProcess, Sample};

/// Points of the hyperparameter posterior that are weighed, and how many processes stand for them in the end.
const WEIGHED: u32 = 48;
const MEMBERS: u32 = 8;
/// The points are drawn wider than the posterior seems, as its tails are longer than the normal's.
const WIDER: f64 = 1.3;

/// Weighted processes over the same samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// Weights sum to 1.
    members: Vec<(f64, GaussianProcess)>,
}

/// Weighted normal distributions.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    parts: Vec<(f64, Prediction)>,
}

impl Ensemble {
    /// Averages over the posterior of the hyperparameters by importance sampling around its mode, at fixed points (Bayesian
    /// quadrature in spirit of Rue, Martino & Chopin, JRSS B 71, 2009, doi:10.1111/j.1467-9868.2008.00700.x). Needs two to
    /// [`super::MOST_POINTS`] samples with 1 to 4 coordinates. Takes at most 72 + 34·(dimensions + 2) steps of the budget.
    /// The order of the samples matters to the last digits only.
    pub fn fitted(samples: &[Sample], budget: &mut Budget) -> Result<Self, Unfit> {
        let mut fitted = Fitted::to(samples, budget)?;
        let deviations = fitted.deviations()?;
        let mut points = vec![(0.0, fitted.best.clone())];
        let mut highest = 0.0_f64;
        for index in 1..WEIGHED {
            let scores: Vec<f64> = (0..deviations.len()).map(|place| normal_quantile(halton(index, place))).collect();
            let steps = scores.iter().zip(&deviations).map(|(score, deviation)| WIDER * score * deviation);
            let logs: Vec<f64> = fitted.best.iter().zip(steps).map(|(best, step)| best + step).collect();
            let drawn = -0.5 * scores.iter().map(|score| score * score).sum::<f64>();
            let weight = fitted.density_at(&logs)? - fitted.density - drawn;
            if weight.is_finite() {
                highest = highest.max(weight);
                points.push((weight, logs));
            }
        }
        let total: f64 = points.iter().map(|(weight, _)| (weight - highest).exp()).sum();
        let (mut members, mut reached, mut taken) = (Vec::new(), 0.0, 0);
        for (weight, logs) in points {
            reached += (weight - highest).exp() / total;
            // Systematic resampling: one member for each eighth of the weight.
            let due = ((reached * f64::from(MEMBERS) + 0.5).floor() as u32).min(MEMBERS);
            if due > taken {
                let process = GaussianProcess::conditioned(samples, hyperparameters(&logs, fitted.spread));
                let share = f64::from(due - taken) / f64::from(MEMBERS);
                members.push((share, process.ok_or(Unfit::Samples)?));
                taken = due;
            }
        }
        if members.is_empty() { Err(Unfit::Samples) } else { Ok(Self { members }) }
    }

    #[must_use]
    pub fn predict(&self, x: &[f64]) -> Mixture {
        Mixture { parts: self.members.iter().map(|(weight, process)| (*weight, process.predict(x))).collect() }
    }

    #[must_use]
    pub fn anchor(&self, x: &[f64]) -> Vec<Anchor> {
        self.members.iter().map(|(_, process)| process.anchor(x)).collect()
    }

    /// How much higher the function is at x than at an anchor of this ensemble.
    #[must_use]
    pub fn difference(&self, x: &[f64], anchor: &[Anchor]) -> Mixture {
        let members = self.members.iter().zip(anchor);
        Mixture { parts: members.map(|((weight, process), anchor)| (*weight, process.difference(x, anchor))).collect() }
    }
}

impl Mixture {
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.average(|part| part.mean)
    }

    /// Standard deviation.
    #[must_use]
    pub fn sd(&self) -> f64 {
        let mean = self.mean();
        self.average(|part| part.sd.powi(2) + (part.mean - mean).powi(2)).sqrt()
    }

    /// Probability that the value is at most the limit.
    #[must_use]
    pub fn at_most(&self, limit: f64) -> f64 {
        self.average(|part| part.at_most(limit))
    }

    /// Mean of the part above 0.
    #[must_use]
    pub fn expected_excess(&self) -> f64 {
        self.average(Prediction::expected_excess)
    }

    fn average(&self, of: impl Fn(&Prediction) -> f64) -> f64 {
        self.parts.iter().map(|(weight, part)| weight * of(part)).sum()
    }
}

/// Inverse of the normal distribution function by bisection; 40 halvings of ±8 are precise to 1e-11.
fn normal_quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if normal_cdf(middle) < probability { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(value: impl Fn(f64) -> f64, se: f64) -> Vec<Sample> {
        (0..8).map(|i| f64::from(i) / 7.0).map(|x| Sample { x: vec![x], y: value(x), se }).collect()
    }

    fn fitted(samples: &[Sample]) -> Ensemble {
        Ensemble::fitted(samples, &mut Budget::new(200)).unwrap()
    }

    #[test]
    fn weights_sum_to_one() {
        let weights: f64 = fitted(&samples(|x| x * x, 0.1)).members.iter().map(|(weight, _)| weight).sum();
        assert!((weights - 1.0).abs() < 1e-12, "{weights}");
    }

    #[test]
    fn follows_a_clear_curve_and_doubts_itself_beyond_it() {
        let ensemble = fitted(&samples(|x| (3.0 * x).sin(), 0.01));
        let (inside, beyond) = (ensemble.predict(&[0.36]), ensemble.predict(&[2.0]));
        assert!((inside.mean() - 1.08_f64.sin()).abs() < 0.03, "{}", inside.mean());
        assert!(inside.sd() < 0.05 && beyond.sd() > 5.0 * inside.sd(), "{} {}", inside.sd(), beyond.sd());
    }

    #[test]
    fn noise_is_smoothed_not_interpolated() {
        // ±1 in turns with a known standard error of 1: nothing to see.
        let alternating: Vec<Sample> = (0..8_i32)
            .map(|i| Sample { x: vec![f64::from(i) / 7.0], y: f64::from(1 - 2 * (i % 2)), se: 1.0 })
            .collect();
        let predicted = fitted(&alternating).predict(&[3.0 / 7.0]);
        assert!(predicted.mean().abs() < 0.5 && predicted.sd() > 0.2, "{} ± {}", predicted.mean(), predicted.sd());
    }

    #[test]
    fn constants_and_bad_samples() {
        let constant = fitted(&samples(|_| 3.0, 0.0)).predict(&[0.5]);
        assert!((constant.mean() - 3.0).abs() < 1e-6 && constant.sd() < 1e-6, "{constant:?}");
        let unfit = |samples: &[Sample]| Ensemble::fitted(samples, &mut Budget::new(1_000)).unwrap_err();
        assert_eq!(unfit(&[]), Unfit::Samples);
        assert_eq!(unfit(&samples(|x| x, 0.1)[..1]), Unfit::Samples);
        assert_eq!(unfit(&samples(|_| f64::NAN, 0.1)), Unfit::Samples);
        assert_eq!(unfit(&samples(|x| x, f64::NAN)), Unfit::Samples);
    }

    #[test]
    fn works_within_its_budget() {
        let samples = samples(|x| x, 0.1);
        assert_eq!(Ensemble::fitted(&samples, &mut Budget::new(60)), Err(Unfit::OutOfBudget));
        let mut budget = Budget::new(72 + 34 * 3);
        assert!(Ensemble::fitted(&samples, &mut budget).is_ok());
    }

    #[test]
    fn quantiles_of_the_normal_distribution() {
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-10);
        assert!(normal_quantile(0.5).abs() < 1e-10);
    }
}
