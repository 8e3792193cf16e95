//! Expectations over a standard normal variable.

/// Distance of neighbouring nodes.
const STEP: f64 = 0.5;

/// Steps to either side: to z = 12, which leaves the third moment of a log-normal variable with σ = 1 nine deviations of room.
const REACH: i32 = 24;

/// Nodes z and weights that add up to one, so that E f(Z) = Σ weight · f(z).
///
/// The trapezoidal rule, whose error for analytic functions under a Gaussian falls faster than any power of the step
/// (Trefethen and Weideman, "The exponentially convergent trapezoidal rule", SIAM Review 56, 2014, doi:10.1137/130932132).
pub fn normal_nodes() -> impl Iterator<Item = (f64, f64)> {
    let density = |z: f64| (-0.5 * z * z).exp();
    let total: f64 = (-REACH..=REACH).map(|place| density(f64::from(place) * STEP)).sum();
    (-REACH..=REACH).map(move |place| {
        let z = f64::from(place) * STEP;
        (z, density(z) / total)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_exact() {
        let expectation = |f: fn(f64) -> f64| normal_nodes().map(|(z, weight)| weight * f(z)).sum::<f64>();
        for (got, want) in [
            (expectation(|_| 1.0), 1.0),
            (expectation(|z| z * z), 1.0),
            (expectation(|z| z.powi(4)), 3.0),
            (expectation(f64::exp), 0.5_f64.exp()),
            (expectation(|z| (3.0 * z).exp()) / 4.5_f64.exp(), 1.0),
        ] {
            assert!((got - want).abs() < 1e-11, "{got} for {want}");
        }
    }
}
