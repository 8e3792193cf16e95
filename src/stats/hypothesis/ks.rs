//! The two-sample Kolmogorov–Smirnov test on raw values: the largest distance between the two distribution functions.

use super::{Alternative, Undefined, ascending, check, kolmogorov, ks_exact, tie_groups};

/// Up to this many pairs the p-value is exact, by counting paths: 100 µs.
pub const EXACT_PAIRS: usize = 40_000;

/// The distance between two samples, exact in whole numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distance {
    /// Largest |i·m − j·n| over the ends of groups of ties; the distance is this over n·m.
    pub numerator: u64,
    pub n: usize,
    pub m: usize,
    pub alternative: Alternative,
    /// How many values of both samples lie at or below the end of each group of ties, ascending.
    pub ends: Vec<usize>,
}

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// `0..=1`.
    pub distance: f64,
    pub p_value: f64,
}

/// Greater: the first sample tends to be larger, so its distribution function lies below. (`SciPy` and R name the functions
/// instead: their "greater" is our less.) Undefined with an empty side or a value that is not finite.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
pub fn distance(x: &[f64], y: &[f64], alternative: Alternative) -> Result<Distance, Undefined> {
    check(x, 1).and(check(y, 1))?;
    let (n, m) = (x.len(), y.len());
    let (mut i, mut j, mut numerator) = (0_usize, 0_usize, 0_u64);
    let mut ends = Vec::new();
    for [a, b] in tie_groups(&ascending(x), &ascending(y)) {
        i += a;
        j += b;
        ends.push(i + j);
        let (above, below) = ((i as u64) * (m as u64), (j as u64) * (n as u64));
        numerator = numerator.max(match alternative {
            Alternative::TwoSided => above.abs_diff(below),
            Alternative::Greater => below.saturating_sub(above),
            Alternative::Less => above.saturating_sub(below),
        });
    }
    Ok(Distance { numerator, n, m, alternative, ends })
}

impl Distance {
    #[must_use]
    pub fn value(&self) -> f64 {
        self.numerator as f64 / (self.n as f64 * self.m as f64)
    }

    /// n·m / (n + m), the number of values the pair is worth.
    #[must_use]
    pub fn effective(&self) -> f64 {
        self.n as f64 * self.m as f64 / (self.n + self.m) as f64
    }

    /// As `SciPy` and R approximate it: two-sided by the law of one sample of nm/(n + m) values, one-sided with Hodges'
    /// continuity correction (Arkiv för Matematik 3, 1958, doi:10.1007/BF02589501, eq. 5.3). Two-sided it is too small when both
    /// samples are few and of one size (0.19 for 0.28 at twice 8): see [`Self::p_limit`].
    #[must_use]
    pub fn p_asymptotic(&self) -> f64 {
        if self.alternative == Alternative::TwoSided {
            return kolmogorov::upper_tail(self.effective().round_ties_even().max(1.0), self.value());
        }
        let z = self.effective().sqrt() * self.value();
        let (large, small) = (self.n.max(self.m) as f64, self.n.min(self.m) as f64);
        let shift = z * (large + 2.0 * small) / (large * small * (large + small)).sqrt() / 1.5;
        (-2.0 * z * z - shift).exp().min(1.0)
    }

    /// By Kolmogorov's limiting law, one-sided e^(−2λ²): too large rather than too small, at any sizes.
    #[must_use]
    pub fn p_limit(&self) -> f64 {
        let lambda = self.effective().sqrt() * self.value();
        match self.alternative {
            Alternative::TwoSided => kolmogorov::limit_upper_tail(lambda),
            Alternative::Greater | Alternative::Less => (-2.0 * lambda * lambda).exp(),
        }
    }

    /// Exact given the ties: over all ways to split these values into samples of these sizes. O(n·m).
    #[must_use]
    pub fn p_exact(&self) -> f64 {
        ks_exact::p_value(self, &self.ends)
    }

    /// Exact for continuous data; with ties too large.
    #[must_use]
    pub fn p_exact_without_ties(&self) -> f64 {
        ks_exact::p_value(self, &(1..=self.n + self.m).collect::<Vec<_>>())
    }
}

/// The test: exact up to [`EXACT_PAIRS`], by the limiting law above. Undefined with an empty side or a value that is not finite.
pub fn test(x: &[f64], y: &[f64], alternative: Alternative) -> Result<KolmogorovSmirnov, Undefined> {
    let distance = distance(x, y, alternative)?;
    let exact = distance.n.saturating_mul(distance.m) <= EXACT_PAIRS;
    let p_value = if exact { distance.p_exact() } else { distance.p_limit() };
    Ok(KolmogorovSmirnov { distance: distance.value(), p_value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        assert_eq!(test(&[], &[1.0], Alternative::TwoSided), Err(Undefined::TooFew { needs: 1, has: 0 }));
        assert_eq!(test(&[f64::NAN], &[1.0], Alternative::TwoSided), Err(Undefined::NotFinite));
        for p in [test(&[0.0], &[-0.0], Alternative::TwoSided), test(&[3.0; 5], &[3.0; 9], Alternative::TwoSided)] {
            let same = p.unwrap();
            assert!(same.distance.abs() < 1e-15 && (same.p_value - 1.0).abs() < 1e-15, "{same:?}");
        }
    }

    #[test]
    fn exact_and_asymptotic_meet_where_they_change_over() {
        let x: Vec<f64> = (0..200).map(f64::from).collect();
        for shift in [5.3, 20.3, 30.3] {
            let y: Vec<f64> = x.iter().map(|v| v + shift).collect();
            for alternative in [Alternative::TwoSided, Alternative::Greater] {
                let distance = distance(&x, &y, alternative).unwrap();
                for near in [distance.p_asymptotic(), distance.p_limit()] {
                    let exact = distance.p_exact();
                    assert!((near / exact - 1.0).abs() < 0.3 && (near - exact).abs() < 0.05, "{exact} {near}");
                }
            }
        }
    }
}
