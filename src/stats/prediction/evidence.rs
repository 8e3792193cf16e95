//! What requests of the very service and model say about a mean, ready for any scale.

use super::{Scale, Student};
use crate::stats::{Sketch, sketch};

/// Successes and failures that the variance of a share is taken to have been seen in before any other: scores of an untried
/// kind count as yes or no, which is the most they can vary.
const COARSE_SCORES: f64 = 2.0;

/// Mean, spread and number of some requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    pub mean: f64,
    /// Of single requests, population.
    pub variance: f64,
    /// Effective number: after sampling weights and the design effect.
    pub requests: f64,
}

impl Evidence {
    /// `requests` is the effective number. `None` without values.
    #[must_use]
    pub fn of(sketch: &Sketch, requests: f64) -> Option<Self> {
        let (mean, variance) = (sketch.mean()?, sketch.variance()?);
        (requests > 0.0 && requests.is_finite() && mean.is_finite() && variance.is_finite()).then_some(Self {
            mean,
            variance,
            requests,
        })
    }

    /// What `failures` in `requests` are.
    #[must_use]
    pub fn of_failures(failures: f64, requests: f64) -> Option<Self> {
        let sound = requests > 0.0 && requests.is_finite() && (0.0..=requests).contains(&failures);
        let mean = failures / requests;
        sound.then_some(Self { mean, variance: mean * (1.0 - mean), requests })
    }

    /// The long-run mean on a scale. `None` below two requests (one, on the logit scale), and where the mean has no place on
    /// the scale.
    ///
    /// Linear and log: Student's t with n − 1 degrees of freedom, on the log scale by the delta method. Requests that are all
    /// alike still differ by as much as a sketch cannot see. Logit: see [`Evidence::yes_and_no`]; mean and variance are those
    /// of ln(p / (1 − p)) with half a success and half a failure added (Haldane, Annals of Human Genetics 20, 1956,
    /// doi:10.1111/j.1469-1809.1955.tb01285.x), which stay finite at 0 and 1.
    #[must_use]
    pub fn on(&self, scale: Scale) -> Option<Student> {
        if scale == Scale::Logit {
            let (yes, no) = self.yes_and_no()?;
            let (yes, no) = (yes + 0.5, no + 0.5);
            return Student::new((yes / no).ln(), (1.0 / yes + 1.0 / no).sqrt(), f64::INFINITY);
        }
        if self.requests < 2.0 {
            return None;
        }
        let unseen = (sketch::ALPHA * self.mean).powi(2);
        let error = (self.variance.max(unseen) / (self.requests - 1.0)).sqrt();
        let relative = if scale == Scale::Log { error / self.mean } else { error };
        Student::new(scale.of(self.mean)?, relative, self.requests - 1.0)
    }

    /// The mean of `requests` more of the same kind on a scale: with their own sampling error.
    #[must_use]
    pub fn ahead(&self, scale: Scale, requests: f64) -> Option<Student> {
        let own = self.on(scale)?;
        Student::new(own.value, own.scale * (1.0 + self.requests / requests).sqrt(), own.freedom)
    }

    /// The plain successes and failures that tell as much about the mean of scores in `0..=1`: n / φ of them, where φ is how
    /// much the scores vary beside the m · (1 − m) of yes and no. `None` where the mean is no share.
    ///
    /// Scores that were all 0 or all 1 may be of either kind, and count as yes and no.
    #[must_use]
    pub fn yes_and_no(&self) -> Option<(f64, f64)> {
        if !(0.0..=1.0).contains(&self.mean) {
            return None;
        }
        let most = self.mean * (1.0 - self.mean);
        let coarseness = if most > 0.0 {
            let seen = (self.variance / most).clamp(0.0, 1.0);
            (self.requests * seen + COARSE_SCORES) / (self.requests + COARSE_SCORES)
        } else {
            1.0
        };
        let number = self.requests / coarseness;
        Some((number * self.mean, number * (1.0 - self.mean)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(values: &[f64]) -> Evidence {
        Evidence::of(&Sketch::from_values(values.iter().copied()), values.len() as f64).unwrap()
    }

    #[test]
    fn the_log_of_a_mean_by_the_delta_method() {
        let found = evidence(&[1.0, 2.0, 3.0, 6.0]).on(Scale::Log).unwrap();
        // Mean 3, s² = 14/3, standard error √(14/12) = 1.0801.
        assert!((found.value - 3.0_f64.ln()).abs() < 1e-12);
        assert!((found.scale - (14.0_f64 / 12.0).sqrt() / 3.0).abs() < 1e-9, "{found:?}");
        assert!((found.freedom - 3.0).abs() < 1e-12);
        let ahead = evidence(&[1.0, 2.0, 3.0, 6.0]).ahead(Scale::Log, 4.0).unwrap();
        assert!((ahead.scale / found.scale - 2.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn all_right_is_not_certainly_right() {
        let perfect = evidence(&[1.0; 20]).on(Scale::Logit).unwrap();
        assert!((perfect.value - (20.5_f64 / 0.5).ln()).abs() < 1e-12);
        assert!((perfect.scale - (1.0 / 20.5 + 2.0_f64).sqrt()).abs() < 1e-12);
        assert!(evidence(&[1.0]).on(Scale::Logit).is_some());
    }

    #[test]
    fn graded_scores_tell_more_than_yes_and_no() {
        let graded: Vec<f64> = (0..40).map(|i| 0.6 + 0.005 * f64::from(i % 40)).collect();
        let (yes, no) = evidence(&graded).yes_and_no().unwrap();
        assert!(yes + no > 400.0, "{}", yes + no);
        let binary: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i % 10 < 7))).collect();
        let (yes, no) = evidence(&binary).yes_and_no().unwrap();
        assert!((yes - 28.0).abs() < 1e-9 && (no - 12.0).abs() < 1e-9, "{yes} {no}");
    }

    #[test]
    fn little_and_nonsense() {
        assert_eq!(Evidence::of(&Sketch::default(), 0.0), None);
        assert_eq!(evidence(&[5.0]).on(Scale::Log), None);
        assert_eq!(evidence(&[0.0, 0.0]).on(Scale::Log), None);
        assert_eq!(evidence(&[3.0, 3.0]).on(Scale::Logit), None);
        let alike = evidence(&[3.0; 5]).on(Scale::Log).unwrap();
        assert!(alike.scale > 0.0 && alike.scale < 0.01);
        assert_eq!(Evidence::of_failures(1.0, 0.0), None);
        assert_eq!(Evidence::of_failures(3.0, 2.0), None);
        assert_eq!(Evidence::of_failures(f64::NAN, 2.0), None);
    }
}
