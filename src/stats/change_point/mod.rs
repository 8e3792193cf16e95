//! Where a series moved to another level for good.
//!
//! Least-squares segmentation with a penalty, in three steps:
//! 1. Candidates are the best splits of seeded intervals (Kovács et al. 2023, doi 10.1093/biomet/asac052): n log n work.
//! 2. Optimal partitioning over them (Jackson et al. 2005, doi 10.1109/LSP.2001.838216), with the noise and its autocorrelation
//!    measured on what the segmentation leaves over, again and again until the segmentation stays the same. Trends and slow
//!    waves leave autocorrelated residuals: the penalty grows by the long-run variance, (1 + rho) / (1 - rho), and asks for more.
//! 3. The same criterion in medians: changes that rest on a few outliers go, the weakest first.
//!
//! Noise is measured by the larger of the two half-sided median deviations, so that skewed data (latency) do not look calm.

mod noise;

use noise::Dimension;
use statrs::function::erf::erfc;

/// A regime lasts at least this many points. Shorter ones are anomalies.
pub const SHORTEST: usize = 5;
/// Penalty per change: this times (1 + dimensions) ln n noise variances. The modified BIC (Zhang, Siegmund 2007,
/// doi 10.1111/j.1541-0420.2006.00662.x) has 1.5 for known, normal, independent noise; here neither law nor dependence is known,
/// hence twice that. Simulated rates of any false change (n = 20 / 200 / 2,000): normal 0.1 / 0 / 0 %, Student t(3) 0.4 / 0.2 /
/// 1 %, autocorrelation 0.5: 3.4 / 0 / 0 %, log-normal with log-sd 0.5: 0.4 / 0.1 / 0 %, with log-sd 1: 2 / 5 / 13 %.
/// For raw latencies or costs, which are that skewed, pass logarithms or bucket means.
const STRICTNESS: f64 = 3.0;

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// First index of the new regime, in the input as given.
    pub index: usize,
    /// Median of the regime before and of the regime after, in the input's unit (first dimension).
    pub before: f64,
    pub after: f64,
    /// `after - before` in standard deviations of the noise. `None` when the regimes are constant: there is no noise.
    pub size: Option<f64>,
    /// Approximate chance that noise alone shows such a step at any of the n places, 0..=1 (normal law, long-run variance).
    pub p_value: f64,
}

/// Changes in one series, ascending. Values that are not finite are left out. Fewer than ten values: none.
#[must_use]
pub fn change_points(values: &[f64]) -> Vec<Change> {
    change_points_joint(&[values])
}

/// Changes that several series of the same length have in common. An index counts only where all series are finite.
/// Series longer than the shortest are cut to its length.
#[must_use]
pub fn change_points_joint(series: &[&[f64]]) -> Vec<Change> {
    let length = series.iter().map(|values| values.len()).min().unwrap_or(0);
    let known: Vec<usize> = (0..length).filter(|&at| series.iter().all(|values| values[at].is_finite())).collect();
    if known.len() < 2 * SHORTEST {
        return Vec::new();
    }
    // A constant dimension says nothing.
    let dimensions: Vec<Dimension> =
        series.iter().filter_map(|values| Dimension::new(known.iter().map(|&at| values[at]).collect())).collect();
    let mut search = Search { dimensions, count: known.len() };
    let cuts = search.run();
    search.report(&cuts).into_iter().map(|change| Change { index: known[change.index], ..change }).collect()
}

#[derive(Debug)]
struct Search {
    dimensions: Vec<Dimension>,
    count: usize,
}

impl Search {
    fn run(&mut self) -> Vec<usize> {
        if self.dimensions.is_empty() {
            return Vec::new();
        }
        let mut candidates = self.candidates();
        let mut cuts = Vec::new();
        loop {
            let next = self.partition(&candidates);
            let same = next == cuts;
            cuts = next;
            self.measure(&cuts);
            if same {
                break;
            }
            // The first round has the smallest penalty; later ones choose among its cuts, so that this ends.
            candidates = edges(&cuts, self.count);
        }
        while let Some((weakest, gain)) = self.weakest(&cuts) {
            if gain >= self.penalty() {
                break;
            }
            cuts.remove(weakest);
            self.measure(&cuts);
        }
        cuts
    }

    fn penalty(&self) -> f64 {
        STRICTNESS * (1 + self.dimensions.len()) as f64 * (self.count as f64).ln()
    }

    fn cost(&self, from: usize, to: usize) -> f64 {
        self.dimensions.iter().map(|dimension| dimension.cost(from, to)).sum()
    }

    fn measure(&mut self, cuts: &[usize]) {
        let edges = edges(cuts, self.count);
        self.dimensions.iter_mut().for_each(|dimension| dimension.measure(&edges));
    }

    /// Best splits of overlapping intervals of falling length, where they promise more than the penalty; with both ends.
    fn candidates(&self) -> Vec<usize> {
        let mut found = vec![0, self.count];
        let inverse: Vec<f64> = (0..=self.count).map(|n| 1.0 / n as f64).collect();
        let mut length = self.count as f64;
        while length >= (2 * SHORTEST) as f64 {
            let intervals = 2 * (self.count as f64 / length).ceil() as usize - 1;
            let shift = (self.count as f64 - length) / (intervals - 1).max(1) as f64;
            for number in 0..intervals {
                let from = (number as f64 * shift) as usize;
                let to = (from + length.ceil() as usize).min(self.count);
                if to >= from + 2 * SHORTEST {
                    let at = self.split(from, to, &inverse);
                    if self.cost(from, to) - self.cost(from, at) - self.cost(at, to) > self.penalty() {
                        found.push(at);
                    }
                }
            }
            length /= std::f64::consts::SQRT_2;
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Where one cut leaves the least cost: where the squares of the two sums, each over its length, are largest. `inverse` of
    /// lengths, because most of the work is here.
    fn split(&self, from: usize, to: usize, inverse: &[f64]) -> usize {
        let mut best = (f64::NEG_INFINITY, from + SHORTEST);
        for at in from + SHORTEST..=to - SHORTEST {
            let explained = |d: &Dimension| {
                let (left, right) = (d.sums[at] - d.sums[from], d.sums[to] - d.sums[at]);
                (left * left * inverse[at - from] + right * right * inverse[to - at]) / d.long_run
            };
            let all: f64 = self.dimensions.iter().map(explained).sum();
            if all > best.0 {
                best = (all, at);
            }
        }
        best.1
    }

    /// The cuts among the candidates with the smallest cost plus penalties.
    fn partition(&self, candidates: &[usize]) -> Vec<usize> {
        let mut best = vec![f64::INFINITY; candidates.len()];
        let mut previous = vec![0; candidates.len()];
        best[0] = -self.penalty();
        for to in 1..candidates.len() {
            for from in 0..to {
                if best[from].is_finite() && candidates[to] - candidates[from] >= SHORTEST {
                    let total = best[from] + self.cost(candidates[from], candidates[to]) + self.penalty();
                    if total < best[to] {
                        (best[to], previous[to]) = (total, from);
                    }
                }
            }
        }
        let mut cuts = Vec::new();
        let mut at = previous[candidates.len() - 1];
        while at > 0 {
            cuts.push(candidates[at]);
            at = previous[at];
        }
        cuts.reverse();
        cuts
    }

    /// Squared step of the medians at one cut, weighted by the lengths on both sides, in long-run variances.
    fn gain(&self, from: usize, at: usize, to: usize) -> f64 {
        let weight = (at - from) as f64 * (to - at) as f64 / (to - from) as f64;
        let step = |d: &Dimension| (d.median(from, at) - d.median(at, to)).powi(2) / d.long_run;
        weight * self.dimensions.iter().map(step).sum::<f64>()
    }

    fn weakest(&self, cuts: &[usize]) -> Option<(usize, f64)> {
        let edges = edges(cuts, self.count);
        edges.windows(3).map(|w| self.gain(w[0], w[1], w[2])).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn report(&self, cuts: &[usize]) -> Vec<Change> {
        let edges = edges(cuts, self.count);
        let Some(first) = self.dimensions.first() else { return Vec::new() };
        let change = |w: &[usize]| {
            let [before, after] = [first.median(w[0], w[1]), first.median(w[1], w[2])];
            let exact = first.noise <= 1e-11 * (first.squares[self.count] / self.count as f64).max(1.0);
            let chance = erfc((self.gain(w[0], w[1], w[2]) / 2.0).sqrt());
            Change {
                index: w[1],
                before: before * first.scale + first.centre,
                after: after * first.scale + first.centre,
                size: (!exact).then(|| (after - before) / first.noise.sqrt()),
                p_value: (chance * self.count as f64).min(1.0),
            }
        };
        edges.windows(3).map(change).collect()
    }
}

fn edges(cuts: &[usize], count: usize) -> Vec<usize> {
    std::iter::once(0).chain(cuts.iter().copied()).chain(std::iter::once(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three evenly spread numbers added: close to normal, sd 1, determined by the index.
    fn bell(index: usize) -> f64 {
        let one = |k: usize| {
            let mut z = (k as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        };
        one(3 * index) + one(3 * index + 1) + one(3 * index + 2)
    }

    fn stairs(length: usize) -> Vec<f64> {
        (0..length).map(|at| bell(at) + [0.0, 3.0, 1.0][at * 3 / length]).collect()
    }

    #[test]
    fn stairs_are_found_with_their_sizes() {
        let found = change_points(&stairs(300));
        assert_eq!(found.len(), 2, "{found:?}");
        for (change, (index, step)) in found.iter().zip([(100, 3.0), (200, -2.0)]) {
            assert!(change.index.abs_diff(index) <= 3, "{change:?}");
            assert!((change.after - change.before - step).abs() < 0.6);
            assert!((change.size.unwrap() - step).abs() < 0.8 && change.p_value < 1e-3);
        }
    }

    #[test]
    fn no_change_no_report() {
        assert!(change_points(&(0..672).map(bell).collect::<Vec<_>>()).is_empty());
        let skewed: Vec<f64> = (0..672).map(|at| (0.5 * bell(at)).exp()).collect();
        assert!(change_points(&skewed).is_empty());
        let mut walk = 0.0;
        let dependent: Vec<f64> = (0..672)
            .map(|at| {
                walk = 0.7 * walk + bell(at);
                walk
            })
            .collect();
        assert!(change_points(&dependent).is_empty());
    }

    #[test]
    fn a_few_outliers_are_no_regime() {
        let mut values: Vec<f64> = (0..200).map(bell).collect();
        values[90] = 80.0;
        values[92] = 90.0;
        assert!(change_points(&values).is_empty());
    }

    #[test]
    fn the_answer_does_not_depend_on_unit_or_offset() {
        let plain = stairs(150);
        let expected: Vec<usize> = change_points(&plain).iter().map(|change| change.index).collect();
        assert!(!expected.is_empty());
        for (factor, offset) in [(1e-9, 0.0), (1e6, -5e7), (-2.0, 1e6)] {
            let moved: Vec<f64> = plain.iter().map(|x| factor * x + offset).collect();
            let found: Vec<usize> = change_points(&moved).iter().map(|change| change.index).collect();
            assert_eq!(found, expected, "{factor} {offset}");
        }
    }

    #[test]
    fn missing_values_keep_their_indices() {
        let mut values = stairs(300);
        for at in (0..300).step_by(7) {
            values[at] = f64::NAN;
        }
        let found = change_points(&values);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].index.abs_diff(100) <= 3 && found[1].index.abs_diff(200) <= 3);
    }

    #[test]
    fn a_clean_step_has_no_noise_to_measure_by() {
        let values: Vec<f64> = (0..40).map(|at| if at < 20 { 1.0 } else { 2.0 }).collect();
        let found = change_points(&values);
        let [change] = found[..] else { panic!("{found:?}") };
        assert_eq!((change.index, change.size), (20, None));
        assert!((change.before - 1.0).abs() < 1e-12 && (change.after - 2.0).abs() < 1e-12);
    }

    #[test]
    fn poor_input_gives_no_changes_and_no_panic() {
        assert!(change_points(&[]).is_empty());
        assert!(change_points(&[1.0, 100.0]).is_empty());
        assert!(change_points(&[7.0; 100]).is_empty());
        assert!(change_points(&[f64::NAN; 50]).is_empty());
        assert!(change_points_joint(&[]).is_empty());
        for values in
            [[f64::MAX, f64::MIN].repeat(20), [f64::MAX, 1.0, f64::INFINITY].repeat(20), [1e-300, -1e-300].repeat(9)]
        {
            for change in change_points(&values) {
                assert!(change.before.is_finite() && change.p_value.is_finite(), "{change:?}");
            }
        }
    }

    #[test]
    fn series_that_change_together_support_each_other() {
        let weak =
            |shift: usize| (0..80).map(|at| bell(at + shift) + if at < 40 { 0.0 } else { 1.6 }).collect::<Vec<_>>();
        let all: Vec<Vec<f64>> = (0..4).map(|k| weak(1000 * k)).collect();
        let found = change_points_joint(&all.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert!(found.len() == 1 && found[0].index.abs_diff(40) <= 3, "{found:?}");
    }
}
