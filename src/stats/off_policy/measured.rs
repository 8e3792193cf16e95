//! The mean of something that not every request has (a score, the latency of a failure) over those that would have it.

use std::collections::BTreeMap;

use super::{Abstention, Logged, MIN_EFFECTIVE_REQUESTS, Method, Sample, cross_fitted, evaluate};
use crate::stats::{Bucket, design_effect::design_effect, interval::Uncertain, prediction::Student};

/// Models of the reward, each fitted without the requests it is asked about.
const FOLDS: usize = 5;

/// Length of the time buckets by which the design effect is measured, seconds.
const BUCKET_SECONDS: i64 = 300;

/// One request of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Segment, counted from 0.
    pub context: usize,
    /// Action, counted from 0.
    pub action: usize,
    /// Probability with which it was taken, above 0 and at most 1.
    pub propensity: f64,
    /// Seconds since 1970.
    pub at: i64,
    /// None where it was not measured.
    pub value: Option<f64>,
}

/// The policy whose value is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The one that wrote the log.
    Logging,
    /// This action, always.
    Always(usize),
}

/// The mean under a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredValue {
    /// With Student's t for the effective number of requests, the design effect included.
    pub estimate: Uncertain,
    /// Share of requests that would be measured under the policy.
    pub coverage: f64,
    /// Kish's number, of the requests that were measured.
    pub effective_requests: f64,
    /// Largest weight of a measured request as a share of all of them.
    pub largest_weight: f64,
    /// How much more the mean varies between time buckets than independent requests would; 1 where too few buckets tell.
    pub design_effect: f64,
    /// What each request of the log moved the mean by, times their number.
    influence: Vec<f64>,
}

/// Mean over the requests that have a value, were `target` to choose: E\[value · measured\] / E\[measured\], numerator and denominator
/// estimated by `method` and the error by linearisation (Cochran, "Sampling Techniques", 3rd ed., 1977, §6.3). Where every request has a
/// value it is what [`evaluate`] gives. The log is in the order of time.
///
/// Abstains as [`evaluate`] does, and where fewer than [`MIN_EFFECTIVE_REQUESTS`] measured requests count.
pub fn mean_of_measured(
    log: &[Measured],
    actions: usize,
    target: Target,
    method: Method,
) -> Result<MeasuredValue, Abstention> {
    // Whether the log can speak of the target at all is a question to all requests, measured or not.
    let bare = |measured: &Measured| Sample {
        propensity: measured.propensity,
        target: target.of(measured),
        reward: measured.value.map_or(0.0, |value| if value.is_finite() { 0.0 } else { value }),
        expected: None,
    };
    let whole = evaluate(log.iter().map(bare), Method::SelfNormalised, None)?;
    let weights: Vec<f64> = log.iter().map(|measured| target.of(measured) / measured.propensity).collect();
    let kish = Kish::of(log.iter().zip(&weights).filter(|(measured, _)| measured.value.is_some()).map(|(_, w)| *w));
    if kish.effective() < MIN_EFFECTIVE_REQUESTS {
        let requests = log.iter().filter(|measured| measured.value.is_some()).count() as u64;
        return Err(Abstention::TooFew { effective: kish.effective(), requests });
    }
    // Shifted, so that squares of large values do not swallow their spread.
    let origin = log.iter().find_map(|measured| measured.value).unwrap_or(0.0);
    let excess = |measured: &Measured| measured.value.map_or(0.0, |value| value - origin);
    let present = |measured: &Measured| if measured.value.is_some() { 1.0 } else { 0.0 };
    let terms = |reward: &dyn Fn(&Measured) -> f64| -> Vec<f64> {
        match (method, target) {
            (Method::DoublyRobust, Target::Always(action)) => doubly_robust(log, actions, action, reward),
            _ => log.iter().zip(&weights).map(|(measured, weight)| weight * reward(measured)).collect(),
        }
    };
    let (values, counts) = (terms(&excess), terms(&present));
    let n = log.len() as f64;
    let mean = |terms: &[f64]| terms.iter().sum::<f64>() / n;
    let measured = mean(&counts);
    if measured.is_nan() || measured <= 0.0 {
        return Err(Abstention::NoOverlap);
    }
    let ratio = mean(&values) / measured;
    let influence: Vec<f64> =
        values.iter().zip(&counts).map(|(value, count)| (value - ratio * count) / measured).collect();
    // The mean weight is 1 in expectation: dividing by it is what self-normalising is.
    let coverage = if method == Method::DoublyRobust { measured } else { measured / whole.mean_weight };
    of_influence(log, origin + ratio, influence, &kish, coverage)
}

impl MeasuredValue {
    /// Difference to the value of another policy on the same log, which shares its chance.
    #[must_use]
    pub fn minus(&self, other: &Self, log: &[Measured]) -> Option<Uncertain> {
        let influence = self.influence.iter().zip(&other.influence).map(|(a, b)| a - b).collect();
        let effective = self.effective_requests.min(other.effective_requests);
        let kish = Kish { sum: effective, squares: effective, largest: 1.0 };
        let value = self.estimate.value - other.estimate.value;
        of_influence(log, value, influence, &kish, self.coverage).ok().map(|difference| difference.estimate)
    }
}

impl Target {
    fn of(self, measured: &Measured) -> f64 {
        match self {
            Self::Logging => measured.propensity,
            Self::Always(action) => f64::from(u8::from(measured.action == action)),
        }
    }
}

/// What each request adds to the doubly robust mean of a reward.
fn doubly_robust(log: &[Measured], actions: usize, action: usize, reward: &dyn Fn(&Measured) -> f64) -> Vec<f64> {
    let logged: Vec<Logged> = log
        .iter()
        .map(|measured| Logged {
            context: measured.context,
            action: measured.action,
            propensity: measured.propensity,
            reward: reward(measured),
        })
        .collect();
    let chosen = |_: usize, taken: usize| f64::from(u8::from(taken == action));
    let samples = cross_fitted(&logged, actions, FOLDS, chosen);
    let term = |sample: &Sample| {
        let (target, taken) = sample.expected.map_or((0.0, 0.0), |expected| (expected.target, expected.taken));
        target + sample.target / sample.propensity * (sample.reward - taken)
    };
    samples.iter().map(term).collect()
}

fn of_influence(
    log: &[Measured],
    value: f64,
    influence: Vec<f64>,
    kish: &Kish,
    coverage: f64,
) -> Result<MeasuredValue, Abstention> {
    let n = influence.len() as f64;
    let centre = influence.iter().sum::<f64>() / n;
    let variance = influence.iter().map(|term| (term - centre).powi(2)).sum::<f64>() / (n - 1.0);
    let mut buckets: BTreeMap<i64, Bucket> = BTreeMap::new();
    for (measured, term) in log.iter().zip(&influence) {
        let bucket = buckets.entry(measured.at.div_euclid(BUCKET_SECONDS)).or_default();
        bucket.weight += 1.0;
        bucket.sum += term;
    }
    let buckets: Vec<Bucket> = buckets.into_values().collect();
    let design_effect = design_effect(&buckets, variance, n).unwrap_or(1.0);
    let effective_requests = kish.effective();
    let small = effective_requests / (effective_requests - 1.0);
    let error = (variance * small * design_effect / n).sqrt();
    let student = Student::new(value, error, effective_requests - 1.0).ok_or(Abstention::NotSound { place: 0 })?;
    Ok(MeasuredValue {
        estimate: student.uncertain(),
        coverage,
        effective_requests,
        largest_weight: kish.largest / kish.sum,
        design_effect,
        influence,
    })
}

/// Sums of weights.
#[derive(Default)]
struct Kish {
    sum: f64,
    squares: f64,
    largest: f64,
}

impl Kish {
    fn of(weights: impl Iterator<Item = f64>) -> Self {
        weights.fold(Self::default(), |sums, weight| Self {
            sum: sums.sum + weight,
            squares: sums.squares + weight * weight,
            largest: sums.largest.max(weight),
        })
    }

    /// How many requests of equal weight they are worth.
    fn effective(&self) -> f64 {
        if self.squares > 0.0 { self.sum * self.sum / self.squares } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Two contexts, two actions. Action 1 fails oftener where it is chosen less; only what does not fail is measured.
    fn log(seed: u64, requests: i64, failing: bool) -> Vec<Measured> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut one = |place: i64| {
            let context = usize::from(random.random_bool(0.5));
            let first = [0.7, 0.2][context];
            let action = usize::from(!random.random_bool(first));
            let succeeds = !failing || random.random_bool([[0.9, 0.95], [0.8, 0.5]][context][action]);
            let value = [[10.0, 20.0], [30.0, 60.0]][context][action] + random.random_range(-5.0..5.0);
            let propensity = if action == 0 { first } else { 1.0 - first };
            Measured { context, action, propensity, at: place * 7, value: succeeds.then_some(value) }
        };
        (0..requests).map(&mut one).collect()
    }

    #[test]
    fn where_everything_is_measured_it_is_the_plain_estimator() {
        let log = log(1, 900, false);
        let chosen = |_: usize, action: usize| f64::from(u8::from(action == 1));
        let rows: Vec<Logged> = log
            .iter()
            .map(|m| Logged {
                context: m.context,
                action: m.action,
                propensity: m.propensity,
                reward: m.value.unwrap(),
            })
            .collect();
        let samples = cross_fitted(&rows, 2, FOLDS, chosen);
        for method in [Method::SelfNormalised, Method::DoublyRobust] {
            let found = mean_of_measured(&log, 2, Target::Always(1), method).unwrap();
            let plain = evaluate(samples.iter().copied(), method, None).unwrap();
            assert!((found.estimate.value - plain.estimate.value).abs() < 1e-9, "{method:?}: {found:?}");
            assert!((found.effective_requests - plain.effective_requests).abs() < 1e-9);
            assert!((found.largest_weight - plain.largest_weight).abs() < 1e-12 && found.coverage > 0.999);
            let error = found.estimate.standard_error / found.design_effect.sqrt();
            assert!((error / plain.estimate.standard_error - 1.0).abs() < 0.02, "{method:?}: {error} for {plain:?}");
        }
        let logged = mean_of_measured(&log, 2, Target::Logging, Method::SelfNormalised).unwrap();
        let mean = rows.iter().map(|row| row.reward).sum::<f64>() / 900.0;
        assert!((logged.estimate.value - mean).abs() < 1e-9 && (logged.effective_requests - 900.0).abs() < 1e-9);
    }

    #[test]
    fn intervals_of_what_some_lack_hold_and_so_do_those_of_differences() {
        // Successes of action 1 alone: 20 of 0.95 in the one context, 60 of 0.5 in the other; as logged, by the same arithmetic.
        let truth = (0.95 * 20.0 + 0.5 * 60.0) / 1.45;
        let parts = [(0.7 * 0.9, 10.0), (0.3 * 0.95, 20.0), (0.2 * 0.8, 30.0), (0.8 * 0.5, 60.0)];
        let logged = parts.iter().map(|(share, value)| share * value).sum::<f64>()
            / parts.iter().map(|(share, _)| share).sum::<f64>();
        let trials: i32 = 300;
        let mut held = [0; 3];
        for seed in 0..trials {
            let log = log(seed.unsigned_abs().into(), 600, true);
            let value = |target, method| mean_of_measured(&log, 2, target, method).unwrap();
            let robust = value(Target::Always(1), Method::DoublyRobust);
            let difference = robust.minus(&value(Target::Logging, Method::SelfNormalised), &log).unwrap();
            let weighted = value(Target::Always(1), Method::SelfNormalised);
            let found = [(robust.estimate, truth), (weighted.estimate, truth), (difference, truth - logged)];
            for (place, (estimate, truth)) in found.into_iter().enumerate() {
                let interval = estimate.estimate();
                held[place] += i32::from(interval.low <= truth && truth <= interval.high);
            }
        }
        // Three standard errors of 90 % over 300 trials are 5.2 points; the design effect is never below 1, which makes them wider.
        assert!(held.iter().all(|held| (254..=294).contains(held)), "{held:?} of {trials}");
    }

    #[test]
    fn abstains_with_a_reason() {
        let of = |log: &[Measured]| mean_of_measured(log, 2, Target::Always(0), Method::DoublyRobust).map(|_| ());
        assert_eq!(of(&[]), Err(Abstention::Empty));
        let one = Measured { context: 0, action: 0, propensity: 1.0, at: 0, value: Some(1.0) };
        assert_eq!(of(&[Measured { action: 1, ..one }; 100]), Err(Abstention::NoOverlap));
        assert!(matches!(of(&[one; 20]), Err(Abstention::TooFew { requests: 20, .. })));
        assert!(matches!(of(&[Measured { value: None, ..one }; 100]), Err(Abstention::TooFew { requests: 0, .. })));
        assert_eq!(of(&[Measured { value: Some(f64::NAN), ..one }; 100]), Err(Abstention::NotSound { place: 0 }));
        assert_eq!(of(&[Measured { propensity: 0.0, ..one }; 100]), Err(Abstention::NotSound { place: 0 }));
        let constant = mean_of_measured(&[one; 100], 1, Target::Always(0), Method::DoublyRobust).unwrap();
        assert!((constant.estimate.value - 1.0).abs() < 1e-12 && constant.estimate.standard_error.abs() < 1e-12);
    }
}
