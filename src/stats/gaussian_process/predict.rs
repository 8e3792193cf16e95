//! What a conditioned process says of the function elsewhere.

use super::cholesky::dot;
use super::process::GaussianProcess;

/// A normal distribution of the function's value (not of a further noisy observation).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    pub mean: f64,
    /// Standard deviation, at least 0.
    pub sd: f64,
}

/// A place that others are compared with, its share of the work done once.
#[derive(Debug, Clone)]
pub struct Anchor {
    at: Vec<f64>,
    mean: f64,
    variance: f64,
    /// K⁻¹·k(anchor).
    solved: Vec<f64>,
    /// 1 − 1ᵀ·K⁻¹·k(anchor): weight of the constant's uncertainty.
    unexplained: f64,
}

impl Prediction {
    /// Probability that the value is at most the limit. A certain value is at most itself.
    #[must_use]
    pub fn at_most(&self, limit: f64) -> f64 {
        if self.sd > 0.0 { normal_cdf((limit - self.mean) / self.sd) } else { f64::from(self.mean <= limit) }
    }

    /// Mean of the part above 0: mean·Φ(u) + sd·φ(u), u = mean / sd (Jones, Schonlau & Welch, Journal of Global Optimization
    /// 13, 1998, doi:10.1023/A:1008306431147, equation 15).
    #[must_use]
    pub fn expected_excess(&self) -> f64 {
        if self.sd <= 0.0 {
            return self.mean.max(0.0);
        }
        let u = self.mean / self.sd;
        let density = (-0.5 * u * u).exp() / std::f64::consts::TAU.sqrt();
        (self.mean * normal_cdf(u) + self.sd * density).max(0.0)
    }
}

impl GaussianProcess {
    /// The function's value at x, which has the coordinates of the samples.
    #[must_use]
    pub fn predict(&self, x: &[f64]) -> Prediction {
        let k = self.covariances(x);
        let explained = self.factor.forward(k.clone());
        let unexplained = 1.0 - dot(&self.ones, &k);
        let variance =
            self.hyperparameters.kernel.variance() - dot(&explained, &explained) + unexplained.powi(2) / self.precision;
        Prediction { mean: self.constant + dot(&self.weights, &k), sd: variance.max(0.0).sqrt() }
    }

    #[must_use]
    pub fn anchor(&self, x: &[f64]) -> Anchor {
        let Prediction { mean, sd } = self.predict(x);
        let k = self.covariances(x);
        let unexplained = 1.0 - dot(&self.ones, &k);
        Anchor { at: x.to_vec(), mean, variance: sd * sd, solved: self.factor.solve(k), unexplained }
    }

    /// How much higher the function is at x than at the anchor. Both share most of their uncertainty, the constant all of it,
    /// so this is much surer than two predictions taken apart.
    #[must_use]
    pub fn difference(&self, x: &[f64], anchor: &Anchor) -> Prediction {
        let k = self.covariances(x);
        let explained = self.factor.forward(k.clone());
        let unexplained = 1.0 - dot(&self.ones, &k);
        let kernel = &self.hyperparameters.kernel;
        let variance = kernel.variance() - dot(&explained, &explained) + unexplained.powi(2) / self.precision;
        let shared = kernel.covariance(x, &anchor.at) - dot(&anchor.solved, &k)
            + unexplained * anchor.unexplained / self.precision;
        let mean = self.constant + dot(&self.weights, &k) - anchor.mean;
        Prediction { mean, sd: (variance + anchor.variance - 2.0 * shared).max(0.0).sqrt() }
    }

    fn covariances(&self, x: &[f64]) -> Vec<f64> {
        self.points.iter().map(|point| self.hyperparameters.kernel.covariance(x, point)).collect()
    }
}

pub(super) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::super::{Hyperparameters, Kernel, Sample};
    use super::*;

    fn samples() -> Vec<Sample> {
        let points = [[0.1, 0.2], [0.4, 0.9], [0.5, 0.5], [0.8, 0.3], [0.8, 0.3], [0.95, 0.7]];
        let values =
            [(0.02, 0.01), (0.11, 0.03), (0.07, 0.015), (-0.03, 0.02), (-0.01, 0.008), (0.05, 0.025)].into_iter();
        points.into_iter().zip(values).map(|(x, (y, se))| Sample { x: x.to_vec(), y, se }).collect()
    }

    fn process(amplitude: f64, lengths: [f64; 2], nugget: f64) -> GaussianProcess {
        let kernel = Kernel { amplitude, lengths: lengths.to_vec() };
        GaussianProcess::conditioned(&samples(), Hyperparameters { kernel, nugget }).unwrap()
    }

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-11, "{value} is not {expected}");
    }

    /// Expected values: universal kriging in numpy on the Matérn kernel of scikit-learn 1.9.1, whose own regressor agrees to
    /// seven digits when a constant kernel of variance 10⁶ stands for the flat prior of the mean.
    #[test]
    fn agrees_with_scikit_learn() {
        let process = process(0.06, [0.4, 0.7], 0.005);
        let expected = [
            ([0.3, 0.4], 0.054_792_320_401_043_91, 0.023_186_858_840_006_166),
            ([0.8, 0.3], -0.010_283_174_273_590_06, 0.008_373_356_663_582_82),
            ([1.5, -0.2], 0.023_808_077_404_648_856, 0.069_259_047_447_424_95),
        ];
        for (x, mean, sd) in expected {
            let predicted = process.predict(&x);
            close(predicted.mean, mean);
            close(predicted.sd, sd);
        }
        close(process.constant, 0.033_688_687_598_716_31);
    }

    #[test]
    fn a_difference_is_surer_than_its_ends() {
        let process = process(0.06, [0.4, 0.7], 0.005);
        let difference = process.difference(&[0.3, 0.4], &process.anchor(&[0.8, 0.3]));
        close(difference.mean, 0.065_075_494_674_633_97);
        close(difference.sd, 0.024_829_443_762_864_126);
        let nothing = process.difference(&[0.8, 0.3], &process.anchor(&[0.8, 0.3]));
        assert!(nothing.mean.abs() < 1e-12 && nothing.sd < 1e-8, "{nothing:?}");
    }

    /// scikit-learn's likelihoods of the same pair differ by 0.702288, too.
    #[test]
    fn the_likelihood_is_the_restricted_one() {
        close(process(0.06, [0.4, 0.7], 0.005).log_likelihood(), 8.161_609_119_977_623);
        close(process(0.1, [1.0, 0.3], 0.02).log_likelihood(), 7.459_320_997_778_045);
    }

    #[test]
    fn expected_excess_of_known_cases() {
        let excess = |mean, sd| Prediction { mean, sd }.expected_excess();
        close(excess(0.0, 1.0), 0.398_942_280_401_432_7);
        close(excess(2.0, 0.0), 2.0);
        close(excess(-2.0, 0.0), 0.0);
        // Φ(1) + φ(1).
        close(excess(1.0, 1.0), 1.083_315_470_587_686_2);
    }
}
