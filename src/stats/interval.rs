//! Estimates with their uncertainty. Every interval is two-sided at [`LEVEL`]; `requests` is always the effective number:
//! after sampling weights and the design effect.

use super::{
    Sketch,
    tails::{beta, normal, student},
};
use crate::domain::plan::Estimate;

/// Coverage of every interval a plan shows.
pub const LEVEL: f64 = 0.90;

/// The normal quantile of such an interval's upper end.
const Z: f64 = 1.644_853_626_951_472_7;

/// An estimate on a scale where its error is close to normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncertain {
    pub value: f64,
    pub standard_error: f64,
}

impl Uncertain {
    /// The two-sided interval at [`LEVEL`].
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let half = Z * self.standard_error;
        Estimate { value: self.value, low: self.value - half, high: self.value + half }
    }

    /// Probability that the true value is at most `limit`.
    #[must_use]
    pub fn probability_at_most(&self, limit: f64) -> f64 {
        if self.standard_error > 0.0 {
            normal::cdf((limit - self.value) / self.standard_error)
        } else if self.value <= limit {
            1.0
        } else {
            0.0
        }
    }

    /// Distance from zero in standard errors, finite even where there is no error at all.
    #[must_use]
    pub fn z(&self) -> f64 {
        const MOST: f64 = 1e6;
        if self.value == 0.0 { 0.0 } else { (self.value / self.standard_error).clamp(-MOST, MOST) }
    }

    /// `factor · self`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self { value: factor * self.value, standard_error: factor.abs() * self.standard_error }
    }

    /// Difference to an independent estimate.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self { value: self.value - other.value, standard_error: libm::hypot(self.standard_error, other.standard_error) }
    }
}

/// The mean of a sketch with its standard error s / √n, s² with the n − 1 divisor. The 90 % interval uses the normal
/// quantile widened to Student's t by [`Uncertain::standard_error`] when n is small. `None` below two requests.
#[must_use]
pub fn mean(sketch: &Sketch, requests: f64) -> Option<Uncertain> {
    let (value, variance) = (sketch.mean()?, sketch.variance()?);
    if requests < 2.0 {
        return None;
    }
    let widening = t_quantile(0.5 + LEVEL / 2.0, requests - 1.0) / Z;
    Some(Uncertain { value, standard_error: widening * (variance / (requests - 1.0)).sqrt() })
}

/// The natural logarithm of a quantile, with its standard error from the order statistics around it: the ranks
/// n·q ± z·√(n·q·(1−q)) enclose the true quantile with probability [`LEVEL`], whatever the distribution (David and
/// Nagaraja, "Order Statistics", 3rd ed., 2003, §7.1, doi:10.1002/0471722162). `None` when those ranks leave the sample,
/// that is when n is too small for this quantile, or when it is zero.
#[must_use]
pub fn log_quantile(sketch: &Sketch, q: f64, requests: f64) -> Option<Uncertain> {
    let z = Z;
    let spread = z * (q * (1.0 - q) / requests).sqrt();
    if requests <= 0.0 || q - spread <= 0.0 || q + spread >= 1.0 {
        return None;
    }
    let (low, value, high) = (sketch.quantile(q - spread)?, sketch.quantile(q)?, sketch.quantile(q + spread)?);
    if low <= 0.0 {
        return None;
    }
    // Bins are α wide: below that, two quantiles cannot be told apart, so the error is at least half a bin.
    let half = ((high / low).ln() / 2.0).max(super::sketch::ALPHA);
    Some(Uncertain { value: value.ln(), standard_error: half / z })
}

/// Back from the log scale.
#[must_use]
pub fn exp_estimate(log: &Uncertain) -> Estimate {
    let log = log.estimate();
    Estimate { value: log.value.exp(), low: log.low.exp(), high: log.high.exp() }
}

/// What `failures` in `requests` say about a failure rate: the Jeffreys posterior Beta(½ + x, ½ + n − x), whose intervals
/// hold their coverage at small rates (Brown, Cai, `DasGupta`, "Interval estimation for a binomial proportion",
/// Statistical Science 16(2), 2001, doi:10.1214/ss/1009213286).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    failures: f64,
    requests: f64,
}

impl Rate {
    /// `None` without requests.
    #[must_use]
    pub fn new(failures: f64, requests: f64) -> Option<Self> {
        (requests > 0.0 && failures >= 0.0 && failures <= requests).then_some(Self { failures, requests })
    }

    /// The shapes of the posterior, both at least one half.
    fn posterior(&self) -> (f64, f64) {
        (0.5 + self.failures, 0.5 + self.requests - self.failures)
    }

    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let tail = (1.0 - LEVEL) / 2.0;
        let (a, b) = self.posterior();
        let quantile = |p| beta::quantile(a, b, p).unwrap_or(f64::NAN);
        Estimate {
            value: self.failures / self.requests,
            low: if self.failures == 0.0 { 0.0 } else { quantile(tail) },
            high: if self.failures >= self.requests { 1.0 } else { quantile(1.0 - tail) },
        }
    }

    /// Probability that the true rate is at most `limit`.
    #[must_use]
    pub fn probability_at_most(&self, limit: f64) -> f64 {
        let (a, b) = self.posterior();
        beta::cdf(a, b, limit.clamp(0.0, 1.0)).unwrap_or(0.0)
    }
}

/// Quantile of the standard normal distribution.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    normal::quantile(p).unwrap_or(f64::NAN)
}

/// Quantile of Student's t with `freedom > 0` degrees of freedom.
#[must_use]
pub fn t_quantile(p: f64, freedom: f64) -> f64 {
    const MANY: f64 = 200.0;
    if freedom < MANY {
        return student::upper_quantile(1.0 - p, freedom).unwrap_or(f64::NAN);
    }
    // The expansion around the normal quantile, to 1e-11 from here on (Abramowitz and Stegun, "Handbook of Mathematical Functions",
    // 1964, 26.7.5).
    let z = normal_quantile(p);
    let square = z * z;
    let terms = [
        z * (square + 1.0) / 4.0,
        z * ((5.0 * square + 16.0) * square + 3.0) / 96.0,
        z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0,
        z * ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) / 92_160.0,
    ];
    z + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / freedom)
}

/// Probability that Student's t with `freedom > 0` degrees of freedom is above `statistic`.
#[must_use]
pub fn student_t_upper_tail(statistic: f64, freedom: f64) -> f64 {
    student::upper_tail(statistic, freedom).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::stats::{Bucket, compare, design_effect::design_effect};

    /// Share of `trials` seeded simulations in which `hit` says yes.
    fn share(trials: u32, mut hit: impl FnMut(&mut ChaCha8Rng) -> bool) -> f64 {
        let mut random = ChaCha8Rng::seed_from_u64(20_231_116);
        f64::from((0..trials).filter(|_| hit(&mut random)).count() as u32) / f64::from(trials)
    }

    fn standard_normal_draw(random: &mut ChaCha8Rng) -> f64 {
        let (u, v): (f64, f64) = (random.random_range(f64::MIN_POSITIVE..1.0), random.random());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    #[test]
    fn rates_agree_with_scipy() {
        // scipy 1.17.1: beta(0.5 + x, 0.5 + n - x), ppf(0.05), ppf(0.95), cdf(0.05).
        for (failures, requests, low, high, at_most) in [
            (3.0, 10.0, 0.117_329_376_680_210_19, 0.558_126_766_484_634, 0.003_606_435_406_115_281_4),
            (7.0, 1000.0, 0.003_635_696_307_206_508, 0.012_460_435_251_249_558, 0.999_999_999_999_995_1),
            (49.0, 150.0, 0.266_485_496_556_434_66, 0.391_745_460_249_528_1, 3.638_148_299_026_049e-27),
        ] {
            let rate = Rate::new(failures, requests).unwrap();
            let estimate = rate.estimate();
            for (got, want) in [(estimate.low, low), (estimate.high, high), (rate.probability_at_most(0.05), at_most)] {
                assert!((got - want).abs() <= 1e-9 * want.abs(), "{failures} of {requests}: {got} for {want}");
            }
        }
        // At the ends the interval reaches what was seen; the other side stays scipy's.
        let none = Rate::new(0.0, 10.0).unwrap().estimate();
        assert!(none.low.abs() < 1e-15 && (none.high - 0.170_773_108_244_847_8).abs() < 1e-9);
        let all = Rate::new(10.0, 10.0).unwrap().estimate();
        assert!((all.low - 0.829_226_891_755_152_1).abs() < 1e-9 && (all.high - 1.0).abs() < 1e-15);
        assert_eq!(Rate::new(0.0, 0.0), None);
    }

    #[test]
    fn quantiles_agree_with_scipy() {
        assert!((normal_quantile(0.5 + LEVEL / 2.0) - Z).abs() < 1e-12);
        for (freedom, want) in [
            (1.0, 6.313_751_514_675_037),
            (4.0, 2.131_846_786_326_649_5),
            (99.0, 1.660_391_156_016_990_6),
            (200.0, 1.652_508_100_910_876_9),
            (5e4, 1.644_884_102_902_513),
        ] {
            assert!((t_quantile(0.95, freedom) - want).abs() < 1e-8, "{freedom}");
        }
    }

    #[test]
    fn degenerate_samples_are_unknown_or_certain_but_never_nonsense() {
        assert_eq!(mean(&Sketch::default(), 0.0), None);
        assert_eq!(mean(&Sketch::from_values([0.5]), 1.0), None);
        let constant = mean(&Sketch::from_values([0.5; 50]), 50.0).unwrap();
        assert!(constant.standard_error.abs() < 1e-12);
        assert!((constant.probability_at_most(0.5 + 1e-9) - 1.0).abs() < 1e-12);
        assert!(constant.probability_at_most(0.49).abs() < 1e-12);
        let few = Sketch::from_values((1..=20).map(f64::from));
        assert_eq!(log_quantile(&few, 0.95, 20.0), None, "twenty values do not bound their own 95th percentile");
        assert!(log_quantile(&few, 0.5, 20.0).is_some());
    }

    #[test]
    fn mean_intervals_cover_as_stated() {
        for requests in [20_u32, 300] {
            let covered = share(2000, |random| {
                let sketch = Sketch::from_values((0..requests).map(|_| 10.0 + standard_normal_draw(random)));
                let estimate = mean(&sketch, f64::from(requests)).unwrap().estimate();
                estimate.low <= 10.0 && 10.0 <= estimate.high
            });
            // Four standard errors of a simulated 90 % over 2,000 trials are 2.7 points.
            assert!((covered - LEVEL).abs() < 0.027, "{requests}: {covered}");
        }
    }

    #[test]
    fn quantile_intervals_cover_at_least_as_stated() {
        let truth = normal_quantile(0.95).exp();
        let covered = share(1000, |random| {
            let sketch = Sketch::from_values((0..500).map(|_| standard_normal_draw(random).exp()));
            let estimate = exp_estimate(&log_quantile(&sketch, 0.95, 500.0).unwrap());
            estimate.low <= truth && truth <= estimate.high
        });
        assert!((0.86..=0.96).contains(&covered), "{covered}");
    }

    #[test]
    fn a_loss_right_at_the_margin_is_let_through_as_rarely_as_the_policy_says() {
        // The candidate loses exactly the 5 % that are tolerated: with max_risk 0.1 it may pass in one case out of ten.
        let passed = share(2000, |random| {
            let mut sample = |rate: f64, size: u32| {
                let sketch = Sketch::from_values((0..size).map(|_| f64::from(u8::from(random.random_bool(rate)))));
                mean(&sketch, f64::from(size)).unwrap()
            };
            let (current, candidate) = (sample(0.9, 3000), sample(0.855, 800));
            compare::keeps_quality(&candidate, &current, 0.05) >= 0.9
        });
        assert!((passed - 0.1).abs() < 0.027, "{passed}");
    }

    #[test]
    fn clustered_requests_keep_their_coverage_through_the_design_effect() {
        // Forty buckets of fifty requests that share a bucket's own level: far from independent.
        let (mut naive_hits, mut hits) = (0_u32, 0_u32);
        let trials = 600;
        let _ = share(trials, |random| {
            let mut values = Vec::new();
            let mut buckets = Vec::new();
            for _ in 0..40 {
                let level = 100.0 + 10.0 * standard_normal_draw(random);
                let bucket: Vec<f64> = (0..50).map(|_| level + 10.0 * standard_normal_draw(random)).collect();
                buckets.push(Bucket { weight: 50.0, sum: bucket.iter().sum() });
                values.extend(bucket);
            }
            let sketch = Sketch::from_values(values);
            let effect = design_effect(&buckets, sketch.variance().unwrap(), 2000.0).unwrap();
            let covers = |requests: f64| {
                let estimate = mean(&sketch, requests).unwrap().estimate();
                estimate.low <= 100.0 && 100.0 <= estimate.high
            };
            naive_hits += u32::from(covers(2000.0));
            hits += u32::from(covers(2000.0 / effect));
            true
        });
        let (naive, corrected) = (f64::from(naive_hits) / f64::from(trials), f64::from(hits) / f64::from(trials));
        assert!(naive < 0.5, "without the correction most intervals miss: {naive}");
        assert!((corrected - LEVEL).abs() < 0.05, "{corrected}");
    }
}
