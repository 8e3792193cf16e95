//! The Mann–Whitney U test and the probability of superiority it measures, with ties (Mann and Whitney, Annals of
//! Mathematical Statistics 18, 1947, doi:10.1214/aoms/1177730491).

use super::{Alternative, Undefined, ascending, check, rank_permutation, tie_groups};
use crate::stats::tails::normal;

/// Up to this many values on both sides together the p-value is exact, also with ties.
pub const EXACT_VALUES: usize = 50;

/// Whether half a step is taken off the distance from the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    Corrected,
    Uncorrected,
}

/// U of the first sample and its law when both are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the first is larger, plus half the ties.
    pub u: f64,
    pub n: f64,
    pub m: f64,
    /// Variance of `u` without difference, corrected for ties. Zero when all values are equal.
    pub variance: f64,
}

impl MannWhitney {
    /// From both samples. Undefined with an empty side or a value that is not finite.
    pub fn of_values(x: &[f64], y: &[f64]) -> Result<Self, Undefined> {
        check(x, 1).and(check(y, 1))?;
        Ok(Self::of_groups(&tie_groups(&ascending(x), &ascending(y))))
    }

    #[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
    fn of_groups(groups: &[[usize; 2]]) -> Self {
        // In whole numbers, twice U: pairs won count two, ties one.
        let (mut below, mut twice, mut cubes) = (0_u64, 0_u64, 0.0);
        let (mut n, mut m) = (0_u64, 0_u64);
        for [a, b] in groups {
            let (a, b) = (*a as u64, *b as u64);
            twice += a * (2 * below + b);
            below += b;
            n += a;
            m += b;
            let t = (a + b) as f64;
            cubes += t * (t - 1.0) * (t + 1.0);
        }
        let (n, m) = (n as f64, m as f64);
        Self { u: twice as f64 / 2.0, n, m, variance: tied_variance(n, m, cubes) }
    }

    /// P(X > Y) + ½ P(X = Y), the common-language effect size: ½ is no difference.
    #[must_use]
    pub fn superiority(&self) -> f64 {
        self.u / (self.n * self.m)
    }

    /// The normal approximation. Without any variance 1 when corrected (nothing speaks for a difference), undefined when not.
    pub fn p_asymptotic(&self, alternative: Alternative, continuity: Continuity) -> Result<f64, Undefined> {
        let half = if continuity == Continuity::Corrected { 0.5 } else { 0.0 };
        if self.variance <= 0.0 {
            return if half > 0.0 { Ok(1.0) } else { Err(Undefined::NoVariance) };
        }
        let above = self.u - self.n * self.m / 2.0;
        let z = |distance: f64| (distance - half) / self.variance.sqrt();
        Ok(match alternative {
            Alternative::Greater => normal::upper_tail(z(above)),
            Alternative::Less => normal::upper_tail(z(-above)),
            Alternative::TwoSided => (2.0 * normal::upper_tail(z(above.abs()))).min(1.0),
        })
    }
}

/// nm/12 · (N + 1 − Σ(t³ − t) / (N(N − 1))).
pub(super) fn tied_variance(n: f64, m: f64, cubes: f64) -> f64 {
    let all = n + m;
    if all < 2.0 {
        return 0.0;
    }
    let factor = all + 1.0 - cubes / (all * (all - 1.0));
    // All values in one group leave a rounding error, not a variance.
    if factor <= 1e-12 * all { 0.0 } else { n * m / 12.0 * factor }
}

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Superiority {
    /// P(X > Y) + ½ P(X = Y).
    pub superiority: f64,
    pub p_value: f64,
}

/// The test: exact given the ties up to [`EXACT_VALUES`], else the corrected normal approximation.
pub fn test(x: &[f64], y: &[f64], alternative: Alternative) -> Result<Superiority, Undefined> {
    let statistic = MannWhitney::of_values(x, y)?;
    let p_value = if x.len() + y.len() <= EXACT_VALUES {
        rank_permutation::p_value(x, y, alternative)?
    } else {
        statistic.p_asymptotic(alternative, Continuity::Corrected)?
    };
    Ok(Superiority { superiority: statistic.superiority(), p_value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        assert_eq!(test(&[1.0], &[], Alternative::Less), Err(Undefined::TooFew { needs: 1, has: 0 }));
        assert_eq!(test(&[1.0], &[f64::INFINITY], Alternative::Less), Err(Undefined::NotFinite));
        let same = MannWhitney::of_values(&[5.0; 60], &[5.0; 70]).unwrap();
        assert_eq!(same.p_asymptotic(Alternative::TwoSided, Continuity::Corrected), Ok(1.0));
        assert_eq!(same.p_asymptotic(Alternative::TwoSided, Continuity::Uncorrected), Err(Undefined::NoVariance));
        assert!((same.superiority() - 0.5).abs() < 1e-15);
    }

    #[test]
    fn sides_mirror_each_other() {
        let (x, y) = ([1.0, 4.0, 4.0, 9.0], [2.0, 4.0, 5.0]);
        let (one, other) = (MannWhitney::of_values(&x, &y).unwrap(), MannWhitney::of_values(&y, &x).unwrap());
        assert!((one.u + other.u - 12.0).abs() < 1e-12 && (one.variance - other.variance).abs() < 1e-12);
        for (one, other) in [(Alternative::Greater, Alternative::Less), (Alternative::TwoSided, Alternative::TwoSided)]
        {
            let (forth, back) = (test(&x, &y, one).unwrap().p_value, test(&y, &x, other).unwrap().p_value);
            assert!((forth - back).abs() < 1e-12, "{forth} {back}");
        }
    }
}
