//! Two sets of requests side by side: is the candidate worse than the baseline, by how much, and how sure is that.
//!
//! One estimator serves every figure: a ratio of sums on a common mix of requests, linearised, with variance between independent
//! units. Means use it as it is, shares and quantiles through the number of independent requests that it says they are
//! worth, in exact tests. Sessions, runs, pairs of prompts, weights and mix so need no tests of their own. Small p-values count
//! only as far as dealing the units to the sides at random bears them out: an estimated variance alone is not to be trusted there.

mod evidence;
mod family;
mod influence;
mod kept;
mod layout;
mod mean;
mod mix;
mod permutation;
mod quantile;
mod requests;
mod saddlepoint;
mod sample;
mod share;
#[cfg(test)]
mod tests;
mod verdict;

pub use evidence::{Evidence, Interval, Method};
pub use family::{Corrected, benjamini_hochberg, holm};
pub use kept::{KeptRequests, kept_requests, same_kinds};
pub use layout::{Matching, Mix};
pub use mix::{MixChange, mix_change};
pub use requests::{RequestKind, Requests};
pub use sample::{Lack, Sample, Side};
pub use verdict::{Item, Judged, Margin, Promises, Proof, Role, Scope, Verdict, judge};

use layout::Layout;
use quantile::Sorted;

/// Two samples of one figure, matched.
#[derive(Debug)]
pub struct Comparison<'a> {
    samples: [Sample<'a>; 2],
    layout: Layout,
}

impl<'a> Comparison<'a> {
    /// Matches kinds of request and units. O(n) without units and kinds, else O(n log n).
    pub fn new(baseline: Sample<'a>, candidate: Sample<'a>, mix: Mix) -> Result<Self, Lack> {
        let layout = Layout::new([&baseline, &candidate], mix)?;
        Ok(Self { samples: [baseline, candidate], layout })
    }

    /// Says that units are runs of many requests each, compared run to run. A run's mean is close to normal, so that a few runs can
    /// show something by Student's t; dealing fewer than seven a side at random never could.
    #[must_use]
    pub fn of_runs(mut self) -> Self {
        self.layout.runs = true;
        self
    }

    /// What became of the kinds of request.
    #[must_use]
    pub fn matching(&self) -> &Matching {
        &self.layout.matching
    }

    /// The mean, or the sum per denominator; as a share where all values are 0 or 1. `deterministic`: the figure follows from the request
    /// alone, as token counts and list prices do, and units are requests: where ten or more are on both sides and each differs by the same, they do.
    pub fn mean(&self, deterministic: bool) -> Result<Evidence, Lack> {
        let [baseline, candidate] = &self.samples;
        if !deterministic && baseline.is_share() && candidate.is_share() {
            return share::share([baseline, candidate], &self.layout);
        }
        mean::mean([baseline, candidate], &self.layout, deterministic)
    }

    /// Quantiles, each `0 < p < 1`; both sides are sorted once. Denominators play no part.
    #[must_use]
    pub fn quantiles(&self, p: &[f64]) -> Vec<Result<Evidence, Lack>> {
        let [baseline, candidate] = &self.samples;
        let side = |i: usize| Sorted::new(&self.samples[i], &self.layout.sides[i], &self.layout.mix);
        let sorted = [side(0), side(1)];
        let adjusted = self.layout.mix.len() > 1 || self.layout.matching.left_out.iter().any(|share| *share > 0.0);
        let plain = adjusted.then(|| self.samples.map(Sorted::plain));
        p.iter().map(|p| quantile::quantile([baseline, candidate], &self.layout, &sorted, plain.as_ref(), *p)).collect()
    }
}
