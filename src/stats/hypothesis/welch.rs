//! Welch's t test of two means with unequal variances (Welch, Biometrika 34, 1947, doi:10.1093/biomet/34.1-2.28;
//! degrees of freedom after Satterthwaite, Biometrics Bulletin 2, 1946, doi:10.2307/3002019).
//!
//! It rests on means being close to normal. With few requests of a skewed or heavy-tailed quantity they are not: with sides
//! of one size the test then rejects too rarely, with sides of very different sizes (a canary) too often. Measured rates
//! stand in `benches/scoreboard/calibration`.

use super::{Difference, Reference, Undefined, check};
use crate::stats::{Sketch, descriptive};

/// Number of independent values, their mean and their variance with the n − 1 divisor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The effective number where values are weighted or alike; need not be whole.
    pub n: f64,
    pub mean: f64,
    pub variance: f64,
}

impl Summary {
    /// Two-pass, so that a large common offset costs no digits.
    pub fn of_values(values: &[f64]) -> Result<Self, Undefined> {
        check(values, 2)?;
        let mean = descriptive::mean(values).ok_or(Undefined::NotFinite)?;
        let variance = descriptive::variance(values, mean).ok_or(Undefined::NotFinite)?;
        Ok(Self { n: values.len() as f64, mean, variance })
    }

    /// Of a sketch that stands for `requests` independent ones: after sampling weights and the design effect.
    pub fn of_sketch(sketch: &Sketch, requests: f64) -> Result<Self, Undefined> {
        let too_few = Undefined::TooFew { needs: 2, has: requests.max(0.0) as u32 };
        if requests.is_nan() || requests < 2.0 {
            return Err(too_few);
        }
        let (mean, variance) = sketch.mean().zip(sketch.variance()).ok_or(too_few)?;
        Ok(Self { n: requests, mean, variance: variance * requests / (requests - 1.0) })
    }
}

/// Difference of means, `x` minus `y`. Undefined with fewer than two values on a side, and when neither varies.
pub fn welch(x: &Summary, y: &Summary) -> Result<Difference, Undefined> {
    compare(x.mean - y.mean, x, y)
}

/// As [`welch`], from the values themselves. The means are taken from a common origin: values of 1e9 and a little keep
/// the digits of the little.
pub fn welch_of_values(x: &[f64], y: &[f64]) -> Result<Difference, Undefined> {
    check(x, 2).and(check(y, 2))?;
    let origin = x[0];
    let shifted = |values: &[f64]| Summary::of_values(&values.iter().map(|value| value - origin).collect::<Vec<_>>());
    welch(&shifted(x)?, &shifted(y)?)
}

/// Student's t with one variance for both sides; only for what claims to be that test.
pub fn pooled(x: &Summary, y: &Summary) -> Result<Difference, Undefined> {
    valid(x)?;
    valid(y)?;
    let freedom = x.n + y.n - 2.0;
    let variance = ((x.n - 1.0) * x.variance + (y.n - 1.0) * y.variance) / freedom;
    let standard_error = (variance * (1.0 / x.n + 1.0 / y.n)).sqrt();
    finish(x.mean - y.mean, standard_error, freedom)
}

#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn compare(value: f64, x: &Summary, y: &Summary) -> Result<Difference, Undefined> {
    valid(x)?;
    valid(y)?;
    let (a, b) = (x.variance / x.n, y.variance / y.n);
    let standard_error = (a + b).sqrt();
    // As shares of the sum: squares of small variances would underflow.
    let (p, q) = (a / (a + b), b / (a + b));
    finish(value, standard_error, 1.0 / (p * p / (x.n - 1.0) + q * q / (y.n - 1.0)))
}

fn finish(value: f64, standard_error: f64, freedom: f64) -> Result<Difference, Undefined> {
    // A standard error that is lost beside the difference is none: the statistic must stay finite.
    if standard_error == 0.0 || (value.is_finite() && (value / standard_error).is_infinite()) {
        return Err(Undefined::NoVariance);
    }
    if !(value.is_finite() && standard_error.is_finite() && freedom.is_finite()) {
        return Err(Undefined::NotFinite);
    }
    Ok(Difference { value, standard_error, reference: Reference::StudentT(freedom) })
}

fn valid(side: &Summary) -> Result<(), Undefined> {
    if !(side.n.is_finite() && side.mean.is_finite() && side.variance.is_finite()) {
        return Err(Undefined::NotFinite);
    }
    if side.n < 2.0 {
        return Err(Undefined::TooFew { needs: 2, has: side.n.max(0.0) as u32 });
    }
    if side.variance < 0.0 { Err(Undefined::Impossible) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::hypothesis::Alternative;

    #[test]
    fn agrees_with_scipy() {
        // scipy 1.17.1: ttest_ind(x, y, equal_var=False).
        let difference = welch_of_values(&[1.1, 2.3, 3.5, 4.7, 5.9], &[2.0, 3.1, 4.4, 6.6]).unwrap();
        assert!((difference.statistic(0.0) + 0.402_977_746_526_293_1).abs() < 1e-12);
        assert!((difference.p_value(Alternative::TwoSided, 0.0) - 0.700_022_289_235_506_6).abs() < 1e-10);
    }

    #[test]
    fn what_has_no_answer_says_why() {
        assert_eq!(welch_of_values(&[1.0], &[1.0, 2.0]), Err(Undefined::TooFew { needs: 2, has: 1 }));
        assert_eq!(welch_of_values(&[5.0; 4], &[7.0; 4]), Err(Undefined::NoVariance));
        assert_eq!(welch_of_values(&[f64::NAN, 1.0], &[1.0, 2.0]), Err(Undefined::NotFinite));
        assert_eq!(welch_of_values(&[f64::MAX, -f64::MAX], &[1.0, 2.0]), Err(Undefined::NotFinite));
        assert_eq!(Summary::of_sketch(&Sketch::default(), 9.0), Err(Undefined::TooFew { needs: 2, has: 9 }));
    }

    #[test]
    fn a_sketch_says_what_its_values_say() {
        let (x, y): (Vec<f64>, Vec<f64>) =
            ((0..40).map(|i| f64::from(i % 7) + 100.0).collect(), (0..60).map(|i| f64::from(i % 9) + 100.0).collect());
        let of = |v: &[f64]| Summary::of_sketch(&Sketch::from_values(v.iter().copied()), v.len() as f64).unwrap();
        let (binned, raw) = (welch(&of(&x), &of(&y)).unwrap(), welch_of_values(&x, &y).unwrap());
        assert!((binned.value - raw.value).abs() < 1e-9, "means are exact");
        assert!((binned.standard_error / raw.standard_error - 1.0).abs() < 0.1, "{binned:?} {raw:?}");
    }
}
