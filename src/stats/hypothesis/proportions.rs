//! Proportions and the difference of two of them.

use super::{Bounds, Difference, Reference, Undefined};
use crate::stats::tails::{beta, chi_squared, normal};

/// `successes` of `n`, effective numbers, which need not be whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    successes: f64,
    n: f64,
}

impl Proportion {
    /// Undefined without trials and when successes are not between none and all.
    pub fn new(successes: f64, n: f64) -> Result<Self, Undefined> {
        if !successes.is_finite() || !n.is_finite() {
            return Err(Undefined::NotFinite);
        }
        if n <= 0.0 {
            return Err(Undefined::TooFew { needs: 1, has: 0 });
        }
        if successes < 0.0 || successes > n { Err(Undefined::Impossible) } else { Ok(Self { successes, n }) }
    }

    #[must_use]
    pub fn value(&self) -> f64 {
        self.successes / self.n
    }

    /// p(1 − p), taken from the counts so that shares near one keep their digits.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.successes / self.n * ((self.n - self.successes) / self.n)
    }

    /// Wilson's score interval (Journal of the American Statistical Association 22, 1927,
    /// doi:10.1080/01621459.1927.10502953). `None` unless `0 < level < 1`.
    #[must_use]
    pub fn wilson(&self, level: f64) -> Option<[f64; 2]> {
        let z2 = normal::two_sided_quantile(level)?.powi(2);
        let failures = self.n - self.successes;
        let root = (z2 * (z2 + 4.0 * self.successes * failures / self.n)).sqrt();
        // Each bound as a quotient of sums of positive terms: no cancellation where it is close to 0 or 1.
        let low = 2.0 * self.successes * self.value() / (2.0 * self.successes + z2 + root);
        let high = 1.0 - 2.0 * failures * (failures / self.n) / (2.0 * failures + z2 + root);
        Some([low, if self.successes == 0.0 { (z2 + root) / (2.0 * (self.n + z2)) } else { high }])
    }

    /// Clopper and Pearson's interval (Biometrika 26, 1934, doi:10.1093/biomet/26.4.404): covers at least as stated.
    #[must_use]
    pub fn clopper_pearson(&self, level: f64) -> Option<[f64; 2]> {
        let (tail, x, rest) = ((1.0 - level) / 2.0, self.successes, self.n - self.successes);
        if !(tail > 0.0 && tail < 0.5) {
            return None;
        }
        let low = if x > 0.0 { beta::quantile(x, rest + 1.0, tail)? } else { 0.0 };
        let high = if rest > 0.0 { beta::upper_quantile(x + 1.0, rest, tail)? } else { 1.0 };
        Some([low, high])
    }
}

/// Which variance stands under a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variance {
    /// One proportion for both, as under "no difference": for the test.
    Pooled,
    /// Each side its own: for the (Wald) interval.
    Separate,
}

/// x − y with a normal reference. Undefined when that variance is zero, as for none of n on both sides.
pub fn difference(x: &Proportion, y: &Proportion, variance: Variance) -> Result<Difference, Undefined> {
    let squared = match variance {
        Variance::Pooled => {
            let both = Proportion { successes: x.successes + y.successes, n: x.n + y.n };
            both.variance() * (1.0 / x.n + 1.0 / y.n)
        }
        Variance::Separate => x.variance() / x.n + y.variance() / y.n,
    };
    if squared <= 0.0 {
        return Err(Undefined::NoVariance);
    }
    Ok(Difference { value: x.value() - y.value(), standard_error: squared.sqrt(), reference: Reference::Normal })
}

/// The interval of x − y from both Wilson intervals (Newcombe, Statistics in Medicine 17, 1998, method 10,
/// `doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I`). Good also for none of n. `None` unless `0 < level < 1`.
#[must_use]
pub fn newcombe(x: &Proportion, y: &Proportion, level: f64) -> Option<Bounds> {
    let ([x_low, x_high], [y_low, y_high]) = (x.wilson(level)?, y.wilson(level)?);
    let (p, q) = (x.value(), y.value());
    Some(Bounds {
        low: Some(p - q - libm::hypot(p - x_low, y_high - q)),
        high: Some(p - q + libm::hypot(x_high - p, q - y_low)),
    })
}

/// Pearson's chi-square of the 2 × 2 table with Yates' correction, and its p-value; without correction it is the square of
/// the pooled z. Undefined when the variance is zero.
pub fn yates(x: &Proportion, y: &Proportion) -> Result<(f64, f64), Undefined> {
    let pooled = difference(x, y, Variance::Pooled)?;
    // The correction moves each cell by half a count, at most to its expectation: that much of the difference.
    let step = (0.5 * (1.0 / x.n + 1.0 / y.n)).min(pooled.value.abs());
    let statistic = ((pooled.value.abs() - step) / pooled.standard_error).powi(2);
    Ok((statistic, chi_squared::upper_tail(statistic, 1.0).unwrap_or(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        assert_eq!(Proportion::new(1.0, 0.0), Err(Undefined::TooFew { needs: 1, has: 0 }));
        assert_eq!(Proportion::new(3.0, 2.0), Err(Undefined::Impossible));
        assert_eq!(Proportion::new(f64::NAN, 2.0), Err(Undefined::NotFinite));
        let (none, all) = (Proportion::new(0.0, 7.0).unwrap(), Proportion::new(7.0, 7.0).unwrap());
        assert_eq!(difference(&none, &none, Variance::Pooled), Err(Undefined::NoVariance));
        assert_eq!(difference(&all, &none, Variance::Separate), Err(Undefined::NoVariance));
        assert_eq!((none.wilson(1.0), none.clopper_pearson(0.0)), (None, None));
        let ([low, high], [rev_low, rev_high]) = (none.wilson(0.9).unwrap(), all.wilson(0.9).unwrap());
        assert!(low.abs() < 1e-15 && (rev_high - 1.0).abs() < 1e-15 && (high + rev_low - 1.0).abs() < 1e-12);
    }
}
