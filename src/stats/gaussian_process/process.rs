//! A process conditioned on samples, its hyperparameters given.

use super::cholesky::{Cholesky, dot};
use super::kernel::Hyperparameters;

/// Covariance matrices stay small: at most so many samples are taken.
pub const MOST_POINTS: usize = 64;

/// A noisy value of the function.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Coordinates, scaled so that the range of interest is 0 to 1.
    pub x: Vec<f64>,
    pub y: f64,
    /// Known standard error of y, at least 0.
    pub se: f64,
}

/// The posterior of a function given noisy values of it.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianProcess {
    pub hyperparameters: Hyperparameters,
    /// Estimated constant mean.
    pub constant: f64,
    pub(super) points: Vec<Vec<f64>>,
    pub(super) factor: Cholesky,
    /// K⁻¹·(y − constant), K the covariance of the samples, noise included.
    pub(super) weights: Vec<f64>,
    /// K⁻¹·1.
    pub(super) ones: Vec<f64>,
    /// 1ᵀ·K⁻¹·1: inverse variance of the constant.
    pub(super) precision: f64,
    log_likelihood: f64,
}

impl GaussianProcess {
    /// Conditions on 1 to [`MOST_POINTS`] samples with as many coordinates as the kernel has length scales. None outside of
    /// that, and where numbers are not finite or so extreme that the covariance cannot be factored.
    #[must_use]
    pub fn conditioned(samples: &[Sample], hyperparameters: Hyperparameters) -> Option<Self> {
        let kernel = &hyperparameters.kernel;
        let fits = |sample: &Sample| sample.x.len() == kernel.lengths.len() && sample.y.is_finite() && sample.se >= 0.0;
        if samples.is_empty() || samples.len() > MOST_POINTS || !samples.iter().all(fits) {
            return None;
        }
        let extra = hyperparameters.nugget.powi(2);
        let factor = Cholesky::of(samples.len(), |i, j| {
            let noise = if i == j { samples[i].se.powi(2) + extra } else { 0.0 };
            kernel.covariance(&samples[i].x, &samples[j].x) + noise
        })?;
        let ones = factor.solve(vec![1.0; samples.len()]);
        let precision: f64 = ones.iter().sum();
        let constant = samples.iter().zip(&ones).map(|(sample, weight)| sample.y * weight).sum::<f64>() / precision;
        let residuals: Vec<f64> = samples.iter().map(|sample| sample.y - constant).collect();
        let weights = factor.solve(residuals.clone());
        let squares = dot(&residuals, &weights);
        let freedom = (samples.len() - 1) as f64;
        let log_likelihood =
            -0.5 * (squares + factor.log_determinant() + precision.ln() + freedom * std::f64::consts::TAU.ln());
        let points = samples.iter().map(|sample| sample.x.clone()).collect();
        log_likelihood.is_finite().then_some(Self {
            hyperparameters,
            constant,
            points,
            factor,
            weights,
            ones,
            precision,
            log_likelihood,
        })
    }

    /// Log density of the samples with the constant integrated out under its flat prior (restricted likelihood: Patterson &
    /// Thompson, Biometrika 58, 1971, doi:10.1093/biomet/58.3.545), without terms that do not depend on the hyperparameters.
    #[must_use]
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }
}
