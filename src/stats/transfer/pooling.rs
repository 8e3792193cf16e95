//! Random-effects pooling of one effect over services.
//!
//! The effect of changing the model, θᵢ in service i, is seen as yᵢ with variance sᵢ²; the θᵢ scatter around μ with variance τ².
//! What a new service will show is not μ but another θ.

use super::Spread;
use crate::stats::{interval::Uncertain, prediction::Student};

/// Newton steps at most. Convergence is quadratic and from one side, so this is never reached.
const MAX_STEPS: usize = 100;

/// Smallest variance of an effect, relative to the largest: an effect without error would take all the weight.
const LEAST_VARIANCE: f64 = 1e-9;

/// Variance τ² between services by Paule and Mandel: the one at which Σ wᵢ·(yᵢ − μ)² = k − 1 with wᵢ = 1 / (sᵢ² + τ²); zero where
/// the left side is smaller already (Paule and Mandel, Journal of Research of the National Bureau of Standards 87(5), 1982,
/// doi:10.6028/jres.087.022; Newton steps of `DerSimonian` and Kacker, Contemporary Clinical Trials 28, 2007,
/// doi:10.1016/j.cct.2006.04.004).
///
/// Zero below two effects. Effects are pairs of value and variance, variances above zero.
#[must_use]
pub fn paule_mandel(effects: &[(f64, f64)]) -> f64 {
    let freedom = effects.len() as f64 - 1.0;
    if freedom < 1.0 {
        return 0.0;
    }
    let mut between = 0.0;
    for _ in 0..MAX_STEPS {
        let (mean, ..) = weighted(effects, between);
        let (mut squares, mut slope) = (0.0, 0.0);
        for (value, variance) in effects {
            let weight = 1.0 / (variance + between);
            let square = weight * (value - mean).powi(2);
            squares += square;
            slope += weight * square;
        }
        let step = (squares - freedom) / slope;
        if step <= between * 1e-13 || !step.is_finite() {
            break;
        }
        between += step;
    }
    between
}

/// Weighted mean and sum of weights.
fn weighted(effects: &[(f64, f64)], between: f64) -> (f64, f64) {
    let (mut sum, mut total) = (0.0, 0.0);
    for (value, variance) in effects {
        let weight = 1.0 / (variance + between);
        sum += weight * value;
        total += weight;
    }
    (sum / total, total)
}

/// Effects of one change of model over services, pooled. Pool once for a pair of models and metric, then use it for every
/// service that is not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    /// Mean effect μ over services.
    pub mean: f64,
    /// τ.
    pub between_services: f64,
    /// Σ wᵢ·(yᵢ − μ)² / (k − 1), the factor of Hartung and Knapp: 1 where τ² is above zero.
    pub spread_factor: f64,
    /// Σ wᵢ.
    pub precision: f64,
    /// Share of each effect in the mean, in the order given.
    pub weights: Vec<f64>,
}

impl Pooled {
    /// `None` without effects, and where one is not finite or has no error that is finite and at least zero.
    #[must_use]
    pub fn of(effects: &[Uncertain]) -> Option<Self> {
        Self::with(&checked(effects)?, paule_mandel)
    }

    /// With τ² drawn up towards what is usual between services, by as many services as `usual` is worth. Two or three services
    /// hardly tell how much services differ, and often look alike by chance; the more there are, the less this matters. It is
    /// the shrinkage of variances of Smyth (Statistical Applications in Genetics and Molecular Biology 3(1), 2004,
    /// doi:10.2202/1544-6115.1027), with τ² in the place of a sample variance, and never downwards: an assumption may widen
    /// what was measured, not narrow it.
    #[must_use]
    pub fn drawn_towards(effects: &[Uncertain], usual: &Spread) -> Option<Self> {
        let effects = checked(effects)?;
        let freedom = effects.len() as f64 - 1.0;
        Self::with(&effects, |effects| {
            let measured = paule_mandel(effects);
            let drawn = usual.worth * usual.between_services.powi(2) + freedom * measured;
            measured.max(drawn / (usual.worth + freedom))
        })
    }

    fn with(effects: &[(f64, f64)], between: impl Fn(&[(f64, f64)]) -> f64) -> Option<Self> {
        let between = between(effects);
        let (mean, precision) = weighted(effects, between);
        let freedom = effects.len() as f64 - 1.0;
        let weights: Vec<f64> = effects.iter().map(|(_, variance)| 1.0 / (variance + between) / precision).collect();
        let squares: f64 =
            effects.iter().zip(&weights).map(|((value, _), weight)| precision * weight * (value - mean).powi(2)).sum();
        let spread_factor = if freedom > 0.0 { squares / freedom } else { 1.0 };
        (mean.is_finite() && between.is_finite() && precision.is_finite()).then_some(Self {
            mean,
            between_services: between.sqrt(),
            spread_factor,
            precision,
            weights,
        })
    }

    /// k.
    #[must_use]
    pub fn services(&self) -> usize {
        self.weights.len()
    }

    /// The mean effect μ with k − 1 degrees of freedom, its variance that of Hartung and Knapp but never below the plain one:
    /// effects that agree by chance are no reason for a narrower interval (Röver, Knapp, Friede, BMC Medical Research
    /// Methodology 15, 2015, doi:10.1186/s12874-015-0091-1). `None` below two services.
    #[must_use]
    pub fn mean_effect(&self) -> Option<Student> {
        let freedom = self.services() as f64 - 1.0;
        Student::new(self.mean, self.mean_variance().sqrt(), freedom)
    }

    fn mean_variance(&self) -> f64 {
        self.spread_factor.max(1.0) / self.precision
    }

    /// The effect in a service that is not among them: variance τ² + that of the mean, k − 2 degrees of freedom (Higgins,
    /// Thompson, Spiegelhalter, JRSS A 172(1), 2009, doi:10.1111/j.1467-985X.2008.00552.x). `None` below three services.
    #[must_use]
    pub fn new_service(&self) -> Option<Student> {
        self.with_freedom(self.services() as f64 - 2.0)
    }

    /// The same after [`Pooled::drawn_towards`]: the services that `usual` is worth count as more degrees of freedom, so it serves
    /// one service, too. Services that differ more than usual show that the assumption does not hold here, and it counts for
    /// less, as the ratio of the variances; at least one degree of freedom is left.
    #[must_use]
    pub fn new_service_with(&self, usual: &Spread) -> Option<Student> {
        let ratio = (usual.between_services / self.between_services).powi(2);
        let worth = usual.worth * if ratio < 1.0 { ratio } else { 1.0 };
        self.with_freedom(((self.services() as f64 - 2.0).max(0.0) + worth).max(1.0))
    }

    fn with_freedom(&self, freedom: f64) -> Option<Student> {
        Student::new(self.mean, libm::hypot(self.between_services, self.mean_variance().sqrt()), freedom)
    }
}

/// Pairs of value and variance.
fn checked(effects: &[Uncertain]) -> Option<Vec<(f64, f64)>> {
    let largest = effects.iter().map(|effect| effect.standard_error.powi(2)).fold(0.0, f64::max);
    let least = if largest > 0.0 { largest * LEAST_VARIANCE } else { LEAST_VARIANCE };
    let sound = |effect: &Uncertain| {
        effect.value.is_finite() && effect.standard_error.is_finite() && effect.standard_error >= 0.0
    };
    if effects.is_empty() || !effects.iter().all(sound) {
        return None;
    }
    Some(effects.iter().map(|effect| (effect.value, effect.standard_error.powi(2).max(least))).collect())
}
