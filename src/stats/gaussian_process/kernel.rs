//! The Matérn 5/2 covariance with one length scale a dimension.

/// Covariance of the unknown function: amplitude² · (1 + √5·r + 5/3·r²) · exp(−√5·r), r the distance in length scales
/// (Rasmussen & Williams 2006, equation 4.17). Twice differentiable, so less sure of itself between points than the squared exponential.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// Standard deviation of the function around its constant mean, in units of y.
    pub amplitude: f64,
    /// One a dimension, in units of x: how far one goes before the function has forgotten most of its value.
    pub lengths: Vec<f64>,
}

/// All that is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperparameters {
    pub kernel: Kernel,
    /// Standard deviation of noise beyond the known standard errors, in units of y: drift between the days on which
    /// configurations were served, lack of fit.
    pub nugget: f64,
}

impl Kernel {
    /// Covariance of the function's values at a and b, which have as many coordinates as there are length scales.
    #[must_use]
    pub fn covariance(&self, a: &[f64], b: &[f64]) -> f64 {
        let squares = a.iter().zip(b).zip(&self.lengths).map(|((a, b), length)| ((a - b) / length).powi(2));
        let r = (5.0 * squares.sum::<f64>()).sqrt();
        self.amplitude * self.amplitude * (1.0 + r + r * r / 3.0) * (-r).exp()
    }

    /// Variance of the function's value anywhere.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.amplitude * self.amplitude
    }
}
