//! Variance of a sum over blocks that are neither alike nor independent.

use super::track::{SPANS, Spread, Track};

/// Fewer blocks than this say nothing.
pub const MIN_BLOCKS: f64 = 5.0;

/// Batches of a length, below which that length is not looked at.
const MIN_BATCHES: f64 = 3.0;

/// Memory of slow minutes that is reckoned with beyond the longest batches seen: autocorrelation from minute to minute.
const MEMORY: f64 = 0.8;

/// How many standard errors the variance of long batches is raised by, as it is itself estimated from few. Set by simulation.
const CAUTION: f64 = 0.5;

/// Which difference of a track is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Contrast {
    /// One column less a constant.
    Column {
        /// Which.
        column: usize,
        /// The constant.
        less: f64,
    },
    /// Candidate − `bound` · control, times `sign`, of a track whose columns are candidate, control and their difference.
    Ratio {
        /// Factor on the control.
        bound: f64,
        /// 1 where more is worse, −1 where less is worse.
        sign: f64,
    },
}

impl Contrast {
    /// Weighted sum over all blocks.
    #[must_use]
    pub fn sum(self, sums: &[f64], weight: f64) -> f64 {
        match self {
            Self::Column { column, less } => sums[column] - less * weight,
            Self::Ratio { bound, sign } => sign * (sums[0] - bound * sums[1]),
        }
    }

    fn spreads(self, track: &Track) -> [Spread; SPANS.len()] {
        match self {
            Self::Column { column, .. } => track.spreads(column),
            Self::Ratio { bound, .. } => {
                let [candidate, control, difference] = [0, 1, 2].map(|column| track.spreads(column));
                // Var(c − θ b) from Var(c), Var(b) and Var(c − b), which hold the covariance.
                let variance = |c: f64, b: f64, d: f64| (c + bound * bound * b - bound * (c + b - d)).max(0.0);
                std::array::from_fn(|level| Spread {
                    variance: variance(candidate[level].variance, control[level].variance, difference[level].variance),
                    ..candidate[level]
                })
            }
        }
    }

    /// Variance of [`Contrast::sum`]. `None` with fewer than [`MIN_BLOCKS`] blocks.
    ///
    /// `sampling` is the variance that independent requests would give under the bound; the result is never less, so that
    /// blocks without a single rare event do not pass for certainty. To it, or to the variance between single blocks
    /// (raised while they are few, like Student's t), comes what longer batches vary in excess of independent blocks, scaled up
    /// to an infinite batch as if minutes forgot at a rate of 0.8 (the autocorrelation from one to the next).
    #[must_use]
    pub fn variance(self, track: &Track, sampling: f64) -> Option<f64> {
        let spreads = self.spreads(track);
        let [single, longer @ ..] = &spreads;
        if single.batches < MIN_BLOCKS {
            return None;
        }
        let excess = excess(single, longer, sampling) * single.variance;
        let few = 1.0 + 2.0 / (single.batches - 2.0);
        let variance = sampling.max(single.variance * few) + excess;
        variance.is_finite().then_some(variance)
    }
}

/// How much more an infinite batch varies than single blocks do, as a part of the latter.
///
/// If minutes forget at the rate of [`MEMORY`], batches of every length tell of the same excess, each of a known part of it; they
/// are weighed by what they are worth (n batches know their variance to √(2/n)), and the result is raised by [`CAUTION`] of
/// its standard errors, up to what shocks without any chance of their own would give. Batches that vary even more are believed.
fn excess(single: &Spread, longer: &[Spread], sampling: f64) -> f64 {
    if single.variance <= 0.0 {
        return 0.0;
    }
    let known = captured(single.minutes);
    let whole = captured(f64::INFINITY);
    let (mut information, mut told, mut most) = (0.0, 0.0, 0.0_f64);
    for spread in longer {
        let part = (captured(spread.minutes) - known) / (whole - known);
        if spread.batches >= MIN_BATCHES && part >= 0.05 {
            let seen = spread.variance / single.variance - 1.0;
            information += part * part * spread.batches / 2.0;
            told += part * seen * spread.batches / 2.0;
            most = if spread.batches >= 2.0 * MIN_BATCHES { most.max(seen) } else { most };
        }
    }
    // Only what single blocks vary more than independent requests would can have a memory.
    let shocks = 1.0 - sampling / (single.variance * (1.0 + 2.0 * (2.0 / single.batches).sqrt()));
    let possible = shocks.max(0.0) * (whole / known - 1.0);
    if information <= 0.0 {
        return possible;
    }
    let guess = (told / information).max(0.0);
    let raised = (1.0 + guess) * (1.0 + CAUTION / information.sqrt()) - 1.0;
    raised.min(possible.max(guess)).max(most)
}

/// Variance of a sum over `minutes` minutes of a first-order autoregression, over that of independent minutes.
fn captured(minutes: f64) -> f64 {
    let long_run = (1.0 + MEMORY) / (1.0 - MEMORY);
    if minutes.is_infinite() {
        return long_run;
    }
    long_run - 2.0 * MEMORY * (1.0 - MEMORY.powf(minutes)) / (minutes * (1.0 - MEMORY).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_one_at_one_minute_and_all_in_the_end() {
        assert!((captured(1.0) - 1.0).abs() < 1e-12);
        assert!((captured(2.0) - 1.8).abs() < 1e-12);
        assert!((captured(1e9) - 9.0).abs() < 1e-6);
    }

    /// Autoregression with uniform steps.
    fn walk(memory: f64, length: usize, seed: u64) -> Track {
        let mut state = seed;
        let mut value = 0.0;
        let mut track = Track::new(1);
        for _ in 0..length {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let step = ((state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5) * (12.0 * (1.0 - memory * memory)).sqrt();
            value = memory * value + step;
            track.push(1, 1.0, [0.5, 0.5], [10.0, 10.0], &[value]);
        }
        track
    }

    const MEAN: Contrast = Contrast::Column { column: 0, less: 0.0 };

    #[test]
    fn knows_the_long_run_variance_of_autoregressions() {
        for (memory, least, most) in [(0.0, 0.95, 1.6), (0.5, 2.7, 4.8), (0.8, 8.0, 13.0)] {
            let factors = (1..=20).map(|seed| MEAN.variance(&walk(memory, 1500, seed), 0.0).unwrap() / 1500.0);
            let mean = factors.sum::<f64>() / 20.0;
            // (1 + φ) / (1 − φ) is 1, 3 and 9; what errs, errs upwards.
            assert!((least..most).contains(&mean), "{memory}: {mean}");
        }
    }

    #[test]
    fn never_below_what_sampling_gives_and_unknown_with_few() {
        let track = walk(0.0, 100, 1);
        assert!(MEAN.variance(&track, 1e6).unwrap() >= 1e6);
        assert_eq!(MEAN.variance(&walk(0.0, 4, 1), 1.0), None);
        assert_eq!(MEAN.variance(&Track::new(1), 1.0), None);
        let mut constant = Track::new(1);
        for _ in 0..50 {
            constant.push(1, 1.0, [0.5; 2], [1.0; 2], &[3.0]);
        }
        assert!((MEAN.variance(&constant, 7.0).unwrap() - 7.0).abs() < 1e-6);
    }

    #[test]
    fn ratios_know_their_covariance() {
        // Candidate and control move together: the difference at bound 1 does not vary at all.
        let mut track = Track::new(3);
        for step in 0..60 {
            let level = f64::from(step % 7);
            track.push(1, 1.0, [0.5; 2], [1.0; 2], &[level + 1.0, level, 1.0]);
        }
        let at = |bound: f64| Contrast::Ratio { bound, sign: 1.0 }.variance(&track, 0.0).unwrap();
        assert!(at(1.0) < 1e-9);
        assert!(at(2.0) > 100.0);
    }
}
