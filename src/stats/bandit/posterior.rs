//! What is believed of an arm's mean reward.

use super::{Evidence, Unusable};
use crate::stats::tails::{beta, student};

/// What is believed before any reward is seen. Weak on purpose: ten requests outweigh it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prior {
    /// Rewards are yes or no: Beta(1, 1), every rate equally likely.
    Binary,
    /// Rewards are numbers, normal with unknown mean and variance (normal-inverse-gamma). Mean reward `mean`, worth one
    /// request; standard deviation of single rewards `deviation`, worth three, since with fewer the posterior would have
    /// no standard deviation.
    Normal { mean: f64, deviation: f64 },
}

/// Requests the prior mean is worth.
const MEAN_WEIGHT: f64 = 1.0;
/// Requests the prior deviation is worth: degrees of freedom before any evidence. Above 2, so that the variance is finite.
pub(super) const PRIOR_FREEDOM: f64 = 3.0;

impl Prior {
    /// For scores between two bounds: centred, with the deviation of a uniform distribution. `None` unless `low < high`.
    #[must_use]
    pub fn between(low: f64, high: f64) -> Option<Self> {
        Self::around(f64::midpoint(low, high), (high - low) / 12_f64.sqrt())
    }

    /// For unbounded objectives, for instance around the pooled mean and deviation of all arms. `None` unless the deviation
    /// is above 0 and both are finite.
    #[must_use]
    pub fn around(mean: f64, deviation: f64) -> Option<Self> {
        (mean.abs() <= 1e100 && deviation > 0.0 && deviation <= 1e100).then_some(Self::Normal { mean, deviation })
    }

    /// Prior and evidence together.
    pub fn posterior(&self, evidence: &Evidence) -> Result<Posterior, Unusable> {
        let (requests, mean) = (evidence.requests(), evidence.mean());
        match *self {
            Self::Binary => {
                let within = requests <= 0.0 || (0.0..=1.0).contains(&mean);
                let beta = BetaMean::new(1.0 + requests * mean, 1.0 + requests * (1.0 - mean));
                beta.filter(|_| within).map(Posterior::Beta).ok_or(Unusable::Mean)
            }
            Self::Normal { mean: centre, deviation } => {
                let weight = MEAN_WEIGHT + requests;
                let freedom = PRIOR_FREEDOM + requests;
                let location = centre + (mean - centre) * (requests / weight);
                let surprise = MEAN_WEIGHT * requests / weight * (mean - centre).powi(2);
                let squares = PRIOR_FREEDOM * deviation * deviation + evidence.squares() + surprise;
                let student = StudentMean::new(location, (squares / freedom / weight).sqrt(), freedom);
                student.map(Posterior::Student).ok_or(Unusable::Variance)
            }
        }
    }
}

/// Distribution of an arm's mean reward, given what was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Posterior {
    Student(StudentMean),
    Beta(BetaMean),
}

/// Student's t, moved and stretched: the mean of normal rewards whose variance is not known either (Gelman et al., "Bayesian
/// Data Analysis", 3rd edition, section 3.3, doi:10.1201/b16018).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StudentMean {
    location: f64,
    scale: f64,
    freedom: f64,
}

/// Beta: the rate of yes-or-no rewards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaMean {
    yes: f64,
    no: f64,
}

impl StudentMean {
    /// `None` unless the location is finite, the scale above 0 and finite, the degrees of freedom above 2.
    #[must_use]
    pub fn new(location: f64, scale: f64, freedom: f64) -> Option<Self> {
        let usable = location.abs() <= 1e150 && scale > 0.0 && scale <= 1e150 && freedom > 2.0 && freedom.is_finite();
        usable.then_some(Self { location, scale, freedom })
    }

    /// Centre, the unit of t, and degrees of freedom.
    #[must_use]
    pub fn parameters(&self) -> (f64, f64, f64) {
        (self.location, self.scale, self.freedom)
    }
}

impl BetaMean {
    /// `None` unless both shapes are at least 1 and finite: below 1 the density has no upper bound.
    #[must_use]
    pub fn new(yes: f64, no: f64) -> Option<Self> {
        (yes >= 1.0 && no >= 1.0 && yes.is_finite() && no.is_finite()).then_some(Self { yes, no })
    }

    /// Both shapes.
    #[must_use]
    pub fn parameters(&self) -> (f64, f64) {
        (self.yes, self.no)
    }
}

impl Posterior {
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Student(t) => t.location,
            Self::Beta(beta) => beta.yes / (beta.yes + beta.no),
        }
    }

    /// Standard deviation of the mean reward: how well it is known.
    #[must_use]
    pub fn sd(&self) -> f64 {
        match self {
            Self::Student(t) => t.scale * (t.freedom / (t.freedom - 2.0)).sqrt(),
            Self::Beta(beta) => {
                let all = beta.yes + beta.no;
                (beta.yes / all * (beta.no / all) / (all + 1.0)).sqrt()
            }
        }
    }

    /// x with P(mean reward ≤ x) = `p`. `None` unless `0 < p < 1`.
    #[must_use]
    pub fn quantile(&self, p: f64) -> Option<f64> {
        match self {
            Self::Student(t) => student::upper_quantile(p, t.freedom).map(|z| t.location - t.scale * z),
            Self::Beta(beta) => beta::quantile(beta.yes, beta.no, p),
        }
    }

    /// P(mean reward > x). `None` where `x` is no number.
    #[must_use]
    pub fn above(&self, x: f64) -> Option<f64> {
        match self {
            Self::Student(t) => student::upper_tail((x - t.location) / t.scale, t.freedom),
            Self::Beta(_) if x.is_nan() => None,
            Self::Beta(beta) => beta::upper_tail(beta.yes, beta.no, x),
        }
    }

    /// P(this mean reward > the other), by quadrature, for independent posteriors. Both together come to 1.
    #[must_use]
    pub fn probability_above(&self, other: &Self) -> f64 {
        super::best(&[*self, *other]).map_or(0.5, |best| best.probability[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(requests: f64, mean: f64, variance: f64) -> Posterior {
        let prior = Prior::around(0.5, 0.5).unwrap();
        prior.posterior(&Evidence::new(requests, mean, variance).unwrap()).unwrap()
    }

    #[test]
    fn agrees_with_scipy() {
        // scipy 1.17.1, stats.t(df, loc, scale): mean, std, ppf(0.05), ppf(0.999), sf(0.65).
        #[rustfmt::skip]
        let wanted = [
            ((20.0, 0.7, 0.04), [0.690_476_190_476_190_5, 0.059_248_797_802_422_01, 0.593_446_747_995_269, 0.887_774_613_894_652_4, 0.759_082_031_144_584_7]),
            ((2.5, 0.1, 0.3), [0.214_285_714_285_714_27, 0.327_549_430_983_491_93, -0.301_843_127_005_720_25, 1.652_634_977_034_764_8, 0.075_471_208_181_859_57]),
            ((1000.0, 0.62, 0.0625), [0.619_880_119_880_119_9, 0.007_942_019_339_961_453, 0.606_817_626_668_667_3, 0.644_462_949_231_053_3, 7.785_392_432_399_392e-5]),
        ];
        for ((requests, mean, variance), want) in wanted {
            let at = normal(requests, mean, variance);
            let quantile = |p| at.quantile(p).unwrap();
            let got = [at.mean(), at.sd(), quantile(0.05), quantile(0.999), at.above(0.65).unwrap()];
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() < 1e-12 + 1e-11 * want.abs(), "{requests}: {got} for {want}");
            }
        }
    }

    #[test]
    fn one_above_the_other_agrees_with_scipy() {
        // scipy 1.17.1, integrate.quad of pdf × cdf.
        let (few, many, none) = (normal(20.0, 0.7, 0.04), normal(1000.0, 0.62, 0.0625), normal(0.0, 0.0, 0.0));
        let rate = |yes, no| Posterior::Beta(BetaMean::new(yes, no).unwrap());
        for (one, other, want) in [
            (few, many, 0.885_375_849_016_965_1),
            (none, many, 0.412_996_173_372_463_9),
            (none, few, 0.365_423_678_378_900_2),
            (rate(8.0, 4.0), rate(61.0, 41.0), 0.697_311_914_606_239_9),
            (rate(8.0, 4.0), many, 0.654_552_395_243_770_2),
        ] {
            let got = one.probability_above(&other);
            assert!((got - want).abs() < 1e-8, "{got} for {want}");
            assert!((got + other.probability_above(&one) - 1.0).abs() < 1e-12);
        }
        assert!((few.probability_above(&few) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn evidence_takes_over_from_the_prior() {
        let prior = Prior::between(0.0, 1.0).unwrap();
        let of = |evidence: &Evidence| prior.posterior(evidence).unwrap();
        let (none, some, more) = (Evidence::default(), Evidence::new(10.0, 0.9, 0.01), Evidence::new(1e6, 0.9, 0.01));
        let (some, more) = (some.unwrap(), more.unwrap());
        assert!((of(&none).mean() - 0.5).abs() < 1e-15 && (of(&none).sd() - 0.5).abs() < 1e-12);
        assert!(of(&some).sd() < of(&none).sd() && of(&more).sd() < of(&some).sd());
        assert!((of(&more).mean() - 0.9).abs() < 1e-6 && (of(&more).sd() - 1e-4).abs() < 1e-8);
        assert!(of(&some).sd() < of(&some.discounted(0.3)).sd());
    }

    #[test]
    fn a_constant_arm_still_has_a_width() {
        let at = normal(50.0, 0.5, 0.0);
        assert!(at.sd() > 0.0 && at.quantile(0.9).unwrap() > 0.5);
        let huge = Prior::around(0.0, 1e100).unwrap().posterior(&Evidence::new(1e18, 1e100, 0.0).unwrap()).unwrap();
        assert!(huge.mean().is_finite() && huge.sd().is_finite());
    }

    #[test]
    fn what_no_posterior_can_come_from() {
        assert_eq!(Prior::Binary.posterior(&Evidence::new(3.0, 1.2, 0.1).unwrap()), Err(Unusable::Mean));
        assert!(Prior::Binary.posterior(&Evidence::default()).is_ok());
        for (mean, deviation) in [(0.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (0.0, -1.0)] {
            assert_eq!(Prior::around(mean, deviation), None);
        }
        assert_eq!((Prior::between(1.0, 1.0), Prior::between(0.0, f64::NAN)), (None, None));
        let at = normal(3.0, 0.5, 0.1);
        assert_eq!(
            (at.quantile(0.0), at.quantile(1.0), at.quantile(f64::NAN), at.above(f64::NAN)),
            (None, None, None, None)
        );
        let rate = Prior::Binary.posterior(&Evidence::default()).unwrap();
        assert_eq!((rate.above(f64::NAN), rate.above(-3.0), rate.above(3.0)), (None, Some(1.0), Some(0.0)));
    }
}
