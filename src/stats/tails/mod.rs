//! Distribution functions that keep their relative accuracy far into the tails, down to 1e-300, and their logarithms beyond.
//!
//! `libm` supplies erfc, `statrs` 0.19 ln Γ and the start of the normal quantile. The tails of `statrs` itself are good (319 of
//! our 330 reference values), but it has no logarithms of them, its quantiles err far out and at many degrees of freedom
//! (eleven of those values, most of them t below 1e-6), and its erfc is off by 5e-11 around z = 2. So tails are computed
//! here, always as logarithms: continued fractions for the tail, Loader's saddle-point form of the density before them.

pub mod beta;
pub mod chi_squared;
mod kernel;
pub mod normal;
pub mod student;

pub use kernel::{ln_binomial, ln_one_minus_exp};

/// Solves `ln_tail(u) = target` by Newton's method, where the tail rises with `u` and is log-concave in it. A tangent of a
/// concave function lies above it, so that every step after the first stays left of the root and none can diverge.
/// `tail` returns ln tail(u) and ln density(u).
fn solve_rising(target: f64, start: f64, tail: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut u = start;
    for _ in 0..200 {
        let (value, density) = tail(u);
        // Right of the root the slope can be next to nothing: a bounded step is enough to get left of it.
        let step = ((target - value) * (value - density).exp()).clamp(-8.0 - u.abs(), 8.0 + u.abs());
        if !step.is_finite() {
            break;
        }
        u += step;
        // Each step squares the error: after one of a billionth there is nothing left to gain.
        if step.abs() <= 1e-9 * u.abs().max(0.1) {
            break;
        }
    }
    u
}
