//! The probability that each arm is the best one, by quadrature over the product of distribution functions.

use super::{
    Posterior,
    curve::Curve,
    quadrature::{NODES, Rule, panels},
};

/// More arms are not compared at once.
pub const MOST_ARMS: usize = 32;
/// Narrower posteriors are widened to this part of the widest span: differences below it do not count.
const FINEST: f64 = 1e-9;
/// How the arms stand, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Probability that the arm has the highest mean reward. They sum to 1.
    pub probability: Vec<f64>,
    /// Reward per request expected to be lost by settling on the arm now, for good: E\[highest mean\] − E\[its mean\]. That of
    /// the arm with the highest mean is the *value remaining* in going on to compare. At least 0.
    pub expected_regret: Vec<f64>,
}

impl Best {
    /// Reward per request that comparing further could still win: the least expected regret.
    #[must_use]
    pub fn value_remaining(&self) -> f64 {
        self.expected_regret.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Probability of being best and expected regret of each arm, for independent posteriors; to about 1e-8 of the widest. No random numbers:
/// ∫ fₖ ∏ Fⱼ over panels that follow the narrowest arm at each place. `None` without arms or with more than [`MOST_ARMS`].
#[must_use]
pub fn best(posteriors: &[Posterior]) -> Option<Best> {
    if posteriors.is_empty() || posteriors.len() > MOST_ARMS {
        return None;
    }
    let origin = posteriors.iter().map(Posterior::mean).fold(f64::NEG_INFINITY, f64::max);
    let span = posteriors.iter().map(|arm| arm.sd().max(origin - arm.mean())).fold(0.0, f64::max);
    let curves: Vec<Curve> = posteriors.iter().map(|arm| Curve::new(arm, origin, span * FINEST)).collect();
    // Below it some arm is never: the best one is above.
    let low = curves.iter().map(|curve| curve.low).fold(f64::NEG_INFINITY, f64::max);
    let high = curves.iter().map(|curve| curve.high).fold(f64::NEG_INFINITY, f64::max);
    let near: Vec<(f64, f64)> = curves.iter().filter(|arm| arm.high > low).map(|arm| (arm.centre, arm.width)).collect();
    let ends: Vec<f64> = curves.iter().flat_map(|curve| [curve.low, curve.high]).collect();
    let (mut probability, excess) = integrate(&curves, &panels(low, high, &near, &ends));
    let total: f64 = probability.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    for share in &mut probability {
        *share /= total;
    }
    // E[max] = low + ∫ P(max > x) from there on; means count from the origin as the panels do.
    let highest = low + excess;
    let expected_regret = posteriors.iter().map(|arm| (highest - (arm.mean() - origin)).max(0.0)).collect();
    Some(Best { probability, expected_regret })
}

/// ∫ fₖ ∏ Fⱼ for every arm k, and ∫ (1 − ∏ Fⱼ). Distribution functions are densities integrated on the way, which costs less
/// than to call them.
fn integrate(curves: &[Curve], places: &[f64]) -> (Vec<f64>, f64) {
    let rule = Rule::new();
    let mut below: Vec<f64> = curves.iter().map(|curve| curve.below(places[0])).collect();
    let mut density = vec![[0.0; NODES]; curves.len()];
    let mut function = vec![[0.0; NODES]; curves.len()];
    let mut probability = vec![0.0; curves.len()];
    let mut excess = 0.0;
    for pair in places.windows(2) {
        let (left, width) = (pair[0], pair[1] - pair[0]);
        for (arm, curve) in curves.iter().enumerate() {
            if left >= curve.high || pair[1] <= curve.low {
                density[arm] = [0.0; NODES];
                function[arm] = [if left >= curve.high { 1.0 } else { 0.0 }; NODES];
                continue;
            }
            density[arm] = std::array::from_fn(|node| curve.density(left + width * rule.node[node]));
            let sum = |weights: &[f64; NODES]| -> f64 { weights.iter().zip(&density[arm]).map(|(w, f)| w * f).sum() };
            function[arm] = std::array::from_fn(|node| (below[arm] + width * sum(&rule.up_to[node])).clamp(0.0, 1.0));
            below[arm] = (below[arm] + width * sum(&rule.weight)).clamp(0.0, 1.0);
        }
        for node in 0..NODES {
            let weight = width * rule.weight[node];
            // Product over all others: what came before times what comes after, since a factor may be 0.
            let mut after = [1.0; MOST_ARMS + 1];
            for arm in (0..curves.len()).rev() {
                after[arm] = after[arm + 1] * function[arm][node];
            }
            let mut before = 1.0;
            for (arm, sum) in probability.iter_mut().enumerate() {
                *sum += weight * density[arm][node] * before * after[arm + 1];
                before *= function[arm][node];
            }
            excess += weight * (1.0 - before);
        }
    }
    (probability, excess)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bandit::{BetaMean, StudentMean};

    fn student(freedom: f64, location: f64, scale: f64) -> Posterior {
        Posterior::Student(StudentMean::new(location, scale, freedom).unwrap())
    }

    fn rate(yes: f64, no: f64) -> Posterior {
        Posterior::Beta(BetaMean::new(yes, no).unwrap())
    }

    fn close(got: &[f64], want: &[f64], within: f64) {
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < within, "{got} for {want}");
        }
    }

    #[test]
    fn agrees_with_adaptive_quadrature() {
        // scipy 1.17.1, integrate.quad piecewise, of pdf × product of cdf and of 1 − product of cdf.
        let mixed = [
            student(23.0, 0.690_476_190_476_190_5, 0.056_614_186_600_363_55),
            student(1003.0, 0.619_880_119_880_119_9, 0.007_934_097_124_184_334),
            student(3.0, 0.5, 0.5),
            rate(8.0, 4.0),
        ];
        let at = best(&mixed).unwrap();
        close(&at.probability, &[0.332_596_032_741, 0.023_608_625_035, 0.335_364_271_460, 0.308_431_070_764], 1e-9);
        close(&at.expected_regret, &[0.225_819_423, 0.296_415_493, 0.416_295_613, 0.249_628_947], 1e-8);
        assert!((at.value_remaining() - 0.225_819_423).abs() < 1e-8);

        let narrowing: Vec<Posterior> =
            (0..6).map(f64::from).map(|i| student(5.0 + 20.0 * i, 0.5 + 0.01 * i, 0.2 / (i + 1.0))).collect();
        let at = best(&narrowing).unwrap();
        let want = [
            0.322_203_680_146,
            0.175_715_824_376,
            0.124_336_575_438,
            0.110_032_886_822,
            0.118_495_759_429,
            0.149_215_273_789,
        ];
        close(&at.probability, &want, 1e-9);
        assert!((at.expected_regret[5] + 0.55 - 0.656_778_662).abs() < 1e-8);
    }

    #[test]
    fn closed_forms() {
        // Two uniform rates: the higher is 2/3 on average. Twenty: 20/21. Beta(1, n): exponential in the limit.
        let at = best(&[rate(1.0, 1.0); 2]).unwrap();
        close(&at.probability, &[0.5, 0.5], 1e-12);
        close(&at.expected_regret, &[1.0 / 6.0, 1.0 / 6.0], 1e-10);
        let at = best(&[rate(1.0, 1.0); 20]).unwrap();
        close(&at.expected_regret, &[20.0 / 21.0 - 0.5; 20], 1e-10);
        // P(Beta(a, 1) > Beta(b, 1)) = a / (a + b), also for thousands.
        let at = best(&[rate(3000.0, 1.0), rate(1000.0, 1.0)]).unwrap();
        close(&at.probability, &[0.75, 0.25], 1e-9);
        // Nearly normal: Φ(1/√2).
        let at = best(&[student(1e12, 1.0, 1.0), student(1e12, 0.0, 1.0)]).unwrap();
        close(&at.probability, &[0.760_249_938_906_524, 0.239_750_061_093_476], 3e-8);
    }

    #[test]
    fn widths_nine_decades_apart() {
        let at = best(&[student(1e6, 0.5, 1e-9), student(4.0, 0.5, 1.0), student(30.0, -40.0, 1e-3)]).unwrap();
        close(&at.probability, &[0.5, 0.5, 0.0], 1e-7);
        let at = best(&[student(50.0, 0.5, 1e-9), student(50.0, 0.5 + 1e-8, 1e-9)]).unwrap();
        assert!(at.probability[1] > 0.999_999, "{at:?}");
        let at = best(&[rate(1.0, 1e12), rate(1e12, 1.0), rate(1.0, 1.0)]).unwrap();
        close(&at.probability, &[0.0, 1.0, 0.0], 1e-6);
    }

    #[test]
    fn no_number_too_large_and_no_crowd_too_big() {
        let at = best(&[student(3.0, 1e100, 1e90), student(3.0, -1e100, 1e-90), student(1e300, 0.0, 1e50)]).unwrap();
        close(&at.probability, &[1.0, 0.0, 0.0], 1e-6);
        assert!(at.expected_regret.iter().all(|regret| regret.is_finite()));
        close(&best(&[student(3.0, 5.0, 1.0)]).unwrap().probability, &[1.0], 1e-12);
        let many: Vec<Posterior> = (0..32).map(|i| student(3.0 + f64::from(i), 0.0, 10_f64.powi(i / 4 - 4))).collect();
        let at = best(&many).unwrap();
        assert!((at.probability.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!((best(&[]), best(&[rate(1.0, 1.0); 33])), (None, None));
    }
}
