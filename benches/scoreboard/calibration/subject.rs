//! The tests that are calibrated, each as a way from data without change to a p-value.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::distribution::{Distribution, standard_normal};
use optimizer::stats::{
    Sketch,
    group_sequential::{Spending, bounds},
    hypothesis::{
        Alternative::TwoSided,
        Binned, Undefined,
        effect_size::{self, EffectSize},
        fisher,
        goodness_of_fit::{SampleRatio, sample_ratio},
        ks, mann_whitney,
        proportions::{self, Proportion, Variance},
        welch::{self, Summary},
    },
    mann_kendall::{self, Autocorrelation},
    power::Sides,
    psi::{self, EmptyBins},
    tails::normal,
};

/// A name and the p-value it gave; a statistic that is undefined rejects nothing, so it counts as 1.
pub type PValues = Vec<(&'static str, f64)>;

/// Both samples from one distribution.
pub fn two_samples(distribution: Distribution, sizes: [usize; 2], random: &mut ChaCha8Rng) -> PValues {
    let (x, y) = (distribution.sample(sizes[0], random), distribution.sample(sizes[1], random));
    let mut found = vec![
        ("Kolmogorov-Smirnov", ks::test(&x, &y, TwoSided).map_or(1.0, |test| test.p_value)),
        ("Mann-Whitney", mann_whitney::test(&x, &y, TwoSided).map_or(1.0, |test| test.p_value)),
        ("Welch", welch::welch_of_values(&x, &y).map_or(1.0, |test| test.p_value(TwoSided, 0.0))),
        ("Mann-Kendall", mann_kendall::test(&x).map_or(1.0, |test| test.p_value(TwoSided))),
    ];
    if distribution.positive() {
        let (x, y) = (Sketch::from_values(x), Sketch::from_values(y));
        let requests = sizes.map(|size| size as f64);
        if let Ok(sides) = Binned::of_sketches(&x, &y, requests) {
            found.push(("Kolmogorov-Smirnov, sketch", sides.ks(TwoSided).p_value));
            found.push(("Mann-Whitney, sketch", sides.mann_whitney(TwoSided).p_value));
            let stability = psi::between(&sides, 10, EmptyBins::Add(0.5));
            found.push(("PSI chi-square, sketch", stability.map_or(1.0, |found| found.p_value)));
            // Not a test, but used as one: zero when the band is left.
            let index = stability.map_or(0.0, |found| found.index);
            found.push(("PSI above 0.25", f64::from(u8::from(index <= 0.25))));
        }
        let test =
            Summary::of_sketch(&x, requests[0]).and_then(|x| welch::welch(&x, &Summary::of_sketch(&y, requests[1])?));
        found.push(("Welch, sketch", test.map_or(1.0, |test| test.p_value(TwoSided, 0.0))));
    }
    found
}

/// Successes at one rate on both sides, and a split in a configured ratio.
pub fn counts(rate: f64, n: usize, random: &mut ChaCha8Rng) -> PValues {
    let mut successes = || (0..n).filter(|_| random.random_bool(rate)).count() as u64;
    let (a, b) = (successes(), successes());
    let whole = n as u64;
    let p = |variance| {
        let side = |count: u64| Proportion::new(count as f64, n as f64);
        let difference = side(a).and_then(|a| proportions::difference(&a, &side(b)?, variance));
        difference.map_or(1.0, |found| found.p_value(TwoSided, 0.0))
    };
    let observed = [a as f64, (whole - a) as f64];
    let split = match sample_ratio(&observed, &[rate, 1.0 - rate]) {
        Ok(SampleRatio::Tested(test)) => test.p_value,
        _ => 1.0,
    };
    vec![
        ("pooled z", p(Variance::Pooled)),
        ("unpooled z", p(Variance::Separate)),
        ("Fisher", fisher::p_value([a, b], [whole; 2], TwoSided).unwrap_or(1.0)),
        ("sample ratio", split),
    ]
}

/// A series whose neighbours have correlation ½, without trend.
pub fn autocorrelated(n: usize, random: &mut ChaCha8Rng) -> PValues {
    let mut level = standard_normal(random);
    let values: Vec<f64> = (0..n)
        .map(|_| {
            level = 0.5 * level + 0.75_f64.sqrt() * standard_normal(random);
            level
        })
        .collect();
    let corrected = |method| mann_kendall::corrected(&values, method).map_or(1.0, |test| test.p_value(TwoSided));
    vec![
        ("Mann-Kendall", mann_kendall::test(&values).map_or(1.0, |test| test.p_value(TwoSided))),
        ("Mann-Kendall, first order", corrected(Autocorrelation::FirstOrder)),
        ("Mann-Kendall, Hamed-Rao", corrected(Autocorrelation::HamedRao { level: 0.05 })),
        ("Mann-Kendall, Yue-Wang", corrected(Autocorrelation::YueWang)),
    ]
}

/// Looks at a growing mean of independent increments: zero when a bound of level `alpha` is ever crossed.
pub fn looks(n: usize, alpha: f64, random: &mut ChaCha8Rng) -> PValues {
    let information: Vec<f64> = (1..=n).map(|look| look as f64 / n as f64).collect();
    let mut sum = 0.0;
    let z: Vec<f64> = (1..=n)
        .map(|look| {
            sum += standard_normal(random);
            sum / (look as f64).sqrt()
        })
        .collect();
    let crossed = |spending| {
        let bounds = bounds(spending, alpha, Sides::Two, &information).unwrap_or_default();
        f64::from(u8::from(!z.iter().zip(&bounds).any(|(z, bound)| z.abs() >= *bound)))
    };
    vec![
        ("group sequential, power 2", crossed(Spending::Power(2.0))),
        ("group sequential, O'Brien-Fleming", crossed(Spending::OBrienFleming)),
    ]
}

/// Intervals of a shift by half a standard deviation: zero when the truth is outside.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
pub fn intervals(n: usize, alpha: f64, random: &mut ChaCha8Rng) -> PValues {
    let x: Vec<f64> = (0..n).map(|_| 0.5 + standard_normal(random)).collect();
    let y: Vec<f64> = (0..n).map(|_| standard_normal(random)).collect();
    let truth = normal::cdf(0.5 / std::f64::consts::SQRT_2);
    let covers = |found: Result<EffectSize, Undefined>, truth: f64| {
        let inside = found.is_ok_and(|found| found.bounds.low <= Some(truth) && Some(truth) <= found.bounds.high);
        f64::from(u8::from(inside))
    };
    let (a, b) = (Summary::of_values(&x), Summary::of_values(&y));
    let g = a.and_then(|a| effect_size::hedges_g(&a, &b?, 1.0 - alpha));
    let superiority = Binned::of_values(&x, &y).and_then(|sides| effect_size::superiority(&sides, 1.0 - alpha));
    vec![("interval of Hedges' g", covers(g, 0.5)), ("interval of superiority", covers(superiority, truth))]
}
