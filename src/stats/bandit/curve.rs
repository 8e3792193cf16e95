//! A posterior as quadrature sees it: a density with a centre, a width and two ends.

use statrs::function::gamma::ln_gamma;

use super::Posterior;
use crate::stats::tails::{beta, student};

/// −2 ln of the density, against the centre, past which a Student arm is over: about 1e-12 remain outside.
const FAR: f64 = 50.0;
/// The same in standard deviations of a beta arm, whose longer tail is at worst exponential.
const FAR_BETA: f64 = 28.0;
/// Beyond so many requests a beta and a normal arm are the same.
const AS_GOOD_AS_NORMAL: f64 = 1e8;

/// A posterior's density, counted from a common origin.
pub(super) struct Curve {
    shape: Shape,
    pub centre: f64,
    /// The unit in which it spreads.
    pub width: f64,
    /// Outside is next to nothing.
    pub low: f64,
    pub high: f64,
    ln_constant: f64,
}

enum Shape {
    Student { freedom: f64 },
    Beta { origin: f64, yes: f64, no: f64 },
}

impl Curve {
    /// `finest` is the least width.
    pub fn new(posterior: &Posterior, origin: f64, finest: f64) -> Self {
        let centre = posterior.mean() - origin;
        match posterior {
            Posterior::Beta(beta) if beta.parameters().0 + beta.parameters().1 < AS_GOOD_AS_NORMAL => {
                let (yes, no) = beta.parameters();
                let width = posterior.sd();
                Self {
                    ln_constant: ln_gamma(yes + no) - ln_gamma(yes) - ln_gamma(no),
                    low: (centre - FAR_BETA * width).max(-origin),
                    high: (centre + FAR_BETA * width).min(1.0 - origin),
                    shape: Shape::Beta { origin, yes, no },
                    centre,
                    width,
                }
            }
            Posterior::Beta(_) => Self::student(centre, posterior.sd().max(finest), AS_GOOD_AS_NORMAL),
            Posterior::Student(student) => {
                let (_, scale, freedom) = student.parameters();
                Self::student(centre, scale.max(finest), freedom.min(AS_GOOD_AS_NORMAL))
            }
        }
    }

    fn student(centre: f64, width: f64, freedom: f64) -> Self {
        let far = width * (freedom * (FAR / freedom).exp_m1()).sqrt();
        let ln_constant = ln_gamma(f64::midpoint(freedom, 1.0)) - ln_gamma(freedom / 2.0);
        Self {
            shape: Shape::Student { freedom },
            low: centre - far,
            high: centre + far,
            ln_constant: ln_constant - 0.5 * (freedom * std::f64::consts::PI).ln() - width.ln(),
            centre,
            width,
        }
    }

    pub fn density(&self, x: f64) -> f64 {
        match self.shape {
            Shape::Student { freedom } => {
                let z = (x - self.centre) / self.width;
                (self.ln_constant - 0.5 * (freedom + 1.0) * (z * z / freedom).ln_1p()).exp()
            }
            Shape::Beta { origin, yes, no } => {
                let share = (x + origin).clamp(0.0, 1.0);
                let ln = |shape: f64, at: f64| if shape > 1.0 { (shape - 1.0) * at.ln() } else { 0.0 };
                (self.ln_constant + ln(yes, share) + ln(no, 1.0 - share)).exp()
            }
        }
    }

    /// P(mean ≤ x).
    pub fn below(&self, x: f64) -> f64 {
        if x <= self.low {
            return 0.0;
        }
        if x >= self.high {
            return 1.0;
        }
        let exact = match self.shape {
            Shape::Student { freedom } => student::upper_tail((self.centre - x) / self.width, freedom),
            Shape::Beta { origin, yes, no } => beta::cdf(yes, no, x + origin),
        };
        exact.unwrap_or(0.0)
    }
}
