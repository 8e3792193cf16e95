//! A reward model by segment and action that never saw the request it speaks about.

use super::{Sample, estimators::Expected};

/// Requests that the mean of an action over all segments is worth beside those of one segment.
const PRIOR_REQUESTS: f64 = 10.0;

/// One request of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged {
    /// Segment, counted from 0.
    pub context: usize,
    /// Action, counted from 0.
    pub action: usize,
    /// Probability with which it was taken.
    pub propensity: f64,
    pub reward: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    weight: f64,
    weight_squared: f64,
    sum: f64,
}

impl Cell {
    fn add(&mut self, reward: f64, weight: f64) {
        self.weight += weight;
        self.weight_squared += weight * weight;
        self.sum += weight * reward;
    }

    /// Mean, drawn towards `prior`.
    fn mean(self, prior: f64) -> f64 {
        if self.weight <= 0.0 {
            return prior;
        }
        let requests = self.weight * self.weight / self.weight_squared;
        (requests * self.sum / self.weight + PRIOR_REQUESTS * prior) / (requests + PRIOR_REQUESTS)
    }
}

/// The log as samples for [`super::evaluate`]: with the target policy's probability, and with expectations from `folds` models,
/// each of which leaves out the requests it is asked about (cross-fitting: Chernozhukov and others, Econometrics Journal 21(1),
/// 2018, doi:10.1111/ectj.12097). The model is the mean by segment and action, drawn towards that of the action and this towards
/// that of all. Requests weigh 1 / propensity in it, so that a segment in which the logging policy still told requests apart gets the
/// mean of all of them and not of those the action got (Kang and Schafer, Statistical Science 22(4), 2007, doi:10.1214/07-STS227). Fold
/// by place in the log, so give the log in an order that does not follow the fold: by time is fine.
///
/// `target(context, action)` is a probability; `actions` is how many actions there are. Rewards, propensities and actions that
/// cannot be are left to [`super::evaluate`] to refuse: an action beyond `actions` gets a propensity of NaN.
#[must_use]
pub fn cross_fitted(log: &[Logged], actions: usize, folds: usize, target: impl Fn(usize, usize) -> f64) -> Vec<Sample> {
    let folds = folds.max(2);
    let contexts = log.iter().map(|logged| logged.context + 1).max().unwrap_or(0);
    let mut samples: Vec<Option<Sample>> = vec![None; log.len()];
    for fold in 0..folds {
        let mut cells = vec![Cell::default(); contexts * actions];
        let mut by_action = vec![Cell::default(); actions];
        let mut all = Cell::default();
        let sound = |logged: &&Logged| {
            let weight = (1.0 / logged.propensity).powi(2);
            logged.action < actions && logged.reward.is_finite() && weight.is_finite() && weight > 0.0
        };
        let training = log.iter().enumerate().filter(|(place, _)| place % folds != fold).map(|(_, logged)| logged);
        for logged in training.filter(sound) {
            let weight = 1.0 / logged.propensity;
            cells[logged.context * actions + logged.action].add(logged.reward, weight);
            by_action[logged.action].add(logged.reward, weight);
            all.add(logged.reward, weight);
        }
        let overall = if all.weight > 0.0 { all.sum / all.weight } else { 0.0 };
        let expected =
            |context: usize, action: usize| cells[context * actions + action].mean(by_action[action].mean(overall));
        for (place, logged) in log.iter().enumerate().skip(fold).step_by(folds) {
            let known = logged.action < actions;
            samples[place] = Some(Sample {
                propensity: if known { logged.propensity } else { f64::NAN },
                target: if known { target(logged.context, logged.action) } else { 0.0 },
                reward: logged.reward,
                expected: known.then(|| Expected {
                    taken: expected(logged.context, logged.action),
                    target: (0..actions)
                        .map(|action| target(logged.context, action) * expected(logged.context, action))
                        .sum(),
                }),
            });
        }
    }
    samples.into_iter().flatten().collect()
}
