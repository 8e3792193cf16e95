//! What is compared, and what its single values vary by.

use serde::{Deserialize, Serialize};

use super::{
    bound::{Chance, Sum},
    cell::{AT_TAU, Counts, GRID},
    ledger::{LOWEST, Ledger, Mark, ORDER},
    track::Track,
    variance::Contrast,
};

/// What a candidate can harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Provider errors out of requests served.
    Errors,
    /// Mean score.
    Quality,
    /// Mean cost of a success.
    Cost,
    /// 95th percentile of the latency of successes.
    Latency,
}

impl Measure {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Errors, Self::Quality, Self::Cost, Self::Latency];

    pub(super) fn track(self, ledger: &Ledger) -> &Track {
        match self {
            Self::Errors => &ledger.errors,
            Self::Quality => &ledger.quality,
            Self::Cost => &ledger.cost,
            Self::Latency => &ledger.latency,
        }
    }
}

/// Candidate against control with a bound between them: is the harm more than that?
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Question {
    /// Error rate of the candidate − of the control − this.
    Errors(f64),
    /// This · mean score of the control − of the candidate.
    Quality(f64),
    /// Mean cost of the candidate − this · of the control.
    Cost(f64),
    /// P(candidate slower than `GRID[this]` · τ) − P(control slower than τ).
    Tail(usize),
    /// Mean order score of the candidate − of the control.
    Order,
}

impl Question {
    pub(super) fn measure(self) -> Measure {
        match self {
            Self::Errors(_) => Measure::Errors,
            Self::Quality(_) => Measure::Quality,
            Self::Cost(_) => Measure::Cost,
            Self::Tail(_) | Self::Order => Measure::Latency,
        }
    }

    fn contrast(self) -> Contrast {
        match self {
            Self::Errors(points) => Contrast::Column { column: 0, less: points },
            Self::Quality(kept) => Contrast::Ratio { bound: kept, sign: -1.0 },
            Self::Cost(ratio) => Contrast::Ratio { bound: ratio, sign: 1.0 },
            Self::Tail(place) => Contrast::Column { column: 1 + place - LOWEST, less: 0.0 },
            Self::Order => Contrast::Column { column: ORDER, less: 0.0 },
        }
    }

    /// Variance of single values per side (the control's already times its factor), and the mean difference that the boundary
    /// is tuned to.
    ///
    /// The candidate's variance is the larger of what is seen and what the bound would give (as in a score test): a candidate
    /// without one error so far still might have as many as the bound allows.
    pub(super) fn single(self, [candidate, control]: &[Counts; 2]) -> ([f64; 2], f64) {
        match self {
            Self::Errors(points) => {
                let seen = [candidate, control].map(|side| rate(side.provider_errors, side.served));
                let at_bound = (seen[1] + points).min(1.0);
                ([binomial(seen[0]).max(binomial(at_bound)), binomial(seen[1])], points.max(0.02))
            }
            Self::Tail(place) => {
                let seen = [rate(candidate.slow[place], candidate.timed), rate(control.slow[AT_TAU], control.timed)];
                let gained = seen[1] - rate(control.slow[place], control.timed);
                ([binomial(seen[0]).max(binomial(seen[1])), binomial(seen[1])], gained.max(0.01))
            }
            Self::Order => {
                let variance = order_variance(candidate).max(order_variance(control));
                ([variance; 2], 0.1)
            }
            Self::Quality(kept) => {
                let (mean, variance) = score(control);
                let at_bound = (mean * kept).min(1.0);
                let restricted = variance / binomial(mean).max(f64::MIN_POSITIVE) * binomial(at_bound);
                let variances = [score(candidate).1.max(restricted), variance].map(|v| v.max(LEAST_SCORE_VARIANCE));
                ([variances[0], kept * kept * variances[1]], ((1.0 - kept).abs() * mean).max(0.02))
            }
            Self::Cost(ratio) => {
                let (mean, variance) = price(control);
                let variance = variance.max((LEAST_COST_VARIATION * mean).powi(2));
                let at_bound = ratio * ratio * variance;
                ([price(candidate).1.max(at_bound), at_bound], ((ratio - 1.0).abs().max(0.2) * mean))
            }
        }
    }

    /// Variance of single values per side if the candidate's error rate were exactly at the bound: under the two rates that are
    /// most likely then, the control's never below what it shows. `None` for the other measures, whose variance moves with the
    /// shocks and not only with the mean.
    fn at_bound(self, [candidate, control]: &[Counts; 2]) -> Option<[f64; 2]> {
        let Self::Errors(points) = self else { return None };
        let events = candidate.provider_errors + control.provider_errors - points * candidate.served;
        let pooled = rate(events, candidate.served + control.served);
        let old = pooled.max(rate(control.provider_errors, control.served));
        Some([binomial((old + points).min(1.0)), binomial(old)])
    }

    /// The question's sum over all blocks. `None` while there are too few of them.
    ///
    /// Whether errors are shown to be too many is judged by the variance they would have at the bound (a score test; the
    /// variance's excess over independent requests is kept as a factor), with whole steps allowed for: failures that nobody
    /// expects then count at once.
    pub(super) fn sum(self, ledger: &Ledger) -> Option<Sum> {
        let track = self.measure().track(ledger);
        let (variances, tuned) = self.single(&ledger.totals);
        let over_all = |variances: [f64; 2]| variances[0] * track.sampling[0] + variances[1] * track.sampling[1];
        let scale = |sampling: f64| 0.5 * (sampling / track.weight / tuned).powi(2);
        let sampling = over_all(variances);
        let variance = self.contrast().variance(track, sampling)?;
        let down = Chance { variance, scale: scale(sampling), step: 0.0 };
        let up = self.at_bound(&ledger.totals).map_or(down, |variances| {
            let at_bound = over_all(variances);
            Chance { variance: variance * at_bound / sampling, scale: scale(at_bound), step: 1.0 }
        });
        let value = self.contrast().sum(&track.sums, track.weight);
        Some(Sum { value, weight: track.weight, up, down })
    }

    /// Variance over what independent requests would give; at least 1.
    pub(super) fn design_effect(self, ledger: &Ledger, sum: &Sum) -> f64 {
        let track = self.measure().track(ledger);
        let (variances, _) = self.single(&ledger.totals);
        let sampling = variances[0] * track.sampling[0] + variances[1] * track.sampling[1];
        if sampling > 0.0 { (sum.down.variance / sampling).max(1.0) } else { 1.0 }
    }

    /// Mean difference within the present stage alone. `None` before its first block.
    pub(super) fn in_stage(self, ledger: &Ledger) -> Option<f64> {
        let track = self.measure().track(ledger);
        let Mark { weight, sums } = &ledger.stage[self.measure() as usize];
        let weight = track.weight - weight;
        let sums: Vec<f64> = track.sums.iter().zip(sums).map(|(now, then)| now - then).collect();
        (weight > 0.0).then(|| self.contrast().sum(&sums, weight) / weight)
    }
}

/// Scores that are all alike still vary by this standard deviation's square: 0.02.
const LEAST_SCORE_VARIANCE: f64 = 4e-4;

/// Costs that are all alike still vary by this part of their mean.
const LEAST_COST_VARIATION: f64 = 0.1;

/// Share with half an event and half a non-event added, so that it is never 0 or 1.
fn rate(events: f64, out_of: f64) -> f64 {
    ((events + 0.5) / (out_of + 1.0)).clamp(0.0, 1.0)
}

fn binomial(rate: f64) -> f64 {
    (rate * (1.0 - rate)).max(0.0)
}

/// Mean and variance of scores, with half a 0 and half a 1 added.
fn score(side: &Counts) -> (f64, f64) {
    let requests = side.scored + 1.0;
    let mean = ((side.quality + 0.5) / requests).clamp(0.0, 1.0);
    (mean, ((side.quality_squares + 0.5) / requests - mean * mean).max(0.0))
}

/// Mean and variance of costs.
fn price(side: &Counts) -> (f64, f64) {
    let requests = side.priced.max(f64::MIN_POSITIVE);
    let mean = side.cost / requests;
    (mean, (side.cost_squares / requests - mean * mean).max(0.0))
}

/// Variance of the order score, from how many exceed each step: E j² = Σ (2 i − 1) P(j ≥ i).
fn order_variance(side: &Counts) -> f64 {
    let steps = (AT_TAU + 1) as f64;
    let exceeding = side.slow[..=AT_TAU].iter().map(|slow| rate(*slow, side.timed));
    let (mean, squares) = exceeding
        .enumerate()
        .fold((0.0, 0.0), |(mean, squares), (i, share)| (mean + share, squares + (2.0 * i as f64 + 1.0) * share));
    ((squares - mean * mean) / (steps * steps)).max(1e-4)
}

/// The largest place of [`GRID`] that stands for no more than `1 + increase`: a margin between two places is read as the smaller.
#[must_use]
pub fn place_of(increase: f64) -> usize {
    (AT_TAU..GRID.len()).rev().find(|place| GRID[*place] <= 1.0 + increase + 1e-9).unwrap_or(AT_TAU)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_read_on_the_safe_side() {
        let at = |increase: f64| GRID[place_of(increase)];
        for (increase, factor) in [(0.0, 1.0), (0.2, 1.2), (0.19, 1.15), (0.5, 1.5), (2.0, 3.0), (9.0, 3.0)] {
            assert!((at(increase) - factor).abs() < 1e-12, "{increase}");
        }
        assert_eq!(place_of(f64::NAN), AT_TAU);
        assert_eq!(place_of(-1.0), AT_TAU);
    }

    #[test]
    fn order_scores_vary_as_their_steps_do() {
        // Half the requests exceed every step, half none: scores are 0 or 1.
        let mut counts = Counts { timed: 1e6, ..Counts::default() };
        counts.slow[..=AT_TAU].fill(5e5);
        assert!((order_variance(&counts) - 0.25).abs() < 1e-6);
    }

    #[test]
    fn a_perfect_record_keeps_the_variance_its_bound_allows() {
        let side = |scored: f64| Counts { scored, quality: scored, quality_squares: scored, ..Counts::default() };
        let ([candidate, _], _) = Question::Quality(0.95).single(&[side(50.0), side(1000.0)]);
        assert!((0.04..0.06).contains(&candidate), "{candidate}");
        let ([candidate, _], _) =
            Question::Errors(0.05).single(&[Counts::default(), Counts { served: 1e4, ..Counts::default() }]);
        assert!(candidate > 0.045, "{candidate}");
    }
}
