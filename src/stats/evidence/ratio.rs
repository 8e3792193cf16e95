//! Whether the candidate gets the share of requests that was pushed.

use serde::{Deserialize, Serialize};

use super::{
    bound::{Chance, Sum},
    track::Track,
    variance::Contrast,
};

/// Probability, per stage, of reporting a mismatch where there is none.
pub const ALPHA: f64 = 0.001;

/// A share off by less than this part of itself (of the control's, if that is smaller) is no mismatch: routers round.
const TOLERANCE: f64 = 0.02;

/// Requests expected on the smaller side before a block ends.
const ENOUGH: f64 = 5.0;

/// Requests of a stage against the weight that was pushed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    share: f64,
    track: Track,
    open: [f64; 2],
    minutes: i64,
}

/// What the share looks like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatioReading {
    /// The share that was pushed.
    pub pushed: f64,
    /// The share seen in this stage. `None` without requests.
    pub seen: Option<f64>,
    /// Interval of the true share, anytime-valid at [`ALPHA`]; within `0..=1`.
    pub interval: [f64; 2],
    /// Blocks of minutes behind it.
    pub blocks: u64,
    /// Whether the interval lies outside the pushed share and its tolerance.
    pub mismatch: bool,
}

impl Ratio {
    /// A stage begins with `share` of the requests pushed to the candidate.
    #[must_use]
    pub fn new(share: f64) -> Self {
        Self { share, track: Track::new(1), open: [0.0; 2], minutes: 0 }
    }

    /// Adds the requests of `minutes` minutes.
    pub fn add(&mut self, minutes: i64, requests: [f64; 2]) {
        self.open[0] += requests[0];
        self.open[1] += requests[1];
        self.minutes = self.minutes.saturating_add(minutes);
        let total = self.open[0] + self.open[1];
        if total * self.share.min(1.0 - self.share) < ENOUGH {
            return;
        }
        self.track.push(self.minutes, total, [total, 0.0], self.open, &[self.open[0] - self.share * total]);
        self.open = [0.0; 2];
        self.minutes = 0;
    }

    /// Compares with the pushed share. The variance is at least the binomial one under it and follows clusters and slow waves
    /// of assignment, so sticky sessions alone are no mismatch (unlike in the multinomial test of Lindon and Malek, 2022,
    /// doi:10.48550/arXiv.2011.03567, which takes requests for independent).
    #[must_use]
    pub fn read(&self) -> RatioReading {
        let [candidate, control] = self.track.requests;
        let total = candidate + control;
        let mut reading = RatioReading {
            pushed: self.share,
            seen: (total > 0.0).then(|| candidate / total),
            interval: [0.0, 1.0],
            blocks: self.track.blocks as u64,
            mismatch: false,
        };
        let contrast = Contrast::Column { column: 0, less: 0.0 };
        let single = self.share * (1.0 - self.share);
        if let Some(variance) = contrast.variance(&self.track, single * self.track.weight) {
            // Closest for a share wrong by a tenth.
            let scale = 2.0 * single * single / (0.1 * self.share.min(1.0 - self.share)).powi(2);
            let chance = Chance { variance, scale, step: 0.0 };
            let sum = Sum { value: self.track.sums[0], weight: self.track.weight, up: chance, down: chance };
            let [low, high] = sum.interval(ALPHA / 2.0, ALPHA / 2.0);
            reading.interval = [(self.share + low).clamp(0.0, 1.0), (self.share + high).clamp(0.0, 1.0)];
            let tolerance = TOLERANCE * self.share.min(1.0 - self.share);
            reading.mismatch = low > tolerance || high < -tolerance;
        }
        reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes of 200 requests with `share` on the candidate, in clusters of `cluster` that go the same way.
    fn read(pushed: f64, share: f64, cluster: u32, minutes: u32) -> RatioReading {
        let mut state = 9_u64;
        let mut ratio = Ratio::new(pushed);
        for _ in 0..minutes {
            let mut requests = [0.0; 2];
            for _ in 0..200 / cluster {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let to_candidate = ((state >> 11) as f64 / (1_u64 << 53) as f64) < share;
                requests[usize::from(!to_candidate)] += f64::from(cluster);
            }
            ratio.add(1, requests);
        }
        ratio.read()
    }

    #[test]
    fn the_pushed_share_passes_also_in_clusters() {
        for (share, cluster) in [(0.05, 1), (0.25, 20), (0.5, 50)] {
            let reading = read(share, share, cluster, 600);
            assert!(!reading.mismatch, "{reading:?}");
            assert!(reading.interval[0] < share && share < reading.interval[1]);
        }
    }

    #[test]
    fn another_share_is_seen() {
        assert!(read(0.05, 0.07, 1, 60).mismatch);
        assert!(read(0.5, 0.45, 1, 60).mismatch);
        assert!(read(0.25, 0.0, 1, 60).mismatch, "a candidate that gets nothing");
        assert!(!read(0.5, 0.45, 1, 1).mismatch, "not in the first minute");
    }

    #[test]
    fn no_share_is_no_test() {
        for share in [0.0, 1.0] {
            let reading = read(share, 0.3, 1, 60);
            assert!(!reading.mismatch && reading.seen.is_none());
        }
    }
}
