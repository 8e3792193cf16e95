//! Two quantities side by side in the same bins, and the rank tests on them.
//!
//! The bounds of a sketch's bins are fixed before any data, the same on both sides. So the tests here are valid tests of
//! "the binned quantities have the same distribution", and a difference between binned quantities is one between the
//! quantities themselves. What binning can hide is bounded: see each function. Values inside a bin count as ties.

use super::{
    Alternative, Undefined, ascending, check, kolmogorov,
    mann_whitney::{Continuity, MannWhitney, tied_variance},
    tie_groups,
};
use crate::stats::{Sketch, sketch::ZERO_BIN};

/// Shares of both sides in each of their common bins, ascending, and how many independent values each side is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Binned {
    shares: Vec<[f64; 2]>,
    /// Mass of both sides in bins that hold one value only: there nothing is hidden.
    single: Vec<bool>,
    pub n: f64,
    pub m: f64,
}

/// The Kolmogorov–Smirnov test on bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinnedKs {
    /// Largest difference of the distribution functions at a bound of a bin, where both are known exactly.
    pub distance: f64,
    /// The distance of the values themselves is at least `distance` and at most this: inside a bin one function can be at
    /// its upper end while the other is still at its lower, so no more than the larger share of that bin is added.
    pub distance_at_most: f64,
    /// Of `distance`, from Kolmogorov's limiting law. Too large rather than too small: binning makes ties.
    pub p_value: f64,
}

/// The Mann–Whitney test on bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinnedMannWhitney {
    pub statistic: MannWhitney,
    /// P(X > Y) + ½ P(X = Y); the values' own is within `resolution` of it.
    pub superiority: f64,
    /// Half the probability that two values share a bin of more than one value: all such pairs might go one way.
    pub resolution: f64,
    /// Ties corrected, with continuity correction.
    pub p_value: f64,
}

impl Binned {
    /// Two sketches; `requests` is what each is worth after sampling weights and the design effect, at least 1.
    pub fn of_sketches(x: &Sketch, y: &Sketch, requests: [f64; 2]) -> Result<Self, Undefined> {
        let weights = [x.weight(), y.weight()];
        for (weight, n) in weights.iter().zip(requests) {
            if !weight.is_finite() || !n.is_finite() {
                return Err(Undefined::NotFinite);
            }
            if *weight <= 0.0 || n < 1.0 {
                return Err(Undefined::TooFew { needs: 1, has: 0 });
            }
        }
        let (mut a, mut b) = (x.bins().iter().peekable(), y.bins().iter().peekable());
        let (mut shares, mut single) = (Vec::new(), Vec::new());
        while let Some(index) = [a.peek(), b.peek()].into_iter().flatten().map(|bin| bin.index).min() {
            let left = a.next_if(|bin| bin.index == index).map_or(0.0, |bin| bin.weight / weights[0]);
            let right = b.next_if(|bin| bin.index == index).map_or(0.0, |bin| bin.weight / weights[1]);
            shares.push([left, right]);
            single.push(index == ZERO_BIN);
        }
        Ok(Self { shares, single, n: requests[0], m: requests[1] })
    }

    /// Raw values, each distinct one its own bin.
    pub fn of_values(x: &[f64], y: &[f64]) -> Result<Self, Undefined> {
        check(x, 1).and(check(y, 1))?;
        let (n, m) = (x.len() as f64, y.len() as f64);
        let groups = tie_groups(&ascending(x), &ascending(y));
        let shares: Vec<[f64; 2]> = groups.iter().map(|[a, b]| [*a as f64 / n, *b as f64 / m]).collect();
        Ok(Self { single: vec![true; shares.len()], shares, n, m })
    }

    /// Shares of the first and the second side, which each sum to one.
    #[must_use]
    pub fn shares(&self) -> &[[f64; 2]] {
        &self.shares
    }

    /// nm / (n + m).
    #[must_use]
    pub fn effective(&self) -> f64 {
        self.n * self.m / (self.n + self.m)
    }

    /// The Kolmogorov–Smirnov test.
    #[must_use]
    pub fn ks(&self, alternative: Alternative) -> BinnedKs {
        // Greater values, lower distribution function.
        let gap = |first: f64, second: f64| match alternative {
            Alternative::TwoSided => (first - second).abs(),
            Alternative::Greater => second - first,
            Alternative::Less => first - second,
        };
        let (mut low, mut distance, mut at_most) = ([0.0_f64; 2], 0.0_f64, 0.0_f64);
        for (share, single) in self.shares.iter().zip(&self.single) {
            let high = [low[0] + share[0], low[1] + share[1]];
            distance = distance.max(gap(high[0], high[1]));
            if !single {
                at_most = at_most.max(gap(high[0], low[1])).max(gap(low[0], high[1]));
            }
            low = high;
        }
        // Shares are rounded: a distance that is none must not become one.
        let distance = if distance < 1e-12 { 0.0 } else { distance.min(1.0) };
        let lambda = self.effective().sqrt() * distance;
        let p_value = match alternative {
            Alternative::TwoSided => kolmogorov::limit_upper_tail(lambda),
            Alternative::Greater | Alternative::Less => (-2.0 * lambda * lambda).exp(),
        };
        BinnedKs { distance, distance_at_most: at_most.max(distance).min(1.0), p_value }
    }

    /// The Mann–Whitney test. Where all values share one bin there is nothing to tell apart, and the p-value is 1.
    #[must_use]
    pub fn mann_whitney(&self, alternative: Alternative) -> BinnedMannWhitney {
        let (mut below, mut superiority, mut tied, mut cubes) = (0.0, 0.0, 0.0, 0.0);
        for (share, single) in self.shares.iter().zip(&self.single) {
            superiority += share[0] * (below + share[1] / 2.0);
            below += share[1];
            if !single {
                tied += share[0] * share[1];
            }
            let count = share[0] * self.n + share[1] * self.m;
            // Below one effective value in a bin there are no ties to correct for.
            cubes += (count * (count - 1.0) * (count + 1.0)).max(0.0);
        }
        let superiority = superiority.clamp(0.0, 1.0);
        let (n, m) = (self.n, self.m);
        let statistic = MannWhitney { u: superiority * n * m, n, m, variance: tied_variance(n, m, cubes) };
        let p_value = statistic.p_asymptotic(alternative, Continuity::Corrected).unwrap_or(1.0);
        BinnedMannWhitney { statistic, superiority, resolution: tied / 2.0, p_value }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::hypothesis::{ks, mann_whitney};

    #[test]
    fn edges() {
        let (none, one) = (Sketch::default(), Sketch::from_values([1.0]));
        assert_eq!(Binned::of_sketches(&none, &one, [1.0, 1.0]), Err(Undefined::TooFew { needs: 1, has: 0 }));
        assert_eq!(Binned::of_sketches(&one, &one, [f64::NAN, 1.0]), Err(Undefined::NotFinite));
        let same = Binned::of_sketches(&one, &one, [1.0, 1.0]).unwrap();
        assert!(
            (same.ks(Alternative::TwoSided).p_value - 1.0).abs() < 1e-15
                && (same.mann_whitney(Alternative::TwoSided).p_value - 1.0).abs() < 1e-15
        );
        let zero =
            Binned::of_sketches(&Sketch::from_values([0.0; 9]), &Sketch::from_values([0.0; 9]), [9.0; 2]).unwrap();
        assert!(
            zero.ks(Alternative::TwoSided).distance_at_most.abs() < 1e-15
                && zero.mann_whitney(Alternative::TwoSided).resolution.abs() < 1e-15
        );
    }

    #[test]
    fn one_side_doubts_one_direction() {
        let (x, y) = (Sketch::from_values((40..240).map(f64::from)), Sketch::from_values((1..200).map(f64::from)));
        let sides = Binned::of_sketches(&x, &y, [200.0, 199.0]).unwrap();
        let p = |side| [sides.ks(side).p_value, sides.mann_whitney(side).p_value];
        assert!(p(Alternative::Greater).iter().all(|p| *p < 0.05) && p(Alternative::Less).iter().all(|p| *p > 0.5));
    }

    #[test]
    fn fewer_effective_requests_mean_less_evidence() {
        let (x, y) = (Sketch::from_values((1..200).map(f64::from)), Sketch::from_values((20..220).map(f64::from)));
        let (all, few) =
            (Binned::of_sketches(&x, &y, [199.0, 200.0]).unwrap(), Binned::of_sketches(&x, &y, [20.0; 2]).unwrap());
        assert!((all.ks(Alternative::TwoSided).distance - few.ks(Alternative::TwoSided).distance).abs() < 1e-15);
        assert!(
            all.ks(Alternative::TwoSided).p_value < few.ks(Alternative::TwoSided).p_value
                && all.mann_whitney(Alternative::TwoSided).p_value < few.mann_whitney(Alternative::TwoSided).p_value
        );
    }

    proptest! {
        #[test]
        fn raw_statistics_lie_within_the_stated_bounds(
            x in prop::collection::vec(prop_oneof![1 => Just(0.0), 9 => 0.5..2.0f64], 1..80),
            y in prop::collection::vec(prop_oneof![1 => Just(0.0), 9 => 0.5..2.0f64], 1..80),
        ) {
            let sketch = |v: &[f64]| Sketch::from_values(v.iter().copied());
            let binned = Binned::of_sketches(&sketch(&x), &sketch(&y), [x.len() as f64, y.len() as f64]).unwrap();
            let (bound, raw) = (binned.ks(Alternative::TwoSided), ks::distance(&x, &y, Alternative::TwoSided).unwrap().value());
            prop_assert!(bound.distance <= raw + 1e-12 && raw <= bound.distance_at_most + 1e-12, "{bound:?} {raw}");
            let (bound, raw) = (binned.mann_whitney(Alternative::TwoSided), mann_whitney::MannWhitney::of_values(&x, &y).unwrap());
            prop_assert!((bound.superiority - raw.superiority()).abs() <= bound.resolution + 1e-12);
            let exact = Binned::of_values(&x, &y).unwrap().mann_whitney(Alternative::TwoSided);
            prop_assert!((exact.statistic.u - raw.u).abs() < 1e-6);
            prop_assert!((exact.statistic.variance - raw.variance).abs() <= 1e-9 * raw.variance.max(1.0));
        }
    }
}
