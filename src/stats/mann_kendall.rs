//! The Mann–Kendall test for a monotonic trend (Mann, Econometrica 13, 1945, doi:10.2307/1907187), with corrections for
//! values that resemble their neighbours: without one, autocorrelation alone looks like a trend.

use super::{
    hypothesis::{Alternative, Undefined, ascending, check},
    tails::normal,
    theil_sen,
};

/// Values below which autocorrelation cannot be told from chance.
pub const MIN_FOR_CORRECTION: u32 = 10;

/// S and its law when the values are in random order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannKendall {
    /// Rising pairs less falling pairs.
    pub s: i64,
    /// Corrected for ties, and for autocorrelation where that was asked for.
    pub variance: f64,
    pub n: u64,
    /// Pairs of equal values.
    pub tied_pairs: u64,
}

/// How resemblance of neighbours is taken into account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Autocorrelation {
    /// Significant lags of the detrended ranks (Hamed and Rao, Journal of Hydrology 204, 1998,
    /// doi:10.1016/S0022-1694(97)00125-X). `level` is two-sided, usually 0.05. Finds too many trends.
    HamedRao { level: f64 },
    /// The first lag of the detrended values alone, as of an autoregression of order one, with the bias of its estimate after
    /// detrending taken out (Marriott and Pope, Biometrika 41, 1954, doi:10.1093/biomet/41.3-4.390); negative counts as none.
    /// Of the three the only one that comes close to its level: prefer it.
    FirstOrder,
    /// All lags of the detrended values; half of all series without trend are found to have one, so this is for comparison
    /// with other programs only (Yue and Wang, Water Resources Management 18, 2004,
    /// doi:10.1023/B:WARM.0000043140.61082.60).
    YueWang,
}

/// The test on values in the order of time, evenly spaced. O(n log n). Undefined below two values or with one that is not
/// finite. Values of one kind only give S = 0 with variance 0.
pub fn test(values: &[f64]) -> Result<MannKendall, Undefined> {
    check(values, 2)?;
    let n = values.len() as u64;
    let (mut tied_pairs, mut ties) = (0, 0.0);
    for group in ascending(values).chunk_by(|a, b| a >= b) {
        let t = group.len() as u64;
        tied_pairs += t * (t - 1) / 2;
        let t = t as f64;
        ties += t * (t - 1.0) * (2.0 * t + 5.0);
    }
    let mut order: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    let falling = theil_sen::inversions(&mut order, &mut vec![0.0; values.len()]);
    let pairs = n * (n - 1) / 2;
    let s = (pairs - tied_pairs - falling).cast_signed() - falling.cast_signed();
    let all = n as f64;
    let variance = (all * (all - 1.0) * (2.0 * all + 5.0) - ties) / 18.0;
    Ok(MannKendall { s, variance, n, tied_pairs })
}

/// The test with its variance corrected. Undefined below [`MIN_FOR_CORRECTION`] values, on a perfect line, and when the
/// corrected variance is not positive: then the correlations are too strong, or too few values, to say anything.
pub fn corrected(values: &[f64], autocorrelation: Autocorrelation) -> Result<MannKendall, Undefined> {
    check(values, MIN_FOR_CORRECTION)?;
    let plain = test(values)?;
    let slope = theil_sen::fit(values)?.slope;
    let detrended: Vec<f64> = values.iter().zip(1_u32..).map(|(value, i)| value - f64::from(i) * slope).collect();
    let n = values.len() as f64;
    let factor = match autocorrelation {
        Autocorrelation::FirstOrder => {
            let first = correlations(&detrended)?.first().copied().unwrap_or(0.0);
            // Mean and slope are estimated: E[r] = ρ − (2 + 4ρ) / n.
            let rho = ((first + 2.0 / n) / (1.0 - 4.0 / n)).clamp(0.0, 0.99);
            let lags = (1..values.len() as u32).map(f64::from);
            1.0 + 2.0 * lags.map(|k| (1.0 - k / n) * rho.powf(k)).sum::<f64>()
        }
        Autocorrelation::YueWang => {
            let lags = correlations(&detrended)?;
            1.0 + 2.0 * lags.iter().zip(1_u32..).map(|(r, k)| (1.0 - f64::from(k) / n) * r).sum::<f64>()
        }
        Autocorrelation::HamedRao { level } => {
            let limit = normal::upper_quantile(level / 2.0).ok_or(Undefined::Impossible)? / n.sqrt();
            let lags = correlations(&midranks(&detrended))?;
            let significant = lags.iter().zip(1_u32..).filter(|(r, _)| r.abs() > limit);
            let sum: f64 = significant
                .map(|(r, k)| (n - f64::from(k), r))
                .map(|(left, r)| left * (left - 1.0) * (left - 2.0) * r)
                .sum();
            1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * sum
        }
    };
    let variance = plain.variance * factor;
    if variance > 0.0 { Ok(MannKendall { variance, ..plain }) } else { Err(Undefined::NoVariance) }
}

impl MannKendall {
    /// S over its standard deviation, moved by one towards zero for continuity; zero when S is.
    #[must_use]
    pub fn z(&self) -> f64 {
        if self.s == 0 || self.variance <= 0.0 {
            return 0.0;
        }
        (self.s - self.s.signum()) as f64 / self.variance.sqrt()
    }

    /// Greater: a rising trend.
    #[must_use]
    pub fn p_value(&self, alternative: Alternative) -> f64 {
        match alternative {
            Alternative::TwoSided => (2.0 * normal::upper_tail(self.z().abs())).min(1.0),
            Alternative::Greater => normal::upper_tail(self.z()),
            Alternative::Less => normal::upper_tail(-self.z()),
        }
    }

    /// S over all pairs.
    #[must_use]
    pub fn tau_a(&self) -> f64 {
        self.s as f64 / self.pairs()
    }

    /// Kendall's τ-b: S over the geometric mean of pairs that could have been ordered. `None` for a constant series.
    #[must_use]
    pub fn tau_b(&self) -> Option<f64> {
        let untied = self.pairs() - self.tied_pairs as f64;
        (untied > 0.0).then(|| self.s as f64 / self.pairs().sqrt() / untied.sqrt())
    }

    fn pairs(&self) -> f64 {
        (self.n * (self.n - 1) / 2) as f64
    }
}

/// Autocorrelations at the lags 1, …, n − 1, each with divisor n.
fn correlations(values: &[f64]) -> Result<Vec<f64>, Undefined> {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let centered: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let product = |lag: usize| centered[lag..].iter().zip(&centered).map(|(a, b)| a * b).sum::<f64>();
    let whole = product(0);
    let size = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    // On a perfect line, detrending leaves rounding errors only.
    if whole <= n as f64 * (1e-13 * size).powi(2) {
        return Err(Undefined::NoVariance);
    }
    Ok((1..n).map(|lag| product(lag) / whole).collect())
}

fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for group in order.chunk_by(|a, b| values[*a] >= values[*b]) {
        for i in group {
            ranks[*i] = before as f64 + f64::midpoint(group.len() as f64, 1.0);
        }
        before += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_like_the_definition() {
        let values: Vec<f64> = (0..200_i32).map(|i| f64::from(i * 37 % 11) + f64::from(i / 40)).collect();
        let mut s = 0;
        for (i, a) in values.iter().enumerate() {
            s += values[i + 1..].iter().map(|b| i64::from(b > a) - i64::from(b < a)).sum::<i64>();
        }
        assert_eq!(test(&values).unwrap().s, s);
    }

    #[test]
    fn edges() {
        assert_eq!(test(&[1.0]), Err(Undefined::TooFew { needs: 2, has: 1 }));
        assert_eq!(test(&[1.0, f64::NAN]), Err(Undefined::NotFinite));
        let flat = test(&[4.0; 9]).unwrap();
        assert_eq!((flat.s, flat.variance, flat.p_value(Alternative::TwoSided), flat.tau_b()), (0, 0.0, 1.0, None));
        let line: Vec<f64> = (0..50).map(|i| 0.1 * f64::from(i) + 1e6).collect();
        for method in [Autocorrelation::FirstOrder, Autocorrelation::YueWang, Autocorrelation::HamedRao { level: 0.05 }]
        {
            assert_eq!(corrected(&line[..9], method), Err(Undefined::TooFew { needs: 10, has: 9 }));
            assert!(corrected(&[4.0; 50], method).is_err());
        }
        assert_eq!(test(&[0.0, -0.0, 0.0]).unwrap().s, 0);
    }
}
